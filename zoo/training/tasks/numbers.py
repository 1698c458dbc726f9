"""Training for numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from zoo.datasets import DatasetError, Split
from zoo.kinds import Kind, Numbers
from zoo.training.tasks.base import Task
from zoo.training.watch import Watch

MOST = 10_000  # times the deviation: a mean that leaves three digits of it in float32


@dataclass(frozen=True)
class NumbersTask(Task):
    """Mean squared error of standardised numbers, which also chooses the epoch.

    The numbers of the training texts get the mean 0 and the standard deviation 1, so that the
    settings do not depend on their unit. The last layer of the saved model gives the unit back.

    Attributes:
        mean, deviation: Of each number in the training texts, float64 [numbers].
    """

    mean: np.ndarray
    deviation: np.ndarray

    watch = Watch("val_loss", "mean squared error of standardised numbers", is_loss=True)

    @classmethod
    def of(cls, truth: np.ndarray) -> "NumbersTask":
        """The task of training numbers, float64 [texts, numbers].

        Raises:
            DatasetError: If the numbers differ by too little for float32.
        """
        mean, varied = truth.mean(axis=0), np.ptp(truth, axis=0) > 0
        # A constant has no deviation; its unit does not matter.
        deviation = np.where(varied, truth.std(axis=0), 1.0)
        ratio = float((np.abs(mean) / deviation)[varied].max(initial=0))
        if ratio > MOST:
            raise DatasetError(
                f"The numbers of the training texts are {ratio:,.0f} times as large as their "
                "standard deviation, and the model computes with 7 digits. Subtract a constant "
                "from them."
            )
        return cls(mean, deviation)

    def targets(self, truth: np.ndarray) -> np.ndarray:
        return ((truth - self.mean) / self.deviation).astype(np.float32)

    def loss(self) -> keras.losses.Loss:
        return keras.losses.MeanSquaredError()

    def metrics(self) -> list:
        return []

    def finished(self, model: keras.Model) -> keras.Model:
        # The loss says in model.keras that the outputs are numbers, no logits. SGD has no state.
        model.compile(keras.optimizers.SGD(), self.loss())
        kernel, bias = (np.asarray(one, np.float64) for one in _logits(model).get_weights())
        _logits(model).set_weights([kernel * self.deviation, bias * self.deviation + self.mean])
        return model

    def settled(self, scores: Callable[[Sequence[str]], np.ndarray], valid: Split) -> Kind:
        return Numbers()

    def watched(self, scores: np.ndarray, truth: np.ndarray) -> float:
        return float(np.mean(((scores - truth) / self.deviation) ** 2))

    def head(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        kernel, bias = (np.asarray(one, np.float64) for one in weights)
        return [kernel / self.deviation, (bias - self.mean) / self.deviation]


def _logits(model: keras.Model) -> keras.Layer:
    return model.get_layer("logits")
