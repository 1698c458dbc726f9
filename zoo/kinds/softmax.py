"""Probabilities of labels of which one is right."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.kinds.base import Kind, Label

if TYPE_CHECKING:
    from zoo.inference import Prediction


@dataclass(frozen=True)
class Softmax(Kind):
    """A text gets the label with the highest score. The truth is its id, int32 [texts]."""

    name = "softmax"
    answer = "label"
    headline = "accuracy"
    titles = {"accuracy": "accuracy", "loss": "mean loss"}  # noqa: RUF012
    limits = (
        "It assigns one of its labels to every text, even an unrelated one. Its scores are not "
        "calibrated."
    )

    def record(self) -> None:
        return None

    def encode(self, labels: Sequence[Label], names: Sequence[str]) -> np.ndarray:
        ids = {name: number for number, name in enumerate(names)}
        return np.array([ids[str(label)] for label in labels], np.int32)

    def decode(self, truth: np.ndarray, names: Sequence[str]) -> list[Label]:
        return [names[number] for number in truth]

    def misfit(self, labels: Sequence[Label], names: Collection[str]) -> str | None:
        return ", ".join(sorted({str(label) for label in labels} - set(names))) or None

    def is_truth(self, truth: np.ndarray, outputs: int) -> bool:
        return (
            truth.dtype == np.int32
            and truth.ndim == 1
            and (not truth.size or bool(0 <= truth.min() <= truth.max() < outputs))
        )

    def unknown(self, texts: int, outputs: int) -> np.ndarray:
        return np.full(texts, -1, np.int32)

    def is_known(self, truth: np.ndarray) -> np.ndarray:
        return truth >= 0

    def best(self, scores: np.ndarray, names: Sequence[str]) -> str:
        return names[int(scores.argmax())]

    def chosen(self, scores: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
        return (self.best(scores, names),)

    def shown(self, prediction: Prediction) -> tuple[str, list[str]]:
        return prediction.label, [f"{prediction.scores[prediction.label]:.3f}"]

    def json(self, prediction: Prediction) -> dict[str, Any]:
        found = asdict(prediction)
        del found["labels"]  # always the label alone
        return found

    def figures(self, scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        scores = scores.astype(np.float64)
        true = scores[np.arange(len(truth)), truth]
        return {
            "accuracy": self.right(scores, truth),
            "loss": float(-np.log(np.maximum(true, 1e-12)).mean()),
        }

    def same(self, scores: np.ndarray, expected: np.ndarray, near: float) -> np.ndarray:
        picked = np.take_along_axis(expected, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
        return expected.max(axis=1) - picked <= near

    def right(self, scores: np.ndarray, truth: np.ndarray) -> float:
        return float(np.mean(scores.argmax(axis=1) == truth))

    def flaw(self, scores: np.ndarray, rounding: float) -> str | None:
        if np.abs(scores.sum(axis=1) - 1).max() > rounding + 1e-3:
            return "are not probabilities"
        return None
