"""The catalogue as a table, and the description of a model.

Keras is imported only for registered cells. `python -m zoo.describe` prints the table of the
documentation.
"""

from zoo import catalogue, parameters

COLUMNS = ("name", "cell", "gates", "parameters", "lowerings", "source")


def table(pattern: str | None = None) -> list[tuple[str, ...]]:
    """Rows of `COLUMNS`; parameters are those of the recurrent layers.

    Args:
        pattern: A shell pattern of names such as `"*lstm*"`; None for the families in base size.
    """
    names = list(catalogue.families()) if pattern is None else catalogue.list_models(pattern)
    rows: list[tuple[str, ...]] = []
    for name in names:
        family, _ = catalogue.find(name)
        count = f"{parameters.of(name).recurrent:,}"
        rows.append((name, family.cell, family.gates, count, family.lowerings, family.source))
    return rows


def page(name: str) -> str:
    """Describes a model: title, source, equations and options of the cell, a picture, sizes.

    Raises:
        ValueError: If there is no such model; the message suggests the nearest name.
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
    """The catalogue in Markdown: a row per family, with the lowerings that not all have."""
    lines = ["| model | layer | from | lowerings |", "|---|---|---|---|"]
    for name, family in catalogue.FAMILIES.items():
        more = [one for one in family.lowerings.split() if one not in catalogue.LOOP.split()]
        lines.append(f"| `{name}` | {family.title} | {family.source} | {' '.join(more)} |")
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
