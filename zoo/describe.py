"""The catalogue as a table, and one of its models on a page."""

import inspect

from zoo import catalogue
from zoo.cells import as_cell

COLUMNS = ("name", "cell", "gates", "parameters", "lowerings", "source")


def table(pattern: str | None = None) -> list[tuple[str, ...]]:
    """Rows of `COLUMNS`; parameters are those of the recurrent layers.

    Args:
        pattern: A shell pattern of names, `"*lstm*"`; without one, the families in the lessons'
            size.
    """
    names = list(catalogue.FAMILIES) if pattern is None else catalogue.list_models(pattern)
    rows: list[tuple[str, ...]] = []
    for name in names:
        family, _ = catalogue.find(name)
        parameters = f"{catalogue.recurrent_parameters(name):,}"
        cell = type(_cell(name)).__name__
        rows.append((name, cell, family.gates, parameters, family.lowerings, family.source))
    return rows


def page(name: str) -> str:
    """What a model is: title, source, the cell's equations and options, a picture, sizes."""
    family, size = catalogue.find(name)
    model = catalogue.create_model(name, vocab_size=20_000, num_classes=2)
    return "\n".join(
        [
            f"{name}: {family.title}",
            family.source,
            "",
            f"{type(_cell(name)).__name__}: {inspect.getdoc(type(_cell(name)))}",
            "",
            *_picture(model, size),
            "",
            f"{model.count_params():,} parameters with 20,000 token ids and 2 classes, "
            f"{catalogue.recurrent_parameters(name):,} of them in the recurrent layers.",
            f"Lowerings: {', '.join(family.lowerings.split())}.",
        ]
    )


def _cell(name: str):
    """A cell of the model, as the zoo has it."""
    family, _ = catalogue.find(name)
    cell = family.layer(1, return_sequences=False).cell
    cell.build((None, 2))
    return as_cell(cell)


def _picture(model, size) -> list[str]:
    lines = [
        "            tokens [batch, time]",
        "                   │",
        f"          embedding, {size.embed_dim} wide",
    ]
    for number in range(1, size.num_layers + 1):
        width = model.get_layer(f"bidirectional_{number}").output.shape[-1]
        top = number == size.num_layers
        what = "the last of each way" if top else "every step"
        lines += [
            "            ┌──────┴──────┐",
            f"      {size.hidden_dim:>4} units →  ← {size.hidden_dim} units",
            "            └──────┬──────┘",
            f"         {what}, {width} wide",
        ]
    return [*lines, "                   │", "          logits [batch, classes]"]
