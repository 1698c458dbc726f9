"""Short runs that the tests of training share."""

import shutil
from pathlib import Path

import pytest

from tests.training.runs import run, run_until, running_eagerly


@pytest.fixture(scope="session")
def quick(tiny_flags):
    """Settings for a run of two steps an epoch."""
    return tiny_flags | {"epochs": 2, "batch_size": 24, "max_length": 4}


@pytest.fixture
def eager():
    with running_eagerly():
        yield


@pytest.fixture(scope="session")
def whole(quick, tmp_path_factory):
    """A finished run of the quick settings."""
    with running_eagerly():
        return run(quick, tmp_path_factory.mktemp("quick") / "whole")


@pytest.fixture(scope="session")
def half(quick, tmp_path_factory):
    """The same, interrupted after the first epoch. Copy it before you change it."""
    with running_eagerly():
        return run_until(quick, tmp_path_factory.mktemp("quick") / "half", 2, "history.csv")


@pytest.fixture
def interrupted(half, tmp_path):
    return Path(shutil.copytree(half, tmp_path / "interrupted"))
