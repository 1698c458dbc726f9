"""A trained classifier, independent of its runtime."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.tokenizers import AnyTokenizer


@dataclass(frozen=True)
class Prediction:
    """A classifier's result for one text.

    Attributes:
        text: The text.
        label: The label with the highest score.
        scores: A probability for each label; they add up to 1.
        known: The fraction of the tokens read by the model that are in the vocabulary, from 0 to 1;
            0 for a text without tokens. Where it is 0, the label is meaningless.
    """

    text: str
    label: str
    scores: dict[str, float]
    known: float


@dataclass(frozen=True)
class Classifier:
    """Maps texts to labels. It is safe to share between threads.

    Attributes:
        name: The model's name.
        tokenizer: Maps texts to token ids [batch, max_length].
        labels: Names of the classes, by id.
        forward: Maps token ids [batch, max_length] to probabilities [batch, classes].
    """

    name: str
    tokenizer: AnyTokenizer
    labels: tuple[str, ...]
    forward: Callable[[np.ndarray], np.ndarray]

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float32 [texts, classes]."""
        return self._forward(self.tokenizer.encode(texts))

    def _forward(self, ids: np.ndarray) -> np.ndarray:
        return self.forward(ids) if len(ids) else np.zeros((0, len(self.labels)), np.float32)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The label, the scores and the fraction of known tokens of each text.

        Raises:
            TypeError: If `texts` is a single string.
        """
        if isinstance(texts, str):
            raise TypeError("predict takes a list of texts; put the text in brackets: [text].")
        ids = self.tokenizer.encode(texts)
        rows = zip(texts, self._forward(ids), self._known(ids), strict=True)
        return [
            Prediction(
                text,
                self.labels[int(scores.argmax())],
                dict(zip(self.labels, map(float, scores), strict=True)),
                float(known),
            )
            for text, scores, known in rows
        ]

    def _known(self, ids: np.ndarray) -> np.ndarray:
        """The fraction of known tokens in each row of ids, float64 [texts]."""
        read = self.tokenizer.read(ids)
        known = read & (ids != self.tokenizer.vocabulary.unknown)
        return known.sum(axis=1) / np.maximum(read.sum(axis=1), 1)

    def evaluate(self, texts: Sequence[str], labels: np.ndarray) -> dict[str, float]:
        """Accuracy and mean negative log-likelihood.

        Args:
            texts: The texts.
            labels: int [texts], the true classes.

        Returns:
            `{"accuracy": …, "loss": …, "examples": …}`.
        """
        probabilities = self.scores(texts).astype(np.float64)
        true = probabilities[np.arange(len(texts)), labels]
        return {
            "accuracy": float(np.mean(probabilities.argmax(axis=1) == labels)),
            "loss": float(-np.log(np.maximum(true, 1e-12)).mean()),
            "examples": len(texts),
        }
