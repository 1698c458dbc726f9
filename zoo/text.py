"""The device's tokenizer in Python: MediaPipe's regex tokenizer and its vocabulary file.

A model is trained on the ids that the device will compute, so the rules are the device's, and so
is the regex engine (RE2). The text ends at a NUL and is split at the matches of the delimiter;
case stays as it is; `<START>` takes the first slot if the vocabulary has it; words that the
vocabulary lacks become `<UNKNOWN>`; the row is cut, or filled with `<PAD>` on the right.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import re2

from zoo.files import write_bytes

WORD = r"[\p{L}\p{M}\p{N}_'\x{2019}]+"
"""What stands between the delimiters, unless others are given."""
DELIMITER = WORD.replace("[", "[^", 1)
"""Splits at everything but letters, marks, numbers, ``_`` and apostrophes, in every script.

Apostrophes are ``'`` and U+2019, which phones type in its place: "don't" is one word either way.

RE2's ``\\w`` is ASCII: the usual ``[^\\w\\']+`` cuts "café" to "caf" and finds no word in Japanese.
What a letter is depends on the Unicode version that a build of RE2 knows (15.0 in MediaPipe
0.10.21, 17.0 in 1.2.2, 15.1 in google-re2): newer characters may be split otherwise on a device.
"""

APOSTROPHE = "\u2019"

PAD = "<PAD>"
PAD_ID = 0  # the token id of padding, which models mask
START = "<START>"
UNKNOWN = "<UNKNOWN>"

LONGEST_TEXT = 2**20  # token ids
_LARGEST_ID = 2**31 - 1  # ids are int32


class Token(NamedTuple):
    """A token of a text.

    Attributes:
        token: As the vocabulary has it.
        id: Its id.
        word: The part of the text that it belongs to; empty if it was added to the text.
    """

    token: str
    id: int
    word: str


class Vocabulary(Mapping[str, int]):
    """Token -> id, as in MediaPipe's vocabulary file: lines `token id`; tokens may share an id.

    Args:
        ids: Token -> id, in the order of the lines.

    Raises:
        ValueError: A token that no line can hold, an id that no int32 can hold, or no `<PAD>`
            or `<UNKNOWN>`, without which the device refuses the model.
    """

    def __init__(self, ids: Mapping[str, int]):
        for token, token_id in ids.items():
            _check_entry(token, token_id)
        for token in (PAD, UNKNOWN):
            if token not in ids:
                raise ValueError(
                    f"vocabulary without {token}: the device needs {PAD} and {UNKNOWN}; "
                    f"add the line '{token} ID' at the top (and save the file without a BOM)"
                )
        self._ids = dict(ids)
        self.pad: int = ids[PAD]
        self.unknown: int = ids[UNKNOWN]
        self.start: int | None = ids.get(START)
        self.special = frozenset(ids[token] for token in (PAD, UNKNOWN, START) if token in ids)

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], *, size: int, delimiter: str = DELIMITER
    ) -> "Vocabulary":
        """The most frequent words of `texts`, case folded in the file.

        Ids 0, 1 and 2 are `<PAD>`, `<START>` and `<UNKNOWN>`; the lower-cased words follow
        by falling count, equal counts in the order of the words. The device does not fold case,
        so the file does: a word's id has a line for its lower, Capitalised and UPPER form, for each
        spelling seen in `texts`, and for all of these with either apostrophe. A form goes to the
        word that it lower-cases to, or, if there is none, to the most frequent one ("STRASSE" to
        "strasse", else to "straße").

        Args:
            texts: The training texts.
            size: Ids in all, special ones included; there are fewer if the words run out.
            delimiter: The RE2 regex that splits the texts.

        Raises:
            TypeError: `texts` is a str, or holds something else than str.
            ValueError: `size` below 4, or a delimiter that `Tokenizer` would refuse.
        """
        if size < 4:
            raise ValueError(
                f"vocabulary of {size} ids: {PAD}, {START} and {UNKNOWN} take three and a word "
                "one; ask for a size of 4 or more"
            )
        split = _splitter(delimiter)
        counts: Counter[str] = Counter()
        for text in checked(texts):
            counts.update(split(as_on_device(text)))

        words: Counter[str] = Counter()
        spellings = defaultdict(set)
        for token, count in counts.items():
            words[_folded(token)] += count
            spellings[_folded(token)].add(token)
        ordered = sorted(words, key=lambda word: (-words[word], word))
        return cls.from_words(ordered, size=size, delimiter=delimiter, spellings=spellings)

    @classmethod
    def from_words(
        cls,
        words: Iterable[str],
        *,
        size: int,
        delimiter: str = DELIMITER,
        spellings: Mapping[str, Iterable[str]] | None = None,
    ) -> "Vocabulary":
        """Words in an order of one's own, with lines for the same forms as of `from_texts`.

        Args:
            words: Lower-cased, with `'` for apostrophes, each once; what the tokenizer never
                makes is left out.
            size: Ids in all, special ones included.
            delimiter: The RE2 regex that splits the texts.
            spellings: More forms of words.
        """
        split, spellings = _splitter(delimiter), spellings or {}

        def can_occur(form: str) -> bool:
            return split(form) == [form] and not _BREAKS_LINE.search(form)

        ids = {PAD: 0, START: 1, UNKNOWN: 2}
        others = []  # forms that fold to something else than their word
        new_id = 3
        for word in words:
            if new_id == size:
                break
            forms = [word, word.capitalize(), word.upper(), *sorted(spellings.get(word, ()))]
            forms += [form.replace("'", APOSTROPHE) for form in forms if "'" in form]
            forms = [form for form in forms if can_occur(form) and form not in ids]
            own = [form for form in forms if _folded(form) == word]
            if not own:  # no line can hold the word, or it is one of the special tokens
                continue
            ids.update((form, new_id) for form in own)
            others += [(form, new_id) for form in forms if _folded(form) != word]
            new_id += 1
        for form, form_id in others:
            ids.setdefault(form, form_id)
        return cls(dict(sorted(ids.items(), key=lambda entry: entry[1])))

    def extended(self, other: "Vocabulary", *, size: int) -> "Vocabulary":
        """With the words of another vocabulary after its own, in the other's order.

        Args:
            other: Its tokens that share an id stay together.
            size: Ids in all, at most, special ones included.
        """
        ids = dict(self._ids)
        new_id = self.size
        forms = defaultdict(list)
        for token, other_id in other.items():
            forms[other_id].append(token)
        for other_id in sorted(forms):
            if new_id >= size:
                break
            if not any(token in ids for token in forms[other_id]):
                ids.update((token, new_id) for token in forms[other_id])
                new_id += 1
        return Vocabulary(ids)

    def with_apostrophes(self) -> "Vocabulary":
        """With a line more for each token with a `'`: as phones type it."""
        ids = dict(self._ids)
        for token, token_id in self._ids.items():
            ids.setdefault(token.replace("'", APOSTROPHE), token_id)
        return Vocabulary(ids)

    @classmethod
    def parse(cls, content: str | bytes, *, source: str = "vocabulary") -> "Vocabulary":
        """Reads the lines of a vocabulary file; empty lines and Windows line ends are allowed.

        Args:
            content: The file's content; bytes are UTF-8.
            source: The file's name, for errors.

        Raises:
            ValueError: Names the line that is not UTF-8, not `token id` or a repetition, or
                says what the vocabulary as a whole lacks.
        """
        if isinstance(content, str):
            content = content.encode()
        ids: dict[str, int] = {}
        # The device ends a line at a line feed alone: no splitlines, which knows nine more ends.
        for number, encoded in enumerate(content.split(b"\n"), start=1):
            if not encoded:
                continue
            where = f"{source}, line {number}"
            try:
                line = encoded.removesuffix(b"\r").decode()
            except UnicodeDecodeError as error:
                raise ValueError(f"{where}: not UTF-8 ({error.reason}); save it as UTF-8") from None
            token, space, token_id = line.partition(" ")
            if not (token and space and token_id.isascii() and token_id.isdigit()):
                raise ValueError(
                    f"{where}: {line!r:.80} is not 'token id', a word, one space and a whole "
                    "number; write for example 'movie 5'"
                )
            if token in ids:
                raise ValueError(
                    f"{where}: {token!r:.80} has had a line before, with id {ids[token]}; "
                    "a token has one id: remove one of the lines"
                )
            try:
                _check_entry(token, int(token_id))
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
            ids[token] = int(token_id)
        try:
            return cls(ids)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Reads a vocabulary file; raises `OSError`, or `ValueError` as `parse` does."""
        return cls.parse(Path(path).read_bytes(), source=str(path))

    def save(self, path: str | os.PathLike) -> None:
        """Writes the vocabulary file, whole or not at all."""
        write_bytes(path, self.text.encode())

    @property
    def text(self) -> str:
        """The content of the vocabulary file."""
        return "".join(f"{token} {token_id}\n" for token, token_id in self._ids.items())

    @property
    def size(self) -> int:
        """The number of ids, that is the rows that an embedding needs."""
        return max(self._ids.values()) + 1

    def __getitem__(self, token: str) -> int:
        return self._ids[token]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        """The number of tokens, that is the lines of the file."""
        return len(self._ids)

    def __repr__(self) -> str:
        return f"<Vocabulary: {len(self)} tokens, {self.size} ids>"


