"""What `--resume` takes, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest

from tests.training.runs import FILES, assert_same_run, flags, names, rows, run, run_until, status
from zoo.training import RunError, TrainingConfig, read_config


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


def test_the_settings_of_an_interrupted_run_can_be_read(quick, interrupted):
    assert read_config(interrupted) == TrainingConfig(**quick, teacher=())
