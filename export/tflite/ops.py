"""The TFLite operators that the lowerings use, each checked where it is added.

Every function appends one operator to a graph and returns its output. Versions are the lowest that
have the features in use, since runtimes refuse versions that they do not know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite.graph import Graph, GraphError, Quantization, Tensor

TANH = schema.ActivationFunctionType.TANH


def require(condition: bool, operator: str, rule: str, *tensors: Tensor) -> None:
    if not condition:
        raise GraphError(f"{operator}: {rule}; got {', '.join(map(repr, tensors))}.")


def options_of(kind: str, **values):
    options = getattr(schema, f"{kind}T")()
    for key, value in values.items():
        if not hasattr(options, key):
            raise AttributeError(f"{kind} has no {key}")
        setattr(options, key, value)
    return options


def _elementwise(graph: Graph, code: str, a: Tensor, b: Tensor, options=None, dtype=None) -> Tensor:
    require(a.dtype == b.dtype, code, "both inputs are of one type", a, b)
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise GraphError(f"{code}: the shapes of {a} and {b} do not broadcast.") from None
    return graph.add(code, [a, b], [(shape, dtype or a.dtype)], options)[0]


def add(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Adds two tensors, with broadcasting."""
    return _elementwise(graph, "ADD", a, b, options_of("AddOptions"))


