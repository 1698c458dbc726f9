"""Keras's own cells, seen through the zoo's contract."""

import keras
import numpy as np
from keras import ops

from zoo.cells.gru import GRUCell, ResetBeforeGRUCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.simple import SimpleRNNCell


def as_cell(cell):
    """The zoo's cell that computes what a built Keras cell computes, with copies of its weights.

    Args:
        cell: A built cell: a zoo cell, or `keras.layers.LSTMCell`, `GRUCell` or `SimpleRNNCell`
            (a layer `LSTM`, `GRU` or `SimpleRNN` has it as `.cell`), or any cell of your own.

    Returns:
        A zoo cell; the cell itself where it is one already or where the zoo has no counterpart
        (other activations, a cell of your own).
    """
    twin = counterpart(cell)
    if twin is type(cell):
        return cell
    kernel = ops.convert_to_numpy(cell.kernel)
    result = twin(cell.units, name=cell.name, dtype=cell.dtype_policy)
    result.build((None, kernel.shape[0]))
    weights = [kernel, ops.convert_to_numpy(cell.recurrent_kernel), *_biases(cell, kernel)]
    if twin is ResetBeforeGRUCell:
        # Keras's update gate is 1 − z of the textbooks: σ(−a) = 1 − σ(a).
        signs = [-1 if gate == "z" else 1 for gate in twin.gates]
        sign = np.repeat(np.array(signs, kernel.dtype), cell.units)
        weights = [weight * sign for weight in weights]
    result.set_weights(weights)
    return result


def counterpart(cell):
    """The class of zoo cell that computes what a cell does: its own where there is no other."""
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
    # Keras keeps a second bias for the recurrent product. Those of z and r only add to the
    # first; that of the candidate stands inside the reset gate.
    outer, inner = (np.split(part, len(GRUCell.gates)) for part in bias)
    candidate = GRUCell.gates.index("g")
    joined = [
        a if place == candidate else a + b
        for place, (a, b) in enumerate(zip(outer, inner, strict=True))
    ]
    return [np.concatenate(joined), inner[candidate]]
