"""TFLite operators on quantised integers, for LSTM classifiers on microcontrollers.

int8 and int16 tensors have a scale (see `graph.Quantization`); zero points are 0 unless noted. Sums
are int32, or int64 for int16.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from export.tflite.graph import Graph, Quantization, Tensor
from export.tflite.ops import LSTM_ORDER, TANH, cast, options_of, require, reshape
from export.tflite.rounding import to_int8

PROBABILITY = Quantization.of(1 / 256, -128)  # required by the kernels for int8 softmax
INSIDE = Quantization.of(2**-12)
RESET_STEPS = 3


def symmetric(graph: Graph, value: np.ndarray, name: str = "") -> Tensor:
    """Creates a symmetric int8 constant."""
    integers, scale = to_int8(value)
    quantization = Quantization.of(float(scale))
    return graph.constant(integers, quantization=quantization, name=name, real=value)


def bias(graph: Graph, value: np.ndarray, x: Tensor, weights: Tensor, name: str = "") -> Tensor:
    """Creates a bias in the scale of the sums that it is added to."""
    # As stored, in float32: float64 would round the last digit of a large bias differently.
    scale = float(np.float32(_scale(x) * _scale(weights)))
    dtype = np.int64 if x.dtype == np.int16 else np.int32
    integers = np.round(np.asarray(value, np.float64) / scale)
    require(
        np.abs(integers).max() <= np.iinfo(dtype).max,
        "FULLY_CONNECTED",
        f"a bias within the scale {scale:.3g} of its sums",
        x,
    )
    quantization = Quantization.of(scale)
    return graph.constant(integers, dtype, quantization=quantization, name=name, real=value)


def count_true(graph: Graph, present: Tensor) -> Tensor:
    """Counts the true values of bool [1, time]: int32 [1].

    As a 16-bit product with ones: microcontrollers cannot sum int32, and SUM of int16 overflows in
    one runtime.
    """
    require(present.dtype == np.bool_ and present.shape[0] == 1, "CAST", "bool [1, time]", present)
    one = Quantization.of(1)
    numbers = cast(graph, present, np.int16, one)
    ones = graph.constant(np.ones(present.shape), np.int8, quantization=one)
    total = fully_connected(graph, numbers, ones, bias(graph, np.zeros(1), numbers, ones), one)
    return cast(graph, reshape(graph, total, (1,)), np.int32)


def fully_connected(
    graph: Graph, x: Tensor, weights: Tensor, bias: Tensor, quantization: Quantization
) -> Tensor:
    """Computes x weightsᵀ + bias in the type of x: x [rows, inputs], weights [outputs, inputs]."""
    code = "FULLY_CONNECTED"
    require(
        x.dtype in (np.int8, np.int16) and weights.dtype == np.int8, code, "integers", x, weights
    )
    require(x.shape[1] == weights.shape[1], code, "as many inputs as x has columns", x, weights)
    return graph.add(
        code,
        [x, weights, bias],
        [((x.shape[0], weights.shape[0]), x.dtype)],
        options_of("FullyConnectedOptions"),
        version=4 if x.dtype == np.int8 else 7,
        quantization=quantization,
    )[0]


def multiply_by_flag(graph: Graph, x: Tensor, flag: Tensor) -> Tensor:
    """Multiplies x, int8, by a flag, bool [1]."""
    require(x.dtype == np.int8 and flag.dtype == np.bool_, "MUL", "int8 and bool", x, flag)
    number = cast(graph, flag, np.int8, Quantization.of(1))
    return graph.add(
        "MUL",
        [x, number],
        [(x.shape, np.int8)],
        options_of("MulOptions"),
        version=2,
        quantization=x.quantization,
    )[0]


def softmax(graph: Graph, x: Tensor) -> Tensor:
    """Softmax of int8, as int8 probabilities in steps of 1/256."""
    require(x.dtype == np.int8, "SOFTMAX", "int8", x)
    options = options_of("SoftmaxOptions", beta=1.0)
    return graph.add(
        "SOFTMAX", [x], [(x.shape, np.int8)], options, version=2, quantization=PROBABILITY
    )[0]


def sequence_lstm(
    graph: Graph,
    x: Tensor,
    kernel: Mapping[str, np.ndarray],
    recurrent_kernel: Mapping[str, np.ndarray],
    biases: Mapping[str, np.ndarray],
    *,
    hidden: Quantization,
    cell: Quantization,
) -> Tensor:
    """Runs an LSTM over x, int8 [1, time, features], from zero states: int8 [1, time, units].

    Args:
        graph: The graph.
        x: The sequence.
        kernel: [units, features] for each of the gates i, f, g, o.
        recurrent_kernel: [units, units] per gate.
        biases: [units] per gate.
        hidden: Quantisation of the outputs.
        cell: Quantisation of the cell state, int16. Its scale is a power of two from 2⁻¹² to 2⁻⁹:
            with coarser ones, one runtime silently computes wrong values.
    """
    code = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    units, features = kernel["i"].shape
    require(x.dtype == np.int8 and x.shape[2:] == (features,), code, f"int8 [.., {features}]", x)
    power = np.log2(cell.scale)
    require(power == round(power) and -12 <= power <= -9, code, f"a cell scale {cell.scale}", x)
    states = [
        graph.variable((1, units), np.int8, quantization=hidden),
        graph.variable((1, units), np.int16, quantization=cell),
    ]
    _set_to_zero(graph, states)
    kernels = [symmetric(graph, kernel[gate]) for gate in LSTM_ORDER]
    recurrent = [symmetric(graph, recurrent_kernel[gate]) for gate in LSTM_ORDER]
    shifts = [
        bias(graph, biases[gate], x, weights)
        for gate, weights in zip(LSTM_ORDER, kernels, strict=True)
    ]
    return _lstm(graph, x, kernels, recurrent, shifts, states)


def _set_to_zero(graph: Graph, states: Sequence[Tensor]) -> None:
    """Sets both states of an LSTM to zero in each call, by another LSTM on the same states.

    Its weights are zero, so the candidate is 0, and its forget gate is closed as far as the kernel
    allows, σ(−8). After two steps, the cell state rounds to zero, and so does the output. (In
    float, an SVDF does this; one runtime does not support SVDF with an int8 state.)
    """
    units = states[0].shape[1]
    scale = Quantization.of(1 / 128)
    nothing = np.zeros((1, RESET_STEPS, 1))
    x = graph.constant(nothing, np.int8, quantization=scale)
    column = graph.constant(np.zeros((units, 1)), np.int8, quantization=scale)
    square = graph.constant(np.zeros((units, units)), np.int8, quantization=scale)
    sums = Quantization.of(1 / 128**2)
    shut = graph.constant(np.full(units, -(2**22)), np.int32, quantization=sums)
    zero = graph.constant(np.zeros(units), np.int32, quantization=sums)
    _lstm(
        graph,
        x,
        [column] * 4,
        [square] * 4,
        [shut if gate == "f" else zero for gate in LSTM_ORDER],
        states,
    )


def _lstm(graph, x, kernels, recurrent_kernels, biases, states) -> Tensor:
    hidden = states[0].quantization
    inputs: list[Tensor | None] = [x, *kernels, *recurrent_kernels, None, None, None, *biases]
    inputs += [None, None, *states, None, None, None, None]
    options = options_of("UnidirectionalSequenceLSTMOptions", fusedActivationFunction=TANH)
    shape = (*x.shape[:2], states[0].shape[1])
    # Empty: only their scales are read, and microcontrollers have no memory for them.
    gates = [Tensor((0,), np.dtype(np.int16), quantization=INSIDE) for _ in LSTM_ORDER]
    (result,) = graph.add(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs,
        [(shape, np.int8)],
        options,
        quantization=hidden,
        intermediates=[*gates, Tensor((0,), np.dtype(np.int8), quantization=hidden)],
    )
    return result


def _scale(tensor: Tensor) -> float:
    assert tensor.quantization is not None
    return tensor.quantization.scale
