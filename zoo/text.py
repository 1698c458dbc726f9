"""The device's tokenizer in Python: MediaPipe's regex tokenizer and its vocabulary file.

A model is trained on the ids that the device will compute, so this module uses the device's rules
and its regex engine (RE2). A text ends at a NUL and is split at the matches of the delimiter. Case
is kept. `<START>` comes first if the vocabulary has it, unknown words become `<UNKNOWN>`, and the
ids are truncated, or padded with `<PAD>` on the right.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import re2

from zoo.files import write_bytes

WORD = r"[\p{L}\p{M}\p{N}_'\x{2019}]+"
"""RE2 regex of a token, the complement of the default delimiter."""
DELIMITER = WORD.replace("[", "[^", 1)
"""The default delimiter: all but letters, marks, numbers, `_` and apostrophes, in any script.

Apostrophes are `'` and U+2019, which phones type instead: "don't" is one word either way.

RE2's `\\w` is ASCII: the usual `[^\\w\\']+` cuts "café" to "caf" and finds no word in Japanese.
Which characters are letters depends on RE2's Unicode version (15.0 in MediaPipe 0.10.21, 17.0 in
1.2.2, 15.1 in google-re2), so a device may split at newer characters differently.
"""

APOSTROPHE = "\u2019"

PAD = "<PAD>"
START = "<START>"
UNKNOWN = "<UNKNOWN>"
PAD_ID = 0
"""The id of `<PAD>` that the zoo's models mask."""

LONGEST_TEXT = 2**20  # token ids
_LARGEST_ID = 2**31 - 1  # ids are int32


class Vocabulary(Mapping[str, int]):
    """Maps tokens to ids, as MediaPipe's vocabulary file with its lines `token id` does.

    Args:
        ids: Ids by token, in the order of the lines. Tokens may share an id.

    Raises:
        ValueError: If a token cannot be written as a line, an id is not a non-negative int32, or
            `<PAD>` or `<UNKNOWN>` is missing, without which the device refuses the model.
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

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], *, size: int, delimiter: str = DELIMITER
    ) -> "Vocabulary":
        """The most frequent words of `texts`, with case folding in the file.

        Ids 0, 1 and 2 are `<PAD>`, `<START>` and `<UNKNOWN>`. The lower-cased words follow by
        descending count, then alphabetically. The device does not fold case, so the file does: a
        word's id has a line for its lower, Capitalised and UPPER form, for each spelling seen in
        `texts`, and for all of these with either apostrophe. A form belongs to the word that it
        lower-cases to, or else to the most frequent candidate ("STRASSE" to "strasse", or else to
        "straße").

        Args:
            texts: The training texts.
            size: Maximum number of ids, including the special ones.
            delimiter: RE2 regex that splits the texts.

        Raises:
            TypeError: If `texts` is a str, or contains anything but str.
            ValueError: If `size` is below 4, or `Tokenizer` would refuse the delimiter.
        """
        if size < 4:
            raise ValueError(
                f"vocabulary of {size} ids: {PAD}, {START} and {UNKNOWN} take three, and a word "
                "takes one; give a size of 4 or more"
            )
        split = _splitter(delimiter)
        counts: Counter[str] = Counter()
        for text in _checked(texts):
            counts.update(split(_as_on_device(text)))

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
        """A vocabulary of the given words in their order, with the same forms as `from_texts`.

        Args:
            words: Distinct lower-case words, with `'` as the apostrophe. Words that the tokenizer
                never produces are left out.
            size: Maximum number of ids, including the special ones.
            delimiter: RE2 regex that splits the texts.
            spellings: More forms of words, by word.
        """
        split, spellings = _splitter(delimiter), spellings or {}

        def can_occur(form: str) -> bool:
            return split(form) == [form] and not _BREAKS_LINE.search(form)

        ids = {PAD: PAD_ID, START: 1, UNKNOWN: 2}
        foreign = []  # forms that do not fold to their word
        new_id = 3
        for word in words:
            if new_id == size:
                break
            forms = [word, word.capitalize(), word.upper(), *sorted(spellings.get(word, ()))]
            forms += [form.replace("'", APOSTROPHE) for form in forms if "'" in form]
            forms = [form for form in forms if can_occur(form) and form not in ids]
            regular = [form for form in forms if _folded(form) == word]
            if not regular:  # the word cannot be written as a line, or is a special token
                continue
            ids.update((form, new_id) for form in regular)
            foreign += [(form, new_id) for form in forms if _folded(form) != word]
            new_id += 1
        for form, form_id in foreign:
            ids.setdefault(form, form_id)
        return cls(dict(sorted(ids.items(), key=lambda entry: entry[1])))

    def extended(self, other: "Vocabulary", *, size: int) -> "Vocabulary":
        """This vocabulary with the words of another one appended, in the other's order.

        Args:
            other: The other vocabulary. Its tokens that share an id still share one.
            size: Maximum number of ids, including the special ones.
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
        """This vocabulary with each token that has a `'` also in the form with U+2019."""
        ids = dict(self._ids)
        for token, token_id in self._ids.items():
            ids.setdefault(token.replace("'", APOSTROPHE), token_id)
        return Vocabulary(ids)

    @classmethod
    def parse(cls, content: str | bytes, *, source: str = "vocabulary") -> "Vocabulary":
        """Parses a vocabulary file; empty lines and Windows line ends are allowed.

        Args:
            content: The file's content; bytes are UTF-8.
            source: The file's name, for errors.

        Raises:
            ValueError: If a line is not UTF-8, not `token id` or a repetition, or the vocabulary is
                invalid as a whole.
        """
        if isinstance(content, str):
            content = content.encode()
        ids: dict[str, int] = {}
        # Not splitlines: for the device, only a line feed ends a line.
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
                    f"{where}: {token!r:.80} already has a line, with id {ids[token]}; "
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
        """Reads a vocabulary file.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If its content is invalid, see `parse`.
        """
        return cls.parse(Path(path).read_bytes(), source=str(path))

    def save(self, path: str | os.PathLike) -> None:
        """Writes the vocabulary file atomically."""
        write_bytes(path, self.text.encode())

    @property
    def text(self) -> str:
        """The content of the vocabulary file."""
        return "".join(f"{token} {token_id}\n" for token, token_id in self._ids.items())

    @property
    def size(self) -> int:
        """The largest id plus one: the number of rows of an embedding."""
        return max(self._ids.values()) + 1

    def __getitem__(self, token: str) -> int:
        return self._ids[token]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        """The number of tokens, which is the number of lines of the file."""
        return len(self._ids)

    def __repr__(self) -> str:
        return f"<Vocabulary: {len(self)} tokens, {self.size} ids>"


