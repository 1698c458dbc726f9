"""How far the scores of a runtime are from those of Keras."""

import numpy as np


class DifferentAnswerError(RuntimeError):
    """A file answers differently from the Keras model, so it is not measured."""


def largest_difference(got: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of a score."""
    return float(np.abs(got - expected).max())


def label_agreement(got: np.ndarray, expected: np.ndarray) -> float:
    """The share of texts that get the same label."""
    return float(np.mean(got.argmax(axis=1) == expected.argmax(axis=1)))
