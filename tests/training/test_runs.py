"""Training: what a run leaves behind, that it can be repeated, and that a killed one goes on."""

import contextlib
import csv
import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import train as command
import zoo
from tests import conftest
from zoo import bundle
from zoo.datasets import load_dataset
from zoo.training import RunError, TrainingConfig, read_config, train
from zoo.training.checkpoint import Checkpoint

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


@pytest.fixture(scope="module")
def quick(tiny_flags):
    """Settings for a run of two steps an epoch."""
    return tiny_flags | {"epochs": 2, "batch_size": 24, "max_length": 4}


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


@pytest.fixture
def eager():
    with running_eagerly():
        yield


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


@pytest.fixture(scope="module")
def whole(quick, tmp_path_factory):
    """A finished run of the quick settings."""
    with running_eagerly():
        return run(quick, tmp_path_factory.mktemp("quick") / "whole")


@pytest.fixture(scope="module")
def half(quick, tmp_path_factory):
    """The same, interrupted after the first epoch. Copy it before you change it."""
    with running_eagerly():
        return run_until(quick, tmp_path_factory.mktemp("quick") / "half", 2, "history.csv")


@pytest.fixture
def interrupted(half, tmp_path):
    return Path(shutil.copytree(half, tmp_path / "interrupted"))


# What a run leaves behind


def test_a_run_leaves_the_files_of_a_run_folder_and_no_others(tiny_run):
    assert names(tiny_run) == FILES


def test_config_says_what_made_the_model(tiny_run, tiny_flags):
    config = json.loads((tiny_run / "config.json").read_text(encoding="utf-8"))
    assert tiny_flags.items() <= config["training"].items()
    model = bundle.load(tiny_run).model
    assert config["model"] == {
        "name": "peephole-bilstm-tiny",
        "vocab_size": model.get_layer("embedding").input_dim,
        "num_classes": 2,
        "embed_dim": 4,
        "hidden_dim": 4,
        "num_layers": 1,
        "pooling": "last",
        "dropout": 0.3,
        "parameters": model.count_params(),
    }
    assert config["tokenizer"]["max_length"] == 12
    data = config["data"]
    assert (data["train"], data["validation"], data["test"]) == (48, 16, 20)
    assert len(data["source"]["files"]["train"]["sha256"]) == 64
    assert config["backend"] == keras.backend.backend()
    assert config["versions"]["keras"] == keras.__version__


def test_config_makes_the_same_run_again(tiny_run, tiny_flags):
    config = json.loads((tiny_run / "config.json").read_text(encoding="utf-8"))
    # Without variants to answer, no teacher was chosen.
    assert TrainingConfig(**config["training"]) == TrainingConfig(**tiny_flags, teacher=())


def test_history_has_a_row_an_epoch(tiny_run):
    history = rows(tiny_run)
    assert [row["epoch"] for row in history] == [str(number) for number in range(1, 9)]
    assert list(history[0]) == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss", "seconds"]
    assert all(math.isfinite(float(value)) for row in history for value in row.values())


def test_the_model_has_learnt_something(tiny_run):
    assert metrics(tiny_run)["test"]["accuracy"] > 0.8


def test_metrics_are_those_of_the_loaded_model(tiny_run, tiny_data):
    dataset, classifier = load_dataset(tiny_data), zoo.load(tiny_run)
    found = metrics(tiny_run)
    assert found["validation"] == classifier.evaluate(dataset.valid.texts, dataset.valid.labels)
    assert found["test"] == classifier.evaluate(dataset.test.texts, dataset.test.labels)
    assert (found["validation"]["examples"], found["test"]["examples"]) == (16, 20)


