"""Baselines of a run: the most frequent label, and TF-IDF with logistic regression.

Both are fitted to the training texts, with fixed settings, in seconds.
"""

from typing import Any

import numpy as np

from zoo.datasets import Dataset
from zoo.text import DELIMITER
from zoo.training.tfidf import TfidfClassifier

TITLES = {
    "most_frequent_label": "most frequent label",
    "tfidf": "TF-IDF with logistic regression",
}
REMEDY = (
    "More texts help most; a trained model to start from (--init), word vectors (--vectors) or a "
    "larger teacher (--teacher) may help, too."
)


def measure(dataset: Dataset, delimiter: str = DELIMITER) -> dict[str, Any]:
    """Accuracy of the baselines on validation and test, for metrics.json.

    Args:
        dataset: The data set of the run; only its training texts are used for fitting.
        delimiter: The RE2 regex that splits texts into words.

    Returns:
        By name, of `TITLES`: `validation` and `test`, the accuracies; `label`, the most frequent
        one; `texts`, the number of training texts that TF-IDF was fitted to.
    """
    train = dataset.train
    tfidf = TfidfClassifier(len(dataset.labels), delimiter).fit(train.texts, train.labels)
    frequent = int(np.bincount(train.labels).argmax())
    parts = {"validation": dataset.valid, "test": dataset.test}
    return {
        "most_frequent_label": {
            "label": dataset.labels[frequent],
            **{name: float(np.mean(part.labels == frequent)) for name, part in parts.items()},
        },
        "tfidf": {
            "texts": tfidf.texts,
            **{
                name: float(np.mean(tfidf.probabilities(part.texts).argmax(1) == part.labels))
                for name, part in parts.items()
            },
        },
    }


def compared(figures: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Rows (what, accuracy on validation, accuracy on test) of the baselines and the model.

    Args:
        figures: What metrics.json holds.
    """
    rows = []
    for name, title in TITLES.items():
        row = figures["baselines"][name]
        shown = f"{title} ({row['label']})" if "label" in row else title
        rows.append((shown, row["validation"], row["test"]))
    own = [figures[part]["accuracy"] for part in ("validation", "test")]
    return [*rows, ("this model", own[0], own[1])]


def warning(figures: dict[str, Any]) -> str | None:
    """A warning for a model that is worse than TF-IDF on test, with a remedy; None for others."""
    model, tfidf = figures["test"]["accuracy"], figures["baselines"]["tfidf"]["test"]
    if model >= tfidf:
        return None
    return (
        f"Warning: on test this model is worse than {TITLES['tfidf']} ({model:.4f} against "
        f"{tfidf:.4f}). {REMEDY}"
    )
