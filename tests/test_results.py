"""The tables in results/ are whole."""

import csv
from pathlib import Path

import pytest

from results import leaderboard_report
from zoo.catalogue import FAMILIES
from zoo.files import read_table

ROOT = Path(__file__).parents[1]


def table(name):
    with (ROOT / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_of_the_catalogue_was_measured():
    expected = {
        (f"{family}-tiny", lowering, precision)
        for family, row in FAMILIES.items()
        for lowering in row.lowerings.split()
        for precision in ("float32", "float16", "int8")
    } | {("bilstm-tiny", "fused", "integer")}
    rows = table("export.csv")
    assert {(row["model"], row["lowering"], row["precision"]) for row in rows} == expected
    assert len(rows) == len(expected)
    for row in rows:
        assert {"litert", "tf.lite"} <= set(row["clients"].split())
        assert ("mediapipe" in row["clients"]) == (
            row["subgraphs"] == "1" and row["precision"] != "integer"
        )
        assert float(row["label_agreement"]) >= 0.99


def test_a_recipe_that_was_run_again_landed_in_the_interval():
    rows = [row for row in table("accuracy.csv") if row["command"].startswith("make -f recipes/")]
    first = {row["dataset"]: row for row in rows if row["seed"] == "0" and "fused" in row["file"]}
    again = [row for row in rows if row["seed"] != "0" and "fused" in row["file"]]
    assert len(again) >= 5
    for row in again:
        low, high = map(float, first[row["dataset"]]["interval"].split(" to "))
        assert low <= float(row["accuracy_file"]) <= high, row["dataset"]


def test_accuracy_keeps_a_row_for_each_seed(tmp_path, monkeypatch, capsys):
    from results import accuracy

    monkeypatch.setattr(accuracy, "TABLE", tmp_path / "accuracy.csv")

    def measure(run, command):
        seed, share, count = run.name.split("-")
        row = {"dataset": "trec", "train": 9, "validation": 5, "test": int(count)}
        row |= {"file": "bilstm-fused-int8.tflite", "command": command}
        yield row | {"seed": int(seed), "accuracy_file": share}

    monkeypatch.setattr(accuracy, "measure", measure)
    runs = []
    for name in ("0-0.90-500", "1-0.91-500", "0-0.92-500", "0-0.99-60"):
        runs.append(tmp_path / name)
        (runs[-1] / "export").mkdir(parents=True)
        (runs[-1] / "metrics.json").touch()
        (runs[-1] / "export" / "a.tflite").touch()
        accuracy.main(["--command", "make it", str(runs[-1])])
    rows = read_table(accuracy.TABLE)
    # A seed has one row; a folder of other texts replaces none.
    expected = [("500", "0", "0.92"), ("500", "1", "0.91"), ("60", "0", "0.99")]
    assert [(row["test"], row["seed"], row["accuracy_file"]) for row in rows] == expected
    (runs[0] / "export" / "a.tflite").unlink()
    for wrong, message in ((runs[0], "no exported file"), (tmp_path / "none", "no finished run")):
        with pytest.raises(SystemExit):
            accuracy.main([str(runs[1]), str(wrong)])
        assert message in capsys.readouterr().err


def test_the_leaderboard_has_every_family_on_every_data_set():
    rows = table("leaderboard.csv")
    found = {(row["dataset"], row["model"], row["seed"]) for row in rows}
    datasets = {row["dataset"] for row in rows}
    assert len(datasets) == 3 and len(found) == len(rows)
    assert found == {
        (dataset, f"{family}-tiny", seed)
        for dataset in datasets
        for family in FAMILIES
        for seed in ("0", "1", "2")
    }
    page = (ROOT / "results" / "leaderboard.md").read_text(encoding="utf-8")
    of = {name: [row for row in rows if row["dataset"] == name] for name in sorted(datasets)}
    found = {name: leaderboard_report.standings(each) for name, each in of.items()}
    assert page == leaderboard_report.page(found, "3")
