"""A trained classifier, whatever runs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.text import Tokenizer


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one text.

    Attributes:
        text: The text.
        label: The label of the highest score.
        scores: A probability for each label; they add up to 1.
    """

    text: str
    label: str
    scores: dict[str, float]


@dataclass(frozen=True)
class Classifier:
    """Texts in, labels out.

    Attributes:
        name: The model's name.
        tokenizer: Texts to token ids [batch, max_length].
        labels: Names of the classes, by id.
        forward: Token ids [batch, max_length] to probabilities [batch, classes].
    """

    name: str
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    forward: Callable[[np.ndarray], np.ndarray]

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float32 [texts, classes]."""
        if not len(texts):
            return np.zeros((0, len(self.labels)), np.float32)
        return self.forward(self.tokenizer.encode(texts))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """A label and all scores for each text.

        Raises:
            TypeError: If `texts` is one text instead of a sequence of them.
        """
        if isinstance(texts, str):
            raise TypeError("predict takes a list of texts; put the text in brackets: [text].")
        rows = self.scores(texts)
        return [
            Prediction(
                text,
                self.labels[int(row.argmax())],
                dict(zip(self.labels, map(float, row), strict=True)),
            )
            for text, row in zip(texts, rows, strict=True)
        ]

    def evaluate(self, texts: Sequence[str], labels: np.ndarray) -> dict[str, float]:
        """Accuracy and mean negative log-likelihood.

        Args:
            texts: The texts.
            labels: int [texts], the right class of each.

        Returns:
            `{"accuracy": …, "loss": …, "examples": …}`.
        """
        probabilities = self.scores(texts).astype(np.float64)
        right = probabilities[np.arange(len(texts)), labels]
        return {
            "accuracy": float(np.mean(probabilities.argmax(axis=1) == labels)),
            "loss": float(-np.log(np.maximum(right, 1e-12)).mean()),
            "examples": len(texts),
        }
