"""The tables in results/ are consistent, and README gives their figures."""

import csv
from pathlib import Path

import pytest

from studies import leaderboard_report
from zoo import pretrained
from zoo.catalogue import FAMILIES

ROOT = Path(__file__).parents[1]


def table(name):
    with (ROOT / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_measured_files_are_of_the_catalogue_and_answer_as_keras():
    catalogue = {
        (f"{family}-tiny", lowering, precision)
        for family, row in FAMILIES.items()
        for lowering in row.lowerings.split()
        for precision in ("float32", "float16", "int8")
    } | {("bilstm-tiny", "fused", "integer")}
    rows = table("export.csv")
    files = {(row["model"], row["lowering"], row["precision"]) for row in rows}
    assert files <= catalogue  # a family that is new may lack its rows
    assert len(rows) == len(files)
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


SPEED = {  # a row of README's table: what is divided by what, in the textbook model
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


def test_the_leaderboard_is_of_the_catalogue_and_its_page_of_the_table():
    rows = table("leaderboard.csv")
    runs = {(row["dataset"], row["model"], row["seed"]) for row in rows}
    assert len(runs) == len(rows)
    assert {model for _, model, _ in runs} <= {f"{family}-tiny" for family in FAMILIES}
    page = (ROOT / "results" / "leaderboard.md").read_text(encoding="utf-8")
    datasets = sorted({row["dataset"] for row in rows})
    of = {name: [row for row in rows if row["dataset"] == name] for name in datasets}
    found = {name: leaderboard_report.standings(each) for name, each in of.items()}
    # A family that is new is not named there before the next report.
    assert page.partition(f"\n{leaderboard_report.MISSING}")[0] == leaderboard_report.page(
        found, "3"
    )
