"""Imports run one way: studies, then export, then zoo."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "zoo": {"export", "studies", "recipes", "tests", "train"},
    "export": {"studies", "recipes", "tests", "train"},
    "studies": {"recipes", "tests", "train"},
    "train.py": {"export", "studies", "recipes", "tests"},
}
# Commands that hand over to a study, inside a function.
HANDING_OVER = {"zoo/__main__.py", "export/benchmark.py"}


def imported(node):
    """The packages that a syntax tree imports."""
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in each.names)
        elif isinstance(each, ast.ImportFrom) and not each.level and each.module:
            yield each.module.partition(".")[0]


def at_once(tree):
    """The statements that an import of the module runs, without bodies of functions."""
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@pytest.mark.parametrize("place", FORBIDDEN)
def test_imports_run_one_way(place):
    path = ROOT / place
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        name = file.relative_to(ROOT).as_posix()
        whole = set(imported(tree)) & FORBIDDEN[place]
        if name in HANDING_OVER:
            assert whole == {"studies"}
            assert not {each for node in at_once(tree) for each in imported(node)} & whole
        else:
            assert not whole, name
