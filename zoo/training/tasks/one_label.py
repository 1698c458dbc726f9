"""Training for one right label of each text."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from zoo.datasets import Split
from zoo.kinds import Kind, Softmax
from zoo.training.tasks.base import Task
from zoo.training.watch import ACCURACY


class OneLabelTask(Task):
    """Cross-entropy of a softmax; the epoch is chosen by accuracy.

    Args:
        labels: Number of labels.
    """

    watch = ACCURACY

    def __init__(self, labels: int):
        self.labels = labels

    def targets(self, truth: np.ndarray) -> np.ndarray:
        return np.eye(self.labels, dtype=np.float32)[truth]

    def loss(self) -> keras.losses.Loss:
        return keras.losses.CategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list:
        return ["accuracy"]

    def finished(self, model: keras.Model) -> keras.Model:
        return model

    def settled(self, scores: Callable[[Sequence[str]], np.ndarray], valid: Split) -> Kind:
        return Softmax()

    def watched(self, scores: np.ndarray, truth: np.ndarray) -> float:
        return Softmax().right(scores, truth)
