"""What README shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo import pretrained

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_custom_cell_exports(tmp_path):
    (snippet,) = [text for text in SNIPPETS if "class LeakyCell" in text]
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    names = sorted(path.name for path in (tmp_path / "exported").glob("*.tflite"))
    assert [re.sub(r"^[a-z0-9-]+?-(?=loop|unrolled)", "", name) for name in names] == [
        "loop-int8.tflite",
        "unrolled-int8.tflite",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    re.findall(r'python -m zoo predict ([a-z-]+) "(.*?)"', README),
)
def test_the_first_examples_are_answered_correctly(name, text):
    (prediction,) = zoo.load(name).predict([text])
    right = {"A warm, funny": "positive", "The plot is": "negative"}[" ".join(text.split()[:3])]
    assert prediction.label == right and prediction.scores[right] > 0.9


def test_mediapipe_answers_the_snippet(tiny_run, tmp_path):
    pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    from export import export_model

    (file,) = export_model(tiny_run, tmp_path, lowering="fused")
    (snippet,) = [text for text in SNIPPETS if "mediapipe" in text]
    snippet = re.sub(r'path = ".*"', f"path = {str(tmp_path / file.path)!r}", snippet)
    done = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "category_name='" in done.stdout


def test_the_table_of_models_is_that_of_the_package():
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([^|]*) \|$", README, re.MULTILINE))
    for name, *_, year, licence in pretrained.table():
        assert rows[name] == licence
        assert re.search(rf"^\| `{name}` .* {year} \|", README, re.MULTILINE)
