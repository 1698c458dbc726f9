"""The tables in results/ are whole, and README says no other than what is there."""

import csv
from pathlib import Path

import pytest

from results import leaderboard_report
from zoo import pretrained
from zoo.catalogue import FAMILIES
from zoo.files import read_table

ROOT = Path(__file__).parents[1]


def table(name):
    with (ROOT / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_of_the_families_measured_was_measured():
    rows = table("export.csv")
    measured = {row["model"].removesuffix("-tiny") for row in rows}  # a newer cell may be missing
    assert measured <= set(FAMILIES)
    expected = {
        (f"{family}-tiny", lowering, precision)
        for family in measured
        for lowering in FAMILIES[family].lowerings.split()
        for precision in ("float32", "float16", "int8")
    } | {("bilstm-tiny", "fused", "integer")}
    assert {(row["model"], row["lowering"], row["precision"]) for row in rows} == expected
    assert len(rows) == len(expected)
    for row in rows:
        assert {"litert", "tf.lite"} <= set(row["clients"].split())
        assert ("mediapipe" in row["clients"]) == (
            row["subgraphs"] == "1" and row["precision"] != "integer"
        )
        assert float(row["label_agreement"]) >= 0.99


@pytest.mark.parametrize("family", FAMILIES)
def test_readme_lists_every_family(family):
    row = FAMILIES[family]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| `{family}` | {row.title} | {row.source} |" in readme, (
        "put the table of `python -m zoo.describe` into README.md"
    )


SPEED = {  # a row of README's table: what is divided by what, in the lessons' model
    "`bilstm` `loop` / stock Keras conversion": ("bilstm", "loop", "bilstm", "stock"),
    "`bilstm` `loop` / ONNX Runtime": ("bilstm", "loop", "bilstm", "onnx"),
    "`bigru` `loop` / stock Keras conversion": ("bigru", "loop", "bigru", "stock"),
    "`peephole-bilstm` `loop` / `bilstm` `loop`": ("peephole-bilstm", "loop", "bilstm", "loop"),
    "`bilstm` `fused` / `bilstm` `loop`": ("bilstm", "fused", "bilstm", "loop"),
}


@pytest.mark.parametrize("name", SPEED)
def test_readme_gives_the_ratios_that_were_measured(name):
    model, form, other, other_form = SPEED[name]
    found = {
        (row["model"], row["form"], row["precision"]): float(row["median_ms"])
        for row in table("speed.csv")
        if row["study"] == "models" and row["threads"] == "1"
    }
    ratios = [
        found[model, form, precision] / found[other, other_form, precision]
        for precision in ("float32", "int8")
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| {name} | {ratios[0]:.2f} | {ratios[1]:.2f} |" in readme


@pytest.mark.parametrize("name", pretrained.names())
def test_readme_gives_what_the_shipped_models_measured(name):
    measured = pretrained.config(name)["measured"]
    low, high = measured["interval"]
    said = f"{measured['accuracy']:.1%} ({low:.1%} to {high:.1%}) of {measured['texts']:,}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{name}` |")]
    assert said in row


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


def test_the_leaderboard_has_each_of_its_families_on_every_data_set():
    rows = table("leaderboard.csv")
    found = {(row["dataset"], row["model"], row["seed"]) for row in rows}
    datasets = {row["dataset"] for row in rows}
    families = {row["model"].removesuffix("-tiny") for row in rows}  # a newer cell may be missing
    assert families <= set(FAMILIES)
    assert len(datasets) == 3 and len(found) == len(rows)
    assert found == {
        (dataset, f"{family}-tiny", seed)
        for dataset in datasets
        for family in families
        for seed in ("0", "1", "2")
    }
    page = (ROOT / "results" / "leaderboard.md").read_text(encoding="utf-8")
    of = {name: [row for row in rows if row["dataset"] == name] for name in sorted(datasets)}
    found = {name: leaderboard_report.standings(each) for name, each in of.items()}
    assert page == leaderboard_report.page(found, "3")
