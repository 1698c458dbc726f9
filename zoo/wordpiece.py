"""Word pieces: MediaPipe's BERT tokenizer and its vocabulary file, in Python.

The rules are the device's, for models with the inputs `ids`, `mask` and `segment_ids`:

1. The text ends at a NUL. ASCII letters are lowered, and nothing else is: É stays É.
2. It is split at ASCII white space, at punctuation and at CJK ideographs. Punctuation characters
   and ideographs are tokens of their own. A no-break space splits nothing.
3. A token is the longest piece of the vocabulary that it begins with, then the longest piece that
   the rest begins with, written `##rest`, and so on (Wu et al., "Google's neural machine
   translation system", 2016). A token that cannot be put together so, or of more than 100 bytes in
   UTF-8, is one `[UNK]`.
4. `[CLS]` comes first and `[SEP]` last. A longer text is cut to its first L − 1 ids and `[SEP]`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import re2

from zoo.files import write_bytes
from zoo.text import PAD_ID, Token, as_on_device, checked

PAD, UNKNOWN, CLS, SEP = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL = (PAD, CLS, SEP, UNKNOWN)
CONTINUATION = "##"
LONGEST_TOKEN = 100  # bytes in UTF-8
MOST_REMEMBERED = 100_000  # tokens whose pieces are kept in memory

SPACE = r"\s"  # of RE2, which is ASCII
_IDEOGRAPHS = (
    r"\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}\x{2B740}-\x{2B81F}"
    r"\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}"
)
# Punctuation of Unicode 16 and 17, which MediaPipe's RE2 knows and Python's, of 15.1, does not.
_YOUNGER = (
    r"\x{1B4E}\x{1B4F}\x{1B7F}\x{10D6E}\x{10ED0}\x{113D4}\x{113D5}\x{113D7}\x{113D8}\x{11BE1}"
    r"\x{16D6D}-\x{16D6F}\x{1E5FF}"
)
ALONE = rf"[!-/:-@\[-`{{-~\p{{P}}{_YOUNGER}{_IDEOGRAPHS}]"  # a token of its own
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Pieces(Mapping[str, int]):
    """Piece -> id, as in the vocabulary file of BERT: a piece per line, its line number is its id.

    Args:
        pieces: In the order of their ids; pieces inside of a token begin with `##`.

    Raises:
        ValueError: A piece that no line can hold, or that is there twice; `[PAD]` that is not the
            first, with id 0; or no `[UNK]`, `[CLS]` or `[SEP]`.
    """

    def __init__(self, pieces: Iterable[str]):
        self._ids: dict[str, int] = {}
        for token_id, piece in enumerate(pieces):
            if not piece or "\n" in piece or piece.endswith("\r"):
                raise ValueError(
                    f"piece {piece!r:.80} with id {token_id}: a line holds one piece, so it is not "
                    "empty and has no line end; leave it out"
                )
            if piece in self._ids:
                raise ValueError(
                    f"piece {piece!r:.80} has the ids {self._ids[piece]} and {token_id}; a piece "
                    "has one id: remove one of the lines"
                )
            self._ids[piece] = token_id
        missing = [piece for piece in SPECIAL if piece not in self._ids]
        if missing:
            raise ValueError(
                f"vocabulary without {', '.join(missing)}: the device needs {', '.join(SPECIAL)}; "
                "add a line for each"
            )
        if self._ids[PAD] != PAD_ID:
            raise ValueError(
                f"vocabulary whose {PAD} has id {self._ids[PAD]}: the device pads with id "
                f"{PAD_ID}; make {PAD} the first line"
            )
        self.pad = PAD_ID
        self.unknown: int = self._ids[UNKNOWN]
        self.cls: int = self._ids[CLS]
        self.sep: int = self._ids[SEP]
        self.special = frozenset(self._ids[piece] for piece in SPECIAL)

    @classmethod
    def parse(cls, content: str | bytes, *, source: str = "vocabulary") -> "Pieces":
        """Reads a vocabulary file; Windows line ends are allowed.

        Args:
            content: The file's content; bytes are UTF-8.
            source: The file's name, for errors.

        Raises:
            ValueError: If it is not UTF-8, has an empty line or a repetition, or lacks a piece that
                the device needs.
        """
        if isinstance(content, bytes):
            try:
                content = content.decode()
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{source}: not UTF-8 ({error.reason}); save it as UTF-8"
                ) from None
        # The device ends a line at a line feed alone.
        lines = content.split("\n")
        if not lines[-1]:
            lines.pop()
        try:
            return cls(line.removesuffix("\r") for line in lines)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Pieces":
        """Reads a vocabulary file; raises `OSError`, or `ValueError` as `parse` does."""
        return cls.parse(Path(path).read_bytes(), source=str(path))

    def save(self, path: str | os.PathLike) -> None:
        """Writes the vocabulary file, whole or not at all."""
        write_bytes(path, self.text.encode())

    def extended(self, others: Iterable[str], *, size: int) -> "Pieces":
        """With other pieces or words after its own, in their order, `size` in all at most.

        Those that the tokenizer never makes are left out.
        """
        found = dict.fromkeys(self._ids)
        for piece in others:
            if len(found) >= size:
                break
            word = piece.removeprefix(CONTINUATION)
            if words(word) == [word] and len(word.encode()) <= LONGEST_TOKEN:
                found[piece] = None
        return Pieces(found)

    @property
    def text(self) -> str:
        """The content of the vocabulary file."""
        return "".join(f"{piece}\n" for piece in self._ids)

    @property
    def size(self) -> int:
        """The number of ids, that is the rows that an embedding needs."""
        return len(self._ids)

    def __getitem__(self, piece: str) -> int:
        return self._ids[piece]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"<Pieces: {len(self)}>"


class WordPieceTokenizer:
    """Computes the ids that MediaPipe's BERT tokenizer computes on the device.

    Args:
        vocabulary: The pieces.
        max_length: L, the largest number of ids of a text, `[CLS]` and `[SEP]` included.

    Raises:
        ValueError: `max_length` below 2.
    """

    kind: ClassVar[str] = "wordpiece"

    def __init__(self, vocabulary: Pieces, max_length: int):
        if max_length < 2:
            raise ValueError(
                f"max_length {max_length}: {CLS} and {SEP} take two ids; give 2 or more"
            )
        self.vocabulary = vocabulary
        self.max_length = int(max_length)
        self._known: dict[str, tuple[str, ...]] = {}
        self._longest = max(map(len, vocabulary))

    @property
    def options(self) -> dict[str, Any]:
        """What a run's record holds of it, beside the vocabulary."""
        return {"kind": self.kind, "max_length": self.max_length}

    @property
    def added(self) -> int:
        """How many ids are added to those of a text's tokens, 2 for `[CLS]` and `[SEP]`."""
        return 2

    def resized(self, max_length: int) -> "WordPieceTokenizer":
        """The same tokenizer for texts of another length."""
        return WordPieceTokenizer(self.vocabulary, max_length)

    def split(self, text: str) -> list[str]:
        """The pieces of `text`, all of them, without `[CLS]` and `[SEP]`.

        A token that the vocabulary cannot put together is `[UNK]`. Surrogates that UTF-8 cannot
        hold are read as a browser reads them.
        """
        return [piece for token in words(text) for piece in self._pieces(token)]

    def encode(self, texts: Iterable[str]) -> np.ndarray:
        """The ids of `texts`: int32 [batch, max_length], padded with 0 on the right.

        Raises:
            TypeError: `texts` is a str, or holds something else than str.
        """
        texts = list(checked(texts))
        vocabulary = self.vocabulary
        rows = np.full((len(texts), self.max_length), vocabulary.pad, np.int32)
        for row, text in zip(rows, texts, strict=True):
            pieces = self.split(text)[: self.max_length - 2]
            ids = [vocabulary.cls, *(vocabulary[piece] for piece in pieces), vocabulary.sep]
            row[: len(ids)] = ids
        return rows

    def tokens(self, text: str) -> list[Token]:
        """The pieces of `text`, all of them, with `[CLS]` and `[SEP]`."""
        found = [(piece, word) for word in words(text) for piece in self._pieces(word)]
        return [
            Token(piece, self.vocabulary[piece], word)
            for piece, word in [(CLS, ""), *found, (SEP, "")]
        ]

    def read(self, ids: np.ndarray) -> np.ndarray:
        """Which ids [batch, L] stand for tokens of the text: bool [batch, L]."""
        vocabulary = self.vocabulary
        return ~np.isin(ids, (vocabulary.pad, vocabulary.cls, vocabulary.sep))

    def _pieces(self, token: str) -> tuple[str, ...]:
        found = self._known.get(token)
        if found is None:
            found = self._longest_first(token)
            if len(self._known) < MOST_REMEMBERED:
                self._known[token] = found
        return found

    def _longest_first(self, token: str) -> tuple[str, ...]:
        if len(token.encode()) > LONGEST_TOKEN:
            return (UNKNOWN,)
        pieces: list[str] = []
        start = 0
        while start < len(token):
            prefix = CONTINUATION if start else ""
            end = min(len(token), start + self._longest)
            while end > start and prefix + token[start:end] not in self.vocabulary:
                end -= 1
            if end == start:
                return (UNKNOWN,)
            pieces.append(prefix + token[start:end])
            start = end
        return tuple(pieces)


def words(text: str) -> list[str]:
    """The tokens of a text, before they are put together from pieces."""
    separated = as_on_device(text).translate(_SEPARATED)
    return [token for token in separated.split("\0") if token]


class _Separated(dict):
    """A table for `str.translate`: NUL for white space, and around what is a token of its own.

    It asks RE2 once a character. No text holds a NUL here.
    """

    def __init__(self):
        super().__init__(_ASCII_LOWER)
        self._space, self._alone = re2.compile(SPACE), re2.compile(ALONE)

    def __missing__(self, codepoint: int) -> str:
        character = chr(codepoint)
        if self._space.fullmatch(character):
            result = "\0"
        elif self._alone.fullmatch(character):
            result = f"\0{character}\0"
        else:
            result = character
        self[codepoint] = result
        return result


_SEPARATED = _Separated()
