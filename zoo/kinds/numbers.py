"""Plain numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.kinds.base import Kind, Label

if TYPE_CHECKING:
    from zoo.inference import Prediction

CLOSE = 0.05  # a difference of the same number, as a share of the range of the model's numbers
SMALLEST = 1e-3  # of such a scale: numbers that are nearly constant have no range


@dataclass(frozen=True)
class Numbers(Kind):
    """A text gets numbers, in the unit of the training data.

    The truth is in the same unit, float64 [texts, numbers].
    """

    name = "numbers"
    answer = "numbers"
    headline = "r2"
    listing = "numbers"
    titles = {"r2": "R²", "mae": "mean absolute error", "mse": "mean squared error"}  # noqa: RUF012
    limits = (
        "It gives a number to every text, even an unrelated one, and does not say how sure it is."
    )

    def encode(self, labels: Sequence[Label], names: Sequence[str]) -> np.ndarray:
        return np.array([list(own) for own in labels], np.float64).reshape(len(labels), len(names))

    def decode(self, truth: np.ndarray, names: Sequence[str]) -> list[Label]:
        return [tuple(map(float, row)) for row in truth]

    def misfit(self, labels: Sequence[Label], names: Collection[str]) -> str | None:
        wrong = next((len(own) for own in labels if len(own) != len(names)), None)
        return None if wrong is None else f"{wrong} for a text"

    def is_truth(self, truth: np.ndarray, outputs: int) -> bool:
        return (
            truth.dtype == np.float64
            and truth.ndim == 2
            and truth.shape[1] == outputs
            and bool(np.isfinite(truth).all())
        )

    def unknown(self, texts: int, outputs: int) -> np.ndarray:
        return np.full((texts, outputs), np.nan)

    def is_known(self, truth: np.ndarray) -> np.ndarray:
        return np.isfinite(truth).all(axis=1)

    def best(self, scores: np.ndarray, names: Sequence[str]) -> str:
        return ""

    def chosen(self, scores: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
        return ()

    def shown(self, prediction: Prediction) -> tuple[str, list[str]]:
        if len(prediction.scores) == 1:
            return f"{next(iter(prediction.scores.values())):.4g}", []
        return ", ".join(f"{name} {value:.4g}" for name, value in prediction.scores.items()), []

    def json(self, prediction: Prediction) -> dict[str, Any]:
        return {
            "text": prediction.text,
            "numbers": prediction.scores,
            "known": prediction.known,
        }

    def figures(self, scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """MSE, MAE and R², each the mean over the numbers of a text.

        R² of numbers that are all the same is 1 if they are met exactly, else 0.
        """
        errors = scores.astype(np.float64) - truth
        left, total = (errors**2).sum(axis=0), ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
        varied = np.ptp(truth, axis=0) > 0
        r2 = np.where(varied, 1 - left / np.where(varied, total, 1), left == 0)
        return {
            "r2": float(r2.mean()),
            "mae": float(np.abs(errors).mean()),
            "mse": float((errors**2).mean()),
        }

    def same(self, scores: np.ndarray, expected: np.ndarray, near: float) -> np.ndarray:
        """Within `CLOSE`; a number has no decision to be near to."""
        allowed = np.maximum(
            CLOSE * np.ptp(expected, axis=0), SMALLEST * np.abs(expected).max(axis=0)
        )
        return (np.abs(scores - expected) <= np.maximum(allowed, CLOSE * SMALLEST)).all(axis=1)

    def spread(self, expected: np.ndarray) -> np.ndarray:
        """The range of each number, or its size if that is larger."""
        sizes = np.maximum(np.ptp(expected, axis=0), np.abs(expected).max(axis=0))
        return np.maximum(sizes, SMALLEST)
