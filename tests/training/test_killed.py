"""A run that was killed at any point can be resumed, and ends as if it had not been."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.training.runs import FILES, Killed, assert_same_run, names, run, run_until, start, status
from zoo.training.checkpoint import Checkpoint


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
def test_a_killed_run_resumes_to_the_same_result(tiny_flags, tiny_run, tmp_path, capsys):
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