class Tokenizer:
    """Computes the ids that MediaPipe's regex tokenizer computes on the device.

    Args:
        vocabulary: The tokens' ids.
        max_length: L, the ids of a text, `<START>` included.
        delimiter: The RE2 regex that splits the texts.

    Raises:
        ValueError: `max_length` below 1; a delimiter that is not an RE2 regex, or that matches the
            empty string, on which the device would loop forever.
    """

    kind: ClassVar[str] = "words"

    def __init__(self, vocabulary: Vocabulary, max_length: int, delimiter: str = DELIMITER):
        if max_length < 1:
            raise ValueError(
                f"max_length {max_length}: a text takes at least one id; give 1 or more"
            )
        self.vocabulary = vocabulary
        self.max_length = int(max_length)
        self.delimiter = delimiter
        self._split = _splitter(delimiter)

    @property
    def options(self) -> dict[str, Any]:
        """What a run's record holds of it, beside the vocabulary."""
        return {"max_length": self.max_length, "delimiter": self.delimiter}

    @property
    def added(self) -> int:
        """How many ids are added to those of a text's tokens, 1 for `<START>`."""
        return int(self.vocabulary.start is not None)

    def resized(self, max_length: int) -> "Tokenizer":
        """The same tokenizer for texts of another length."""
        return Tokenizer(self.vocabulary, max_length, self.delimiter)

    def split(self, text: str) -> list[str]:
        """The tokens of `text`, all of them.

        Surrogates that UTF-8 cannot hold are read as a browser reads them: a pair is its
        character, a lone one is U+FFFD.
        """
        return self._split(as_on_device(text))

    def encode(self, texts: Iterable[str]) -> np.ndarray:
        """The ids of `texts`: int32 [batch, max_length].

        Raises:
            TypeError: `texts` is a str, or holds something else than str.
        """
        texts = list(checked(texts))
        vocabulary = self.vocabulary
        rows = np.full((len(texts), self.max_length), vocabulary.pad, np.int32)
        first = 0
        if vocabulary.start is not None:
            rows[:, 0] = vocabulary.start
            first = 1
        room = self.max_length - first
        lookup, unknown = vocabulary._ids.get, vocabulary.unknown
        for row, text in zip(rows, texts, strict=True):
            tokens = self.split(text)[:room]
            row[first : first + len(tokens)] = [lookup(token, unknown) for token in tokens]
        return rows

    def tokens(self, text: str) -> list[Token]:
        """The tokens of `text`, all of them, with `<START>`, as the vocabulary has them."""
        start = [Token(START, self.vocabulary[START], "")] * self.added
        known = (word if word in self.vocabulary else UNKNOWN for word in self.split(text))
        found = zip(known, self.split(text), strict=True)
        return [*start, *(Token(token, self.vocabulary[token], word) for token, word in found)]

    def read(self, ids: np.ndarray) -> np.ndarray:
        """Which ids [batch, L] stand for tokens of the text: bool [batch, L]."""
        found = ids != self.vocabulary.pad
        found[:, : self.added] = False
        return found