def subtract(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Subtracts two tensors, with broadcasting."""
    return _elementwise(graph, "SUB", a, b, options_of("SubOptions"))


def multiply(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Multiplies two tensors elementwise, with broadcasting."""
    return _elementwise(graph, "MUL", a, b, options_of("MulOptions"))


def divide(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Divides two tensors elementwise, with broadcasting."""
    return _elementwise(graph, "DIV", a, b, options_of("DivOptions"))


def minimum(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Elementwise minimum, with broadcasting."""
    return _elementwise(graph, "MINIMUM", a, b, options_of("MaximumMinimumOptions"))


def maximum(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Elementwise maximum, with broadcasting."""
    return _elementwise(graph, "MAXIMUM", a, b, options_of("MaximumMinimumOptions"))


def less(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Whether a < b, elementwise."""
    return _elementwise(graph, "LESS", a, b, options_of("LessOptions"), np.bool_)


def not_equal(graph: Graph, a: Tensor, b: Tensor) -> Tensor:
    """Whether a ≠ b, elementwise."""
    return _elementwise(graph, "NOT_EQUAL", a, b, options_of("NotEqualOptions"), np.bool_)


def cast(graph: Graph, x: Tensor, dtype, quantization: Quantization | None = None) -> Tensor:
    """Casts x to another type."""
    options = options_of("CastOptions")
    return graph.add("CAST", [x], [(x.shape, dtype)], options, quantization=quantization)[0]


def dequantize(graph: Graph, x: Tensor) -> Tensor:
    """Converts float16 or quantised int8 to float32."""
    quantized = x.dtype == np.int8 and x.quantization is not None
    require(x.dtype == np.float16 or quantized, "DEQUANTIZE", "float16 or quantised int8", x)
    version = 3 if x.dtype == np.float16 else 2
    return graph.add(
        "DEQUANTIZE", [x], [(x.shape, np.float32)], options_of("DequantizeOptions"), version=version
    )[0]


def sum_all(graph: Graph, x: Tensor) -> Tensor:
    """The sum of all elements, [1]."""
    require(bool(x.shape), "SUM", "at least one dimension", x)
    return sum_rows(graph, reshape(graph, x, (int(np.prod(x.shape)),)))


def sum_rows(graph: Graph, x: Tensor) -> Tensor:
    """The sum over the first dimension, which is kept: [1, *x.shape[1:]]."""
    axes = graph.constant([0], np.int32)
    options = options_of("ReducerOptions", keepDims=True)
    return graph.add("SUM", [x, axes], [((1, *x.shape[1:]), x.dtype)], options)[0]


def reshape(graph: Graph, x: Tensor, shape: Sequence[int]) -> Tensor:
    """Reshapes x."""
    require(np.prod(x.shape) == np.prod(shape), "RESHAPE", f"as many elements as {list(shape)}", x)
    target = graph.constant(list(shape), np.int32)
    options = options_of("ReshapeOptions", newShape=list(shape))
    return graph.add(
        "RESHAPE", [x, target], [(shape, x.dtype)], options, quantization=x.quantization
    )[0]


def copy(graph: Graph, x: Tensor) -> Tensor:
    """Copies x."""
    return reshape(graph, x, x.shape)


def slice_rows(graph: Graph, x: Tensor, rows: int) -> Tensor:
    """The first rows of x."""
    require(rows <= x.shape[0], "SLICE", f"at least {rows} rows", x)
    if rows == x.shape[0]:
        return x
    shape = (rows, *x.shape[1:])
    begin, size = graph.constant([0] * len(shape), np.int32), graph.constant(shape, np.int32)
    return graph.add("SLICE", [x, begin, size], [(shape, x.dtype)], options_of("SliceOptions"))[0]


def first_steps(graph: Graph, x: Tensor, count: Tensor) -> Tensor:
    """The first steps of x [1, time], int32 [1] of them: the shape is known at run time only.

    In the graph it is that of x.
    """
    code = "STRIDED_SLICE"
    require(count.dtype == np.int32 and count.shape == (1,), code, "a count, int32 [1]", count)
    require(len(x.shape) == 2 and x.shape[0] == 1, code, "x [1, time]", x)
    end = concatenate(graph, [graph.constant([1], np.int32), count], 0)
    begin, strides = (graph.constant([value, value], np.int32) for value in (0, 1))
    options = options_of("StridedSliceOptions")
    return graph.add(code, [x, begin, end, strides], [(x.shape, x.dtype)], options)[0]


def last_step(graph: Graph, x: Tensor) -> Tensor:
    """The last step of x [1, time, width], whatever the time is: [1, 1, width]."""
    return _steps(graph, x, -1, None, 1, axis=1)


def without_last_rows(graph: Graph, x: Tensor, rows: int) -> Tensor:
    """All of x [time, width] but the last rows, whatever the time is."""
    return _steps(graph, x, 0, -rows, x.shape[0] - rows, axis=0)


def unknown_rows(graph: Graph, x: Tensor, shape: Sequence[int]) -> Tensor:
    """Reshapes x, whatever the time is: the last dimension but one takes what is left."""
    require(np.prod(x.shape) == np.prod(shape), "RESHAPE", f"as many elements as {list(shape)}", x)
    left = [-1 if axis == len(shape) - 2 else size for axis, size in enumerate(shape)]
    options = options_of("ReshapeOptions", newShape=left)
    target = graph.constant(left, np.int32)
    return graph.add("RESHAPE", [x, target], [(tuple(shape), x.dtype)], options)[0]


def _steps(graph: Graph, x: Tensor, begin: int, end: int | None, time: int, *, axis: int) -> Tensor:
    """x[..., begin:end] along an axis, whose size is known at run time only."""
    code, rank = "STRIDED_SLICE", len(x.shape)
    require(rank > axis, code, f"more than {axis} dimensions", x)
    open_ends = sum(1 << other for other in range(rank) if other != axis or end is None)
    bounds = [
        graph.constant([value if one == axis else other for one in range(rank)], np.int32)
        for value, other in ((begin, 0), (0 if end is None else end, 0), (1, 1))
    ]
    options = options_of("StridedSliceOptions", endMask=open_ends)
    shape = (*x.shape[:axis], time, *x.shape[axis + 1 :])
    return graph.add(code, [x, *bounds], [(shape, x.dtype)], options, quantization=x.quantization)[
        0
    ]


def reverse_steps(graph: Graph, x: Tensor) -> Tensor:
    """Reverses x [1, time, ...] along the time, whatever the time is."""
    axis = graph.constant([1], np.int32)
    return graph.add("REVERSE_V2", [x, axis], [(x.shape, x.dtype)], options_of("ReverseV2Options"))[
        0
    ]


def mean_of_steps(graph: Graph, x: Tensor) -> Tensor:
    """The mean of x [1, time, width] over the time, whatever the time is: [1, width]."""
    require(len(x.shape) == 3 and x.dtype == np.float32, "MEAN", "float32 [1, time, width]", x)
    axis = graph.constant([1], np.int32)
    shape = (x.shape[0], x.shape[2])
    return graph.add("MEAN", [x, axis], [(shape, x.dtype)], options_of("ReducerOptions"))[0]


def unstack_rows(graph: Graph, x: Tensor) -> list[Tensor]:
    """Splits x [rows, columns] into rows [1, columns]."""
    require(len(x.shape) == 2, "SPLIT", "x [rows, columns]", x)
    return split(graph, x, x.shape[0], 0)


def split(graph: Graph, x: Tensor, parts: int, axis: int) -> list[Tensor]:
    """Splits x into equal parts along an axis."""
    require(x.shape[axis] % parts == 0, "SPLIT", f"{parts} parts of the same size", x)
    shape = (*x.shape[:axis], x.shape[axis] // parts, *x.shape[axis + 1 :])
    number = graph.constant(axis, np.int32)
    options = options_of("SplitOptions", numSplits=parts)
    return graph.add("SPLIT", [number, x], [(shape, x.dtype)] * parts, options)


def concatenate(graph: Graph, tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Concatenates tensors along an axis."""
    first = tensors[0]
    axis %= len(first.shape)

    def rest(tensor):
        scale = tensor.quantization and tensor.quantization.scale
        return tensor.dtype, scale, tensor.shape[:axis], tensor.shape[axis + 1 :]

    require(
        all(rest(tensor) == rest(first) for tensor in tensors),
        "CONCATENATION",
        f"alike but for dimension {axis}",
        *tensors,
    )
    width = sum(tensor.shape[axis] for tensor in tensors)
    shape = (*first.shape[:axis], width, *first.shape[axis + 1 :])
    options = options_of("ConcatenationOptions", axis=axis)
    return graph.add(
        "CONCATENATION",
        tensors,
        [(shape, first.dtype)],
        options,
        version=2 if first.dtype == np.int8 else 1,
        quantization=first.quantization,
    )[0]


def gather(graph: Graph, table: Tensor, indices: Tensor) -> Tensor:
    """Rows of a table: [*indices.shape, *table.shape[1:]]."""
    require(
        indices.dtype == np.int32 and len(table.shape) >= 1,
        "GATHER",
        "a table and int32 indices",
        table,
        indices,
    )
    version = 2 if table.dtype == np.int8 else 1
    shape = (*indices.shape, *table.shape[1:])
    options = options_of("GatherOptions", axis=0)
    return graph.add(
        "GATHER",
        [table, indices],
        [(shape, table.dtype)],
        options,
        version=version,
        quantization=table.quantization,
    )[0]


def fully_connected(graph: Graph, x: Tensor, weights: Tensor, bias: Tensor | None = None) -> Tensor:
    """Computes x weightsᵀ + bias: x [..., inputs], weights [outputs, inputs], bias [outputs]."""
    code = "FULLY_CONNECTED"
    require(
        len(x.shape) >= 2 and len(weights.shape) == 2 and x.shape[-1] == weights.shape[1],
        code,
        "x [..., inputs] and weights [outputs, inputs]",
        x,
        weights,
    )
    require(x.dtype == weights.dtype == np.float32, code, "float32 x and weights", x, weights)
    outputs = weights.shape[0]
    if bias is not None:
        require(bias.shape == (outputs,), code, f"a bias [{outputs}]", bias)
    keep = len(x.shape) > 2
    return graph.add(
        code,
        [x, weights, bias],
        [((*x.shape[:-1], outputs), x.dtype)],
        options_of("FullyConnectedOptions", keepNumDims=keep),
        version=5 if keep else 1,
    )[0]


def products(graph: Graph, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Multiplies each row of x [n, 1, inputs] by its own weights [outputs, inputs]."""
    require(
        len(x.shape) == 3 and x.shape[:2] == (len(weights), 1),
        "FULLY_CONNECTED",
        f"x [{len(weights)}, 1, inputs]",
        x,
    )
    parts = split(graph, x, len(weights), 0)
    results = [fully_connected(graph, *pair) for pair in zip(parts, weights, strict=True)]
    return concatenate(graph, results, 0)


def softmax(graph: Graph, x: Tensor) -> Tensor:
    """Softmax over the last axis."""
    require(x.dtype == np.float32, "SOFTMAX", "float32", x)
    return graph.add("SOFTMAX", [x], [(x.shape, x.dtype)], options_of("SoftmaxOptions", beta=1.0))[
        0
    ]


def logistic(graph: Graph, x: Tensor) -> Tensor:
    """The sigmoid of each element."""
    require(x.dtype == np.float32, "LOGISTIC", "float32", x)
    return graph.add("LOGISTIC", [x], [(x.shape, x.dtype)])[0]


def cumulative_sum(graph: Graph, x: Tensor) -> Tensor:
    """Cumulative sum of x [time]."""
    require(len(x.shape) == 1, "CUMSUM", "one dimension", x)
    axis = graph.constant([0], np.int32)
    return graph.add("CUMSUM", [x, axis], [(x.shape, x.dtype)], options_of("CumsumOptions"))[0]


def scatter(graph: Graph, indices: Tensor, updates: Tensor, size: int) -> Tensor:
    """Adds updates [n] at indices, int32 [n], to a vector of zeros [size]."""
    require(
        indices.dtype == np.int32 and len(indices.shape) == 1 and indices.shape == updates.shape,
        "SCATTER_ND",
        "an index for each update",
        indices,
        updates,
    )
    column = reshape(graph, indices, (*indices.shape, 1))
    shape = graph.constant([size], np.int32)
    options = options_of("ScatterNdOptions")
    return graph.add("SCATTER_ND", [column, updates, shape], [((size,), updates.dtype)], options)[0]


def dynamic_update_slice(graph: Graph, x: Tensor, update: Tensor, begin: Tensor) -> Tensor:
    """Writes `update` into x at the index `begin`."""
    code = "DYNAMIC_UPDATE_SLICE"
    require(
        x.dtype == update.dtype
        and len(x.shape) == len(update.shape)
        and all(a >= b for a, b in zip(x.shape, update.shape, strict=True)),
        code,
        "an update of the same type that fits in",
        x,
        update,
    )
    require(
        begin.dtype == np.int32 and begin.shape == (len(x.shape),),
        code,
        f"int32 begin [{len(x.shape)}]",
        begin,
    )
    return graph.add(
        code, [x, update, begin], [(x.shape, x.dtype)], options_of("DynamicUpdateSliceOptions")
    )[0]


def while_loop(
    graph: Graph, values: Sequence[Tensor], condition: tuple[int, Graph], body: tuple[int, Graph]
) -> list[Tensor]:
    """Runs `body` on the values while `condition` is true.

    Args:
        graph: The graph.
        values: The loop variables.
        condition: Index and graph of the condition, from the values to one bool.
        body: Index and graph of the body, from the values to values of the same shapes and types.
    """

    def kinds(tensors):
        return [(tensor.shape, tensor.dtype) for tensor in tensors]

    for label, (_, inner) in (("condition", condition), ("body", body)):
        if kinds(inner.inputs) != kinds(values):
            raise GraphError(
                f"WHILE: its {label} takes {inner.inputs}, but it carries {list(values)}."
            )
    if kinds(body[1].outputs) != kinds(values):
        raise GraphError(f"WHILE: it carries {list(values)}, but its body gives {body[1].outputs}.")
    answer = condition[1].outputs
    if len(answer) != 1 or answer[0].dtype != np.bool_ or np.prod(answer[0].shape) != 1:
        raise GraphError(f"WHILE: its condition gives {answer}, not one bool.")
    options = options_of("WhileOptions", condSubgraphIndex=condition[0], bodySubgraphIndex=body[0])
    return graph.add("WHILE", values, kinds(values), options)


def set_to_zero(graph: Graph, state: Tensor) -> None:
    """Sets a variable [1, units] to zero in each call.

    No operator assigns the state variables of recurrent operators. But SVDF has a state itself:
    with a memory of one step, it overwrites its state with the product of its input and weights,
    which is zero here. It must come before the operator that reads the state.
    """
    code = "SVDF"
    require(
        state.variable and len(state.shape) == 2 and state.shape[0] == 1, code, "a state", state
    )
    units = state.shape[1]
    column = graph.constant(np.zeros((units, 1), np.float32))
    inputs = [
        graph.constant(np.zeros((1, 1), np.float32)),
        column,  # weights of the input
        column,  # weights of the memory
        graph.constant(np.zeros(units, np.float32)),  # some runtimes require it
        state,
    ]
    options = options_of("SVDFOptions", rank=1)
    graph.add(code, inputs, [((1, units), np.float32)], options)


LSTM_ORDER = "ifgo"  # gate order of the fused operator's inputs


@dataclass(frozen=True)
class LSTMWeights:
    """Weights of a fused LSTM by gate: i (input), f (forget), g (cell), o (output).

    Without weights of an input gate, i = 1 − f.

    Attributes:
        kernel: [units, features] per gate.
        recurrent_kernel: [units, outputs] per gate; [units] if it is diagonal.
        bias: [units] per gate.
        peephole: [units] for i, f and o; empty without peepholes.
        norm_scale: [units] per gate; empty without layer normalisation.
        projection: [outputs, units]; None without projection.
    """

    kernel: Mapping[str, np.ndarray]
    recurrent_kernel: Mapping[str, np.ndarray]
    bias: Mapping[str, np.ndarray]
    peephole: Mapping[str, np.ndarray] = field(default_factory=dict)
    norm_scale: Mapping[str, np.ndarray] = field(default_factory=dict)
    projection: np.ndarray | None = None

    @property
    def diagonal(self) -> bool:
        """Whether the recurrent kernel is diagonal."""
        return self.recurrent_kernel["f"].ndim == 1


def sequence_lstm(graph: Graph, x: Tensor, weights: LSTMWeights) -> Tensor:
    """Runs an LSTM over x [1, time, features], from zero states: [1, time, outputs]."""
    code = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    units, features = weights.kernel["f"].shape
    require(x.shape[0] == 1 and x.shape[2:] == (features,), code, f"x [1, time, {features}]", x)

    def each(part: Mapping[str, np.ndarray], gates: str) -> list[Tensor | None]:
        return [graph.constant(part[gate]) if gate in part else None for gate in gates]

    projection = weights.projection
    outputs = units if projection is None else projection.shape[0]
    states = [graph.variable((1, size)) for size in (outputs, units)]
    for state in states:
        set_to_zero(graph, state)
    inputs: list[Tensor | None] = [x]
    inputs += each(weights.kernel, LSTM_ORDER)
    inputs += each(weights.recurrent_kernel, LSTM_ORDER)
    inputs += each(weights.peephole, LSTM_ORDER.replace("g", ""))
    inputs += each(weights.bias, LSTM_ORDER)
    inputs += [None if projection is None else graph.constant(projection), None]  # no bias of it
    inputs += states
    inputs += each(weights.norm_scale, LSTM_ORDER)  # tflite-micro requires these, even if empty
    options = options_of(
        "UnidirectionalSequenceLSTMOptions",
        fusedActivationFunction=TANH,
        diagonalRecurrentTensors=weights.diagonal,
    )
    version = 4 if weights.diagonal else 1
    shape = (*x.shape[:2], outputs)
    return graph.add(code, inputs, [(shape, x.dtype)], options, version=version)[0]


def sequence_rnn(
    graph: Graph, x: Tensor, kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray
) -> Tensor:
    """Runs a simple RNN over x [1, time, features], from a zero state: [1, time, units].

    Args:
        graph: The graph.
        x: [1, time, features].
        kernel: [units, features].
        recurrent_kernel: [units, units].
        bias: [units].
    """
    code = "UNIDIRECTIONAL_SEQUENCE_RNN"
    units, features = kernel.shape
    require(x.shape[0] == 1 and x.shape[2:] == (features,), code, f"x [1, time, {features}]", x)
    state = graph.variable((1, units))
    set_to_zero(graph, state)
    constants = [graph.constant(part) for part in (kernel, recurrent_kernel, bias)]
    options = options_of("SequenceRNNOptions", fusedActivationFunction=TANH)
    return graph.add(code, [x, *constants, state], [((*x.shape[:2], units), x.dtype)], options)[0]
