"""Imports run one way (recipes, studies, export, zoo), in no circle, and of public names only."""

import ast

import pytest

from docs import graph, imports

FORBIDDEN = {
    "zoo": {"export", "studies", "recipes", "docs", "tests", "train"},
    "export": {"studies", "recipes", "docs", "tests", "train"},
    "studies": {"recipes", "docs", "tests", "train"},
    "recipes": {"docs", "tests", "train"},
    "docs": {"export", "studies", "recipes", "tests", "train"},
    "train.py": {"export", "studies", "recipes", "docs", "tests"},
}
# Commands that hand over to a study, inside a function.
HANDING_OVER = {"zoo/__main__.py", "export/benchmark.py"}
MODULES = graph.modules()


def packages(tree, **options):
    """The packages that a module imports, also for type checkers."""
    return {name.partition(".")[0] for name in graph.imported(tree, typing=True, **options)}


@pytest.mark.parametrize("place", FORBIDDEN)
def test_imports_run_one_way(place):
    files = graph.files(place)
    assert files
    for file in files:
        tree = graph.parse(file)
        name = file.relative_to(graph.ROOT).as_posix()
        whole = packages(tree) & FORBIDDEN[place]
        if name in HANDING_OVER:
            assert whole == {"studies"}
            assert not packages(tree, lazy=False) & whole
        else:
            assert not whole, name


def test_no_modules_import_each_other():
    edges = graph.graph(MODULES)
    assert len(edges) == len(MODULES) > 100
    assert not graph.circles(edges)


def test_no_packages_import_each_other():
    tiles = imports.tiles(graph.graph(MODULES))
    inside = {
        name: {t for t in tiles[name] if t.split(".")[0] == name.split(".")[0]} for name in tiles
    }
    assert not graph.circles(inside)


def test_private_names_stay_in_their_module():
    found = {
        name: graph.private_names(graph.parse(file), name, MODULES)
        for name, file in MODULES.items()
    }
    assert not {name: names for name, names in found.items() if names}


def test_the_picture_is_current():
    drawn = imports.PICTURE.read_text(encoding="utf-8")
    assert drawn == imports.draw(graph.graph(MODULES)), "run python -m docs.imports"


# What the checks above would notice


CODE = """
import numpy as np
import zoo.text
from typing import TYPE_CHECKING
from zoo import files as paths

if TYPE_CHECKING:
    from export import architecture
else:
    import json

class Reader:
    def read(self):
        from zoo.bundle import Bundle
"""
ALWAYS = {"numpy", "zoo.text", "typing.TYPE_CHECKING", "zoo.files", "json"}


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, {"zoo.bundle.Bundle"}),
        ({"lazy": False}, set()),
        ({"lazy": False, "typing": True}, {"export.architecture"}),
    ],
)
def test_imports_are_found_wherever_they_stand(options, more):
    assert set(graph.imported(ast.parse(CODE), **options)) == ALWAYS | more


def test_a_relative_import_is_refused():
    with pytest.raises(ValueError, match="Line 1 has a relative import"):
        list(graph.imported(ast.parse("from . import text")))


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": "b", "b": "c", "c": ""}, []),
        ({"a": "b", "b": "a"}, ["ab"]),
        ({"a": "b", "b": "c", "c": "ad", "d": "e", "e": "d", "f": "ad"}, ["abc", "de"]),
        ({"a": "bc", "b": "d", "c": "d", "d": ""}, []),
    ],
)
def test_circles_are_found(edges, found):
    assert graph.circles(edges) == [list(circle) for circle in found]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from zoo.text import _fold", ["zoo.text._fold"]),
        ("from zoo import text\ntext._fold('a')", ["zoo.text._fold"]),
        ("import zoo.text\nzoo.text._fold('a')", ["zoo.text._fold"]),
        ("import zoo.text as t\ndef f():\n    return t.Tokenizer._of", ["zoo.text.Tokenizer._of"]),
        ("import zoo\nprint(zoo.__version__)", []),
        ("from zoo.files import _own", []),  # this is zoo.files
        ("from keras import _legacy", []),
        ("def f(self):\n    return self._text", []),
    ],
)
def test_private_names_are_found(code, found):
    assert graph.private_names(ast.parse(code), "zoo.files", MODULES) == found


def test_a_picture_of_wrong_imports_is_refused():
    edges = graph.graph(MODULES)
    with pytest.raises(ValueError, match=r"zoo\.files imports export, but zoo must not"):
        imports.draw(edges | {"zoo.files": {"export"}})
    with pytest.raises(ValueError, match=r"each other: \[\['zoo\.digest', 'zoo\.files'\]\]"):
        imports.draw(edges | {"zoo.files": {"zoo.digest"}})
