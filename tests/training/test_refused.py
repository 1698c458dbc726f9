"""Settings and folders that training refuses before it writes anything."""

import shutil
from pathlib import Path

import pytest

from tests.training.runs import flags, names, run, status


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


def test_a_teacher_that_cannot_learn_leaves_no_run_behind(quick, tmp_path, eager):
    rows = "".join(f"{chr(97 + n) * 3}\t{n % 2}\n" for n in range(26))
    for part in ("train", "valid", "test"):
        (tmp_path / f"{part}.tsv").write_text("text\tlabel\n" + rows, encoding="utf-8")
    given = quick | {"dataset": str(tmp_path), "epochs": 1}
    with pytest.raises(ValueError, match="no word that two"):
        run(given | {"teacher": ("ngrams",)}, tmp_path / "run")
    run(given, tmp_path / "run")


def test_a_finished_run_is_not_overwritten(tiny_flags, tiny_run, capsys):
    before = {path.name: path.read_bytes() for path in tiny_run.iterdir()}
    assert status(*flags(tiny_flags), "--output", tiny_run) == 2
    assert "finished" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tiny_run.iterdir()} == before
