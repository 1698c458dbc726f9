"""Text descriptions of the catalogue and its models.

Keras is imported only for cells that the user registered. `python -m zoo.describe` prints the table
in the README.
"""

from zoo import catalogue, parameters

COLUMNS = ("name", "cell", "gates", "parameters", "lowerings", "source")


def table(pattern: str | None = None) -> list[tuple[str, ...]]:
    """Rows of `COLUMNS`; parameters are those of the recurrent layers.

    Args:
        pattern: A shell pattern of names such as `"*lstm*"`; None for all families in the base
            size.
    """
    names = list(catalogue.families()) if pattern is None else catalogue.list_models(pattern)
    rows: list[tuple[str, ...]] = []
    for name in names:
        family, _ = catalogue.find(name)
        count = f"{parameters.of(name).recurrent:,}"
        rows.append((name, family.cell, family.gates, count, family.lowerings, family.source))
    return rows


def page(name: str) -> str:
    """Describes a model: title, source, the cell's equations and options, a diagram, sizes.

    Raises:
        ValueError: If there is no such model; the message suggests similar names.
    """
    family, size = catalogue.find(name)
    count = parameters.of(name)
    return "\n".join(
        [
            f"{name}: {family.title}",
            family.source,
            "",
            f"{family.cell}: {family.equations}",
            "",
            *_picture(size, count.width),
            "",
            f"{count.total:,} parameters with {parameters.VOCABULARY:,} token ids and "
            f"{parameters.CLASSES} classes, {count.recurrent:,} of them in the recurrent layers.",
            f"Lowerings: {', '.join(family.lowerings.split())}.",
        ]
    )


def markdown() -> str:
    """The table in the README: one line per family, with the lowerings that not all have."""
    lines = ["| model | layer | from | lowerings |", "|---|---|---|---|"]
    for name, family in catalogue.FAMILIES.items():
        special = [name for name in family.lowerings.split() if name not in catalogue.LOOP.split()]
        lines.append(f"| `{name}` | {family.title} | {family.source} | {' '.join(special)} |")
    return "\n".join(lines)


def _picture(size: catalogue.Size, width: int) -> list[str]:
    lines = [
        "            tokens [batch, time]",
        "                   │",
        f"          embedding, {size.embed_dim} wide",
    ]
    for number in range(1, size.num_layers + 1):
        top = number == size.num_layers
        what = "last of each direction" if top else "every step"
        lines += [
            "            ┌──────┴──────┐",
            f"      {size.hidden_dim:>4} units →  ← {size.hidden_dim} units",
            "            └──────┬──────┘",
            f"         {what}, {width} wide",
        ]
    return [*lines, "                   │", "          logits [batch, classes]"]


if __name__ == "__main__":
    print(markdown())
