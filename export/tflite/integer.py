"""The fused lowering in integers only, for microcontrollers: no float is computed in it.

The same graph as the fused lowering's, with weights, outputs and scores in int8, sums in int32
and cell states in int16. The scales are fixed when the file is written, by what the model's
numbers come to on texts (`export.tflite.calibration`).
"""

import math

import numpy as np

from export.architecture import Architecture
from export.tflite import fused, integer_ops, ops, parts
from export.tflite.calibration import Ranges
from export.tflite.graph import Graph, Model, Quantization, Tensor
from zoo import cells

FINEST, COARSEST = -12, -9  # powers of two: the scales of a cell state that all runtimes compute


def build(architecture: Architecture, max_length: int, ranges: Ranges) -> Model:
    """Lowers a classifier of plain LSTMs to integers.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.
        ranges: Of the numbers in it.

    Returns:
        A model from int32 [1, L] ids to int8 [1, classes] scores: (score + 128) / 256 is the
        probability.

    Raises:
        parts.NoLoweringError: If a cell is no plain LSTM.
    """
    require_plain(architecture)
    model, graph, ids = parts.begin(architecture, max_length)
    steps, any_step = _length(graph, architecture, ids)
    backwards = parts.backward_order(graph, steps, max_length)
    table = integer_ops.symmetric(graph, architecture.embedding, "embedding")
    x = ops.gather(graph, table, ops.reshape(graph, ids, (max_length,)))
    for number, layer in enumerate(architecture.layers):
        # One scale for both directions, since they stand side by side in what follows.
        hidden = Quantization.of(max(ranges.hidden[number], 1e-6) / 127)
        results = []
        for direction, largest in zip(layer.directions, ranges.cell[number], strict=True):
            seen = ops.gather(graph, x, backwards) if direction.go_backwards else x
            outputs = _scan(graph, direction.cell, seen, hidden, _cell_scale(largest))
            if layer.gives == "last":
                row = ops.gather(graph, outputs, parts.last_place(graph, steps))
                outputs = integer_ops.multiply_by_flag(graph, row, any_step)
            elif direction.go_backwards:
                outputs = ops.gather(graph, outputs, backwards)
            results.append(outputs)
        x = ops.concatenate(graph, results, 1) if len(results) > 1 else results[0]
    weights = integer_ops.symmetric(graph, architecture.kernel.T, "logits/kernel")
    bias = integer_ops.bias(graph, architecture.bias, x, weights, "logits/bias")
    logits = integer_ops.fully_connected(graph, x, weights, bias, _asymmetric(*ranges.logits))
    probabilities = integer_ops.softmax(graph, logits)
    probabilities.name = "probabilities"
    graph.outputs = [probabilities]
    return model


def require_plain(architecture: Architecture) -> None:
    """Checks that the model is one that microcontrollers compute.

    Raises:
        parts.NoLoweringError: If a cell is no plain LSTM, or the outputs are averaged.
    """
    if architecture.hidden is not None or architecture.scores.kind != "softmax":
        raise parts.NoLoweringError(
            "An integer file ends in one Dense layer and a softmax, and this model does not. Use "
            "the precision 'int8'."
        )
    if architecture.masked and not architecture.right_padded:
        raise parts.NoLoweringError(
            "An integer file takes ids that are padded on the right only. If yours are, say so by "
            "padding='right'; else use the precision 'int8'."
        )
    for layer in architecture.layers:
        if layer.gives == "mean":
            raise parts.NoLoweringError(
                "A model with pooling 'mean' has no integer file. Train with --pooling last, or "
                "use the precision 'int8'."
            )
        for direction in layer.directions:
            if type(direction.cell) is not cells.LSTMCell:
                raise parts.NoLoweringError(
                    f"{type(direction.cell).__name__} has no integer file: microcontrollers "
                    "compute the plain LSTM only. Use a 'bilstm', or the precision 'int8'."
                )


def _length(graph: Graph, architecture: Architecture, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Number of ids that are no padding, int32 [1]; and whether there is any, bool [1]."""
    zero = graph.constant([0], np.int32)
    if architecture.masked:
        steps = integer_ops.count_true(graph, ops.not_equal(graph, ids, zero))
    else:
        steps = graph.constant([ids.shape[1]], np.int32)
    return steps, ops.less(graph, zero, steps)


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
    """The power of two that lets int16 hold the largest value met."""
    power = math.ceil(math.log2(max(largest, 1e-9))) - 15
    return Quantization.of(2.0 ** min(max(power, FINEST), COARSEST))


def _asymmetric(low: float, high: float) -> Quantization:
    """int8 over a range that holds zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, 1e-6) / 255
    return Quantization.of(scale, int(np.clip(round(-128 - low / scale), -128, 127)))
