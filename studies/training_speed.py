"""Times a training step of models of the textbook size, with XLA and without.

The backend is the one that KERAS_BACKEND names. Writes training_speed.csv: rows of this backend and
this device are replaced, others are kept.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from studies import command, models
from studies.clocks import take_turns
from zoo import catalogue
from zoo.files import read_table, write_table

FAMILIES = ("bilstm", "peephole-bilstm", "bigru")
BUILT_IN = "bilstm"  # the baseline of the others; on a GPU, it runs in cuDNN


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "families", nargs="*", metavar="FAMILY", help="families to time beside bilstm"
    )
    parser.add_argument(
        "--rounds", type=int, default=15, help="timed turns per model (default: 15)"
    )
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures, and writes the table."""
    path = options.output / "training_speed.csv"
    rows = measure(options.families or FAMILIES, rounds=options.rounds)
    here = {(row["backend"], row["device"]) for row in rows}
    others = [row for row in read_table(path) if (row["backend"], row["device"]) not in here]
    write_table(path, [*others, *rows])
    print(path)


def measure(
    families: Sequence[str] = FAMILIES, *, rounds: int = 15, say: Callable[[str], None] = print
) -> list[dict]:
    """Rows of training_speed.csv, for the backend and the device that Keras runs on.

    Args:
        families: Of the catalogue, in the textbook size; the built-in LSTM is added.
        rounds: Turns of each.
        say: Receives a line about each row.

    Raises:
        ValueError: If there is no such family, or `rounds` is not positive.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}.")
    for family in families:
        catalogue.find(family)
    import keras  # takes seconds: only once the names are known to be right

    from zoo import devices

    names = [BUILT_IN, *(family for family in families if family != BUILT_IN)]
    # With JAX only XLA works, with PyTorch only the step without it.
    backend = keras.backend.backend()
    ways = {"tensorflow": (False, True), "jax": (True,)}.get(backend, (False,))
    rows = []
    for xla in ways:
        steps = [models.training_step(models.compiled(name, xla=xla)) for name in names]
        seconds = take_turns(steps, rounds)
        medians = np.median(seconds, axis=1)
        for place, name in enumerate(names):
            low, high = np.percentile(1000 * seconds[place], [25, 75])
            row = {
                "backend": backend,
                "device": devices.describe(),
                "xla": xla,
                "model": name,
                "median_ms": f"{1000 * medians[place]:.1f}",
                "quartiles_ms": f"{low:.1f} {high:.1f}",
                "of_bilstm": f"{medians[place] / medians[0]:.2f}",
            }
            say(" ".join(f"{key} {value}" for key, value in row.items()))
            rows.append(row)
    return rows
