"""A trained classifier, independent of its runtime."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.kinds import Kind, Softmax
from zoo.tokenizers import AnyTokenizer


@dataclass(frozen=True)
class Prediction:
    """A classifier's result for one text.

    Attributes:
        text: The text.
        label: The label with the highest score; empty for plain numbers.
        scores: A score for each label. Of one right label, they are probabilities that add up to 1;
            of several labels, each is a probability by itself. Plain numbers have their names here.
        known: The fraction of the tokens read by the model that are in the vocabulary, from 0 to 1;
            0 for a text without tokens. Where it is 0, the answer is meaningless.
        labels: The labels that the text gets: `label` alone, or of several labels those whose
            scores reach their thresholds, possibly none; none for plain numbers.
    """

    text: str
    label: str
    scores: dict[str, float]
    known: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Classifier:
    """Maps texts to labels or numbers. It is safe to share between threads.

    Attributes:
        name: The model's name.
        tokenizer: Maps texts to token ids [batch, max_length].
        labels: Names of the labels or numbers, in the order of the scores.
        forward: Maps token ids [batch, max_length] to scores [batch, labels].
        kind: What the scores mean; probabilities of one right label by default.
    """

    name: str
    tokenizer: AnyTokenizer
    labels: tuple[str, ...]
    forward: Callable[[np.ndarray], np.ndarray]
    kind: Kind = field(default_factory=Softmax)

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Scores, float32 [texts, labels]."""
        return self._forward(self.tokenizer.encode(texts))

    def _forward(self, ids: np.ndarray) -> np.ndarray:
        return self.forward(ids) if len(ids) else np.zeros((0, len(self.labels)), np.float32)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The labels, the scores and the fraction of known tokens of each text.

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
                self.kind.best(scores, self.labels),
                dict(zip(self.labels, map(float, scores), strict=True)),
                float(known),
                self.kind.chosen(scores, self.labels),
            )
            for text, scores, known in rows
        ]

    def _known(self, ids: np.ndarray) -> np.ndarray:
        """The fraction of known tokens in each row of ids, float64 [texts]."""
        read = self.tokenizer.read(ids)
        known = read & (ids != self.tokenizer.vocabulary.unknown)
        return known.sum(axis=1) / np.maximum(read.sum(axis=1), 1)

    def evaluate(self, texts: Sequence[str], labels: np.ndarray) -> dict[str, Any]:
        """Measures the scores of texts, at least one.

        Args:
            texts: The texts.
            labels: int [texts], the ids of the right labels; for several labels int [texts,
                labels], 1 for each right label and else 0; for numbers float [texts, numbers].

        Returns:
            The number of texts, `examples`, and figures: `accuracy` and `loss`, the mean negative
            log-likelihood; for several labels `micro_f1`, `macro_f1`, `exact_match` (the share of
            texts whose labels are all right) and `loss`, the mean binary cross-entropy; for plain
            numbers `r2`, `mae` and `mse`.
        """
        figures = self.kind.figures(self.scores(texts), np.asarray(labels))
        return {**figures, "examples": len(texts)}
