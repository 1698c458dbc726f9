"""Norms of the gradient with respect to earlier states: how gradients vanish.

The loss depends on the last state after a sequence of random inputs. The norm of its gradient with
respect to the state k steps earlier shows how far back the cell can learn.
"""

import keras
import numpy as np

from zoo import cells

OPEN, SHUT = 1000.0, -1000.0  # biases of a gate: its sigmoid is exactly 1 or 0


def _new(kind):
    # float64, since gradients may be smaller than 1e-45, the least number of float32.
    return lambda units: kind(units, dtype="float64")


def highway(units: int) -> cells.LSTMCell:
    """An LSTM cell with forget gate 1 and input gate 0 for all inputs."""
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
    """The gradient's norm by distance, divided by the norm at the last state.

    Args:
        units: Width of the states and of the inputs.
        time: Number of steps.
        seeds: Number of random cells and sequences.

    Returns:
        For each of `CELLS`, float64 [seeds, time + 1]; column k belongs to the state
        k steps before the last.

    Raises:
        ValueError: If the backend of Keras is not TensorFlow.
    """
    norms = {}
    for name, make in CELLS.items():
        rows = []
        for seed in range(seeds):
            keras.utils.set_random_seed(seed)
            rows.append(by_distance(make(units), units, time, np.random.default_rng(seed)))
        norms[name] = np.stack(rows)
    return norms


def by_distance(cell: cells.Cell, units: int, time: int, rng: np.random.Generator) -> np.ndarray:
    """The norms for one cell and one random sequence, [time + 1]; see `measure`."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError("gradients are computed with TensorFlow: set KERAS_BACKEND=tensorflow.")
    import tensorflow as tf

    inputs = rng.normal(size=(time, 1, units))
    weights = [rng.normal(size=(1, units)) for _ in cell.state_size]
    with tf.GradientTape() as tape:
        states = [tf.zeros((1, size), tf.float64) for size in cell.state_size]
        tape.watch(states)
        history = [states]
        for x in inputs:
            _, states = cell(x, states)
            history.append(states)
        # Of the LSTM's states the loss depends on the cell state, which is its memory.
        loss = tf.reduce_sum(states[-1] * weights[-1])
    by_step = tape.gradient(loss, history, unconnected_gradients="zero")
    norms = [np.sqrt(sum(float(tf.reduce_sum(g**2)) for g in step)) for step in by_step]
    return np.array(norms[::-1]) / norms[-1]
