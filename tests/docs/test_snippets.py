"""The Python blocks of README and docs/ run as they stand there."""

import re
import shutil
import subprocess
import sys

import pytest

import zoo
from tests.conftest import write_rows
from tests.docs.pages import ROOT, blocks, read

SNIPPETS = blocks("python")
NOT_RUN = "not run: "


@pytest.fixture(scope="module")
def workplace(tiny_run, tmp_path_factory):
    """A folder with what the snippets name: my_texts.csv and a run, runs/mine, with its files."""
    from export import export_model

    folder = tmp_path_factory.mktemp("docs")
    rows = read(write_rows(folder / "rows.tsv", 120, 4)).splitlines()
    (folder / "my_texts.csv").write_text("\n".join(row.replace("\t", ",") for row in rows))
    shutil.copytree(tiny_run, folder / "runs" / "mine")
    for file in export_model(tiny_run, folder / "runs" / "mine" / "export"):
        path = folder / "runs" / "mine" / "export" / file.path
        path.rename(path.with_name(f"bilstm-small-{file.lowering}-{file.precision}.tflite"))
    return folder


def execute(code: str, folder) -> str:
    """What a program prints, run in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(
            block, id=block.where, marks=[pytest.mark.slow] if block.note == "slow" else []
        )
        for block in SNIPPETS
        if not block.note.startswith(NOT_RUN)
    ],
)
def test_a_snippet_runs(block, workplace):
    if "mediapipe" in block.text:
        pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    printed = execute(block.text, workplace)
    assert bool(printed) == ("print(" in block.text)


def test_snippets_are_found_and_those_that_do_not_run_are_python():
    assert {block.where.partition(":")[0] for block in SNIPPETS} >= {
        "README.md",
        "docs/catalogue.md",
        "docs/clients.md",
        "docs/exporting.md",
        "docs/pytorch.md",
        "docs/training.md",
    }
    left_out = [block for block in SNIPPETS if block.note.startswith(NOT_RUN)]
    assert len(left_out) <= 1  # it needs a PyTorch model of the reader's
    for block in left_out:
        compile(block.text, block.where, "exec")


def test_the_custom_cell_exports(tmp_path):
    (snippet,) = [
        b.text for b in SNIPPETS if b.where.startswith("README") and "LeakyCell" in b.text
    ]
    more = """
import keras

from export import export_model
from zoo.layers import Recurrent

tokens = keras.Input((None,), dtype="int32")
x = keras.layers.Embedding(50, 8, mask_zero=True)(tokens)
x = keras.layers.Bidirectional(Recurrent(LeakyCell(8)))(x)
model = keras.Model(tokens, keras.layers.Dense(2, "softmax")(x))
print(*sorted(file.lowering for file in export_model(model, "exported", max_length=16)))
"""
    assert execute(snippet + more, tmp_path).split() == ["loop", "unrolled"]


@pytest.mark.parametrize(
    ("name", "text"),
    re.findall(r'python -m zoo predict ([a-z-]+) "(.*?)"', read(ROOT / "README.md")),
)
def test_the_first_examples_are_answered_correctly(name, text):
    (prediction,) = zoo.load(name).predict([text])
    right = {"A warm, funny": "positive", "The plot is": "negative"}[" ".join(text.split()[:3])]
    assert prediction.label == right and prediction.scores[right] > 0.9


def test_drawings_are_those_of_the_modules():
    drawings = [block for block in blocks("text") if "docs/exporting.md" in block.where]
    drawings = [block.text for block in drawings if "──" in block.text or "h₁" in block.text]
    assert len(drawings) == 3
    for name, drawing in zip(("dynamic", "loop", "parallel"), drawings, strict=True):
        assert drawing in read(ROOT / "export" / "tflite" / f"{name}.py")
