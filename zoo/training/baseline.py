"""Baselines of a run: the most frequent label, and TF-IDF with logistic regression.

Of several labels and of numbers, `zoo.training.baseline_labels` and `baseline_numbers` have their
counterparts. All are fitted to the training texts, with fixed settings, in seconds.
"""

from typing import Any

import numpy as np

from zoo.datasets import Dataset
from zoo.kinds import Kind, Softmax
from zoo.text import DELIMITER
from zoo.training import baseline_labels, baseline_numbers
from zoo.training.tfidf import TfidfClassifier

# Of each kind of scores: what does not read the text, and what counts its words.
TITLES = {
    "softmax": {
        "most_frequent_label": "most frequent label",
        "tfidf": "TF-IDF with logistic regression",
    },
    "sigmoid": {
        "most_frequent_labels": "most frequent labels",
        "tfidf": "TF-IDF with logistic regression for each label",
    },
    "numbers": {"mean": "mean of the training texts", "tfidf": "TF-IDF with ridge regression"},
}
HELP = "a trained model to start from (--init), word vectors (--vectors)"
REMEDIES = {
    "softmax": f"More texts help most; {HELP} or a larger teacher (--teacher) may help, too.",
    "sigmoid": f"More texts help most; {HELP} or more epochs (--epochs) may help, too.",
    "numbers": f"More texts help most; {HELP} or more epochs (--epochs) may help, too.",
}


def measure(dataset: Dataset, delimiter: str = DELIMITER) -> dict[str, Any]:
    """Figures of the baselines on validation and test, for metrics.json.

    Args:
        dataset: The data set of the run; only its training texts are used for fitting.
        delimiter: The RE2 regex that splits texts into words.

    Returns:
        By name, of `TITLES`: `validation` and `test`, the accuracies, or the figures that take
        their place (`zoo.kinds.Kind.headline`); `label`, the most frequent one, or `labels`;
        `texts`, the number of training texts that TF-IDF was fitted to.
    """
    measures = {
        "softmax": _of_one_label,
        "sigmoid": baseline_labels.measure,
        "numbers": baseline_numbers.measure,
    }
    return measures[dataset.scores](dataset, delimiter)


def _of_one_label(dataset: Dataset, delimiter: str) -> dict[str, Any]:
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


def compared(
    figures: dict[str, Any],
    kind: Kind = Softmax(),  # noqa: B008, it cannot change
) -> list[tuple[str, float, float]]:
    """Rows (what, figure on validation, figure on test) of the baselines and the model.

    Args:
        figures: What metrics.json holds.
        kind: The kind of scores, whose headline is compared.
    """
    rows = []
    for name, title in TITLES[kind.name].items():
        row = figures["baselines"][name]
        shown = f"{title} ({row['label']})" if "label" in row else title
        rows.append((shown, row["validation"], row["test"]))
    own = [figures[part][kind.headline] for part in ("validation", "test")]
    return [*rows, ("this model", own[0], own[1])]


def warning(
    figures: dict[str, Any],
    kind: Kind = Softmax(),  # noqa: B008, it cannot change
) -> str | None:
    """A warning for a model that is worse than TF-IDF on test, with a remedy; None for others."""
    model, tfidf = figures["test"][kind.headline], figures["baselines"]["tfidf"]["test"]
    if model >= tfidf:
        return None
    return (
        f"Warning: on test this model is worse than {TITLES[kind.name]['tfidf']} ({model:.4f} "
        f"against {tfidf:.4f}). {REMEDIES[kind.name]}"
    )
