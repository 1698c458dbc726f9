"""Vocabulary and label files of models from elsewhere, in the forms that they are saved in."""

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from zoo import torch_file
from zoo.text import APOSTROPHE, PAD, START, UNKNOWN, Tokenizer, Vocabulary
from zoo.wordpiece import CLS, SEP, Pieces, WordPieceTokenizer
from zoo.wordpiece import SPECIAL as BERT_SPECIAL
from zoo.wordpiece import UNKNOWN as BERT_UNKNOWN

SPECIAL = (PAD, UNKNOWN, START)
_NAMES = {
    "<pad>": PAD,
    "[pad]": PAD,
    "": PAD,  # as `keras.layers.TextVectorization.get_vocabulary` has it
    "<unk>": UNKNOWN,
    "[unk]": UNKNOWN,
    "<unknown>": UNKNOWN,
    "<oov>": UNKNOWN,
    "[oov]": UNKNOWN,
}
_TOKEN_ID = re.compile(r"(?P<token>\S+)[ \t](?P<id>[0-9]+)")
_ID_TOKEN = re.compile(r"(?P<id>[0-9]+)(?:\t| )(?P<token>\S*)")

Pairs = list[tuple[str, int]]


def read_vocabulary(path: str | os.PathLike, *, start: bool = False) -> Vocabulary:
    """Reads a vocabulary in one of the forms that it is usually saved in.

    A text file has lines `token id` or `id token`, with a space or a tab, or one token per line and
    ids from 0. A .json file has an object of ids by token or of tokens by id, or a list of tokens;
    a .pt file the same, written by `torch.save`. Tokens for padding and unknown words may have the
    names of PyTorch, Keras or MediaPipe. If no token has id 0, it is that of padding.

    If all words are lower case, the texts were lower-cased before the lookup. A device does not do
    that, so each word gets lines for its Capitalised and UPPER form.

    Args:
        path: The file.
        start: Whether to keep `<START>`, which a device inserts before every text.

    Raises:
        ValueError: If it is invalid, or lacks a token for unknown words or for padding.
        OSError: If it cannot be read.
    """
    path = Path(path)
    if path.suffix == ".json":
        pairs = _pairs(_json(path), f"{path}: a vocabulary in JSON")
    elif path.suffix in torch_file.ENDINGS:
        value = torch_file.load(
            path,
            "a dict of ids by token",
            "Save the plain dict: torch.save(dict(vocab), 'vocab.pt').",
        )
        pairs = _pairs(value, f"{path}: a vocabulary of torch.save")
    else:
        pairs = _line_pairs(path)
    ids: dict[str, int] = {}
    for token, number in pairs:
        name = _NAMES.get(token.lower(), token)
        if name in ids:
            raise ValueError(f"{path}: {token!r} occurs twice; a token has one id.")
        if name != START or start:
            ids[name] = number
    if PAD not in ids and 0 not in ids.values():
        ids = {PAD: 0, **ids}
    words = [token for token in ids if token not in SPECIAL]
    if all(token == token.lower() for token in words):
        for token in words:
            for form in (token.capitalize(), token.upper()):
                ids.setdefault(form, ids[token])
    try:
        return Vocabulary(ids)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_pieces(path: str | os.PathLike) -> Pieces | None:
    """Reads the vocabulary of a BERT tokenizer: one piece per line. None for other vocabularies.

    Raises:
        ValueError: If the device cannot use it.
        OSError: If it cannot be read.
    """
    path = Path(path)
    if path.suffix == ".json" or path.suffix in torch_file.ENDINGS:
        return None
    lines = read_lines(path)
    if not {CLS, SEP} <= set(lines):
        return None
    try:
        return Pieces(lines)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def check_pieces(vocabulary: Pieces, rows: int | None, source: str) -> None:
    """Raises `ValueError` if there are more pieces than rows of an embedding, if they are known."""
    if rows is not None and vocabulary.size > rows:
        raise ValueError(
            f"{source} has {vocabulary.size} pieces, but the embedding has {rows} rows; give the "
            "vocabulary that the model was trained with."
        )


def pieces_on_a_device(tokenizer: WordPieceTokenizer, rows: int) -> list[str]:
    """Lines for the user about word pieces on a device; `rows` are those of the embedding."""
    vocabulary = tokenizer.vocabulary
    ids = [str(vocabulary[piece]) for piece in (CLS, SEP, BERT_UNKNOWN)]
    lines = [
        f"every text begins with {CLS}, id {ids[0]}, and ends with {SEP}, id {ids[1]}",
        f"words that no pieces make up have id {ids[2]} ({BERT_UNKNOWN})",
    ]
    lost = [piece for piece in vocabulary if _has_upper(piece) and piece not in BERT_SPECIAL]
    if rows > vocabulary.size:
        unused = rows - vocabulary.size
        lines.append(f"{unused:,} of the embedding's {rows:,} rows have no piece and are not used")
    if lost:
        lines.append(
            f"{len(lost):,} of {len(vocabulary):,} pieces, like {', '.join(map(repr, lost[:3]))}, "
            "never occur on a device, which lowers ASCII letters"
        )
    return lines


def _has_upper(piece: str) -> bool:
    return any("A" <= letter <= "Z" for letter in piece) and not piece.startswith("[unused")


