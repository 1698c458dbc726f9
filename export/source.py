"""The source of an export: a run, a shipped model or a Keras model, with or without tokenizer."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from export import architecture, plain_names, questions, text_layer
from export.architecture import Architecture, UnsupportedModelError
from export.questions import Questions
from zoo import bundle as bundles
from zoo import models, scores, vocabulary_files
from zoo.samples import of_length
from zoo.text import PAD_ID, Tokenizer

PADDINGS = ("right", "any")
SIXTEEN_BITS = 0.02  # largest change of a score by computing in 16 bits


@dataclass(frozen=True)
class Source:
    """The source of an export.

    Attributes:
        name: The beginning of file names.
        read: The architecture of the model.
        questions: The texts to verify its files with.
        length: L, the token ids per text.
        tokenizer: The tokenizer, or None.
        labels: The labels for the metadata; None for files without metadata.
        calibration: int32 [texts, L], ids of calibration texts; no rows if there are none.
    """

    name: str
    read: Architecture
    questions: Questions
    length: int
    tokenizer: Tokenizer | None
    labels: tuple[str, ...] | None
    calibration: np.ndarray

    @property
    def is_bare(self) -> bool:
        """Whether its files hold no tokenizer and labels."""
        return self.tokenizer is None or self.labels is None


def of(
    run_or_model: str | os.PathLike | bundles.Bundle | keras.Model,
    *,
    max_length: int | None,
    texts: Sequence[str] | np.ndarray,
    calibration: Sequence[str] | np.ndarray,
    metadata: bool,
    kind: str | None,
    padding: str | None,
    tokenizer: Tokenizer | None = None,
    labels: Sequence[str] | None = None,
) -> Source:
    """Reads a run, a shipped model or a Keras model; arguments as for `export.export_model`.

    Raises:
        ValueError: If an argument is invalid.
        UnsupportedModelError: If the model cannot be exported.
    """
    if padding not in (None, *PADDINGS):
        raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, not {padding!r}.")
    _check_given(tokenizer, labels)
    name = None
    if isinstance(run_or_model, (str, os.PathLike)):
        reference = models.resolve(run_or_model, weights=True, tokenizer=False)
        if reference.kind == "keras":
            name, run_or_model = models.file_name(reference.path), reference.keras_model()
        else:
            run_or_model = reference.bundle()
    bundle: bundles.Bundle | None = None
    if isinstance(run_or_model, bundles.Bundle):
        if tokenizer is not None or labels is not None:
            raise ValueError("A run has its own tokenizer and labels; leave both out.")
        bundle = run_or_model
        model, name, tokenizer = bundle.model, bundle.name, bundle.tokenizer
        labels = bundle.labels
    else:
        model = run_or_model
        name = name or models.plain_name(str(getattr(model, "name", "")))
        model, tokenizer, max_length = _without_text_layer(model, tokenizer, max_length)
        if tokenizer is None and labels is not None:
            raise ValueError("labels are for files with a tokenizer; give tokenizer= too.")
    model = plain_names.of(model)
    plain = in_float32(model)
    read = architecture.read(plain, kind)
    if tokenizer is not None and max_length is not None:
        tokenizer = Tokenizer(
            tokenizer.vocabulary, _require_length(max_length), tokenizer.delimiter
        )
    length = tokenizer.max_length if tokenizer else _length(plain, max_length)
    if bundle is None:
        _require_fit(plain, read, tokenizer, labels)
    if read.masked and (padding or _usual_padding(tokenizer)) == "any":
        read = replace(read, right_padded=False)
    asked = questions.of(
        plain,
        read,
        length,
        tokenizer=tokenizer,
        texts=texts,
        samples=bundle.samples if bundle else None,
    )
    scores.check(read.scores, asked.outputs, name)
    if plain is not model:
        _require_near(model, plain, asked)
    if labels is not None and len(labels) == 2 and len(read.bias) == 1:
        read, asked = _of_two_labels(read, asked)
    given = calibration
    if not len(given) and bundle and bundle.samples:
        given = of_length(bundle.samples.train, length)
    return Source(
        name,
        read,
        asked,
        length,
        tokenizer,
        tuple(labels) if metadata and labels is not None else None,
        _calibration(given, tokenizer, length, read),
    )


def _require_fit(
    model: keras.Model,
    read: Architecture,
    tokenizer: Tokenizer | None,
    labels: Sequence[str] | None,
) -> None:
    """Raises `ValueError` if a tokenizer or labels are not those of a model."""
    if tokenizer is not None:
        vocabulary, rows = tokenizer.vocabulary, len(read.embedding)
        _length(model, tokenizer.max_length)
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


def _check_given(tokenizer: Tokenizer | None, labels: Sequence[str] | None) -> None:
    """Checks arguments before a model is loaded."""
    if tokenizer is not None and not isinstance(tokenizer, Tokenizer):
        raise ValueError(
            f"tokenizer must be a zoo.text.Tokenizer, not a {type(tokenizer).__name__}: "
            "Tokenizer(zoo.vocabulary_files.read_vocabulary(FILE), max_length)."
        )
    if labels is not None:
        if isinstance(labels, str) or not all(isinstance(one, str) for one in labels):
            raise ValueError(f"labels must be a list of strings, not {labels!r:.80}.")
        vocabulary_files.check_labels(labels, None, "labels")


def _without_text_layer(
    model, tokenizer: Tokenizer | None, max_length: int | None
) -> tuple[keras.Model, Tokenizer | None, int | None]:
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
        tokenizer = found.tokenizer(_require_length(length))
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
            f"vocabulary and the delimiter {tokenizer.delimiter!r}; where it gives other ids than "
            "the layer, the scores are others than those of the whole model.",
            stacklevel=4,
        )
    return found.model, tokenizer, length


def _of_two_labels(read: Architecture, asked: Questions) -> tuple[Architecture, Questions]:
    """A model of one sigmoid p with the scores 1 - p and p: a softmax over the logits 0 and z."""
    two = replace(
        read,
        kernel=np.hstack([0 * read.kernel, read.kernel]),
        bias=np.append(np.float32(0), read.bias),
        scores=scores.Scores("softmax", True),
    )
    probability = asked.expected
    outputs = np.hstack([1 - probability, probability])
    return two, replace(asked, outputs=outputs, scores=two.scores)


def _usual_padding(tokenizer: Tokenizer | None) -> str:
    """`right` if a tokenizer pads the text and has no other token with id 0, else `any`."""
    if tokenizer is None:
        return "any"
    vocabulary = tokenizer.vocabulary
    zeros = [token for token, number in vocabulary.items() if number == PAD_ID]
    return "right" if zeros == ["<PAD>"] else "any"


def _length(model: keras.Model, max_length: int | None) -> int:
    fixed: int | None = model.inputs[0].shape[1] if getattr(model, "inputs", None) else None
    if max_length is None:
        max_length = fixed
    if fixed not in (None, max_length):
        raise ValueError(
            f"Model {model.name!r} takes texts of {fixed} ids, not {max_length}; leave max_length "
            "out, or begin the model with keras.Input((None,), dtype='int32')."
        )
    return _require_length(max_length)


def _require_length(length) -> int:
    if not isinstance(length, (int, np.integer)) or isinstance(length, bool) or length < 1:
        raise ValueError(
            "max_length, the number of ids of a text, must be an integer of at least 1 (a Keras "
            f"model does not say it itself), not {length!r}."
        )
    return int(length)


def in_float32(model: keras.Model) -> keras.Model:
    """Returns the model in float32, itself if it is.

    Raises:
        UnsupportedModelError: If it cannot be rebuilt from its configuration.
    """
    if not isinstance(model, keras.Model) or not model.built:
        return model  # reading the architecture gives a better error
    policies = {layer.dtype_policy.name for layer in _all_layers(model)}
    if policies <= {"float32"}:
        return model
    try:
        config = _with_float32(model.get_config())
        plain = type(model).from_config(config)
        if not plain.built:
            plain.build(model.input_shape)
        plain.set_weights([np.asarray(w, np.float32) for w in model.get_weights()])
    except Exception as error:  # subclasses may have any constructor
        raise UnsupportedModelError(
            f"Model {model.name!r} computes in {', '.join(sorted(policies))} and cannot be made "
            "again in float32 from its configuration. Build it under the policy float32, and load "
            "its weights."
        ) from error
    if model.compiled and getattr(model, "loss", None) is not None:
        plain.compile(loss=model.loss)  # it determines the kind of scores
    return plain


def _all_layers(model: keras.Model):
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.Layer):
            yield layer


def _with_float32(config):
    """Replaces floating-point policies in a configuration by float32."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        found = {key: _with_float32(value) for key, value in config.items()}
        if isinstance(config.get("dtype"), str) and "float" in config["dtype"]:
            found["dtype"] = "float32"
        return found
    if isinstance(config, (list, tuple)):
        return type(config)(_with_float32(value) for value in config)
    return config