def test_the_weights_kept_are_those_of_the_best_epoch(tiny_run):
    found, history = metrics(tiny_run), rows(tiny_run)
    best = max(history, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert found["best_epoch"] == int(best["epoch"])
    assert found["validation"]["loss"] == pytest.approx(float(best["val_loss"]), rel=1e-4)
    assert found["validation"]["accuracy"] == pytest.approx(float(best["val_accuracy"]))


def test_the_vocabulary_comes_from_train_alone(tiny_run):
    words = {line.split(" ")[0] for line in (tiny_run / "vocab.txt").read_text().splitlines()}
    assert "onlytrain" in words
    assert not words & {"onlyvalid", "onlytest"}


def test_the_card_has_the_figures(tiny_run):
    card = (tiny_run / "README.md").read_text(encoding="utf-8")
    for split, found in metrics(tiny_run).items():
        if split in ("validation", "test"):
            row = f"| {split} | {found['examples']} | {found['accuracy']:.4f} | {found['loss']:.4f}"
            assert row in card
    assert "seed | 7" in card


# The epoch that is kept


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
    assert [row["loss"] for row in rows(folder)] == [row["loss"] for row in rows(plain)]


def test_an_interrupted_run_with_averaged_weights_goes_on(averaging, tmp_path, eager):
    folder = run_until(averaging, tmp_path / "half", 2, "history.csv")
    run(averaging, folder, resume=True)
    assert_same_run(folder, run(averaging, tmp_path / "whole"))


# The same again


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


# A run that was killed


def start(settings, folder):
    given = [*flags(settings), "--output", str(folder)]
    with (folder.parent / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "train.py", *given], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )


def kill_in_the_middle(settings, folder):
    """Kills a training process once it is beyond its first checkpoint."""
    process = start(settings, folder)
    history = folder / "checkpoint" / "history.csv"
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if history.exists() and len(history.read_text().splitlines()) > 2:
            break
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, (folder.parent / "log.txt").read_text()[-3000:]
    assert (folder / "checkpoint").exists()
    assert not (folder / "model.keras").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_goes_on_as_if_nothing_had_been(tiny_flags, tiny_run, tmp_path, capsys):
    folder = tmp_path / "killed"
    kill_in_the_middle(tiny_flags, folder)
    assert status("--resume", "--output", folder) == 0
    assert_same_run(folder, tiny_run)
    assert names(folder) == FILES | {"logs"}


# Data and settings first; then for each epoch the weights that were validated, history, these as
# the best ones if they are better, and state; then the files of the run folder.
@pytest.mark.parametrize(
    "write", [pytest.param(n, marks=[] if n == 9 else pytest.mark.slow) for n in range(3, 12)]
)
def test_a_kill_between_two_files_is_healed(quick, whole, tmp_path, eager, write):
    folder = run_until(quick, tmp_path / "run", write)
    assert not (folder / "model.keras").exists()
    run(quick, folder, resume=True)
    assert_same_run(folder, whole)
    assert names(folder) == FILES


@pytest.mark.slow
def test_a_kill_before_the_model_is_kept_is_healed(quick, whole, tmp_path, eager):
    folder = run_until(quick, tmp_path / "run", 1, "model.keras")
    run(quick, folder, resume=True)
    assert_same_run(folder, whole)
    assert names(folder) == FILES


@pytest.mark.parametrize("write", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_kill_before_the_settings_are_written_leaves_a_folder_to_begin_in(
    quick, tmp_path, eager, write
):
    folder = run_until(quick | {"epochs": 1}, tmp_path / "run", write)
    run(quick | {"epochs": 1}, folder)
    assert names(folder) == FILES


@pytest.mark.slow
def test_a_run_can_be_interrupted_twice(quick, whole, interrupted, eager):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Checkpoint, "on_epoch_begin", raise_killed)
        run(quick, interrupted, resume=True)
    run(quick, interrupted, resume=True)
    assert_same_run(interrupted, whole)


def raise_killed(*_):
    raise Killed


def test_what_a_kill_left_half_written_does_no_harm(quick, whole, interrupted, eager):
    for path in (
        interrupted / "checkpoint" / ".history.csv-abcd1234",
        interrupted / ".vocab.txt-abcd1234",
    ):
        path.mkdir()
        (path / "partial").write_bytes(b"half")
    run(quick, interrupted, resume=True)
    assert_same_run(interrupted, whole)
    assert names(interrupted) == FILES


