"""Baselines for several labels: the same ones for every text, and a regression for each label."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.datasets import Dataset
from zoo.kinds import Sigmoid
from zoo.training.tfidf import MOST_PRODUCTS, features_for, logistic
from zoo.training.thresholds import choose


def measure(dataset: Dataset, delimiter: str) -> dict[str, Any]:
    """Micro F1 on validation and test; see `zoo.training.baseline.measure`.

    The thresholds of the regressions are chosen on the validation texts, as those of the model.
    """
    train, parts = dataset.train, {"validation": dataset.valid, "test": dataset.test}
    same = most_frequent(train.labels)
    texts, scores = one_for_each(
        train.texts, train.labels, delimiter, [p.texts for p in parts.values()]
    )
    by_words = dict(zip(parts, scores, strict=True))
    kind = Sigmoid(choose(by_words["validation"], dataset.valid.labels == 1))

    def micro_f1(scores: np.ndarray, name: str, kind: Sigmoid) -> float:
        return kind.figures(scores, parts[name].labels)["micro_f1"]

    return {
        "most_frequent_labels": {
            "labels": [dataset.labels[number] for number in np.flatnonzero(same)],
            **{
                name: micro_f1(np.tile(same, (len(part), 1)), name, Sigmoid())
                for name, part in parts.items()
            },
        },
        "tfidf": {
            "texts": texts,
            **{name: micro_f1(by_words[name], name, kind) for name in parts},
        },
    }


def most_frequent(truth: np.ndarray) -> np.ndarray:
    """The labels that give the highest micro F1 if every text gets them, 0 or 1, float32 [labels].

    Args:
        truth: 0 or 1, int [texts, labels].
    """
    counts = truth.sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    hits, chosen = np.cumsum(counts[order]), np.arange(1, len(order) + 1)
    best = int(np.argmax(2 * hits / (chosen * len(truth) + counts.sum())))
    same = np.zeros(len(order), np.float32)
    same[order[: best + 1]] = 1
    return same


def one_for_each(
    texts: Sequence[str], truth: np.ndarray, delimiter: str, asked: Sequence[Sequence[str]]
) -> tuple[int, list[np.ndarray]]:
    """Fits a logistic regression on TF-IDF for each label.

    Args:
        texts: Training texts.
        truth: Their labels, 0 or 1, int [texts, labels].
        delimiter: The RE2 regex that splits texts into words.
        asked: Lists of texts to predict.

    Returns:
        The number of texts that were used, and for each list probabilities, float32 [texts,
        labels]. A label that no text or every text has gets its share everywhere.
    """
    labels = truth.shape[1]
    found = [np.tile(truth.mean(axis=0).astype(np.float32), (len(one), 1)) for one in asked]
    words = features_for(labels, delimiter)
    rows, features = words.fit(texts, MOST_PRODUCTS // labels)
    if not len(rows):
        return 0, found
    given = [words.of(one) for one in asked]
    for label in range(labels):
        true = truth[rows, label]
        if 0 < true.sum() < len(true):
            regression = logistic(features, true)
            for scores, own in zip(found, given, strict=True):
                scores[:, label] = regression.predict_proba(own)[:, 1]
    return len(rows), found
