"""Thresholds of several labels, chosen on validation texts."""

import numpy as np

from zoo.kinds import HALF


def choose(scores: np.ndarray, truth: np.ndarray) -> tuple[float, ...]:
    """The threshold of each label with the highest F1 of that label.

    Of thresholds that are as good, the one nearest to 0.5 is taken. A label that no text has, or
    that all have, gets 0.5: the texts say nothing about it.

    Args:
        scores: float32 [texts, labels], from 0 to 1.
        truth: bool [texts, labels].
    """
    return tuple(_best(own, true) for own, true in zip(scores.T, truth.T, strict=True))


def _best(scores: np.ndarray, truth: np.ndarray) -> float:
    if truth.all() or not truth.any():
        return HALF
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order])
    # A threshold passes the first texts of the ranking, and texts of equal scores together.
    counts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True)) + 1
    f1 = 2 * hits[counts - 1] / (counts + truth.sum())
    passed = counts[f1 >= f1.max() - 1e-12]
    candidates = [_between(ranked, count) for count in passed]
    return min(candidates, key=lambda threshold: abs(threshold - HALF))


def _between(ranked: np.ndarray, count: int) -> float:
    """The threshold nearest to 0.5 that exactly the first `count` scores pass, with some room."""
    lowest = float(ranked[count - 1])
    below = float(ranked[count]) if count < len(ranked) else 0.0
    if below < HALF <= lowest:
        return HALF
    middle = float(np.float32((lowest + below) / 2))
    return middle if below < middle <= lowest else lowest
