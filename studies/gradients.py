"""How much of a gradient is left, so many steps back: what the lessons call vanishing.

A loss looks at the last state of a sequence of random inputs. Its gradient by the state k steps
before says how far the last state can still learn from there.
"""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from zoo import cells
from zoo.files import replacing, write_table

OPEN, SHUT = 1000.0, -1000.0  # biases of a gate: its sigmoid is 1, or 0, to the last bit


def _new(kind):
    # float32 would end at 1e-45.
    return lambda units: kind(units, dtype="float64")


def highway(units: int) -> cells.LSTMCell:
    """An LSTM cell with forget gate 1 and input gate 0, whatever comes in."""
    cell = cells.LSTMCell(units, dtype="float64")
    cell.build((None, units))
    bias = np.concatenate([np.full(units, value) for value in (SHUT, OPEN, 0.0, 0.0)])
    cell.bias.assign(bias)
    return cell


def _keeping(units: int) -> cells.GRUCell:
    cell = cells.GRUCell(units, dtype="float64")
    cell.build((None, units))
    cell.bias.assign(np.repeat([4, 0, 0], units))
    return cell


def _remembering(units: int) -> cells.LSTMCell:
    cell = cells.LSTMCell(units, dtype="float64")
    cell.build((None, units))
    cell.bias.assign(keras.ops.convert_to_numpy(cell.bias) + np.repeat([0, 4, 0, 0], units))
    return cell


CELLS = {
    "simple cell": _new(cells.SimpleRNNCell),
    "GRU": _new(cells.GRUCell),
    "GRU, update bias 4": _keeping,
    "LSTM, forget bias 1": _new(cells.LSTMCell),
    "LSTM, forget bias 5": _remembering,
    "LSTM, f = 1 and i = 0": highway,
}


def measure(*, units: int = 64, time: int = 100, seeds: int = 10) -> dict[str, np.ndarray]:
    """The gradient's norm by distance, as a share of that at the last state.

    Args:
        units: Width of the states, and of the inputs.
        time: Steps of the sequence.
        seeds: Cells and sequences drawn; each gives a row.

    Returns:
        For each of `CELLS`, float64 [seeds, time + 1]; column k is k steps before the last state.

    Raises:
        ValueError: If Keras does not run on TensorFlow, whose gradients are taken.
    """
    found = {}
    for name, make in CELLS.items():
        rows = []
        for seed in range(seeds):
            keras.utils.set_random_seed(seed)
            rows.append(_fall(make(units), units, time, np.random.default_rng(seed)))
        found[name] = np.stack(rows)
    return found


def _fall(cell, units: int, time: int, rng: np.random.Generator) -> np.ndarray:
    if keras.backend.backend() != "tensorflow":
        raise ValueError("Gradients are drawn with TensorFlow: set KERAS_BACKEND=tensorflow.")
    import tensorflow as tf

    inputs = rng.normal(size=(time, 1, units))
    look = [rng.normal(size=(1, units)) for _ in cell.state_size]
    with tf.GradientTape() as tape:
        states = [tf.zeros((1, size), tf.float64) for size in cell.state_size]
        tape.watch(states)
        passed = [states]
        for x in inputs:
            _, states = cell(x, states)
            passed.append(states)
        # The LSTM is asked by its cell state, which is what it keeps; the others by their only one.
        loss = tf.reduce_sum(states[-1] * look[-1])
    by_step = tape.gradient(loss, passed, unconnected_gradients="zero")
    norms = [np.sqrt(sum(float(tf.reduce_sum(g**2)) for g in step)) for step in by_step]
    return np.array(norms[::-1]) / norms[-1]


def write(found: Mapping[str, np.ndarray], folder: Path) -> None:
    """Writes gradients.csv and gradients.png."""
    table = []
    for name, rows in found.items():
        columns = {"median": np.median(rows, 0), "lowest": rows.min(0), "highest": rows.max(0)}
        for distance in range(rows.shape[1]):
            values = {key: f"{column[distance]:.3e}" for key, column in columns.items()}
            table.append({"cell": name, "distance": distance, **values})
    write_table(folder / "gradients.csv", table)
    _draw(found, folder / "gradients.png")


def _draw(found: Mapping[str, np.ndarray], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, rows in found.items():
        steps = np.arange(rows.shape[1])
        (line,) = axes.plot(steps, np.maximum(np.median(rows, 0), 1e-12), label=name)
        low, high = np.maximum(rows.min(0), 1e-12), np.maximum(rows.max(0), 1e-12)
        axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set(
        yscale="log",
        ylim=(1e-9, 10),
        xlabel="steps before the last state",
        ylabel="gradient left, as a share",
        title="New cells, random inputs: how far back the last state learns",
    )
    axes.legend(loc="lower left", fontsize="small")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=120)
