"""Nothing of others is overwritten, nothing damaged is gone on with, nothing diverged is kept."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo import bundle, digest, lock
from zoo.training import RunError, TrainingConfig, train
from zoo.training.checkpoint import Checkpoint, DivergedError
from zoo.training.folder import check_kept_weights
from zoo.training.watch import ACCURACY


@pytest.fixture
def config(tiny_flags):
    return TrainingConfig(**tiny_flags | {"epochs": 3})


def run(config, folder, **options):
    return train(config, folder, tensorboard=False, verbose=False, **options)


def until_epoch(config, folder, epoch, monkeypatch):
    """A run that is killed as this epoch (from 0) begins."""

    def killed(self, number, logs=None):
        if number == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("zoo.training.loop._Forecast.on_epoch_begin", killed)
        patch.setattr("zoo.training.loop._Forecast.on_epoch_end", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            run(config, folder)
    return folder


@pytest.mark.parametrize("name", ["README.md", "config.json", "photos/1.jpg", "logs/mine.txt",
                                  "checkpoint/pytorch_model.bin", "metrics.json"])  # fmt: skip
def test_a_folder_with_other_files_is_left_alone(config, tmp_path, name):
    place = tmp_path / "mine" / name
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    with pytest.raises(RunError, match=r"holds other files \(.*empty or a new folder"):
        run(config, tmp_path / "mine")
    assert place.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place]


def test_an_empty_folder_and_the_rest_of_a_refused_run_are_written_to(config, tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "data.json").write_text("{}")
    (tmp_path / ".model.keras-abc").mkdir()
    run(config, tmp_path)
    assert bundle.load(tmp_path).labels == ("bad", "good")


def test_settings_of_another_program_are_refused(config, tmp_path):
    (tmp_path / "checkpoint").mkdir()
    path = tmp_path / "checkpoint" / "config.json"
    for text in ('{"architectures": ["Bert"]}', "[1]", "{", "null"):
        path.write_text(text)
        with pytest.raises(RunError, match="not the settings of a training run"):
            run(config, tmp_path, resume=True)


def _hold(folder, held, done):
    with lock.locked(folder):
        held.set()
        done.wait(60)


def test_two_runs_in_one_folder_at_once_are_refused(config, tmp_path):
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "run", held, done))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(lock.LockedError, match=rf"another process .*{other.pid}"):
            run(config, tmp_path / "run")
    finally:
        done.set()
        other.join()
    run(config, tmp_path / "run")
    assert not (tmp_path / "run" / lock.NAME).exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    program = (
        "import os, sys; from zoo.lock import locked\n"
        "with locked(sys.argv[1]): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, tmp_path / "new" / "run"], check=False)
    assert killed.returncode == -9 and (tmp_path / "new" / "run" / lock.NAME).exists()
    with lock.locked(tmp_path / "new" / "run"):
        pass
    assert (tmp_path / "new" / "run").is_dir()  # another's folder is left
    with lock.locked(tmp_path / "a" / "b"):
        pass
    assert not (tmp_path / "a").exists()


def test_weights_that_are_not_those_of_the_history_are_refused():
    class Run:
        best_weights, kept = "best.weights.h5", {"val_accuracy": 0.91}
        watch = ACCURACY

    check_kept_weights(Run, 0.9101, mixed=False)
    check_kept_weights(Run, 0.905, mixed=True)
    for accuracy, mixed in ((0.905, False), (0.85, True)):
        with pytest.raises(RunError, match="not of this run"):
            check_kept_weights(Run, accuracy, mixed)


def test_another_runs_weights_are_found_at_the_end(config, tmp_path, monkeypatch):
    folder = until_epoch(config, tmp_path / "run", 1, monkeypatch)
    right = run(config, tmp_path / "whole")
    for layer in right.model.layers:
        layer.set_weights([-weight for weight in layer.get_weights()])
    right.model.save_weights(folder / "checkpoint" / "best.weights.h5")
    digest.append(folder / "checkpoint" / "best.weights.h5")

    def over(self):
        return True

    monkeypatch.setattr("zoo.training.checkpoint.Checkpoint.is_over", property(over))
    with pytest.raises(RunError, match="not of this run"):
        run(config, folder, resume=True)
    assert not (folder / "model.keras").exists()


@pytest.mark.parametrize("name", ["state.npz", "best.weights.h5"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "empty"])
def test_a_damaged_checkpoint_is_refused_before_going_on(
    config, tmp_path, monkeypatch, name, damage
):
    folder = until_epoch(config, tmp_path / "run", 2, monkeypatch)
    path = folder / "checkpoint" / name
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 3] ^= 4
    path.write_bytes(content[:-100] if damage == "cut" else b"" if damage == "empty" else content)
    if damage == "gone":
        path.unlink()
    fitted = []
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: fitted.append(1))
    if (name, damage) == ("state.npz", "gone"):
        return  # begins at the first epoch again
    with pytest.raises(RunError, match=rf"{name} is (damaged|missing).*start again"):
        run(config, folder, resume=True)
    assert not fitted


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_a_damaged_record_of_the_data_is_refused(config, tmp_path, monkeypatch, content):
    folder = until_epoch(config, tmp_path / "run", 1, monkeypatch)
    (folder / "checkpoint" / "data.json").write_text(content)
    with pytest.raises(RunError, match=r"data.json is missing or damaged"):
        run(config, folder, resume=True)


def test_a_checkpoint_of_the_version_before_is_gone_on_with(config, tmp_path, monkeypatch):
    folder = until_epoch(config, tmp_path / "run", 2, monkeypatch)
    for name in ("state.npz", "best.weights.h5"):  # without digests, the history in its table alone
        path = folder / "checkpoint" / name
        path.write_bytes(path.read_bytes()[: -digest.SIZE])
    with np.load(folder / "checkpoint" / "state.npz") as state:
        before = {key: state[key] for key in state.files if key != "history"}
    np.savez(folder / "checkpoint" / "state.npz", **before)
    resumed = run(config, folder, resume=True)
    whole = run(config, tmp_path / "whole")
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loss_that_is_no_number_stops_at_once_and_keeps_nothing(config, tmp_path):
    import dataclasses

    wild = dataclasses.replace(config, learning_rate=3e38, clip_norm=1e30)
    with pytest.raises(DivergedError, match=r"at step \d+ of epoch 1, before any epoch was whole"):
        run(wild, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_best_weights_before_a_loss_that_is_no_number_are_kept(config, tmp_path, monkeypatch):
    whole = run(config, tmp_path / "whole")
    before = keras.Model.train_step
    steps = []

    def poisoned(self, data):
        steps.append(1)
        if len(steps) == 15:  # of 6 in an epoch
            self.trainable_variables[0].assign(self.trainable_variables[0] * np.nan)
        return before(self, data)

    monkeypatch.setattr(keras.Model, "train_step", poisoned)
    keras.config.disable_traceback_filtering()
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        with pytest.raises(DivergedError, match=r"step 3 of epoch 3.*holds the weights of epoch"):
            run(config, tmp_path / "run")
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(steps) == 15
    kept = bundle.load(tmp_path / "run")
    assert all(np.isfinite(weight).all() for weight in kept.model.get_weights())
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert figures["diverged"] == "at step 3 of epoch 3" and figures["best_epoch"] <= 2
    assert kept.labels == whole.labels


def test_work_that_does_not_fit_into_memory_does_not_block_the_folder(
    config, tmp_path, monkeypatch
):
    def too_large(*_, **__):
        raise MemoryError("32 GB")

    with monkeypatch.context() as patch:
        patch.setattr("zoo.training.model.create", too_large)
        with pytest.raises(MemoryError):
            run(config, tmp_path / "run")
    run(config, tmp_path / "run")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", [1, 4, 6, 8, 17])
def test_a_run_that_is_interrupted_goes_on_from_that_step(
    config, tmp_path, monkeypatch, step, number
):
    """48 texts in batches of 8: 6 steps an epoch."""
    seen = []
    on_train_batch_end = Checkpoint.on_train_batch_end

    def interrupted(self, batch, logs=None):
        seen.append(1)
        if len(seen) == step:
            os.kill(os.getpid(), number)
        on_train_batch_end(self, batch, logs)

    def raising(*_):
        raise Stopped

    before = signal.signal(number, raising)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Checkpoint, "on_train_batch_end", interrupted)
            with pytest.raises(Stopped):
                run(config, tmp_path / "run")
    finally:
        signal.signal(number, before)
    assert len(seen) == step
    with np.load(tmp_path / "run" / "checkpoint" / "state.npz") as state:
        assert (int(state["epoch"]), int(state["step"])) == divmod(step, 6)
    resumed = run(config, tmp_path / "run", resume=True)
    whole = run(config, tmp_path / "whole")
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    one, other = (
        [line.rsplit(",", 1)[0] for line in (tmp_path / name / "history.csv").open()]
        for name in ("run", "whole")
    )
    assert one == other  # but for the seconds


def test_a_signal_that_is_ignored_interrupts_nothing(config, tmp_path, monkeypatch):
    on_train_batch_end = Checkpoint.on_train_batch_end

    def interrupted(self, batch, logs=None):
        if batch == 2:
            os.kill(os.getpid(), signal.SIGINT)
        on_train_batch_end(self, batch, logs)

    monkeypatch.setattr(Checkpoint, "on_train_batch_end", interrupted)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run(config, tmp_path / "run")
    finally:
        signal.signal(signal.SIGINT, before)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 4


class Stopped(BaseException):
    """What the program makes of a signal."""
