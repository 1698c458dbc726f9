"""`python -m zoo compare`."""

import csv
import math

import pytest

from studies import comparison, models
from tests.conftest import write_rows
from zoo.__main__ import main


@pytest.mark.slow
def test_a_table_and_a_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(comparison, "ROUNDS", 2)
    monkeypatch.setattr(models, "TIME", 5)
    for name in ("one", "two"):
        for part, count, seed in (("train", 60, 1), ("valid", 20, 2), ("test", 20, 3)):
            write_rows(tmp_path / name / f"{part}.tsv", count, seed)
    given = [f"--dataset={tmp_path / name}" for name in ("one", "two")]
    more = ["--seeds", "2", "--epochs", "2", "--size", "tiny", "--output", str(tmp_path)]
    assert main(["compare", *given, *more]) == 0
    with (tmp_path / "lstm_vs_gru.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["birnn", "bilstm", "bigru", "peephole-bilstm"]
    assert [row["gates"] for row in rows.values()] == ["0", "3", "2", "3"]
    assert rows["bilstm"]["training_step_of_bilstm"] == "1.00"
    for row in rows.values():
        assert float(row["training_step_memory_mb"]) > float(row["answer_memory_mb"]) > 0
        for name in ("one", "two"):
            runs = [float(value) for value in row[f"{name}_runs"].split()]
            mean = sum(runs) / 2
            assert float(row[f"{name}_accuracy"]) == pytest.approx(mean, abs=1e-3)
            half = 12.71 * abs(runs[0] - runs[1]) / math.sqrt(2) / math.sqrt(2)
            assert float(row[f"{name}_interval"]) == pytest.approx(half, abs=1e-3)
    assert (tmp_path / "lstm_vs_gru.png").read_bytes().startswith(b"\x89PNG")
    assert "birnn-tiny on one" in capsys.readouterr().out
    assert main(["compare", *given, *more, "--costs-only"]) == 0
    assert "birnn-tiny on one" not in capsys.readouterr().out
    with (tmp_path / "lstm_vs_gru.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["one_runs"] == rows[row["model"]]["one_runs"]


def test_costs_alone_need_a_table_of_the_same_runs(tmp_path, tiny_data, capsys):
    arguments = ["compare", "--dataset", str(tiny_data), "--costs-only", "--output", str(tmp_path)]
    assert main(arguments) == 2
    assert "has no accuracies of small, 6 epochs, 5 seeds" in capsys.readouterr().err


@pytest.mark.parametrize("seeds", ["1", "11"])
def test_seeds_without_an_interval_are_refused(tmp_path, capsys, seeds):
    assert main(["compare", "--dataset", "x", "--seeds", seeds, "--output", str(tmp_path)]) == 2
    assert "seeds must be from 2 to 10" in capsys.readouterr().err
