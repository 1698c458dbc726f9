"""Reads docstrings and gates from the source of `zoo.cells`, without importing Keras."""

import ast
import functools
from pathlib import Path

CELLS = Path(__file__).with_name("cells")


def docstring(cell: str) -> str:
    """The docstring of a class of `zoo.cells`."""
    return ast.get_docstring(_class(cell)) or ""


def gates(cell: str) -> str:
    """The attribute `gates` of a class of `zoo.cells`, which may be inherited."""
    node = _class(cell)
    pairs: list[tuple[ast.expr, ast.expr]]
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            pairs = [(statement.target, statement.value)]
        elif isinstance(statement, ast.Assign):
            pairs = [pair for target in statement.targets for pair in _pairs(target, statement)]
        else:
            continue
        for target, value in pairs:
            if isinstance(target, ast.Name) and target.id == "gates":
                return ast.literal_eval(value)
    (base,) = (base.id for base in node.bases if isinstance(base, ast.Name))
    return gates(base)


def _pairs(target: ast.expr, statement: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """The (name, value) pairs of an assignment, with tuples taken apart."""
    if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
        return list(zip(target.elts, statement.value.elts, strict=True))
    return [(target, statement.value)]


def _class(name: str) -> ast.ClassDef:
    try:
        return _classes()[name]
    except KeyError:
        raise LookupError(f"zoo.cells has no class {name}.") from None


@functools.cache
def _classes() -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for path in sorted(CELLS.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
