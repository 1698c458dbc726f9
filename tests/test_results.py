"""The tables in results/ are whole."""

import csv
from pathlib import Path

from export.choices import PRECISION
from studies import leaderboard_report
from studies.brought.cases import CASES
from studies.brought.imports import IMPORTS
from zoo.catalogue import FAMILIES

ROOT = Path(__file__).parents[1]


def table(name):
    with (ROOT / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def measured(rows):
    """The families with rows. A new one has none until it is measured, but then all of them."""
    models = {row["model"] for row in rows}
    found = {family for family in FAMILIES if f"{family}-tiny" in models}
    assert models == {f"{family}-tiny" for family in found}
    assert "bilstm" in found
    return found


def test_every_file_of_a_measured_family_was_measured():
    rows = table("export.csv")
    expected = {
        (f"{family}-tiny", lowering, precision)
        for family in measured(rows)
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


def test_a_recipe_that_was_run_again_landed_in_the_interval():
    rows = [row for row in table("accuracy.csv") if row["command"].startswith("make -f recipes/")]
    first = {row["dataset"]: row for row in rows if row["seed"] == "0" and "fused" in row["file"]}
    again = [row for row in rows if row["seed"] != "0" and "fused" in row["file"]]
    assert len(again) >= 5
    for row in again:
        low, high = map(float, first[row["dataset"]]["interval"].split(" to "))
        assert low <= float(row["accuracy_file"]) <= high, row["dataset"]


def test_the_leaderboard_has_every_measured_family_on_every_data_set():
    rows = table("leaderboard.csv")
    runs = {(row["dataset"], row["model"], row["seed"]) for row in rows}
    datasets = sorted({row["dataset"] for row in rows})
    assert len(datasets) == 3 and len(runs) == len(rows)
    assert runs == {
        (dataset, f"{family}-tiny", seed)
        for dataset in datasets
        for family in measured(rows)
        for seed in ("0", "1", "2")
    }
    page = (ROOT / "results" / "leaderboard.md").read_text(encoding="utf-8")
    of = {name: [row for row in rows if row["dataset"] == name] for name in datasets}
    found = {name: leaderboard_report.standings(each) for name, each in of.items()}
    # A family that is new is not named there before the next report.
    assert page.partition(f"\n{leaderboard_report.MISSING}")[0] == leaderboard_report.page(
        found, "3"
    )


def test_every_kind_of_model_from_elsewhere_was_measured():
    rows = table("brought.csv")
    kinds = {case.what.replace("`", ""): case for case in CASES}
    assert {row["kind"] for row in rows} == {*kinds, *(one.what for one in IMPORTS)}
    for row in rows:
        case = kinds.get(row["kind"])
        if row["client"] == "export":
            assert case is not None and case.says and case.says in row["says"]
        elif row["client"] != "micro":  # which lacks operators
            # A model that computes in 16 bits is exported as float32.
            precision = "float16" if "mixed_float16" in row["kind"] else row["precision"]
            limit = max(PRECISION[precision].largest_difference, 1e-4)
            assert float(row["largest_difference"]) <= limit, row
    for kind, case in kinds.items():
        files = {row["lowering"] for row in rows if row["kind"] == kind and row["lowering"]}
        assert files == (set() if case.says else set(case.lowerings))