@pytest.mark.slow
def test_a_kill_while_the_checkpoint_is_removed_leaves_a_finished_run(
    quick, whole, tmp_path, eager, capsys
):
    unlink = Path.unlink

    def unlink_and_die(self, **options):
        unlink(self, **options)
        if self.parent.name == "checkpoint":
            raise Killed

    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "unlink", unlink_and_die)
        run(quick, folder)
    assert_same_run(folder, whole)
    assert status("--resume", "--output", folder) in (0, 2)
    assert_same_run(folder, whole)


def test_resume_takes_the_settings_of_the_run(quick, whole, interrupted, eager, capsys):
    assert status("--resume", "--output", interrupted, "--no-tensorboard") == 0
    assert_same_run(interrupted, whole)


@pytest.mark.parametrize(
    ("flag", "value"),
    [("seed", 8), ("model", "bilstm-tiny"), ("batch-size", 8), ("dropout", 0.1), ("epochs", 9)],
)
def test_resume_with_other_settings_is_refused(interrupted, capsys, flag, value):
    before = names(interrupted / "checkpoint")
    assert status("--resume", "--output", interrupted, f"--{flag}", value) == 2
    assert flag.replace("-", "_") in capsys.readouterr().err
    assert names(interrupted / "checkpoint") == before


def test_resume_on_changed_data_is_refused(quick, tiny_data, tmp_path, eager):
    data = Path(shutil.copytree(tiny_data, tmp_path / "films"))
    settings = quick | {"dataset": str(data)}
    folder = run_until(settings, tmp_path / "run", 2, "history.csv")
    lines = (data / "train.tsv").read_text().splitlines(keepends=True)
    (data / "train.tsv").write_text("".join(lines[:1] + lines[:0:-1]))
    with pytest.raises(RunError, match="data"):
        run(settings, folder, resume=True)


@pytest.mark.parametrize(("what", "value"), [("16 bits", True), ("backend", "another")])
def test_resume_on_another_machine_is_refused(quick, interrupted, eager, what, value):
    path = interrupted / "checkpoint" / "data.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(before | {what: value}), encoding="utf-8")
    with pytest.raises(RunError, match=rf"begun with something else \({what}\)"):
        run(quick, interrupted, resume=True)


def test_resume_of_a_finished_run_is_refused(tiny_run, capsys):
    assert status("--resume", "--output", tiny_run) == 2
    assert "finished" in capsys.readouterr().err
    assert names(tiny_run) == FILES


def test_resume_of_nothing_is_refused(tmp_path, capsys):
    assert status("--resume", "--output", tmp_path / "nothing") == 2
    assert "nothing to resume" in capsys.readouterr().err.lower()
    assert not (tmp_path / "nothing").exists()
    assert status("--resume") == 2
    assert "--output" in capsys.readouterr().err


def test_an_interrupted_run_is_not_begun_anew(quick, interrupted, capsys):
    assert status(*flags(quick), "--output", interrupted) == 2
    assert "--resume" in capsys.readouterr().err
    assert rows(interrupted / "checkpoint")


def test_a_finished_run_is_not_overwritten(tiny_flags, tiny_run, capsys):
    before = {path.name: path.read_bytes() for path in tiny_run.iterdir()}
    assert status(*flags(tiny_flags), "--output", tiny_run) == 2
    assert "finished" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tiny_run.iterdir()} == before


def test_the_settings_of_an_interrupted_run_can_be_read(quick, interrupted):
    assert read_config(interrupted) == TrainingConfig(**quick, teacher=())


# Options


def test_words_that_no_training_text_has_are_warned_of(quick, tmp_path, eager, capsys):
    """Without spaces, a text is one word, that no other text has."""
    for spaces in ("", " "):
        table = tmp_path / f"reviews{len(spaces)}.tsv"
        lines = [f"{spaces.join('我喜欢这部电影啊哦嗯'[n % 4 :])}{n}\tyes" for n in range(40)]
        lines += [f"{spaces.join('这很无聊不好看极了'[n % 4 :])}{n}\tno" for n in range(40)]
        table.write_text("text\tlabel\n" + "\n".join(lines) + "\n", encoding="utf-8")
        settings = quick | {"dataset": str(table), "epochs": 1}
        train(TrainingConfig(**settings), tmp_path / f"run{len(spaces)}", tensorboard=False)
        warned = "Warning: the vocabulary lacks 100% of" in capsys.readouterr().out
        assert warned == (spaces == "")


