"""Thresholds of several labels: the best F1 of each, found here by trying every threshold."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from zoo.training.thresholds import choose


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ties", [False, True])
def test_no_threshold_is_better(seed, ties):
    rng = np.random.default_rng(seed)
    truth = rng.random((30, 4)) < [0.1, 0.3, 0.5, 0.9]
    scores = (0.5 * truth + rng.random(truth.shape)).astype(np.float32) / 2
    scores = np.round(scores, 1) if ties else scores
    truth[0], truth[1] = True, False
    for label, chosen in enumerate(choose(scores, truth)):
        own, true = scores[:, label], truth[:, label]
        tried = np.unique([*own, *np.nextafter(own, np.float32(2)), 0.5])
        f1 = [f1_score(true, own >= one, zero_division=0) for one in tried]
        assert f1_score(true, own >= chosen) == pytest.approx(max(f1))
        best = tried[np.isclose(f1, max(f1))]
        assert abs(chosen - 0.5) <= np.abs(best - 0.5).min() + np.ptp(own) / 4


@pytest.mark.parametrize(
    ("scores", "truth", "expected"),
    [
        ([0.9, 0.8, 0.1], [1, 1, 0], 0.5),  # many are as good
        ([0.3, 0.2, 0.1], [1, 1, 0], 0.15),
        ([0.9, 0.8, 0.7], [1, 0, 0], 0.85),
        ([0.9, 0.8, 0.7], [0, 0, 0], 0.5),  # no text says anything
        ([0.1, 0.2, 0.3], [1, 1, 1], 0.5),
        ([0.4, 0.4, 0.1], [1, 0, 0], 0.25),  # equal scores pass together
        ([0.2, 0.3, 0.4], [1, 0, 0], 0.1),
    ],
)
def test_the_threshold_nearest_to_one_half_is_taken(scores, truth, expected):
    (found,) = choose(np.array([scores], np.float32).T, np.array([truth]).T == 1)
    assert found == pytest.approx(expected, abs=1e-6)


def test_neighbours_of_one_bit_are_told_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    (found,) = choose(np.array([[high], [low]]), np.array([[True], [False]]))
    assert low < found <= high
