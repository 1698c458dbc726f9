"""A probability for each of several labels by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.kinds.base import Kind, Label

if TYPE_CHECKING:
    from zoo.inference import Prediction

HALF = 0.5  # the threshold of a label for which none was chosen
LEAST = 1e-12  # of a probability, so that its logarithm is finite


@dataclass(frozen=True)
class Sigmoid(Kind):
    """A text gets each label whose score reaches the label's threshold: any number, also none.

    The truth is 0 or 1 for each label, int32 [texts, labels].

    Attributes:
        thresholds: From 0 to 1, one for each label; none for 0.5 each.
    """

    thresholds: tuple[float, ...] = ()

    name = "sigmoid"
    answer = "labels"
    headline = "micro_f1"
    titles = {  # noqa: RUF012
        "micro_f1": "micro F1",
        "macro_f1": "macro F1",
        "exact_match": "exact match",
        "loss": "mean binary cross-entropy",
    }
    limits = (
        "It assigns each label whose score reaches the label's threshold, also to an unrelated "
        "text. The thresholds were chosen on the validation texts, so the figures on them are a "
        "little too good. Its scores are not calibrated."
    )

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self.name}
        return found | {"thresholds": list(self.thresholds)} if self.thresholds else found

    def listed(self, names: Sequence[str]) -> list[str]:
        pairs = zip(names, self.limits_of(len(names)), strict=True)
        return [f"{name} (from {threshold:.3f})" for name, threshold in pairs]

    def passed(self, scores: np.ndarray) -> np.ndarray:
        """Whether each score [..., labels] reaches its threshold, bool."""
        return scores >= self.limits_of(scores.shape[-1])

    def limits_of(self, labels: int) -> np.ndarray:
        """The thresholds, float64 [labels]."""
        return np.array(self.thresholds or (HALF,) * labels, np.float64)

    def encode(self, labels: Sequence[Label], names: Sequence[str]) -> np.ndarray:
        ids = {name: number for number, name in enumerate(names)}
        truth = np.zeros((len(labels), len(names)), np.int32)
        for row, own in enumerate(labels):
            for label in own:
                truth[row, ids[str(label)]] = 1
        return truth

    def decode(self, truth: np.ndarray, names: Sequence[str]) -> list[Label]:
        return [_named(row == 1, names) for row in truth]

    def misfit(self, labels: Sequence[Label], names: Collection[str]) -> str | None:
        found = {str(label) for own in labels for label in own}
        return ", ".join(sorted(found - set(names))) or None

    def is_truth(self, truth: np.ndarray, outputs: int) -> bool:
        return (
            truth.dtype == np.int32
            and truth.ndim == 2
            and truth.shape[1] == outputs
            and bool(np.isin(truth, (0, 1)).all())
        )

    def unknown(self, texts: int, outputs: int) -> np.ndarray:
        return np.full((texts, outputs), -1, np.int32)

    def is_known(self, truth: np.ndarray) -> np.ndarray:
        return np.asarray(np.all(truth >= 0, axis=1))

    def best(self, scores: np.ndarray, names: Sequence[str]) -> str:
        return names[int(scores.argmax())]

    def chosen(self, scores: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
        return _named(self.passed(scores), names)

    def shown(self, prediction: Prediction) -> tuple[str, list[str]]:
        scores = prediction.scores
        if not prediction.labels:
            return "no label", [f"highest: {prediction.label} {scores[prediction.label]:.3f}"]
        ordered = sorted(prediction.labels, key=lambda label: -scores[label])
        return ", ".join(f"{label} {scores[label]:.3f}" for label in ordered), []

    def json(self, prediction: Prediction) -> dict[str, Any]:
        return {
            "text": prediction.text,
            "labels": list(prediction.labels),
            "scores": prediction.scores,
            "known": prediction.known,
        }

    def figures(self, scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        found, true = self.passed(scores), truth == 1
        hits, errors = (found & true).sum(axis=0), (found != true).sum(axis=0)
        each = scores.astype(np.float64)
        loss = -np.log(np.maximum(np.where(true, each, 1 - each), LEAST))
        return {
            "micro_f1": float(f1(hits.sum(), errors.sum())),
            "macro_f1": float(f1(hits, errors).mean()),
            "exact_match": self.right(scores, truth),
            "loss": float(loss.mean()),
        }

    def same(self, scores: np.ndarray, expected: np.ndarray, near: float) -> np.ndarray:
        undecided = np.abs(expected - self.limits_of(expected.shape[1])) <= near
        same = (self.passed(scores) == self.passed(expected)) | undecided
        return np.asarray(same.all(axis=1))

    def right(self, scores: np.ndarray, truth: np.ndarray) -> float:
        return float((self.passed(scores) == (truth == 1)).all(axis=1).mean())

    def flaw(self, scores: np.ndarray, rounding: float) -> str | None:
        return "are not probabilities" if scores.min() < 0 or scores.max() > 1 else None


def _named(chosen: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name, one in zip(names, chosen, strict=True) if one)


def f1(hits: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """F1 from the numbers of true positives and of errors of either sort; 0 where both are 0."""
    return 2 * hits / np.maximum(2 * hits + errors, 1)
