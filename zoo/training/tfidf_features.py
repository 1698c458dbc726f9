"""TF-IDF of single words in lower case, of as many texts as take seconds to fit to."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.text import DELIMITER, PAD, UNKNOWN, Tokenizer, Vocabulary

SEED = 0


class TfidfFeatures:
    """TF-IDF of single words.

    Args:
        delimiter: The RE2 regex that splits texts into words, as of `zoo.text.Tokenizer`.
        most_words: Only so many, the most frequent ones.
        most_characters: Of the texts that words and weights are learnt from, a random part of all.
    """

    def __init__(self, delimiter: str = DELIMITER, *, most_words: int, most_characters: int):
        self._split = Tokenizer(Vocabulary({PAD: 0, UNKNOWN: 1}), 1, delimiter).split
        self._most_words, self._most_characters = most_words, most_characters
        self._vectorizer: Any = None

    def fit(self, texts: Sequence[str], most_values: int) -> tuple[np.ndarray, Any]:
        """Learns the words of texts and their weights.

        Args:
            texts: The texts.
            most_values: Number of non-zero values to return.

        Returns:
            Rows of texts in a random order, and their features, sparse [rows, words]; no rows if no
            text has a word.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        order = np.random.default_rng(SEED).permutation(len(texts))
        order = order[: _within([len(texts[row]) for row in order], self._most_characters)]
        vectorizer = TfidfVectorizer(analyzer=self._words, max_features=self._most_words)
        try:
            features = vectorizer.fit_transform([texts[row] for row in order])
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            return order[:0], None
        self._vectorizer = vectorizer
        count = _within(np.diff(features.indptr), most_values)
        return order[:count], features[:count]

    def of(self, texts: Sequence[str]) -> Any:
        """The features of texts, sparse [texts, words]."""
        return self._vectorizer.transform(texts)

    def _words(self, text: str) -> list[str]:
        return [word.lower() for word in self._split(text)]


def _within(sizes: Sequence[int] | np.ndarray, most: int) -> int:
    """Number of first items with a total size of at most `most`; at least one."""
    return max(int(np.searchsorted(np.cumsum(sizes), most, side="right")), 1)
