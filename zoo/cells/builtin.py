"""Conversion of Keras's built-in cells to zoo cells."""

import keras
import numpy as np
from keras import ops

from zoo.cells.gru import GRUCell, ResetBeforeGRUCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.simple import SimpleRNNCell


def as_cell(cell):
    """Converts a built Keras cell to the equivalent zoo cell, with copies of its weights.

    Args:
        cell: A built cell: `keras.layers.LSTMCell`, `GRUCell` or `SimpleRNNCell` (the `.cell` of a
            layer `LSTM`, `GRU` or `SimpleRNN`), a zoo cell, or any other.

    Returns:
        A zoo cell, or the cell itself if it is one already or has no counterpart (other
        activations, a custom cell).
    """
    twin = counterpart(cell)
    if twin is type(cell):
        return cell
    kernel = ops.convert_to_numpy(cell.kernel)
    result = twin(cell.units, name=cell.name, dtype=cell.dtype_policy)
    result.build((None, kernel.shape[0]))
    weights = [kernel, ops.convert_to_numpy(cell.recurrent_kernel), *_biases(cell, kernel)]
    if twin is ResetBeforeGRUCell:
        # Keras's z is 1 − z of the textbooks: σ(−a) = 1 − σ(a).
        signs = [-1 if gate == "z" else 1 for gate in twin.gates]
        sign = np.repeat(np.array(signs, kernel.dtype), cell.units)
        weights = [weight * sign for weight in weights]
    result.set_weights(weights)
    return result


def counterpart(cell):
    """The class of the equivalent zoo cell, or the cell's own class if there is none."""
    kind = type(cell)  # a subclass may have other equations
    if kind is keras.layers.LSTMCell:
        twin = LSTMCell
    elif kind is keras.layers.GRUCell:
        twin = GRUCell if cell.reset_after else ResetBeforeGRUCell
    elif kind is keras.layers.SimpleRNNCell:
        twin = SimpleRNNCell
    else:
        return kind
    gates = getattr(cell, "recurrent_activation", keras.activations.sigmoid)
    plain = cell.activation is keras.activations.tanh and gates is keras.activations.sigmoid
    return twin if plain else kind


def _biases(cell, kernel):
    width = kernel.shape[1]
    reset_after = getattr(cell, "reset_after", False)
    if cell.bias is None:
        bias = np.zeros((2, width) if reset_after else (width,), kernel.dtype)
    else:
        bias = ops.convert_to_numpy(cell.bias)
    if not reset_after:
        return [bias]
    # Keras has a second bias for the recurrent product. For z and r, both are simply added; for
    # the candidate, the second one is multiplied by the reset gate.
    outer, inner = (np.split(part, len(GRUCell.gates)) for part in bias)
    candidate = GRUCell.gates.index("g")
    joined = [
        a if place == candidate else a + b
        for place, (a, b) in enumerate(zip(outer, inner, strict=True))
    ]
    return [np.concatenate(joined), inner[candidate]]
