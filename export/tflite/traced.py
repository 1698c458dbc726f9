"""Converts functions of `keras.ops` to builtin operators, by TensorFlow's converter.

The converter handles the equations of a cell well, but not the recurrence around them. So it
converts the equations only, and the resulting operators are placed into our own graph.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import DTypeLike

from export.tflite import ops
from export.tflite.graph import Graph, Operator, Tensor, read_tensor
from zoo.reasons import first_line

NAMES = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
}


class TraceError(ValueError):
    """A function that cannot be converted to builtin operators in one graph."""


class Traced:
    """A function of tensors as a list of operators, with its weights as constants.

    Args:
        function: From tensors to a list of tensors, by `keras.ops`.
        shapes: Static shapes of its arguments.
        copies: Keras variables whose values are taken as they are now: those that the function
            uses. With more lists than that one, each as long and of the same shapes, the function
            is computed for each of them in one pass of operators: its arguments and results are
            then [copies, *shape].
        what: A name of the function, for errors.
        dtypes: Types of its arguments; float32 by default.

    Raises:
        TraceError: If the Keras backend is not TensorFlow, or if the function needs more than
            builtin operators of one graph.
    """

    def __init__(
        self,
        function: Callable[..., Sequence],
        shapes: Sequence[Sequence[int]],
        copies: Sequence[Sequence[keras.Variable]],
        what: str,
        dtypes: Sequence[DTypeLike] = (),
    ):
        content = _convert(function, shapes, copies, what, dtypes or [np.float32] * len(shapes))
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        if len(model.subgraphs) != 1:
            raise TraceError(
                f"{what} has a loop or a branch of its own, which is not exported; write it out "
                "in operations on arrays."
            )
        (subgraph,) = model.subgraphs
        codes = [(NAMES[code.builtinCode], code.version) for code in model.operatorCodes]
        for name, _ in codes:
            if name == "CUSTOM" or name in ("VAR_HANDLE", "READ_VARIABLE"):
                raise TraceError(f"{what} needs {name}, which is not a builtin operator on arrays.")
        self._tensors = [read_tensor(tensor, model.buffers) for tensor in subgraph.tensors]
        for tensor in self._tensors:
            tensor.name = ""  # the converter's names are not unique
        self._operators = [
            (*codes[operator.opcodeIndex], operator) for operator in subgraph.operators
        ]
        self._matrices = self._of_each_copy()
        # The converter keeps the names of inputs and outputs but not their order.
        (signature,) = model.signatureDefs
        self._inputs = _in_order(signature.inputs)
        self._outputs = _in_order(signature.outputs)
        self.output_shapes = [self._tensors[index].shape for index in self._outputs]

    def place(self, graph: Graph, *arguments: Tensor) -> list[Any]:
        """Appends the operators to a graph and returns the results.

        Constants are shared between calls.
        """
        here: dict[int, Tensor | None] = {
            index: tensor for index, tensor in enumerate(self._tensors) if tensor.data is not None
        }
        here.update(zip(self._inputs, arguments, strict=True))
        here[-1] = None
        for code, version, operator in self._operators:
            if id(operator) in self._matrices:
                x = here[operator.inputs[0]]
                assert x is not None
                here[operator.outputs[0]] = ops.products(graph, x, self._matrices[id(operator)])
                continue
            outputs = []
            for index in operator.outputs:
                like = self._tensors[index]
                output = Tensor(like.shape, like.dtype, quantization=like.quantization)
                here[index] = output
                outputs.append(output)
            inputs = [here[index] for index in operator.inputs]
            graph.operators.append(
                Operator(code, inputs, outputs, operator.builtinOptions, version)
            )
        return [here[index] for index in self._outputs]

    def _of_each_copy(self) -> dict[int, list[Tensor]]:
        """The matrices [b, a] of products [copies, 1, a] · [copies, a, b] with constants.

        Only FULLY_CONNECTED has kernels with a scale for each output.
        """
        found = {}
        for code, _, operator in self._operators:
            if code != "BATCH_MATMUL" or operator.builtinOptions.adjX:
                continue
            weights = self._tensors[operator.inputs[1]]
            rows = self._tensors[operator.inputs[0]].shape[:-1]
            if weights.data is None or weights.data.ndim != 3 or rows != (len(weights.data), 1):
                continue
            value = weights.data if operator.builtinOptions.adjY else weights.data.swapaxes(1, 2)
            found[id(operator)] = [
                Tensor(one.shape, weights.dtype, np.ascontiguousarray(one)) for one in value
            ]
        return found


def _convert(function, shapes, copies, what, dtypes) -> bytes:
    if keras.backend.backend() != "tensorflow":
        raise TraceError(
            f"Exporting {what} needs the TensorFlow backend, and this process runs Keras on "
            f"{keras.backend.backend()}. Save the model, and export it by `python -m export` or "
            "with KERAS_BACKEND=tensorflow; weights do not depend on the backend."
        )
    import tensorflow as tf

    # As constants, since the converter would keep variables as resources.
    values = [
        tf.constant(np.stack([variable.numpy() for variable in same]))
        for same in zip(*copies, strict=True)
    ]

    def one_copy(arguments_and_values):
        arguments, values = arguments_and_values
        with keras.StatelessScope(state_mapping=list(zip(copies[0], values, strict=True))):
            return list(function(*arguments))

    @tf.function(autograph=False)
    def traced(*arguments):
        if len(copies) > 1:
            both = (list(arguments), values)
            results = tf.vectorized_map(one_copy, both, fallback_to_while_loop=False)
        else:
            results = one_copy((arguments, [value[0] for value in values]))
        # Results that are arguments or occur twice would be lost.
        return {str(place): tf.identity(result) for place, result in enumerate(results)}

    if len(copies) > 1:
        shapes = [(len(copies), *shape) for shape in shapes]
    specs = [
        tf.TensorSpec(shape, dtype, f"x{place}")
        for place, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True))
    ]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [traced.get_concrete_function(*specs)], tf.Module()
    )
    try:
        return converter.convert()
    except Exception as error:  # the converter's errors have no common class
        raise TraceError(
            f"{what} does not convert to builtin TFLite operators: {_reason(error)}."
        ) from error


def _reason(error: Exception) -> str:
    """The reason in a converter error, as one line."""
    missing = re.search(r"(?:TF Select|Custom) ops: (.+)", str(error))
    return f"there is none for {missing[1].strip()}" if missing else first_line(error)


def _in_order(entries: list[schema.TensorMapT]) -> list[int]:
    """Tensors of a signature, sorted by the numbers in their names."""
    return [e.tensorIndex for e in sorted(entries, key=lambda e: int(e.name.decode().lstrip("x")))]