def test_limits_hold_for_training_texts_and_vocabulary_and_nothing_is_said(
    quick, tmp_path, eager, capsys
):
    folder = run(quick | {"limit": 20, "vocab_size": 10, "epochs": 1}, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    data = config["data"]
    assert (data["train"], data["validation"], data["test"]) == (20, 16, 20)
    assert config["training"]["limit"] == 20
    assert bundle.load(folder).tokenizer.vocabulary.size == 10
    assert bundle.load(folder).model.get_layer("embedding").input_dim == 10
    assert capsys.readouterr().out == ""


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
def test_an_interrupted_run_in_16_bits_goes_on(mixed, mixed_run, tmp_path, eager):
    with scaled_to_overflow():
        folder = run_until(mixed, tmp_path / "run", 2, "history.csv")
        run(mixed, folder, resume=True)
    assert_same_run(folder, mixed_run)


def test_texts_that_a_start_has_seen_are_warned_of(quick, tiny_data, tmp_path, eager, capsys):
    """Another seed holds out other texts: the start has learnt some of them."""
    rows = (tiny_data / "train.tsv").read_text(encoding="utf-8")
    (tmp_path / "texts.tsv").write_text(rows, encoding="utf-8")
    (tmp_path / "moved").mkdir()
    moved = Path(shutil.copy(tmp_path / "texts.tsv", tmp_path / "moved" / "others.tsv"))
    given = quick | {"dataset": str(tmp_path / "texts.tsv"), "epochs": 1, "seed": 1}
    first = run(given, tmp_path / "first")
    for number, (data, seed, warned) in enumerate(
        [
            (tmp_path / "texts.tsv", 1, False),
            (tmp_path / "texts.tsv", 2, True),
            (moved, 2, True),  # the same texts, wherever they lie
            (tiny_data, 2, False),  # others, and its validation texts are its own
        ]
    ):
        config = TrainingConfig(**given | {"dataset": str(data), "seed": seed, "init": str(first)})
        train(config, tmp_path / str(number), tensorboard=False)
        said = capsys.readouterr().out
        assert ("Take --seed 1." in said) == warned
        assert "the last layer too" in said


def test_a_teacher_that_cannot_learn_leaves_no_run_behind(quick, tmp_path, eager):
    rows = "".join(f"{chr(97 + n) * 3}\t{n % 2}\n" for n in range(26))
    for part in ("train", "valid", "test"):
        (tmp_path / f"{part}.tsv").write_text("text\tlabel\n" + rows, encoding="utf-8")
    given = quick | {"dataset": str(tmp_path), "epochs": 1}
    with pytest.raises(ValueError, match="no word that two"):
        run(given | {"teacher": ("ngrams",)}, tmp_path / "run")
    run(given, tmp_path / "run")


# What is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "bilstmm"}, "bilstm"),
        ({"dataset": "no/such/file.tsv"}, "no/such/file.tsv"),
        ({"epochs": 0}, "epochs"),
        ({"patience": 0}, "patience"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_length": 0}, "max_length"),
        ({"vocab_size": 3}, "vocab_size"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"limit": 0}, "limit"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": "nan"}, "learning_rate"),
        ({"learning_rate": "inf"}, "learning_rate"),
        ({"clip_norm": -1}, "clip_norm"),
        ({"clip_norm": "nan"}, "clip_norm"),
        ({"word_dropout": 1}, "word_dropout"),
        ({"word_dropout": "nan"}, "word_dropout"),
        ({"average": 1}, "average"),
        ({"embed_dim": 0}, "embed_dim"),
        ({"hidden_dim": -4}, "hidden_dim"),
        ({"num_layers": 0}, "num_layers"),
        ({"dropout": 1}, "dropout"),
        ({"dropout": "nan"}, "dropout"),
        ({"text_column": "words"}, "words"),
        ({"epochs": "many"}, "many"),
        ({"no_such_flag": 1}, "no-such-flag"),
    ],
)
def test_a_bad_setting_is_refused_before_anything_is_written(
    quick, tmp_path, monkeypatch, capsys, changes, message
):
    monkeypatch.chdir(tmp_path)
    assert status(*flags(quick | changes)) == 2
    assert message in capsys.readouterr().err.lower()
    assert names(tmp_path) == set()


