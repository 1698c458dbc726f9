"""Logistic regression on the TF-IDF of words: a teacher, and a baseline of every run.

It is fitted in seconds, and hard to beat on few texts.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.text import DELIMITER
from zoo.training.tfidf_features import TfidfFeatures

STRENGTH = 10.0  # inverse of the L2 penalty, scikit-learn's C
ITERATIONS = 40  # of L-BFGS, at most
# Limits that keep fitting to seconds: beyond them, only the most frequent words and a random part
# of the training texts are used.
MOST_WEIGHTS = 1_500_000  # words × labels
MOST_CHARACTERS = 12_000_000
MOST_PRODUCTS = 20_000_000  # non-zero TF-IDF values × labels


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
        self._delimiter = delimiter
        self._shares = np.zeros(num_classes)
        self._fitted: tuple[TfidfFeatures, Any] | None = None

    def fit(self, texts: Sequence[str], labels: np.ndarray) -> "TfidfClassifier":
        """Fits to texts and their label ids, int32 [texts]. Returns itself."""
        self._shares = np.bincount(labels, minlength=self.num_classes) / len(labels)
        words = features_for(self.num_classes, self._delimiter)
        rows, features = words.fit(texts, MOST_PRODUCTS // self.num_classes)
        if len(np.unique(labels[rows])) > 1:
            self._fitted = words, logistic(features, labels[rows])
            self.texts = len(rows)
        return self

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [texts, labels]."""
        result = np.tile(np.float32(self._shares), (len(texts), 1))
        if self._fitted and len(texts):
            words, regression = self._fitted
            result[:] = 0  # labels without training texts
            result[:, regression.classes_] = regression.predict_proba(words.of(texts))
        return result


def features_for(outputs: int, delimiter: str) -> TfidfFeatures:
    """TF-IDF for a linear model of so many outputs, within the limits of this module."""
    return TfidfFeatures(
        delimiter, most_words=MOST_WEIGHTS // outputs, most_characters=MOST_CHARACTERS
    )


def logistic(features: Any, labels: np.ndarray) -> Any:
    """Fits scikit-learn's logistic regression to features [texts, words] and labels [texts]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        # More iterations would gain little and take long.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return regression.fit(features, labels)


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
