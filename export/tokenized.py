"""The tokenizer, the labels and the length of a Keras model, which it does not hold itself."""

import warnings
from collections.abc import Sequence

import keras
import numpy as np

from export import text_layer
from export.architecture import Architecture
from zoo import vocabulary_files
from zoo.text import PAD_ID, Tokenizer
from zoo.tokenizers import AnyTokenizer
from zoo.wordpiece import WordPieceTokenizer


def require_fit(
    model: keras.Model,
    read: Architecture,
    tokenizer: AnyTokenizer | None,
    labels: Sequence[str] | None,
) -> None:
    """Raises `ValueError` if a tokenizer or labels are not those of a model."""
    if tokenizer is not None:
        vocabulary, rows = tokenizer.vocabulary, len(read.embedding)
        length_of(model, tokenizer.max_length)
        if vocabulary.size > rows:
            raise ValueError(
                f"The vocabulary has ids up to {vocabulary.size - 1}, but the embedding has {rows} "
                "rows; give the vocabulary that the model was trained with."
            )
        if read.masked and vocabulary.pad != PAD_ID:
            raise ValueError(
                f"The vocabulary has <PAD> with id {vocabulary.pad}, and the model masks id "
                f"{PAD_ID}. Padding has to have the id that the model masks."
            )
    if labels is not None:
        classes = len(read.bias)
        of_one_logit = classes == 1 and read.scores.kind == "sigmoid" and len(labels) == 2
        vocabulary_files.check_labels(labels, None if of_one_logit else classes, "labels")


def check_given(tokenizer: AnyTokenizer | None, labels: Sequence[str] | None) -> None:
    """Checks arguments before a model is loaded."""
    if tokenizer is not None and not isinstance(tokenizer, (Tokenizer, WordPieceTokenizer)):
        raise ValueError(
            f"tokenizer must be a zoo.text.Tokenizer, not a {type(tokenizer).__name__}: "
            "Tokenizer(zoo.vocabulary_files.read_vocabulary(FILE), max_length)."
        )
    if labels is not None:
        if isinstance(labels, str) or not all(isinstance(one, str) for one in labels):
            raise ValueError(f"labels must be a list of strings, not {labels!r:.80}.")
        vocabulary_files.check_labels(labels, None, "labels")


def without_text_layer(
    model, tokenizer: AnyTokenizer | None, max_length: int | None
) -> tuple[keras.Model, AnyTokenizer | None, int | None]:
    """A model of ids, with the tokenizer that takes the place of its `TextVectorization` layer.

    Returns the model, the tokenizer and the number of ids.

    Warns:
        UserWarning: Where the device reads texts otherwise than the layer.
    """
    found = text_layer.of(model)
    if found is None:
        return model, tokenizer, max_length
    if tokenizer is None:
        found.require_possible()
    length = max_length or (tokenizer.max_length if tokenizer else None) or found.length
    if found.length not in (None, length):
        raise ValueError(
            f"{found.name} gives {found.length} ids, not {length}; leave max_length out."
        )
    if tokenizer is None:
        tokenizer = found.tokenizer(require_length(length))
        if found.folds_case:
            warnings.warn(
                f"{found.name} makes texts lower case. On the device, the vocabulary has the "
                "lower, Capitalised and UPPER form of each word; other mixed case (iPhone) is "
                "unknown there.",
                stacklevel=4,
            )
    else:
        warnings.warn(
            f"{found.name} is left out. The device's tokenizer takes its place, with the given "
            f"vocabulary ({tokenizer.kind}); where it gives other ids than "
            "the layer, the scores are others than those of the whole model.",
            stacklevel=4,
        )
    return found.model, tokenizer, length


def length_of(model: keras.Model, max_length: int | None) -> int:
    """The number of ids of a text, from the argument or the model; raises `ValueError`."""
    fixed: int | None = model.inputs[0].shape[1] if getattr(model, "inputs", None) else None
    if max_length is None:
        max_length = fixed
    if fixed not in (None, max_length):
        raise ValueError(
            f"Model {model.name!r} takes texts of {fixed} ids, not {max_length}; leave max_length "
            "out, or begin the model with keras.Input((None,), dtype='int32')."
        )
    return require_length(max_length)


def require_length(length) -> int:
    """Raises `ValueError` if a number of ids is not an integer of at least 1."""
    if not isinstance(length, (int, np.integer)) or isinstance(length, bool) or length < 1:
        raise ValueError(
            "max_length, the number of ids of a text, must be an integer of at least 1 (a Keras "
            f"model does not say it itself), not {length!r}."
        )
    return int(length)