@pytest.mark.parametrize("missing", ["model", "dataset"])
def test_model_and_dataset_are_needed(quick, capsys, missing):
    assert status(*flags({k: v for k, v in quick.items() if k != missing})) == 2
    assert f"--{missing}" in capsys.readouterr().err


def test_an_output_that_is_a_file_is_refused(quick, tmp_path, capsys):
    output = tmp_path / "notes.txt"
    output.write_text("mine")
    assert status(*flags(quick), "--output", output) == 2
    assert str(output) in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_a_label_in_test_that_train_lacks_leaves_nothing_behind(quick, tiny_data, tmp_path, capsys):
    data = Path(shutil.copytree(tiny_data, tmp_path / "films"))
    with (data / "test.tsv").open("a") as file:
        file.write("odd\tthe film\n")
    assert status(*flags(quick | {"dataset": str(data)}), "--output", tmp_path / "run") == 2
    assert "odd" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_folder_is_named_after_model_and_data(quick, tiny_data, tmp_path, monkeypatch, eager):
    monkeypatch.chdir(tmp_path)
    assert status(*flags(quick | {"epochs": 1}), "--no-tensorboard") == 0
    assert names(tmp_path / "runs" / f"peephole-bilstm-tiny-{tiny_data.name}") == FILES


def test_a_run_starts_from_another(tmp_path, tiny_data):
    small = {"max_length": 12, "epochs": 1}
    config = TrainingConfig(
        "bilstm-tiny", str(tiny_data), embed_dim=6, hidden_dim=5, pooling="mean", **small
    )
    first = train(config, tmp_path / "first", tensorboard=False, verbose=False)
    more = tmp_path / "more"
    for part, seed in (("train", 7), ("valid", 8), ("test", 9)):
        conftest.write_rows(
            more / f"{part}.tsv", 24, seed, labels=("no", "yes"), extra=f"new{part}"
        )
    given = {"init": str(tmp_path / "first"), "learning_rate": 1e-9, **small}
    for data, same_labels in ((tiny_data, True), (more, False)):
        config = TrainingConfig("bilstm-tiny", str(data), **given)
        second = train(config, tmp_path / f"on-{data.name}", tensorboard=False, verbose=False)
        old, new = (run.tokenizer.vocabulary for run in (first, second))
        (known, *before), (rows, *after) = (run.model.get_weights() for run in (first, second))
        assert second.config["model"] | {"vocab_size": 0, "parameters": 0} == (
            first.config["model"] | {"vocab_size": 0, "parameters": 0}
        )
        if same_labels:
            assert new == old
        # Its own words come first, those of the other run after them, and both keep their rows.
        assert set(old) <= set(new) and (new == old or len(new) > len(old))
        assert len(rows) == new.size
        for word in old:
            np.testing.assert_allclose(rows[new[word]], known[old[word]], atol=1e-6)
        same = [np.allclose(a, b, atol=1e-6) for a, b in zip(before, after, strict=True)]
        assert all(same[:-2]) and same[-2] == same_labels  # the last ones are the head's


def test_a_start_of_another_shape_is_refused(tmp_path, tiny_data):
    small = {"max_length": 12, "epochs": 1, "embed_dim": 6, "hidden_dim": 5}
    config = TrainingConfig("bilstm-tiny", str(tiny_data), **small)
    train(config, tmp_path / "first", tensorboard=False, verbose=False)
    for changed, message in (
        ({"model": "bigru-tiny"}, "is a bilstm-tiny, not a bigru-tiny"),
        ({"hidden_dim": 7}, "hidden_dim 5, not 7"),
    ):
        other = dataclasses.replace(config, init=str(tmp_path / "first"), **changed)
        with pytest.raises(ValueError, match=message):
            train(other, tmp_path / "second", tensorboard=False, verbose=False)
    assert not (tmp_path / "second" / "model.keras").exists()
