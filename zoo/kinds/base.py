"""The rules that a kind of scores has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from zoo.inference import Prediction

Label = str | tuple[str, ...] | tuple[float, ...]
"""The label of a text as a data set has it: one name, any number of names, or numbers."""


class Kind(ABC):
    """A kind of scores.

    Scores are float [texts, outputs]. The truth about texts is an array as well: label ids, int
    [texts]; 0 or 1 for each label, int [texts, labels]; or numbers, float [texts, numbers].

    Attributes:
        name: Its name, in files and flags.
        answer: What a text gets: `label`, `labels` or `numbers`.
        headline: The figure that models are compared by; more is better.
        titles: The figures of `figures`, with their titles.
        listing: What the names are, for a model card.
        limits: A sentence for the model card: what the scores do not say.
    """

    name: ClassVar[str]
    answer: ClassVar[str]
    headline: ClassVar[str]
    titles: ClassVar[dict[str, str]]
    listing: ClassVar[str] = "labels"
    limits: ClassVar[str]

    def record(self) -> dict[str, Any] | None:
        """What files hold of the kind, as JSON; None for softmax, which they do not mention."""
        return {"kind": self.name}

    def listed(self, names: Sequence[str]) -> list[str]:
        """The names of the labels or numbers for a model card."""
        return list(names)

    # Truth

    @abstractmethod
    def encode(self, labels: Sequence[Label], names: Sequence[str]) -> np.ndarray:
        """Converts the labels of texts to the truth about them.

        Args:
            labels: The labels of each text.
            names: Names of the model's labels; every label is one of them.
        """

    @abstractmethod
    def decode(self, truth: np.ndarray, names: Sequence[str]) -> list[Label]:
        """Converts the truth about texts to their labels."""

    @abstractmethod
    def misfit(self, labels: Sequence[Label], names: Collection[str]) -> str | None:
        """Says in a few words what in the labels a model with these names lacks, if anything."""

    @abstractmethod
    def is_truth(self, truth: np.ndarray, outputs: int) -> bool:
        """Whether an array has the type, the shape and the values of a truth."""

    @abstractmethod
    def unknown(self, texts: int, outputs: int) -> np.ndarray:
        """The truth about texts of which nothing is known."""

    @abstractmethod
    def is_known(self, truth: np.ndarray) -> np.ndarray:
        """Whether the truth about each text is known, bool [texts]."""

    # Answers

    @abstractmethod
    def best(self, scores: np.ndarray, names: Sequence[str]) -> str:
        """The label with the highest score, of the scores of a text; empty for numbers."""

    @abstractmethod
    def chosen(self, scores: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
        """The labels that a text gets by its scores."""

    @abstractmethod
    def shown(self, prediction: Prediction) -> tuple[str, list[str]]:
        """A prediction for people: the answer, and remarks that stand in brackets behind it."""

    @abstractmethod
    def json(self, prediction: Prediction) -> dict[str, Any]:
        """A prediction as JSON."""

    @abstractmethod
    def figures(self, scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """How good the scores of at least one text are, by the names of `titles`."""

    # Files against the model that they were made from

    @abstractmethod
    def same(self, scores: np.ndarray, expected: np.ndarray, near: float) -> np.ndarray:
        """Whether each text gets the same answer by two scores, bool [texts].

        Args:
            scores: Scores of a file.
            expected: Scores of its model.
            near: Expected scores that are as near to a decision as this may go either way.
        """

    def right(self, scores: np.ndarray, truth: np.ndarray) -> float | None:
        """The share of texts whose answer is right; None for numbers."""
        return None

    def spread(self, expected: np.ndarray) -> np.ndarray:
        """The scale of a difference of scores, for each output: 1 for probabilities."""
        return np.ones(expected.shape[1], np.float32)

    def flaw(self, scores: np.ndarray, rounding: float) -> str | None:
        """Why finite scores cannot be of this kind, or None.

        Args:
            scores: The scores.
            rounding: The error of a sum of a text's scores by quantisation.
        """
        return None
