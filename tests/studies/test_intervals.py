"""Confidence intervals, against published values and by simulation."""

import math

import numpy as np
import pytest

from studies import intervals


def test_the_interval_of_a_share_is_that_of_wilson():
    # Newcombe 1998, table I, method 3.
    assert intervals.of_share(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert intervals.of_share(0 / 20, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert intervals.of_share(1 / 29, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_the_interval_of_a_mean_is_that_of_student():
    assert math.isnan(intervals.half_of_mean([0.5]))
    rng = np.random.default_rng(0)
    for count in intervals.T:
        values = rng.normal(size=(4000, count))
        halves = np.array([intervals.half_of_mean(row) for row in values])
        inside = np.mean(np.abs(values.mean(axis=1)) <= halves)
        assert inside == pytest.approx(0.95, abs=0.012), count
