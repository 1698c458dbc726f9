"""The fused lowering in integers only, for microcontrollers.

The graph of the fused lowering, with weights, outputs and scores in int8, sums in int32 and cell
states in int16. The scales come from calibration texts (`export.tflite.calibration`).
"""

import math

import numpy as np

from export.architecture import Architecture
from export.tflite import fused, integer_ops, ops, parts
from export.tflite.calibration import Ranges, calibrate
from export.tflite.graph import Graph, Model, Quantization, Tensor
from zoo import cells

MEAN = (
    "A model with pooling 'mean' has no integer file. Train with --pooling last, or use the "
    "precision 'int8'."
)
FINEST, COARSEST = -12, -9  # powers of two: scales of cell states that all runtimes support


def build(architecture: Architecture, max_length: int, calibration: np.ndarray) -> Model:
    """Lowers a classifier of plain LSTMs to integers.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.
        calibration: int32 [texts, L], ids of calibration texts.

    Returns:
        A model from int32 [1, L] ids to int8 [1, classes] scores: (score + 128) / 256 is the
        probability.

    Raises:
        parts.NoLoweringError: If a cell is not a plain LSTM.
    """
    require(architecture)
    ranges = calibrate(architecture, calibration)
    return parts.one_graph(max_length, _Integers(architecture, ranges))


class _Integers(parts.Arithmetic):
    """Weights, outputs and scores in int8, sums in int32, cell states in int16."""

    def __init__(self, architecture: Architecture, ranges: Ranges):
        super().__init__(architecture)
        self.ranges = ranges
        self._any_step: Tensor | None = None  # whether the text has any step, bool [1]

    def length(self, graph: Graph, ids: Tensor) -> Tensor:
        zero = graph.constant([0], np.int32)
        if self.architecture.masked:
            steps = integer_ops.count_true(graph, ops.not_equal(graph, ids, zero))
        else:
            steps = graph.constant([ids.shape[1]], np.int32)
        self._any_step = ops.less(graph, zero, steps)
        return steps

    def embed(self, graph: Graph, ids: Tensor) -> Tensor:
        table = integer_ops.symmetric(graph, self.architecture.embedding, "embedding")
        return ops.gather(graph, table, ops.reshape(graph, ids, ids.shape[1:]))

    def scan(self, graph: Graph, layer: int, direction: int, x: Tensor) -> Tensor:
        # One scale for both directions, since they are concatenated.
        hidden = Quantization.of(max(self.ranges.hidden[layer], 1e-6) / 127)
        cell = self.architecture.layers[layer].directions[direction].cell
        return _scan(graph, cell, x, hidden, _cell_scale(self.ranges.cell[layer][direction]))

    def last_row(self, graph: Graph, outputs: Tensor, steps: Tensor) -> Tensor:
        assert self._any_step is not None
        row = ops.gather(graph, outputs, parts.last_place(graph, steps))
        return integer_ops.multiply_by_flag(graph, row, self._any_step)

    def mean_row(self, graph: Graph, outputs: Tensor, steps: Tensor) -> Tensor:
        raise parts.NoLoweringError(MEAN)

    def finish(self, graph: Graph, features: Tensor) -> None:
        weights = integer_ops.symmetric(graph, self.architecture.kernel.T, "logits/kernel")
        bias = integer_ops.bias(graph, self.architecture.bias, features, weights, "logits/bias")
        scale = _asymmetric(*self.ranges.logits)
        logits = integer_ops.fully_connected(graph, features, weights, bias, scale)
        probabilities = integer_ops.softmax(graph, logits)
        probabilities.name = "probabilities"
        graph.outputs = [probabilities]


def require(architecture: Architecture) -> None:
    """Checks that the model has an integer form.

    Raises:
        parts.NoLoweringError: If a cell is not a plain LSTM, or the outputs are averaged.
    """
    merged = any(layer.reads or layer.merge != "concat" for layer in architecture.layers)
    if architecture.scores.kind != "softmax":
        what = "a sigmoid for each label" if architecture.scores.kind == "sigmoid" else "numbers"
        raise parts.NoLoweringError(
            f"An integer file gives the probabilities of a softmax, and this model gives {what}. "
            "Use the precision 'int8'."
        )
    if architecture.hidden is not None or merged:
        raise parts.NoLoweringError(
            "An integer file is of an Embedding, LSTMs, one Dense layer and a softmax, and this "
            "model has other layers. Use the precision 'int8'."
        )
    if architecture.masked and not architecture.right_padded:
        raise parts.NoLoweringError(
            "An integer file takes ids that are padded on the right only. If yours are, say so by "
            "padding='right'; else use the precision 'int8'."
        )
    for layer in architecture.layers:
        if layer.gives == "mean":
            raise parts.NoLoweringError(MEAN)
        for direction in layer.directions:
            if type(direction.cell) is not cells.LSTMCell:
                raise parts.NoLoweringError(
                    f"{type(direction.cell).__name__} has no integer file: microcontrollers "
                    "compute the plain LSTM only. Use a 'bilstm', or the precision 'int8'."
                )


def _scan(graph, cell, x, hidden, scale) -> Tensor:
    kernel, recurrent_kernel, bias = (
        fused.columns(np.asarray(weight), cell.gates) for weight in cell.weights
    )
    sequence = ops.reshape(graph, x, (1, *x.shape))
    outputs = integer_ops.sequence_lstm(
        graph, sequence, kernel, recurrent_kernel, bias, hidden=hidden, cell=scale
    )
    return ops.reshape(graph, outputs, outputs.shape[1:])


def _cell_scale(largest: float) -> Quantization:
    """The smallest power of two for which int16 holds the largest value."""
    power = math.ceil(math.log2(max(largest, 1e-9))) - 15
    return Quantization.of(2.0 ** min(max(power, FINEST), COARSEST))


def _asymmetric(low: float, high: float) -> Quantization:
    """Asymmetric int8 over a range that includes zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, 1e-6) / 255
    return Quantization.of(scale, int(np.clip(round(-128 - low / scale), -128, 127)))
