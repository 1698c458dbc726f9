"""Baselines for numbers: their mean, and ridge regression on TF-IDF."""

from typing import Any

import numpy as np

from zoo.datasets import Dataset
from zoo.kinds import Numbers
from zoo.training.tfidf import MOST_PRODUCTS, features_for

PENALTY = 1.0  # scikit-learn's alpha, for standardised numbers


def measure(dataset: Dataset, delimiter: str) -> dict[str, Any]:
    """R² on validation and test; see `zoo.training.baseline.measure`."""
    from sklearn.linear_model import Ridge

    train, parts = dataset.train, {"validation": dataset.valid, "test": dataset.test}
    mean = train.labels.mean(axis=0)
    words = features_for(len(dataset.labels), delimiter)
    rows, features = words.fit(train.texts, MOST_PRODUCTS // len(dataset.labels))
    ridge = Ridge(alpha=PENALTY).fit(features, train.labels[rows] - mean) if len(rows) else None

    def r2(name: str, *, by_words: bool) -> float:
        part = parts[name]
        found = np.tile(mean, (len(part), 1))
        if by_words and ridge is not None:
            found += ridge.predict(words.of(part.texts)).reshape(found.shape)
        return Numbers().figures(found, part.labels)["r2"]

    return {
        "mean": {"numbers": mean.tolist(), **{name: r2(name, by_words=False) for name in parts}},
        "tfidf": {"texts": len(rows), **{name: r2(name, by_words=True) for name in parts}},
    }
