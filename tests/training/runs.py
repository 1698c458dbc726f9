"""Runs as the tests of training begin, kill and compare them."""

import contextlib
import csv
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import train as command
from zoo import bundle
from zoo.training import TrainingConfig, train

ROOT = Path(__file__).parents[2]
FILES = {
    "model.keras",
    "vocab.txt",
    "labels.txt",
    "config.json",
    "history.csv",
    "metrics.json",
    "README.md",
    "samples.npz",
    "SHA256SUMS",
}


def names(folder):
    return {path.name for path in folder.iterdir()}


def rows(run):
    with (run / "history.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def metrics(run):
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def weights(run):
    return bundle.load(run).model.get_weights()


def assert_same_run(one, other):
    """Same bits, but for the times that it took."""
    assert [without_seconds(row) for row in rows(one)] == [
        without_seconds(row) for row in rows(other)
    ]
    assert without_seconds(metrics(one)) == without_seconds(metrics(other))
    for name in ("vocab.txt", "labels.txt"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert_same_weights(one, other)


def assert_same_weights(one, other):
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


def without_seconds(row):
    return {key: value for key, value in row.items() if key != "seconds"}


def flags(settings):
    """The settings of a `TrainingConfig` as train.py takes them."""
    given = []
    for name, value in settings.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            given.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            given += [f"--{flag}", str(value)]
    return given


def status(*arguments):
    """The exit status of train.py, called in this process."""
    try:
        return command.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code


@contextlib.contextmanager
def running_eagerly():
    """TensorFlow runs steps as they stand: for a few steps, tracing them takes longer."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def run(settings, folder, **options):
    train(TrainingConfig(**settings), folder, tensorboard=False, verbose=False, **options)
    return folder


class Killed(BaseException):
    """Nothing in the project catches it."""


def run_until(settings, folder, times, name=None):
    """A run that ends just before `name`, or any file, is written for the time of that number."""
    replace, count = Path.replace, 0

    def replace_or_die(self, target):
        nonlocal count
        count += name in (None, Path(target).name)
        if count == times:
            raise Killed
        return replace(self, target)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", replace_or_die)
        run(settings, folder)
    return folder


def start(settings, folder):
    given = [*flags(settings), "--output", str(folder)]
    with (folder.parent / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "train.py", *given], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
