"""The fused lowering with static shapes: one operator per direction, in one subgraph.

             ids [1, L] ──► length [1]
                 │             │
             embedding         │
        ┌────────┴─────────┐   │
        │             text reversed
    zero states       zero states
    fused LSTM        fused LSTM
        │                  │
        │              and back
        └───── concat ─────┘            or, from the top layer, the outputs at length − 1,
                 │                      or their mean over the length
                 │
         the next layer, or dense and softmax

The operator reads all L steps and has no mask. The padding is at the end in both directions, so no
step of the text sees it. Its states persist between calls, so each call sets them to zero first.

BIDIRECTIONAL_SEQUENCE_LSTM works for texts of exactly L ids only: its backward direction would read
the padding of a shorter text first. And microcontrollers do not have it.
"""

from collections.abc import Callable

import keras
import numpy as np

from export.architecture import Architecture
from export.tflite import ops, parts
from export.tflite.graph import Graph, Model, Tensor
from zoo import cells


def build(architecture: Architecture, max_length: int) -> Model:
    """Lowers a classifier to fused operators.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.

    Returns:
        A model from int32 [1, L] ids to float32 [1, classes] probabilities.

    Raises:
        parts.NoLoweringError: If there is no operator for a cell.
    """
    require(architecture)
    return parts.one_graph(max_length, parts.Floats(architecture, _scan))


def require(architecture: Architecture) -> None:
    """Raises `parts.NoLoweringError` if this lowering does not support a cell."""
    parts.require("fused", supports, architecture, ", ".join(kind.__name__ for kind in FUSED))


def supports(cell: keras.Layer) -> bool:
    """Whether a fused operator computes this cell."""
    return type(cell) in FUSED  # subclasses may have other equations


def _scan(graph: Graph, cell: keras.Layer, x: Tensor) -> Tensor:
    outputs = sequence(graph, cell, ops.reshape(graph, x, (1, *x.shape)))
    return ops.reshape(graph, outputs, outputs.shape[1:])


def sequence(graph: Graph, cell: keras.Layer, x: Tensor) -> Tensor:
    """Runs a cell over x [1, time, features], from zero states: [1, time, outputs]."""
    weights = [keras.ops.convert_to_numpy(weight) for weight in cell.weights]
    return FUSED[type(cell)](graph, x, cell, *weights)


def columns(weight: np.ndarray, gates: str) -> dict[str, np.ndarray]:
    """Splits a weight [inputs, gates · units] by gate, transposed for the operator."""
    return dict(zip(gates, np.split(weight.T, len(gates)), strict=True))


def _rows(weight: np.ndarray, gates: str) -> dict[str, np.ndarray]:
    """Splits a weight [gates, units] by gate."""
    return dict(zip(gates, weight, strict=True))


def _lstm(graph, x, cell, kernel, recurrent_kernel, bias, **other) -> Tensor:
    gates = cell.gates
    weights = ops.LSTMWeights(
        columns(kernel, gates), columns(recurrent_kernel, gates), columns(bias, gates), **other
    )
    return ops.sequence_lstm(graph, x, weights)


def _peephole(graph, x, cell, kernel, recurrent_kernel, bias, peephole=None) -> Tensor:
    seen = {} if peephole is None else _rows(peephole, cell.peepholes)
    return _lstm(graph, x, cell, kernel, recurrent_kernel, bias, peephole=seen)


def _projected(graph, x, cell, kernel, recurrent_kernel, bias, projection) -> Tensor:
    return _lstm(graph, x, cell, kernel, recurrent_kernel, bias, projection=projection.T)


def _gate_norm(graph, x, cell, kernel, recurrent_kernel, bias, scale) -> Tensor:
    norm_scale = _rows(scale, cell.gates)
    return _lstm(graph, x, cell, kernel, recurrent_kernel, bias, norm_scale=norm_scale)


def _diagonal(graph, x, cell, kernel, recurrent_kernel, bias) -> Tensor:
    gates = cell.gates
    weights = ops.LSTMWeights(
        columns(kernel, gates), _rows(recurrent_kernel, gates), columns(bias, gates)
    )
    return ops.sequence_lstm(graph, x, weights)


def _simple(graph, x, cell, kernel, recurrent_kernel, bias) -> Tensor:
    return ops.sequence_rnn(graph, x, kernel.T, recurrent_kernel.T, bias)


# From a graph, a sequence [1, time, features], the cell and its weights to all outputs.
FUSED: dict[type[keras.Layer], Callable[..., Tensor]] = {
    cells.LSTMCell: _lstm,
    cells.PeepholeLSTMCell: _peephole,
    cells.CoupledLSTMCell: _peephole,
    cells.ProjectedLSTMCell: _projected,
    cells.GateNormLSTMCell: _gate_norm,
    cells.DiagonalLSTMCell: _diagonal,
    cells.SimpleRNNCell: _simple,
}
