"""Imports run one way: studies, then export, then zoo; and in no circle."""

import ast

import pytest

from docs import imports

FORBIDDEN = {
    "zoo": {"export", "studies", "recipes", "tests", "train"},
    "export": {"studies", "recipes", "tests", "train"},
    "studies": {"recipes", "tests", "train"},
    "train.py": {"export", "studies", "recipes", "tests"},
}


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
    files = imports.modules([place])
    assert files
    for name, file in files.items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        whole = set(imported(tree)) & FORBIDDEN[place]
        if name in imports.HANDING_OVER:
            assert whole == {"studies"}
            assert not {each for node in at_once(tree) for each in imported(node)} & whole
        else:
            assert not whole, name


def test_there_is_no_circle():
    assert imports.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert imports.circles(imports.graph()) == []


def test_no_module_knows_the_private_names_of_another(tmp_path):
    file = tmp_path / "one.py"
    file.write_text("from zoo import text\nfrom zoo.files import _x\nprint(text._y)\n")
    known = {**imports.modules(["zoo"]), "one": file}
    assert imports.private_uses(known) == ["one: zoo.files._x", "one: zoo.text._y"]
    assert imports.private_uses() == []


def test_the_picture_is_of_this_code():
    found = imports.PICTURE.read_text(encoding="utf-8")
    assert found == imports.picture(), "draw it again: python -m docs.imports"
