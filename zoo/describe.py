"""The catalogue as a table, and one of its models on a page, both without importing Keras."""

import ast
from pathlib import Path

from zoo import catalogue, parameters

COLUMNS = ("name", "cell", "gates", "parameters", "lowerings", "source")
CELLS = Path(__file__).with_name("cells")


def table(pattern: str | None = None) -> list[tuple[str, ...]]:
    """Rows of `COLUMNS`; parameters are those of the recurrent layers.

    Args:
        pattern: A shell pattern of names, `"*lstm*"`; without one, the families in the lessons'
            size.
    """
    names = list(catalogue.FAMILIES) if pattern is None else catalogue.list_models(pattern)
    counts = parameters.read()
    rows: list[tuple[str, ...]] = []
    for name in names:
        family, _ = catalogue.find(name)
        count = f"{counts[name].recurrent:,}"
        rows.append((name, family.cell, family.gates, count, family.lowerings, family.source))
    return rows


def page(name: str) -> str:
    """What a model is: title, source, the cell's equations and options, a picture, sizes.

    Raises:
        ValueError: If there is no such model; it names the nearest.
    """
    family, size = catalogue.find(name)
    count = parameters.read()[name]
    return "\n".join(
        [
            f"{name}: {family.title}",
            family.source,
            "",
            f"{family.cell}: {docstring(family.cell)}",
            "",
            *_picture(size, count.width),
            "",
            f"{count.total:,} parameters with {parameters.VOCABULARY:,} token ids and "
            f"{parameters.CLASSES} classes, {count.recurrent:,} of them in the recurrent layers.",
            f"Lowerings: {', '.join(family.lowerings.split())}.",
        ]
    )


def docstring(cell: str) -> str:
    """The docstring of a class of `zoo.cells`, from its source: importing it would import Keras."""
    for path in sorted(CELLS.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name == cell:
                return ast.get_docstring(node) or ""
    raise LookupError(f"zoo.cells has no class {cell}.")


def _picture(size: catalogue.Size, width: int) -> list[str]:
    lines = [
        "            tokens [batch, time]",
        "                   │",
        f"          embedding, {size.embed_dim} wide",
    ]
    for number in range(1, size.num_layers + 1):
        top = number == size.num_layers
        what = "the last of each way" if top else "every step"
        lines += [
            "            ┌──────┴──────┐",
            f"      {size.hidden_dim:>4} units →  ← {size.hidden_dim} units",
            "            └──────┬──────┘",
            f"         {what}, {width} wide",
        ]
    return [*lines, "                   │", "          logits [batch, classes]"]
