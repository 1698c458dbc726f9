"""Pretrained word vectors, to initialise embeddings and for augmentation.

A text file in the form of GloVe (Pennington, Socher & Manning, "GloVe: global vectors for word
representation", EMNLP 2014) or word2vec: one line per word, the word and then its numbers, frequent
words first. Or the folder of a transformer, for the embeddings of its word pieces. A model that
starts from them knows words that the training texts lack.
"""

import functools
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import re2

from zoo.text import WORD
from zoo.tokenizers import AnyVocabulary
from zoo.training import piece_table
from zoo.wordpiece import CONTINUATION

MOST = 100_000  # number of words to read
CANDIDATES = 30_000  # number of words that may replace others
NEAREST = 20  # neighbours of each word
SHARE = 0.3  # share of the words of a text that are replaced
SPREAD = 0.8  # standard deviation in an embedding


class VectorsError(ValueError):
    """A file without word vectors."""


def check(path: str | Path) -> None:
    """Raises `VectorsError` if there is no such file, or no transformer in the folder."""
    path = Path(path).expanduser()
    if path.is_dir():
        try:
            piece_table.check(path)
        except ValueError as error:
            raise VectorsError(str(error)) from error
    elif not path.is_file():
        raise VectorsError(f"{path}: no such file. Word vectors are a text file, as GloVe's.")


@dataclass(frozen=True)
class WordVectors:
    """Words and their vectors.

    Attributes:
        places: Word -> row, in the order of the rows, in lower case like a model's tokens.
        matrix: float32 [words, width].
    """

    places: dict[str, int]
    matrix: np.ndarray

    @classmethod
    def read(cls, path: str | Path) -> "WordVectors":
        """Reads the first `MOST` words of a text file, which may be packed as .gz; or the table of
        a transformer, from its folder (see `zoo.training.piece_table`).

        For a word in several cases, the lower-case vector is used, or else the first.

        Raises:
            VectorsError: If it is missing, or a line does not have as many numbers as the first.
        """
        check(path)
        path = Path(path).expanduser()
        if path.is_dir():
            try:
                return cls(*piece_table.read(path))
            except ValueError as error:
                raise VectorsError(str(error)) from error
        opener = gzip.open if path.suffix == ".gz" else open
        try:
            with opener(path, "rt", encoding="utf-8-sig", newline="\n") as file:
                places, rows = _read(file, path)
        except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise VectorsError(f"{path}: no text in UTF-8 ({error}), as GloVe's is.") from None
        if not rows:
            raise VectorsError(f"{path}: holds no word.")
        return cls(places, np.stack(rows))

    @functools.cached_property
    def of_pieces(self) -> bool:
        """Whether they are those of word pieces, with `##` inside of words."""
        return any(piece.startswith(CONTINUATION) for piece in self.places)

    @property
    def content(self) -> bytes:
        """Words and numbers as bytes, for a digest."""
        return "\n".join(self.places).encode("utf-8", "surrogatepass") + self.matrix.tobytes()

    def check_width(self, width: int) -> None:
        """Raises `VectorsError` if an embedding of this width is wider than they are."""
        if width > self.matrix.shape[1]:
            raise VectorsError(
                f"The word vectors have {self.matrix.shape[1]} numbers and the embedding {width}; "
                "give an --embed-dim of no more."
            )

    def narrowed(self, width: int) -> np.ndarray:
        """The vectors, centred and scaled to `SPREAD`; principal components of wider ones.

        Returns:
            float32 [words, width].

        Raises:
            VectorsError: If they are narrower.
        """
        self.check_width(width)
        result = self.matrix - self.matrix.mean(axis=0)
        if width < self.matrix.shape[1]:
            _, directions = np.linalg.eigh(result.T @ result)  # sorted by increasing variance
            result = result @ directions[:, ::-1][:, :width]
        return result * (SPREAD / max(float(result.std()), 1e-9))

    def fill(self, rows: np.ndarray, vocabulary: AnyVocabulary) -> int:
        """Writes the vectors of known words into an embedding [ids, width], in place.

        Returns:
            The number of ids with a vector.
        """
        vectors = self.narrowed(rows.shape[1])
        found: dict[int, int] = {}
        for token, token_id in vocabulary.items():
            place = self.places.get(token.lower())
            if place is not None:
                found.setdefault(token_id, place)
        rows[list(found)] = vectors[list(found.values())]
        return len(found)


def variants(texts: Sequence[str], vectors: WordVectors, count: int, seed: int) -> list[str]:
    """Augmentation by nearest neighbours: replaces words by similar ones, for a teacher to label.

    Each word is replaced with probability `SHARE` by one of its `NEAREST` by cosine similarity
    (Jiao et al., "TinyBERT: distilling BERT for natural language understanding", Findings of EMNLP
    2020).

    Args:
        texts: The texts to augment.
        vectors: Word vectors; words without one are not replaced.
        count: Variants of each text.
        seed: Seed of the random choices.

    Returns:
        `count` variants of each text.
    """
    word = re2.compile(WORD)
    near = _nearest({found.lower() for text in texts for found in word.findall(text)}, vectors)
    rng = np.random.default_rng(seed)

    def exchanged(match) -> str:
        token = match.group()
        others = near.get(token.lower())
        if others is None or rng.random() >= SHARE:
            return token
        other = others[rng.integers(len(others))]
        return other.capitalize() if token[0].isupper() else other

    return [word.sub(exchanged, text) for text in texts for _ in range(count)]


def _nearest(words: set[str], vectors: WordVectors) -> dict[str, list[str]]:
    whole = re2.compile(WORD)
    names = [word for word in list(vectors.places)[:CANDIDATES] if whole.fullmatch(word)]
    matrix = vectors.matrix[[vectors.places[name] for name in names]]
    matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    known = [place for place, name in enumerate(names) if name in words]
    found: dict[str, list[str]] = {}
    nearest = min(NEAREST, len(names) - 1)
    for start in range(0, len(known) if nearest else 0, 1000):
        places = known[start : start + 1000]
        likeness = matrix[places] @ matrix.T
        likeness[np.arange(len(places)), places] = -2  # not the word itself
        best = np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]
        found.update(
            (names[place], [names[other] for other in row])
            for place, row in zip(places, best, strict=True)
        )
    return found


def _read(lines: Iterable[str], path: Path) -> tuple[dict[str, int], list[np.ndarray]]:
    places: dict[str, int] = {}
    rows: list[np.ndarray] = []
    known: set[str] = set()
    width = 0
    for number, line in enumerate(lines, start=1):
        parts = line.rstrip().split(" ")
        if parts == [""]:
            continue
        if number == 1 and len(parts) == 2:
            width = _whole(parts[1])  # word2vec's header: numbers of words and dimensions
            if width:
                continue
        width = width or len(parts) - 1
        # A few of GloVe's words contain spaces.
        word, numbers = " ".join(parts[:-width]), parts[-width:]
        try:
            row = np.array(numbers, np.float32)
        except ValueError:
            row = np.empty(0, np.float32)
        if not word or not row.size or not np.isfinite(row).all():
            raise VectorsError(
                f"{path}, line {number}: a word and {width or 'its'} numbers belong here, not "
                f"{line[:40]!r}. Give a text file, as GloVe's."
            )
        place = places.setdefault(word.lower(), len(rows))
        if place == len(rows):
            rows.append(row)
        elif word == word.lower() and word not in known:
            rows[place] = row
        known.add(word)
        if len(rows) == MOST:
            break
    return places, rows


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0
