"""Keras on TensorFlow, JAX and PyTorch trains the same model to the same figures."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from tests import stand_in
from tests.conftest import write_rows

ROOT = Path(__file__).parents[1]
BACKENDS = ("tensorflow", "jax", "torch")
pytestmark = pytest.mark.slow


def child(backend, *arguments):
    """What tests/backend_child.py prints on this backend."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.backend_child", *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_masked_steps_are_skipped_wherever_they_are(backend):
    found = child(backend, "masks")
    assert len(found) > 25
    assert {name: off for name, off in found.items() if not off < 1e-5} == {}


@pytest.mark.parametrize("backend", BACKENDS)
def test_padding_does_not_move_the_logits(backend):
    found = child(backend, "padded")
    assert list(found) == zoo.list_models("*-tiny")
    assert {name: off for name, off in found.items() if not off < 1e-5} == {}


@pytest.mark.parametrize("backend", BACKENDS)
def test_recurrent_stands_in_for_the_layer_of_keras(backend):
    found = child(backend, "stand-in")
    assert list(found) == list(stand_in.CHECKS)
    assert {name: off for name, off in found.items() if not off < 1e-5} == {}


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_the_layer_of_keras_itself_gives_at_masked_steps(backend):
    """On JAX, its scan outputs the first state, which for SRU is not the last output."""
    found = child(backend, "of-keras")
    wrong = {name for name, off in found.items() if off > 1e-5}
    assert wrong == ({"sru"} if backend == "jax" else set())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """`trained(backend)`: the figures of two epochs, which each backend trains once."""
    folder, found = tmp_path_factory.mktemp("backends"), {}
    for part, count, seed in (("train", 96, 1), ("valid", 32, 2), ("test", 20, 3)):
        write_rows(folder / "films" / f"{part}.tsv", count, seed)

    def figures(backend):
        if backend not in found:
            weights = folder / "initial.weights.h5"
            found[backend] = child(backend, "epochs", folder / "films", weights, folder / backend)
        return found[backend]

    return figures


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_runs_on_the_backend_that_was_asked_for(trained, backend):
    assert trained(backend)["backend"] == backend
    assert trained(backend)["epochs"][-1]["val_loss"] < 0.69  # better than a guess


@pytest.mark.parametrize(("one", "other"), [("tensorflow", "jax"), ("tensorflow", "torch")])
def test_epochs_from_the_same_weights_end_the_same(trained, one, other):
    pairs = zip(trained(one)["epochs"], trained(other)["epochs"], strict=True)
    for mine, yours in pairs:
        for figure in ("loss", "val_loss"):
            assert mine[figure] == pytest.approx(yours[figure], rel=1e-4)
        assert mine["val_accuracy"] == pytest.approx(yours["val_accuracy"], abs=0.04)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_family_trains(backend):
    names = zoo.list_models("*-tiny")
    losses = child(backend, "step", *names)
    assert list(losses) == names
    assert [name for name, loss in losses.items() if not isinstance(loss, float)] == [], losses


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_mixed_objective_learns_after_pretraining(tmp_path, backend):
    for part, count, seed in (("train", 96, 1), ("valid", 32, 2), ("test", 20, 3)):
        write_rows(tmp_path / "films" / f"{part}.tsv", count, seed)
    write_rows(tmp_path / "more.tsv", 60, 4)
    losses = child(
        backend, "everything", tmp_path / "films", tmp_path / "more.tsv", tmp_path / "run"
    )
    assert len(losses) == 3 and min(losses) < 0.67  # a guess gives 0.69
