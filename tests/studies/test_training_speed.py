"""`python -m zoo training-speed`."""

import pytest

from studies import models
from zoo.__main__ import main
from zoo.files import read_table, write_table


@pytest.mark.slow
def test_rows_of_this_machine_take_the_place_of_older_ones(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(models, "TIME", 3)
    monkeypatch.setattr(models, "VOCABULARY", 9)
    other = {"backend": "jax", "device": "another", "xla": "True", "model": "bilstm"}
    other |= {"median_ms": "1.0", "quartiles_ms": "1.0 1.0", "of_bilstm": "1.00"}
    write_table(tmp_path / "training_speed.csv", [other])
    for _ in range(2):
        command = ["training-speed", "birnn", "--rounds", "2", "--output", str(tmp_path)]
        assert main(command) == 0
    first, *rows = read_table(tmp_path / "training_speed.csv")
    assert first == other
    found = [(row["xla"], row["model"]) for row in rows]
    assert found == [(xla, name) for xla in ("False", "True") for name in ("bilstm", "birnn")]
    assert [row["of_bilstm"] for row in rows if row["model"] == "bilstm"] == ["1.00", "1.00"]
    assert "of_bilstm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"), [(["bigur"], "bigur"), (["--rounds", "0"], "rounds must be at least")]
)
def test_wrong_arguments_are_refused(tmp_path, arguments, message, capsys):
    assert main(["training-speed", *arguments, "--output", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
