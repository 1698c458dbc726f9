"""A small version of `make attacks`, and that it would notice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studies import attacks
from zoo.files import read_table
from zoo.litert import ModelFileError

ROOT = Path(__file__).parents[2]


def test_damage_is_refused_or_changes_no_answer(tiny_run, tiny_tflite, tmp_path):
    table = tmp_path / "attacks.csv"
    command = [
        *(sys.executable, "-m", "studies", "attacks", "--output", tmp_path),
        *("--run", tiny_run, "--file", tiny_tflite),
        *("--flips", "60", "--damages", "30", "--kills", "0", "--stops", "0", "--only-hashed"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = read_table(table)
    tries = {}
    for row in rows:
        count = {outcome: int(row[outcome]) for outcome in attacks.OUTCOMES}
        assert count["refused"] + count["same"] == int(row["tries"]), done.stdout
        tries[row["attack"]] = tries.get(row["attack"], 0) + int(row["tries"])
    assert tries == {f"{tiny_tflite.stem}, sealed": 60, "run folder": 30}


@pytest.mark.parametrize("kind", attacks.KINDS)
def test_damage_changes_something(kind):
    content = bytes(range(256)) * 8 + bytes(300)
    for seed in range(200):
        changed = attacks.damage(content, kind, random.Random(seed))
        assert changed != content
        assert (len(changed) == len(content)) == (kind not in ("cut", "appended"))


def fill_the_memory():
    return str(len(bytes(attacks.ADDRESS_SPACE)))


def refuse():
    raise ModelFileError("model.tflite: damaged")


def refuse_in_lines():
    raise ModelFileError("model.tflite:\ndamaged")


@pytest.mark.parametrize(
    ("ask", "outcome"),
    [
        (lambda: "answers", "same"),
        (refuse, "refused"),
        (refuse_in_lines, "traceback"),
        (lambda: {}["missing"], "traceback"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "signal"),
        (lambda: time.sleep(60), "hang"),
        (fill_the_memory, "memory"),
    ],
)
def test_each_outcome_is_told(monkeypatch, ask, outcome):
    monkeypatch.setattr(attacks, "SECONDS", 2)
    assert attacks.in_child(ask)[0] == outcome
