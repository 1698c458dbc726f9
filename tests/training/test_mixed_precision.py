"""Training in 16 bits."""

import contextlib
import json

import keras
import numpy as np
import pytest

import zoo
from tests.training.runs import assert_same_run, metrics, run, run_until, running_eagerly
from zoo import bundle
from zoo.datasets import load_dataset


@pytest.fixture(scope="module")
def mixed(quick):
    return quick | {"mixed_precision": True}


@pytest.fixture(scope="module")
def mixed_run(mixed, tmp_path_factory):
    """A run in 16 bits whose first steps overflow: the optimizer leaves them out, uncounted."""
    with running_eagerly(), scaled_to_overflow():
        return run(mixed, tmp_path_factory.mktemp("mixed") / "run")


@contextlib.contextmanager
def scaled_to_overflow():
    original = keras.optimizers.LossScaleOptimizer.__init__

    def init(self, inner_optimizer, initial_scale=2.0**21, **options):
        original(self, inner_optimizer, initial_scale=initial_scale, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.optimizers.LossScaleOptimizer, "__init__", init)
        yield


def test_a_model_trained_in_16_bits_computes_in_32(mixed_run, tiny_data):
    model = bundle.load(mixed_run).model
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype("float32")}
    assert keras.config.dtype_policy().name == "float32"
    config = json.loads((mixed_run / "config.json").read_text(encoding="utf-8"))
    assert config["training"]["mixed_precision"] is True
    dataset = load_dataset(tiny_data)
    again = zoo.load(mixed_run).evaluate(dataset.test.texts, dataset.test.labels)
    assert metrics(mixed_run)["test"] == again


@pytest.mark.slow
def test_an_interrupted_run_in_16_bits_resumes(mixed, mixed_run, tmp_path, eager):
    with scaled_to_overflow():
        folder = run_until(mixed, tmp_path / "run", 2, "history.csv")
        run(mixed, folder, resume=True)
    assert_same_run(folder, mixed_run)
