"""The epoch whose weights are kept, and averaged weights."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.training.runs import (
    assert_same_run,
    metrics,
    rows,
    run,
    run_until,
)
from zoo.training.checkpoint import Checkpoint


def checkpoint_of(tmp_path, figures, *, patience=10):
    """A checkpoint after epochs of these validation accuracies and losses, and what it kept.

    The model's one weight holds the number of the epoch.
    """
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    checkpoint = Checkpoint(tmp_path / "checkpoint", patience)
    checkpoint.set_model(model)
    for epoch, (accuracy, loss) in enumerate(figures):
        model.set_weights([np.full((1, 1), epoch + 1)])
        checkpoint.on_epoch_begin(epoch)
        checkpoint.on_test_end()
        model.set_weights([np.full((1, 1), -1)])  # what training goes on from
        checkpoint.on_epoch_end(epoch, {"val_accuracy": accuracy, "val_loss": loss})
        if getattr(model, "stop_training", False):
            break
    model.set_weights([np.zeros((1, 1))])
    model.load_weights(checkpoint.best_weights)
    return checkpoint, model.get_weights()[0].item()


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ([(0.5, 0.7), (0.9, 0.6), (0.8, 0.1)], 2),  # accuracy before loss
        ([(0.9, 0.5), (0.9, 0.3), (0.9, 0.4)], 2),  # of equal ones the lowest loss
        ([(0.9, 0.5), (0.9, 0.5), (0.8, 0.5)], 1),  # of equals in both the first
        ([(0.1, 0.9), (0.2, 0.9), (0.3, 0.9)], 3),
    ],
)
def test_the_best_epoch_is_by_validation_accuracy_then_loss(tmp_path, figures, best):
    checkpoint, kept = checkpoint_of(tmp_path, figures)
    assert checkpoint.best["epoch"] == best
    assert kept == best


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (3, 5), (4, 6)])
def test_training_stops_after_so_many_epochs_without_a_better_one(tmp_path, patience, epochs):
    figures = [(0.5, 1), (0.7, 1), (0.6, 1), (0.6, 1), (0.5, 1), (0.7, 2), (0.8, 1)]
    checkpoint, _ = checkpoint_of(tmp_path, figures, patience=patience)
    assert len(checkpoint.history) == epochs


@pytest.fixture
def worsening(quick, tiny_data, tmp_path):
    """Settings of a run whose validation loss rises: the labels there are swapped."""
    data = Path(shutil.copytree(tiny_data, tmp_path / "films"))
    swapped = (data / "valid.tsv").read_text().replace("bad\t", "X\t").replace("good\t", "bad\t")
    (data / "valid.tsv").write_text(swapped.replace("X\t", "good\t"))
    return quick | {"dataset": str(data), "epochs": 9, "patience": 2, "learning_rate": 0.1}


def test_a_run_that_gets_worse_stops_and_keeps_an_early_epoch(worsening, tmp_path, eager):
    folder = run_until(worsening, tmp_path / "run", 1, "metrics.json")
    run(worsening, folder, resume=True)  # which must not train on
    best = metrics(folder)["best_epoch"]
    assert len(rows(folder)) == best + 2 < 9
    kept = metrics(folder)["validation"]["loss"]
    assert kept == pytest.approx(float(rows(folder)[best - 1]["val_loss"]), rel=1e-4)


@pytest.fixture
def averaging(quick):
    """Settings whose kept weights are a running mean."""
    return quick | {"average": 0.6, "learning_rate": 0.03}


def test_the_weights_kept_are_the_mean_of_those_of_the_steps(
    averaging, tmp_path, eager, monkeypatch
):
    steps = []

    def look(self, batch, logs=None):
        steps.append(self.model.get_weights())

    monkeypatch.setattr("zoo.training.loop._Forecast.on_train_batch_end", look, raising=False)
    folder = run(averaging, tmp_path / "run")
    best = metrics(folder)["best_epoch"]
    mean = steps[0]
    for weights in steps[1 : best * len(steps) // averaging["epochs"]]:
        mean = [0.6 * old + 0.4 * new for old, new in zip(mean, weights, strict=True)]
    kept = zoo.bundle.load(folder).model.get_weights()
    assert len(kept) == len(mean)
    for one, other in zip(kept, mean, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(kept, steps[-1], strict=True))
    # Training itself goes on from the last step's weights, not from their mean.
    plain = run(averaging | {"average": 0.0}, tmp_path / "plain")
    losses = ([float(row["loss"]) for row in rows(one)] for one in (folder, plain))
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_an_interrupted_run_with_averaged_weights_goes_on(averaging, tmp_path, eager):
    folder = run_until(averaging, tmp_path / "half", 2, "history.csv")
    run(averaging, folder, resume=True)
    assert_same_run(folder, run(averaging, tmp_path / "whole"))