def _require_near(model: keras.Model, plain: keras.Model, asked: Questions) -> None:
    """Compares the float32 model with the original."""
    outputs = questions.predicted(model, asked.ids)
    kind = scores.read(model, asked.scores.kind)
    off = float(np.abs(kind.of(outputs) - asked.expected).max())
    if not off <= SIXTEEN_BITS * max(1.0, float(np.abs(asked.expected).max())):
        raise UnsupportedModelError(
            f"Model {model.name!r} answers otherwise in float32: a score moves by {off:.2g}. "
            "Load its weights into a model of the policy float32, and evaluate that."
        )


def _calibration(given, tokenizer, length: int, read: Architecture) -> np.ndarray:
    """Checks and returns the ids of calibration texts."""
    if not len(given):
        return np.zeros((0, length), np.int32)
    ids = given
    if not isinstance(ids, np.ndarray):
        if tokenizer is None:
            raise ValueError("calibration has to be ids: a Keras model has no tokenizer.")
        ids = tokenizer.encode(ids)
    rows = len(read.embedding)
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or ids.shape[1] != length:
        raise ValueError(
            f"calibration must be integers [texts, {length}], not {ids.dtype} {list(ids.shape)}."
        )
    if not ids.any() or ids.min() < 0 or ids.max() >= rows:
        raise ValueError(
            f"calibration holds ids from {ids.min()} to {ids.max()}; the model knows 0 to "
            f"{rows - 1}, and texts of padding alone say nothing."
        )
    return ids
