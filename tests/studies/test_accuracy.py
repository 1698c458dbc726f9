"""`python -m studies accuracy`."""

from studies import accuracy, command
from zoo import records
from zoo.files import read_table


def test_the_table_has_a_row_for_each_seed(tmp_path, monkeypatch, capsys):
    def study(*arguments):
        return command.run("accuracy", [*map(str, arguments), "--output", str(tmp_path)])

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
        for needed in records.NEEDED:
            (runs[-1] / needed).touch()
        (runs[-1] / "export" / "a.tflite").touch()
        assert study("--command", "make it", runs[-1]) == 0
    rows = read_table(tmp_path / "accuracy.csv")
    # A seed has one row; a folder of other texts replaces none.
    expected = [("500", "0", "0.92"), ("500", "1", "0.91"), ("60", "0", "0.99")]
    assert [(row["test"], row["seed"], row["accuracy_file"]) for row in rows] == expected
    (runs[0] / "export" / "a.tflite").unlink()
    for wrong, message in (
        (runs[0], "no exported file"),
        (tmp_path / "none", "There is no folder"),
    ):
        assert study(runs[1], wrong) == 2
        assert message in capsys.readouterr().err
