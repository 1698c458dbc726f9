"""The fused lowering: one operator a direction, in one subgraph, for MediaPipe.

             ids [1, L] ──► length [1]
                 │             │
             embedding         │
        ┌────────┴─────────┐   │
        │            reverse by length
    zero states       zero states
    fused LSTM        fused LSTM
        │                  │
        │            reverse by length
        └───── concat ─────┘            or, from the top layer, the outputs at length − 1
                 │
         the next layer, or dense and softmax

The operator reads all L steps, and knows no mask. Padding stands behind the text in both
directions, so no step of the text sees it. Its states outlive a call, so each call sets them to
zero first.
"""

import keras
import numpy as np

from export.architecture import Architecture
from export.tflite import ops, parts
from export.tflite.graph import Graph, Model, Tensor
from zoo import cells


class NotFusedError(ValueError):
    """A cell that no fused operator computes."""


def build(architecture: Architecture, max_length: int) -> Model:
    """Lowers a classifier to fused operators.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.

    Returns:
        A model from int32 [1, L] ids to float32 [1, classes] probabilities.

    Raises:
        NotFusedError: If there is no operator for a cell.
    """
    for layer in architecture.layers:
        for direction in layer.directions:
            if not supports(direction.cell):
                raise NotFusedError(
                    f"{type(direction.cell).__name__} has no fused operator; use the lowering "
                    "'loop', or 'unrolled' for MediaPipe. Fused are "
                    f"{', '.join(kind.__name__ for kind in FUSED)}."
                )
    return parts.one_graph(architecture, max_length, _scan)


def supports(cell: keras.Layer) -> bool:
    """Whether a fused operator computes this cell."""
    return type(cell) in FUSED  # a subclass has other equations


def _scan(graph: Graph, cell: keras.Layer, x: Tensor) -> Tensor:
    sequence = ops.reshape(graph, x, (1, *x.shape))
    weights = [keras.ops.convert_to_numpy(weight) for weight in cell.weights]
    outputs = FUSED[type(cell)](graph, sequence, *weights)
    return ops.reshape(graph, outputs, outputs.shape[1:])


def _lstm(graph: Graph, x: Tensor, kernel, recurrent_kernel, bias, peephole=None) -> Tensor:
    def gates(weight: np.ndarray, names: str) -> dict[str, np.ndarray]:
        return dict(zip(names, np.split(weight.T, len(names)), strict=True))

    return ops.sequence_lstm(
        graph,
        x,
        ops.LSTMWeights(
            gates(kernel, "ifgo"),
            gates(recurrent_kernel, "ifgo"),
            gates(bias, "ifgo"),
            {} if peephole is None else dict(zip("ifo", peephole, strict=True)),
        ),
    )


def _simple(graph: Graph, x: Tensor, kernel, recurrent_kernel, bias) -> Tensor:
    return ops.sequence_rnn(graph, x, kernel.T, recurrent_kernel.T, bias)


# From a graph, a sequence [1, time, features] and the cell's weights to all outputs.
FUSED = {
    cells.LSTMCell: _lstm,
    cells.PeepholeLSTMCell: _lstm,
    cells.SimpleRNNCell: _simple,
}
