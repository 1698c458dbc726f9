"""How many parameters the catalogue's models have, as a table that is read without Keras.

`parameters.csv` holds what `count` finds for the models of the table, and a test holds it to that.
After a change of a cell or of the catalogue, `python -m zoo.parameters` writes it anew.
"""

import functools
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from zoo import catalogue
from zoo.files import read_table, write_table

TABLE = Path(__file__).with_name("parameters.csv")
VOCABULARY, CLASSES = 20_000, 2  # token ids and labels of the models that are counted


@dataclass(frozen=True)
class Parameters:
    """What is counted of a model.

    Attributes:
        recurrent: Parameters of the recurrent layers.
        total: Of the whole model, with `VOCABULARY` token ids and `CLASSES` labels.
        width: Outputs of a bidirectional layer at each step.
    """

    recurrent: int
    total: int
    width: int


def of(name: str) -> Parameters:
    """Of one model: from the table, or counted, where its cell was registered by the user."""
    return read().get(name) or count(name)


@functools.cache
def read() -> dict[str, Parameters]:
    """The table, by the models' names."""
    names = [field.name for field in fields(Parameters)]
    return {
        row["model"]: Parameters(*(int(row[name]) for name in names)) for row in read_table(TABLE)
    }


def count(name: str) -> Parameters:
    """The same of one model, counted in Keras."""
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
