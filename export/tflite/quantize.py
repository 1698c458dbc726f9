"""Quantises weights: float16, or int8 with float activations."""

from collections.abc import Iterable

import numpy as np

from export.choices import PRECISIONS
from export.tflite import ops
from export.tflite.graph import Graph, Model, Operator, Quantization, Tensor
from export.tflite.integer_ops import symmetric
from export.tflite.rounding import to_int8

__all__ = ["PRECISIONS", "SCALES", "SMALLEST", "BeyondFloat16Error", "quantize"]

SMALLEST = 1024  # elements; smaller matrices stay float32
SCALES = "/scales"  # suffix of the name of a table's scales


class BeyondFloat16Error(ValueError):
    """A weight that float16 cannot hold."""


def quantize(model: Model, precision: str) -> None:
    """Quantises the weights of a float32 model in place.

    Matrices and embedding tables change; biases, vectors and activations stay float32.

    - `float16`: weights are stored as float16 and computed with in float32.
    - `int8`: each row of a matrix (the weights of one output, the embedding of one id) has its own
      scale, so that rare words keep their resolution. The runtime quantises activations
      dynamically. The fused operators support one scale per matrix only; with layer normalisation,
      which amplifies small sums, that is too coarse, and they keep float16.

    Raises:
        ValueError: If there is no such precision.
        BeyondFloat16Error: If a weight is too large for float16.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}.")
    if precision == "float32":
        return
    shared = _Shared(precision)
    for graph in model.graphs:
        before, graph.operators = graph.operators, []
        for operator in before:
            shared.rewrite(graph, operator)


# Indices of the weights among the inputs of fused operators.
SEQUENCE_WEIGHTS = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": [*range(1, 12), 16],  # the last one is the projection
    "UNIDIRECTIONAL_SEQUENCE_RNN": [1, 2],
}
NORM = 21  # norm of the forget gate, which every LSTM has
DIAGONAL = range(5, 9)  # recurrent vectors: the kernel reads them as float32 without a check


class _Shared:
    """Rewrites operators. Shared weights are converted once."""

    def __init__(self, precision: str):
        self.precision = precision
        self.converted: dict[Tensor, Tensor] = {}

    def rewrite(self, graph: Graph, operator: Operator) -> None:
        if operator.code in SEQUENCE_WEIGHTS:
            places = SEQUENCE_WEIGHTS[operator.code]
            if getattr(operator.options, "diagonalRecurrentTensors", False):
                places = [place for place in places if place not in DIAGONAL]
            self.sequence(graph, operator, places)
            return
        place = {"FULLY_CONNECTED": 1, "GATHER": 0}.get(operator.code)
        weights = None if place is None else operator.inputs[place]
        if weights is None or not _is_large_matrix(weights):
            graph.operators.append(operator)
        elif operator.code == "GATHER":
            self.gather(graph, operator, weights)
        else:
            self.fully_connected(graph, operator, weights)

    def gather(self, graph: Graph, operator: Operator, table: Tensor) -> None:
        indices = operator.inputs[1]
        assert indices is not None
        if self.precision == "float16":
            rows = ops.gather(graph, self.half(graph, table), indices)
            result = ops.dequantize(graph, rows)
        else:
            values, scales = to_int8(table.value, axis=1)
            integers = graph.constant(values, name=table.name)
            row_scales = graph.constant(scales, name=f"{table.name}{SCALES}")
            rows = ops.cast(graph, ops.gather(graph, integers, indices), np.float32)
            row_scales = ops.gather(graph, row_scales, indices)
            result = ops.multiply(graph, rows, row_scales)
        _take_over(graph, result, operator.outputs[0])

    def fully_connected(self, graph: Graph, operator: Operator, weights: Tensor) -> None:
        if self.precision == "float16":
            operator.inputs[1] = ops.dequantize(graph, self.half(graph, weights))
        else:
            if weights not in self.converted:
                integers, scales = to_int8(weights.value, axis=1)
                zeros = np.zeros(len(scales), np.int64)
                quantization = Quantization(scales[:, 0], zeros)
                self.converted[weights] = graph.constant(
                    integers, quantization=quantization, name=weights.name
                )
            operator.inputs[1] = self.converted[weights]
            operator.version = max(operator.version, 12)  # the first with a scale for each row
            operator.options.asymmetricQuantizeInputs = True
        graph.operators.append(operator)

    def sequence(self, graph: Graph, operator: Operator, places: Iterable[int]) -> None:
        found = ((place, operator.inputs[place]) for place in places)
        weights = {place: tensor for place, tensor in found if tensor is not None}
        # The kernel requires one type for all of them.
        if sum(tensor.value.size for tensor in weights.values()) >= SMALLEST:
            normalized = len(operator.inputs) > NORM and operator.inputs[NORM] is not None
            half = self.precision == "float16" or normalized
            for place, tensor in weights.items():
                if half:
                    operator.inputs[place] = ops.dequantize(graph, self.half(graph, tensor))
                else:
                    # The kernel supports one scale only.
                    operator.inputs[place] = symmetric(graph, tensor.value, tensor.name)
            if not half:
                # The first with asymmetric activations.
                operator.version = max(operator.version, 3)
                operator.options.asymmetricQuantizeInputs = True
        graph.operators.append(operator)

    def half(self, graph: Graph, weights: Tensor) -> Tensor:
        if weights not in self.converted:
            largest = np.abs(weights.value).max()
            if largest > np.finfo(np.float16).max:
                raise BeyondFloat16Error(
                    f"A weight of {largest:.3g} is beyond float16, whose largest is 65504; export "
                    "as float32 or int8."
                )
            self.converted[weights] = graph.constant(weights.value, np.float16, name=weights.name)
        return self.converted[weights]


def _is_large_matrix(tensor: Tensor) -> bool:
    return (
        tensor.data is not None
        and tensor.dtype == np.float32
        and len(tensor.shape) == 2
        and tensor.data.size >= SMALLEST
    )


def _take_over(graph: Graph, result: Tensor, old: Tensor) -> None:
    """Replaces the output `result` of the last operator by `old`, which others use."""
    last = graph.operators[-1]
    last.outputs[last.outputs.index(result)] = old