def _line_pairs(path: Path) -> Pairs:
    lines = read_lines(path)
    forms = {"token id": _TOKEN_ID, "id token": _ID_TOKEN}
    for pattern in forms.values():
        found = [pattern.fullmatch(line) for line in lines]
        if found and all(found):
            return [(match["token"], int(match["id"])) for match in found if match]
    for form, pattern in forms.items():
        if lines and pattern.fullmatch(lines[0]):
            number = next(n for n, line in enumerate(lines) if not pattern.fullmatch(line))
            raise ValueError(f"{path}, line {number + 1}: {lines[number]!r} is not {form!r}.")
    return [(token, number) for number, token in enumerate(lines)]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON in UTF-8: {error}.") from None


def _pairs(value: Any, what: str) -> Pairs:
    """Pairs of token and id from an object of either direction, or from a list of tokens."""
    pairs: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, (list, tuple)):
        pairs = [(token, number) for number, token in enumerate(value)]
    if pairs and all(type(token) is str for _, token in pairs):
        pairs = [(token, _whole(number)) for number, token in pairs]
    if not pairs or not all(type(token) is str and type(n) is int for token, n in pairs):
        raise ValueError(f"{what} is {{token: id}}, {{id: token}} or a list of tokens.")
    return pairs


def _whole(number: Any) -> Any:
    """The int of a key, which JSON writes as a string."""
    return int(number) if isinstance(number, str) and re.fullmatch("[0-9]+", number) else number


def read_lines(path: str | os.PathLike) -> list[str]:
    """The lines of a text file, without line ends and without empty lines at its end.

    Raises:
        ValueError: If it is not UTF-8.
        OSError: If it cannot be read.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error.reason}); save it as UTF-8.") from None
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def check_labels(labels: Sequence[str], classes: int | None, source: str) -> None:
    """Raises `ValueError` unless there is one label for each class, each by itself.

    Args:
        labels: In the order of the classes.
        classes: The number of classes; None if it is not known yet.
        source: Where the labels come from, for the error.
    """
    if classes is not None and len(labels) != classes:
        raise ValueError(
            f"{source} has {_count(labels, 'label')}, and the model {classes} "
            f"{'class' if classes == 1 else 'classes'}; give one label per line, in the order of "
            "the classes."
        )
    if not labels or len(set(labels)) < len(labels) or any(not one.strip() for one in labels):
        raise ValueError(f"{source}: {list(labels)[:20]}; each line must name one class.")


def _count(items: Sequence[str], what: str) -> str:
    return f"{len(items)} {what}{'s' * (len(items) != 1)}"


def check_vocabulary(vocabulary: Vocabulary, rows: int | None, source: str) -> None:
    """Raises `ValueError` if the vocabulary's numbers are not ids of an embedding.

    Args:
        vocabulary: The vocabulary.
        rows: The rows of the embedding; None if they are not known yet.
        source: Where the vocabulary comes from, for the error.
    """
    holder: dict[int, str] = {vocabulary.pad: PAD}
    for token, number in vocabulary.items():
        if token in SPECIAL or number == vocabulary.unknown:  # rare words may share it
            continue
        other = holder.setdefault(number, token)
        if _caseless(other) != _caseless(token):
            raise ValueError(
                f"{source}: {other!r} and {token!r} both have the number {number}. Each word needs "
                "its own id, from 0; are these counts?"
            )
    if rows is not None and vocabulary.size > rows:
        raise ValueError(
            f"{source} has ids up to {vocabulary.size - 1}, but the embedding has {rows} rows; "
            "give the vocabulary that the model was trained with (its ids, not the words' counts)."
        )


def _caseless(token: str) -> str:
    """A key that is equal for all forms of a word that share its id."""
    # Upper-cased first: "ı" and "I" are one letter, but fold to two.
    return token.upper().casefold().replace(APOSTROPHE, "'")


def on_a_device(tokenizer: Tokenizer, vocabulary: Vocabulary, rows: int) -> list[str]:
    """Lines for the user about a vocabulary on a device.

    Args:
        tokenizer: The device's tokenizer.
        vocabulary: The vocabulary as it was read, which may have fewer lines than the tokenizer's.
        rows: The rows of the embedding.
    """
    words = [token for token in vocabulary if token not in SPECIAL]
    lost = [token for token in words if tokenizer.split(token) != [token]]
    unused = rows - len(set(vocabulary.values()))
    lines = [f"unknown words have id {vocabulary.unknown} (<unk>)"]
    if vocabulary.unknown == vocabulary.pad:
        lines[0] += ", which is also that of padding: they are skipped"
    if vocabulary.start is not None:
        lines.append(f"every text begins with <START>, id {vocabulary.start}")
    if _folds_case(vocabulary.items(), vocabulary):
        lines.append("case is folded: Word and WORD have the id of word")
    if unused:
        lines.append(f"{unused:,} of the embedding's {rows:,} rows have no token and are not used")
    if lost:
        lines.append(
            f"{len(lost):,} of {len(words):,} tokens, like {', '.join(map(repr, lost[:3]))}, never "
            "occur on a device, which splits texts at all but letters, digits, _ and '"
        )
    return lines


def _folds_case(items: Iterable[tuple[str, int]], vocabulary: Vocabulary) -> bool:
    return any(
        token != token.lower() and vocabulary.get(token.lower()) == number
        for token, number in items
    )
