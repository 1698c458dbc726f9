"""The rules of training for a kind of scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import keras
import numpy as np

from zoo.datasets import Split
from zoo.kinds import Kind
from zoo.training.watch import Watch


class Task(ABC):
    """What training does for a kind of scores.

    Attributes:
        watch: The validation figure that chooses the epoch.
    """

    watch: Watch

    @abstractmethod
    def targets(self, truth: np.ndarray) -> np.ndarray:
        """Training targets, float32 [texts, outputs], from the truth (see `zoo.kinds.Kind`)."""

    @abstractmethod
    def loss(self) -> keras.losses.Loss:
        """The loss of targets and the outputs of the model, which are logits or numbers."""

    @abstractmethod
    def metrics(self) -> list:
        """Keras's metrics beside the loss; `watch` names one of them, or the loss."""

    @abstractmethod
    def finished(self, model: keras.Model) -> keras.Model:
        """Converts a trained model to the one that is saved, whose outputs people use."""

    @abstractmethod
    def settled(self, scores: Callable[[Sequence[str]], np.ndarray], valid: Split) -> Kind:
        """The kind of scores, with what is chosen on the validation texts.

        Args:
            scores: Maps texts to the scores of the saved model.
            valid: The validation texts.
        """

    @abstractmethod
    def watched(self, scores: np.ndarray, truth: np.ndarray) -> float:
        """The figure of `watch`, from scores of the saved model."""

    def head(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """The weights that training begins with, from those of the last layer of a saved model."""
        return weights
