"""Word vectors that others have trained, and what they are good for here.

A text file in the form of GloVe (Pennington, Socher & Manning, "GloVe: global vectors for word
representation", EMNLP 2014) or word2vec: a line a word, the word and then its numbers, frequent
words first. An embedding that starts from them knows words that the training texts lack.
"""

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.text import Vocabulary

MOST = 100_000  # words that are read
CANDIDATES = 30_000  # words that may stand in for others
NEAREST = 20  # of them, for each word
SHARE = 0.3  # of a text's words that are exchanged
_WORD = re.compile(r"\w+")


class VectorsError(ValueError):
    """A file that holds no word vectors."""


@dataclass(frozen=True)
class WordVectors:
    """Words and their vectors.

    Attributes:
        places: Word -> row, in the order of the rows.
        matrix: float32 [words, width].
    """

    places: dict[str, int]
    matrix: np.ndarray

    @classmethod
    def read(cls, path: str | Path) -> "WordVectors":
        """Reads the first `MOST` words of a text file, which may be packed as .gz.

        Raises:
            VectorsError: If it is missing, or a line is no word with as many numbers as the first.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise VectorsError(f"{path}: no such file. Word vectors are a text file, as GloVe's.")
        places: dict[str, int] = {}
        rows: list[np.ndarray] = []
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                word, *numbers = line.rstrip().split(" ")
                if number == 1 and len(numbers) == 1:
                    continue  # word2vec's first line says how many words and numbers follow
                try:
                    row = np.array(numbers, np.float32)
                except ValueError:
                    row = np.empty(0, np.float32)
                if not row.size or (rows and len(row) != len(rows[0])) or not _finite(row):
                    wanted = f"{len(rows[0])} numbers" if rows else "numbers"
                    raise VectorsError(
                        f"{path}, line {number}: a word and {wanted} belong here, not "
                        f"{line[:40]!r}. Give a text file, as GloVe's."
                    )
                if word not in places:
                    places[word] = len(rows)
                    rows.append(row)
                if len(rows) == MOST:
                    break
        if not rows:
            raise VectorsError(f"{path}: holds no word.")
        return cls(places, np.stack(rows))

    def narrowed(self, width: int) -> np.ndarray:
        """float32 [words, width]: the vectors' first principal components, where they are wider.

        Raises:
            VectorsError: If they are narrower.
        """
        if width > self.matrix.shape[1]:
            raise VectorsError(
                f"The word vectors have {self.matrix.shape[1]} numbers and the embedding {width}; "
                "give an --embed-dim of no more."
            )
        if width == self.matrix.shape[1]:
            return self.matrix
        centred = self.matrix - self.matrix.mean(axis=0)
        _, directions = np.linalg.eigh(centred.T @ centred)  # by rising variance
        return centred @ directions[:, ::-1][:, :width]

    def fill(self, rows: np.ndarray, vocabulary: Vocabulary) -> int:
        """Writes the vectors of known words into an embedding [ids, width], in place.

        Returns:
            How many ids got one.
        """
        vectors = self.narrowed(rows.shape[1])
        found: dict[int, int] = {}
        for token, token_id in vocabulary.items():
            place = self.places.get(token, self.places.get(token.lower()))
            if place is not None:
                found.setdefault(token_id, place)
        rows[list(found)] = vectors[list(found.values())]
        return len(found)


def variants(texts: Sequence[str], vectors: WordVectors, count: int, seed: int) -> list[str]:
    """Texts with words exchanged for near ones, for a teacher to answer.

    Each of a text's words is, with probability `SHARE`, one of the `NEAREST` by cosine instead.
    What such a text is about may change; whoever labels it decides (Tang et al., "Distilling
    task-specific knowledge from BERT into simple neural networks", 2019, mask and exchange words
    to the same end).

    Args:
        texts: To be varied.
        vectors: Of the words that are exchanged; others stay.
        count: Variants of each text.
        seed: Decides which words.

    Returns:
        `count` texts for each.
    """
    near = _nearest({word.lower() for text in texts for word in _WORD.findall(text)}, vectors)
    rng = np.random.default_rng(seed)

    def exchanged(match: re.Match) -> str:
        word = match.group()
        others = near.get(word.lower())
        if others is None or rng.random() >= SHARE:
            return word
        other = others[rng.integers(len(others))]
        return other.capitalize() if word[0].isupper() else other

    return [_WORD.sub(exchanged, text) for text in texts for _ in range(count)]


def _nearest(words: set[str], vectors: WordVectors) -> dict[str, list[str]]:
    names = [word for word in list(vectors.places)[:CANDIDATES] if _WORD.fullmatch(word)]
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


def _finite(row: np.ndarray) -> bool:
    return bool(np.isfinite(row).all())
