"""The same settings give the same run."""

import numpy as np
import pytest

from tests.training.runs import assert_same_run, run, start, weights


def test_the_same_seed_gives_the_same_bits(quick, whole, tmp_path, eager):
    assert_same_run(run(quick, tmp_path / "again"), whole)


@pytest.mark.slow
def test_another_seed_gives_another_model(quick, whole, tmp_path, eager):
    other = run(quick | {"seed": 8}, tmp_path / "other")
    assert (other / "vocab.txt").read_bytes() == (whole / "vocab.txt").read_bytes()
    # Four steps of 0.02 at most do not lead so far: the initial weights differ.
    pairs = zip(weights(other), weights(whole), strict=True)
    assert max(np.abs(one - another).max() for one, another in pairs) > 0.3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_in_another_process(tiny_flags, tiny_run, tmp_path):
    process = start(tiny_flags, tmp_path / "again")
    assert process.wait(timeout=300) == 0, (tmp_path / "log.txt").read_text()[-3000:]
    assert_same_run(tmp_path / "again", tiny_run)
