"""results/leaderboard.py."""

import os
from multiprocessing.pool import ThreadPool
from types import SimpleNamespace

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import export
from results import leaderboard
from zoo.files import read_table

FAKE = {
    "parameters": 10,
    "lowering": "fused",
    "precision": "int8",
    "bytes": 1000,
    "epoch": 1,
    "accuracy_validation": "0.9000",
    "accuracy_keras": "0.9000",
    "accuracy_file": "0.8900",
    "answer_ms": "0.100",
    "seconds": 1.0,
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(leaderboard, "TABLE", tmp_path / "leaderboard.csv")
    monkeypatch.setattr(leaderboard, "PICTURE", tmp_path / "leaderboard.png")
    monkeypatch.setattr(leaderboard, "ONE_CORE", {})
    return tmp_path


@pytest.fixture
def in_threads(monkeypatch):
    class Context:
        def Pool(self, jobs, maxtasksperchild):
            return ThreadPool(jobs)

    monkeypatch.setattr(leaderboard.multiprocessing, "get_context", lambda kind: Context())


def fake_run(run):
    dataset, model, seed = run
    return {"dataset": dataset, "model": model, "seed": seed, **FAKE, "seconds": os.getpid()}


def test_processes_are_replaced_until_all_is_done(place, monkeypatch):
    monkeypatch.setattr(leaderboard, "named_run", fake_run)
    monkeypatch.setattr(leaderboard, "RUNS_OF_A_PROCESS", 1)
    leaderboard.main(["trec", "--families", "bilstm", "--seeds", "5"])
    rows = read_table(leaderboard.TABLE)
    assert len(rows) == len({row["seconds"] for row in rows}) == 5


def test_it_makes_the_runs_that_are_missing_and_draws(place, in_threads, monkeypatch):
    made = []

    def one_run(dataset, model, seed):
        made.append((dataset, model, seed))
        if len(made) == 2:
            raise RuntimeError("killed")
        return {"dataset": dataset.rpartition("/")[2], "model": model, "seed": seed, **FAKE}

    monkeypatch.setattr(leaderboard, "one_run", one_run)
    flags = ["data/trec", "--families", "bilstm", "bigru", "--seeds", "2", "--jobs", "1"]
    with pytest.raises(RuntimeError, match=r"bigru-tiny on data/trec, seed 0: .*killed"):
        leaderboard.main(flags)
    assert len(made) == 4  # the others were not kept from going on
    assert len(read_table(leaderboard.TABLE)) == 3
    failed, made = made[1], []
    leaderboard.main(flags)
    assert made == [failed]
    rows = read_table(leaderboard.TABLE)
    assert [(row["model"], row["seed"]) for row in rows] == [
        (model, seed) for model in ("bigru-tiny", "bilstm-tiny") for seed in ("0", "1")
    ]
    assert leaderboard.PICTURE.read_bytes().startswith(b"\x89PNG")
    leaderboard.main(flags)
    assert len(made) == 1


def test_a_file_is_as_small_as_the_verification_allows(monkeypatch, capsys):
    def export_model(run, folder, *, texts, precision):
        if precision == "int8":
            raise export.VerificationError("other labels")
        return [f"{folder}/{precision}", "the loop file"]

    monkeypatch.setattr(export, "export_model", export_model)
    run = SimpleNamespace(name="birnn-tiny")
    assert leaderboard.smallest_file(run, "there", ["a text"]) == "there/float16"
    assert "birnn-tiny not as int8: other labels" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_is_measured(tmp_path):
    for part, numbers in (("train", range(60)), ("test", range(60, 100))):
        texts = "".join(f"good film {n}\tyes\nbad plot {n}\tno\n" for n in numbers)
        (tmp_path / f"{part}.tsv").write_text("text\tlabel\n" + texts, encoding="utf-8")
    row = leaderboard.one_run(str(tmp_path), "bilstm-tiny", 0)
    assert set(row) == {"dataset", "model", "seed", *FAKE}
    assert row["lowering"] == "fused" and float(row["accuracy_file"]) == 1
    assert float(row["answer_ms"]) > 0 and row["bytes"] > 10_000