class Tokenizer:
    """Computes the ids that MediaPipe's regex tokenizer computes on the device.

    Args:
        vocabulary: Ids of the tokens.
        max_length: Number of ids per text, including `<START>`.
        delimiter: RE2 regex that splits the texts.

    Raises:
        ValueError: If `max_length` is below 1, or the delimiter is not an RE2 regex or matches the
            empty string, on which the device would loop forever.
    """

    def __init__(self, vocabulary: Vocabulary, max_length: int, delimiter: str = DELIMITER):
        if max_length < 1:
            raise ValueError(
                f"max_length {max_length}: a text takes at least one id; give 1 or more"
            )
        self.vocabulary = vocabulary
        self.max_length = int(max_length)
        self.delimiter = delimiter
        self._split = _splitter(delimiter)

    def split(self, text: str) -> list[str]:
        """All tokens of `text`.

        Surrogates are read as in a browser: a pair becomes its character, a lone one U+FFFD.
        """
        return self._split(_as_on_device(text))

    def encode(self, texts: Iterable[str]) -> np.ndarray:
        """The ids of `texts`, int32 [batch, max_length].

        Raises:
            TypeError: If `texts` is a str, or contains anything but str.
        """
        texts = list(_checked(texts))
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


def lengths(ids: np.ndarray) -> np.ndarray:
    """The length of each row of token ids without the padding at its end.

    Args:
        ids: int [batch, time], padded on the right with `PAD_ID`.

    Returns:
        int [batch]; 0 for a row of padding only.
    """
    real = ids != PAD_ID
    return np.where(real.any(axis=1), ids.shape[1] - real[:, ::-1].argmax(axis=1), 0)


_BREAKS_LINE = re.compile("[ \n]")


def _folded(token: str) -> str:
    return token.lower().replace(APOSTROPHE, "'")


def _check_entry(token: str, token_id: int) -> None:
    if not token or _BREAKS_LINE.search(token):
        raise ValueError(
            f"token {token!r:.80}: lines are 'token id', so a token cannot be empty or contain a "
            "space or line feed; leave it out"
        )
    if not 0 <= token_id <= _LARGEST_ID:
        raise ValueError(f"token {token!r:.80}: id {token_id} is not a non-negative int32")


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, (str, bytes)):
        raise TypeError(f"texts is a single {type(texts).__name__}: give a list of str, [text]")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"texts[{position}] is {text!r:.40}, a {type(text).__name__}: a text is a str; "
                "decode, convert or drop it"
            )
        yield text


def _as_on_device(text: str) -> str:
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
            f"delimiter {delimiter!r} is not an RE2 regex ({reason}); RE2 has no look-around or "
            f"back-references; the default is {DELIMITER!r}"
        ) from None
    # A regex that matches the empty string does so in one of these, unless a literal matches first.
    for probe in ("", "a"):
        match = regex.search(probe)
        if match and not match.group():
            raise ValueError(_empty_match(delimiter))
    return _ClassSplitter(regex) if _ONE_CLASS.fullmatch(delimiter) else _RegexSplitter(regex)


def _empty_match(delimiter: str) -> str:
    return (
        f"delimiter {delimiter!r} matches the empty string, on which the device would loop "
        "forever; make it match at least one character, with + instead of *"
    )


_ONE_CLASS = re.compile(r"(?:\[\^?(?:\\.|[^\\\[\]])+\]|\\[dDsSwW])\+?", re.DOTALL)


class _ClassSplitter(dict):
    """Splits at runs of one character class, with one RE2 call per distinct character.

    The dict is a table for `str.translate` that maps delimiters to NUL, which no text contains.
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

    Like the device, it searches the rest of the text on its own, so `^` matches after every
    delimiter.
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
        # A regex can split within a character (\C); no vocabulary contains such a piece.
        return [str(token, "utf-8", "surrogateescape") for token in tokens if token]
