"""Parameter counts of the catalogue's models, from a table that is read without Keras.

`parameters.csv` holds the results of `count`, which a test compares. After a change to a cell or to
the catalogue, run `python -m zoo.parameters` to update it.
"""

import functools
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from zoo import catalogue
from zoo.files import read_table, write_table

TABLE = Path(__file__).with_name("parameters.csv")
VOCABULARY, CLASSES = 20_000, 2  # token ids and labels of the counted models


@dataclass(frozen=True)
class Parameters:
    """Sizes of a model.

    Attributes:
        recurrent: Number of parameters of the recurrent layers.
        total: Number of parameters with `VOCABULARY` token ids and `CLASSES` labels.
        width: Width of a bidirectional layer's output.
    """

    recurrent: int
    total: int
    width: int


def of(name: str) -> Parameters:
    """Looks up a model in the table, or counts it if its cell was registered by the user."""
    return read().get(name) or count(name)


@functools.cache
def read() -> dict[str, Parameters]:
    """Reads the table, by model name."""
    names = [field.name for field in fields(Parameters)]
    return {
        row["model"]: Parameters(*(int(row[name]) for name in names)) for row in read_table(TABLE)
    }


def count(name: str) -> Parameters:
    """Builds a model in Keras and counts its parameters."""
    from zoo.layers import output_size

    model = catalogue.create_model(name, vocab_size=VOCABULARY, num_classes=CLASSES)
    layer = model.get_layer("bidirectional_1").forward_layer
    return Parameters(
        recurrent=catalogue.recurrent_parameters(name),
        total=model.count_params(),
        width=2 * output_size(layer.cell),
    )


def main() -> None:
    """Writes the table."""
    names = [field.name for field in fields(Parameters)]
    write_table(
        TABLE,
        [
            {"model": name, **dict(zip(names, astuple(count(name)), strict=True))}
            for name in catalogue.list_models()
        ],
    )


if __name__ == "__main__":
    main()
