"""Logistic regression on the TF-IDF of words: a teacher, and a baseline of every run.

It is fitted in seconds, and hard to beat on few texts.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.text import DELIMITER, PAD, UNKNOWN, Tokenizer, Vocabulary

STRENGTH = 10.0  # inverse of the L2 penalty, scikit-learn's C
ITERATIONS = 40  # of L-BFGS, at most
# Limits that keep fitting to seconds: beyond them, only the most frequent words and a random part
# of the training texts are used.
MOST_WEIGHTS = 1_500_000  # words × labels
MOST_CHARACTERS = 12_000_000
MOST_PRODUCTS = 20_000_000  # non-zero TF-IDF values × labels
SEED = 0


class TfidfClassifier:
    """Logistic regression on the TF-IDF of single words in lower case.

    If no training text has a word, or all have the same label, it predicts the frequencies of the
    labels.

    Args:
        num_classes: Number of labels.
        delimiter: The RE2 regex that splits texts into words, as of `zoo.text.Tokenizer`.

    Attributes:
        texts: How many training texts the regression was fitted to.
    """

    def __init__(self, num_classes: int, delimiter: str = DELIMITER):
        self.num_classes = num_classes
        self.texts = 0
        self._split = Tokenizer(Vocabulary({PAD: 0, UNKNOWN: 1}), 1, delimiter).split
        self._shares = np.zeros(num_classes)
        self._fitted: tuple[Any, Any] | None = None

    def fit(self, texts: Sequence[str], labels: np.ndarray) -> "TfidfClassifier":
        """Fits to texts and their label ids, int32 [texts]. Returns itself."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self._shares = np.bincount(labels, minlength=self.num_classes) / len(labels)
        order = np.random.default_rng(SEED).permutation(len(texts))
        order = order[: _within([len(texts[row]) for row in order], MOST_CHARACTERS)]
        vectorizer = TfidfVectorizer(
            analyzer=self._words, max_features=MOST_WEIGHTS // self.num_classes
        )
        try:
            features = vectorizer.fit_transform([texts[row] for row in order])
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            return self
        count = _within(np.diff(features.indptr), MOST_PRODUCTS // self.num_classes)
        order = order[:count]
        if len(np.unique(labels[order])) > 1:
            regression = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS)
            with warnings.catch_warnings():
                # More iterations would gain little and take long.
                warnings.simplefilter("ignore", ConvergenceWarning)
                regression.fit(features[:count], labels[order])
            self._fitted, self.texts = (vectorizer, regression), count
        return self

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [texts, labels]."""
        result = np.tile(np.float32(self._shares), (len(texts), 1))
        if self._fitted and len(texts):
            vectorizer, regression = self._fitted
            result[:] = 0  # labels without training texts
            found = regression.predict_proba(vectorizer.transform(texts))
            result[:, regression.classes_] = found
        return result

    def _words(self, text: str) -> list[str]:
        return [word.lower() for word in self._split(text)]


def answers(
    texts: Sequence[str], labels: np.ndarray, num_classes: int, others: Sequence[str]
) -> np.ndarray:
    """Probabilities for the training texts and for others.

    Args:
        texts: Training texts.
        labels: int32 [texts].
        num_classes: Number of labels.
        others: More texts to predict.

    Returns:
        float32 [texts and others, classes].
    """
    return TfidfClassifier(num_classes).fit(texts, labels).probabilities([*texts, *others])


def _within(sizes: Sequence[int] | np.ndarray, most: int) -> int:
    """Number of first items with a total size of at most `most`; at least one."""
    return max(int(np.searchsorted(np.cumsum(sizes), most, side="right")), 1)