_BREAKS_LINE = re.compile("[ \n]")


def _folded(token: str) -> str:
    return token.lower().replace(APOSTROPHE, "'")


def _check_entry(token: str, token_id: int) -> None:
    if not token or _BREAKS_LINE.search(token):
        raise ValueError(
            f"token {token!r:.80}: lines are 'token id', so a token holds no space and no line "
            "feed and is not empty; leave it out"
        )
    if not 0 <= token_id <= _LARGEST_ID:
        raise ValueError(
            f"token {token!r:.80}: id {token_id} is not an int32 from 0 up; count from 0"
        )


def checked(texts: Iterable[str]) -> Iterator[str]:
    """Yields texts; raises `TypeError` if `texts` is a str or holds something else than str."""
    if isinstance(texts, (str, bytes)):
        raise TypeError(f"texts is one {type(texts).__name__}: give a list of str, [text]")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"texts[{position}] is {text!r:.40}, a {type(text).__name__}: a text is a str; "
                "decode, convert or drop it"
            )
        yield text


def as_on_device(text: str) -> str:
    """A text as the device receives it: up to a NUL.

    Surrogates that UTF-8 cannot hold are read as a browser reads them: a pair is its character, a
    lone one is U+FFFD.
    """
    text = text.partition("\0")[0]
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _splitter(delimiter: str) -> "_ClassSplitter | _RegexSplitter":
    options = re2.Options()
    options.log_errors = False
    try:
        regex = re2.compile(delimiter, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise ValueError(
            f"delimiter {delimiter!r} is not an RE2 regex ({reason}); RE2 has no look-around and "
            f"no back-references; the default is {DELIMITER!r}"
        ) from None
    # Whatever matches the empty string at all does so in one of these, unless a literal wins.
    for probe in ("", "a"):
        match = regex.search(probe)
        if match and not match.group():
            raise ValueError(_empty_match(delimiter))
    return _ClassSplitter(regex) if _ONE_CLASS.fullmatch(delimiter) else _RegexSplitter(regex)


def _empty_match(delimiter: str) -> str:
    return (
        f"delimiter {delimiter!r} matches the empty string, on which the device would loop "
        "forever; let it match one character or more, with + for *"
    )


_ONE_CLASS = re.compile(r"(?:\[\^?(?:\\.|[^\\\[\]])+\]|\\[dDsSwW])\+?", re.DOTALL)


def lengths(ids: np.ndarray) -> np.ndarray:
    """The length of each row of ids without the padding at its end.

    Args:
        ids: int [texts, L], padded on the right with `PAD_ID`, which may also stand inside a text
            where unknown words share it.

    Returns:
        int [texts].
    """
    real = ids != PAD_ID
    return np.where(real.any(axis=1), ids.shape[1] - real[:, ::-1].argmax(axis=1), 0)


class _ClassSplitter(dict):
    """Splits at runs of one class of characters: asks RE2 once a character, not once a token.

    The dict is a table for `str.translate`: delimiters become NUL, which no text holds here.
    """

    def __init__(self, regex):
        self._regex = regex

    def __missing__(self, codepoint: int) -> int:
        is_delimiter = self._regex.fullmatch(chr(codepoint)) is not None
        self[codepoint] = 0 if is_delimiter else codepoint
        return self[codepoint]

    def __call__(self, text: str) -> list[str]:
        return [token for token in text.translate(self).split("\0") if token]


class _RegexSplitter:
    """Splits at the matches of any regex.

    Like the device, it searches the rest of the text as if nothing stood before: `^` matches
    after every delimiter.
    """

    def __init__(self, regex):
        self._regex = regex

    def __call__(self, text: str) -> list[str]:
        tokens = []
        rest = memoryview(text.encode())
        while match := self._regex.search(rest):
            start, end = match.span()
            if start == end:
                raise ValueError(_empty_match(self._regex.pattern))
            tokens.append(rest[:start])
            rest = rest[end:]
        tokens.append(rest)
        # A regex can split inside of a character (\C); no vocabulary holds such a piece.
        return [str(token, "utf-8", "surrogateescape") for token in tokens if token]
