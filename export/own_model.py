"""What the command line gives with a Keras model: vocabulary and labels, checked before Keras."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from zoo import keras_config, vocabulary_files
from zoo.keras_config import Stored
from zoo.models import Reference
from zoo.text import DELIMITER, Tokenizer
from zoo.tokenizers import AnyTokenizer
from zoo.wordpiece import WordPieceTokenizer

TEXT_LAYER = "TextVectorization"
BARE = (
    "These files hold no tokenizer and labels, so MediaPipe and zoo.load refuse them; a program "
    "that makes the ids itself runs them in LiteRT. Give --vocab FILE --labels FILE for files with "
    "both."
)


@dataclass(frozen=True)
class Given:
    """What a Keras model does not hold itself.

    Attributes:
        tokenizer: From --vocab.
        labels: From --labels.
        lines: About the vocabulary on a device, for the user.
    """

    tokenizer: AnyTokenizer | None
    labels: tuple[str, ...] | None
    lines: tuple[str, ...] = ()


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags for a Keras model."""
    group = parser.add_argument_group("for a .keras or .h5 file, which holds no tokenizer")
    group.add_argument(
        "--vocab",
        metavar="FILE",
        help="the vocabulary: lines `token id` or `id token`, one token per line, or a .json",
    )
    group.add_argument(
        "--labels", metavar="FILE", help="one label per line, in the order of the outputs"
    )
    group.add_argument(
        "--delimiter",
        metavar="REGEX",
        help="what stands between the words of a text, as an RE2 regex (default: everything but "
        "letters, marks, digits, _ and apostrophes)",
    )
    group.add_argument(
        "--scores",
        choices=["softmax", "sigmoid", "numbers"],
        help="what the outputs are, if neither the last activation nor the loss says it",
    )
    group.add_argument(
        "--padding",
        choices=["right", "any"],
        help="where zeros may stand in the ids of a masked model (default: right with --vocab, "
        "else any)",
    )


def refuse_flags(options: argparse.Namespace, name: str) -> None:
    """Raises `ValueError` for flags that a run does not take."""
    for flag in ("vocab", "labels", "delimiter", "scores", "padding"):
        if getattr(options, flag) is not None:
            raise ValueError(
                f"--{flag} is for a .keras or .h5 file; {name} has its own tokenizer and labels."
            )


def read(options: argparse.Namespace, reference: Reference) -> Given:
    """Reads the files that come with a Keras model, and compares them with its configuration.

    Raises:
        ValueError: If they do not fit the model or each other.
        OSError: If a file cannot be read.
    """
    for flag in ("vocab", "labels"):
        path = getattr(options, flag)
        if path is not None and not Path(path).is_file():
            raise ValueError(f"--{flag}: there is no file {path}.")
    if options.saved_model:
        raise ValueError("--saved-model is for run folders; give the Keras model to TensorFlow.")
    stored = keras_config.read(reference.path)
    has_text_layer = stored.has(TEXT_LAYER)
    if options.vocab is not None and options.labels is None:
        raise ValueError("--vocab needs --labels FILE, with one label per line.")
    if options.labels is not None and options.vocab is None and not has_text_layer:
        raise ValueError(
            f"--labels needs --vocab FILE: {reference.name} has no {TEXT_LAYER} layer."
        )
    if options.delimiter is not None and options.vocab is None:
        raise ValueError("--delimiter is for the texts of a --vocab FILE; give both.")
    length = stored.length() if options.max_length is None else options.max_length
    if length is None and not has_text_layer:
        raise ValueError(
            f"{reference.name} takes texts of any length; give --max-length N, the number of ids "
            "of a text on the device."
        )
    labels = _labels(options.labels, stored)
    if options.vocab is None:
        return Given(None, labels)
    rows = stored.embedding_rows()
    if length is None:
        length = _length_of_text_layer(stored, reference.name)
    pieces = vocabulary_files.read_pieces(options.vocab)
    if pieces is not None:
        if options.delimiter is not None:
            raise ValueError(
                f"--delimiter is for words, and {options.vocab} has word pieces; leave it out."
            )
        vocabulary_files.check_pieces(pieces, rows, options.vocab)
        tokens = WordPieceTokenizer(pieces, length)
        lines = vocabulary_files.pieces_on_a_device(tokens, rows or pieces.size)
        return Given(tokens, labels, tuple(lines))
    vocabulary = vocabulary_files.read_vocabulary(options.vocab, start=True)
    vocabulary_files.check_vocabulary(vocabulary, rows, options.vocab)
    tokenizer = Tokenizer(
        vocabulary.with_apostrophes(),
        length,
        options.delimiter or DELIMITER,
    )
    lines = vocabulary_files.on_a_device(tokenizer, vocabulary, rows or vocabulary.size)
    return Given(tokenizer, labels, tuple(lines))


def _labels(path: str | None, stored: Stored) -> tuple[str, ...] | None:
    if path is None:
        return None
    labels = tuple(vocabulary_files.read_lines(path))
    outputs = stored.outputs()
    of_one = outputs == 1 and len(labels) == 2  # the two labels of a sigmoid
    vocabulary_files.check_labels(labels, None if of_one else outputs, path)
    return labels


def _length_of_text_layer(stored: Stored, name: str) -> int:
    for one in stored.dicts():
        config = one.get("config")
        if one.get("class_name") == TEXT_LAYER and isinstance(config, dict):
            length = config.get("output_sequence_length")
            if type(length) is int:
                return length
    raise ValueError(f"{name} takes texts of any length; give --max-length N.")
