"""`python -m studies leaderboard`, and what it reports."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import export
import zoo
from studies import command, leaderboard, leaderboard_report
from zoo.catalogue import FAMILIES
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


TABLE = "results/leaderboard.csv"


def board(arguments):
    return command.run("leaderboard", arguments)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(leaderboard, "ONE_CORE", {})
    monkeypatch.chdir(tmp_path)
    for name in ("trec", "data/trec"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def in_threads(monkeypatch):
    pool = lambda jobs, context: ThreadPoolExecutor(jobs)  # noqa: E731
    monkeypatch.setattr(leaderboard, "ProcessPoolExecutor", pool)


def fake_run(dataset, model, seed):
    if model == "birnn-tiny" and seed == 0:
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does that runs out of memory
    return {"dataset": dataset, "model": model, "seed": seed, **FAKE, "seconds": os.getpid()}


def test_processes_are_replaced_until_all_is_done(place, monkeypatch):
    monkeypatch.setattr(leaderboard, "one_run", fake_run)
    monkeypatch.setattr(leaderboard, "RUNS_OF_A_PROCESS", 1)
    flags = ["trec", "--jobs", "1", "--seeds", "2", "--families"]
    board([*flags, "bilstm"])
    rows = read_table(TABLE)
    assert len(rows) == len({row["seconds"] for row in rows}) == 2
    with pytest.raises(RuntimeError, match="birnn-tiny on trec, seed 0: BrokenProcessPool"):
        board([*flags, "birnn", "bigru"])
    assert len(read_table(TABLE)) == 5
    assert (place / "results" / "leaderboard.png").exists()


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
        board(flags)
    assert len(made) == 4  # the others were not kept from going on
    assert len(read_table(TABLE)) == 3
    failed, made = made[1], []
    board(flags)
    assert made == [failed]
    rows = read_table(TABLE)
    assert [(row["model"], row["seed"]) for row in rows] == [
        (model, seed) for model in ("bigru-tiny", "bilstm-tiny") for seed in ("0", "1")
    ]
    assert (place / "results" / "leaderboard.png").read_bytes().startswith(b"\x89PNG")
    board(flags)
    assert len(made) == 1


def test_a_folder_that_is_missing_is_refused_before_any_run(place, in_threads, monkeypatch, capsys):
    monkeypatch.setattr(leaderboard, "one_run", lambda *_: pytest.fail("ran"))
    assert board(["trec", "no/such"]) == 2
    assert "no/such is not a folder" in capsys.readouterr().err


def test_a_file_is_as_small_as_the_verification_allows(monkeypatch, capsys):
    def export_model(run, folder, *, texts, precision, lowering):
        assert lowering == "fused"
        if precision == "int8":
            raise export.VerificationError("other labels")
        return [f"{folder}/{precision}"]

    monkeypatch.setattr(export, "export_model", export_model)
    model = zoo.create_model("birnn-tiny", vocab_size=10, num_classes=2)
    run = SimpleNamespace(name="birnn-tiny", model=model)
    assert leaderboard.smallest_file(run, "there", ["a text"]) == "there/float16"
    assert "birnn-tiny cannot be exported as int8: other labels" in capsys.readouterr().out


def test_files_are_timed_when_all_are_there(place, in_threads, monkeypatch):
    timed = []

    def one_run(dataset, model, seed):
        return {"dataset": dataset, "model": model, "seed": seed, **FAKE, "answer_ms": ""}

    def time_answers(rows):
        timed.append(len(rows))
        for row in rows:
            row["answer_ms"] = "0.250"

    monkeypatch.setattr(leaderboard, "one_run", one_run)
    monkeypatch.setattr(leaderboard, "time_answers", time_answers)
    flags = ["trec", "--seeds", "2", "--families", "bilstm"]
    board(flags)
    board(flags)
    assert timed == [2]  # all at once, and once only
    assert [row["answer_ms"] for row in read_table(TABLE)] == ["0.250"] * 2
    board([*flags, "birnn"])
    assert timed == [2, 4]
    board([*flags, "--time"])
    assert timed == [2, 4, 4]


def test_time_is_that_of_the_kind_of_file():
    kinds = [("bilstm-tiny", "fused", "int8"), ("min-bigru-tiny", "parallel", "float16")]
    rows = [
        {"model": model, "lowering": lowering, "precision": precision, "seed": seed}
        for model, lowering, precision in kinds
        for seed in "01"
    ]
    leaderboard.time_answers(rows)
    lstm, also_lstm, minimal, also_minimal = (float(row["answer_ms"]) for row in rows)
    assert lstm == also_lstm > 0 and minimal == also_minimal > 0
    assert lstm != minimal


def test_the_page_has_a_line_for_each_family(tmp_path):
    def row(dataset, model, seed, accuracy, **other):
        given = {"dataset": dataset, "model": model, "seed": seed, "accuracy_file": accuracy}
        return {**FAKE, **given, **other}

    found = [
        *(row("trec", "bilstm-tiny", seed, 0.8 + seed / 10) for seed in range(3)),
        *(row("trec", "bisru-tiny", s, 0.95, bytes=3000, lowering="unrolled") for s in range(3)),
        row("sms", "bisru-tiny", 0, 0.97, bytes=5000, lowering="unrolled"),
        row("sms", "bilstm-small", 0, 0.99),
    ]
    leaderboard_report.write(found, tmp_path / "leaderboard.csv")
    lines = (tmp_path / "leaderboard.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("|")][2:] == [
        "| `bisru-tiny` | unrolled | 4 | 0.10 | 97.0 | 95.0 ± 0.0 | 96.0 |",
        # Those that lack a data set come last, and sizes are apart.
        "| `bilstm-small` | fused | 1 | 0.10 | 99.0 | – | 99.0 |",
        # 4.30 * 0.1 / sqrt(3)
        "| `bilstm-tiny` | fused | 1 | 0.10 | – | 90.0 ± 24.8 | 90.0 |",
    ]
    assert "1 to 3 seeds" in lines[2]
    missing = lines[-1]
    assert missing.startswith("Not measured yet: `birnn`, ")
    assert "`bilstm`" not in missing and "`bisru`" not in missing


def test_a_page_of_all_families_says_nothing_of_missing_ones():
    assert leaderboard_report.missing({f"{family}-tiny" for family in FAMILIES}) == ""


def test_the_front_is_what_no_other_beats():
    def standing(name, kilobytes, accuracy):
        return leaderboard_report.Standing(name, "fused", kilobytes, 1, accuracy, 0)

    found = [
        standing("larger", 30, 0.9),
        standing("small", 10, 0.8),
        standing("best", 20, 0.9),
        standing("as small", 10, 0.7),
    ]
    front = leaderboard_report.front(found, "kilobytes")
    assert [each.model for each in front] == ["small", "best"]


@pytest.mark.slow
def test_a_run_is_measured(tmp_path):
    for part, numbers in (("train", range(60)), ("test", range(60, 100))):
        texts = "".join(f"good film {n}\tyes\nbad plot {n}\tno\n" for n in numbers)
        (tmp_path / f"{part}.tsv").write_text("text\tlabel\n" + texts, encoding="utf-8")
    row = leaderboard.one_run(str(tmp_path), "bilstm-tiny", 0)
    assert set(row) == {"dataset", "model", "seed", *FAKE}
    assert row["lowering"] == "fused" and float(row["accuracy_file"]) == 1
    assert row["bytes"] > 10_000
    leaderboard.time_answers([row])
    assert float(row["answer_ms"]) > 0
