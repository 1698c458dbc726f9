"""The tokenizers that devices run, as one kind of thing.

- `words` (`zoo.text.Tokenizer`): MediaPipe's regular expression tokenizer. A word that the
  vocabulary lacks is unknown.
- `wordpiece` (`zoo.wordpiece.WordPieceTokenizer`): MediaPipe's BERT tokenizer. A word that the
  vocabulary lacks is put together from pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from zoo.text import LONGEST_TEXT, Token, Tokenizer, Vocabulary
from zoo.wordpiece import Pieces, WordPieceTokenizer

KINDS = (Tokenizer.kind, WordPieceTokenizer.kind)


class VocabularyError(ValueError):
    """A vocabulary file with other content than the tokenizer needs."""


class AnyVocabulary(Protocol):
    """Token -> id, with the content of its file."""

    pad: int
    unknown: int
    special: frozenset[int]  # ids that stand for no word

    @property
    def size(self) -> int:
        """The number of ids, that is the rows that an embedding needs."""

    @property
    def text(self) -> str:
        """The content of its file."""

    def items(self) -> Iterable[tuple[str, int]]:
        """Tokens and their ids."""

    def __getitem__(self, token: str, /) -> int: ...

    def __contains__(self, token: object, /) -> bool: ...


class AnyTokenizer(Protocol):
    """Maps texts to token ids as a tokenizer on the device does."""

    @property
    def kind(self) -> str:
        """Of `KINDS`."""

    @property
    def vocabulary(self) -> Any:
        """An `AnyVocabulary`."""

    @property
    def max_length(self) -> int:
        """L, the largest number of ids of a text."""

    @property
    def options(self) -> dict[str, Any]:
        """What a run's record holds of it, beside the vocabulary."""

    @property
    def added(self) -> int:
        """The number of ids that are added to those of a text's tokens."""

    def resized(self, max_length: int) -> AnyTokenizer:
        """The same tokenizer for texts of another length."""

    def split(self, text: str) -> list[str]:
        """The tokens of a text, all of them, without those that are added."""

    def encode(self, texts: Iterable[str]) -> np.ndarray:
        """Token ids, int32 [batch, max_length], padded with 0 on the right."""

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, all of them, with those that are added."""

    def read(self, ids: np.ndarray) -> np.ndarray:
        """Which ids [batch, L] stand for tokens of the text: bool [batch, L]."""


def check_options(options: Mapping[str, Any]) -> None:
    """Checks the options of a tokenizer in a record.

    Raises:
        ValueError: If one is missing or invalid.
    """
    kind = options.get("kind", KINDS[0])
    if kind not in KINDS:
        raise ValueError(f"the tokenizer's kind is {kind!r:.60}; it must be one of {KINDS}")
    length = options.get("max_length")
    if type(length) is not int or not 1 <= length <= LONGEST_TEXT:
        raise ValueError(
            f"max_length is {length!r:.60}; it must be an integer from 1 to {LONGEST_TEXT:,}"
        )
    delimiter = options.get("delimiter")
    if kind == Tokenizer.kind and not isinstance(delimiter, str):
        raise ValueError(f"delimiter is {delimiter!r:.60}; it must be a string")


def load(options: Mapping[str, Any], vocabulary: bytes, *, source: str) -> AnyTokenizer:
    """Makes a tokenizer from its options in a record and the content of its vocabulary file.

    Raises:
        VocabularyError: If the vocabulary is damaged; the message names `source`.
        ValueError: If an option is invalid.
    """
    check_options(options)
    pieces = options.get("kind", KINDS[0]) == WordPieceTokenizer.kind
    try:
        known = (Pieces if pieces else Vocabulary).parse(vocabulary, source=source)
    except ValueError as error:
        raise VocabularyError(str(error)) from error
    if isinstance(known, Pieces):
        return WordPieceTokenizer(known, options["max_length"])
    return Tokenizer(known, options["max_length"], options["delimiter"])
