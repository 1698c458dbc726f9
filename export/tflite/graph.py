"""A typed builder for TFLite flatbuffers: tensors, operators, subgraphs, models.

Equal constants are stored once. `export.tflite.ops` checks the inputs of operators.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import DTypeLike

TYPES: dict[np.dtype, int] = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}
DTYPES = {code: dtype for dtype, code in TYPES.items()}
ALIGNMENT = 16  # bytes; kernels read constants in place with vector instructions


class GraphError(ValueError):
    """An operator that does not fit its inputs; the message begins with the operator's name."""


@dataclass(frozen=True)
class Quantization:
    """Quantisation parameters: real = scale · (integer − zero_point).

    Attributes:
        scales: float32 [1], or one for each index along `axis`.
        zero_points: int64, as many.
        axis: The dimension that the scales belong to.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    axis: int = 0

    @classmethod
    def of(cls, scale: float, zero_point: int = 0) -> "Quantization":
        """One scale for the whole tensor."""
        return cls(np.array([scale], np.float32), np.array([zero_point], np.int64))

    @property
    def scale(self) -> float:
        """The only scale."""
        (scale,) = self.scales
        return float(scale)


@dataclass(eq=False)
class Tensor:
    """A value in a graph. Tensors are compared by identity.

    Attributes:
        shape: Static shape.
        dtype: NumPy type.
        data: The value of a constant, else None.
        variable: Whether it keeps its value between calls.
        quantization: Of quantised integers.
        name: Its name in the file.
        real: The real numbers of a quantised constant.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    data: np.ndarray | None = None
    variable: bool = False
    quantization: Quantization | None = None
    name: str = ""
    real: np.ndarray | None = None

    @property
    def packed_size(self) -> int:
        """Bytes of a matrix in the type of the computation."""
        # float16 weights are computed with as float32.
        return int(np.prod(self.shape)) * (1 if self.dtype == np.int8 else 4)

    @property
    def value(self) -> np.ndarray:
        """The value of a constant."""
        if self.data is None:
            raise GraphError(f"{self} is not a constant.")
        return self.data

    def __repr__(self):
        return f"{self.dtype}{list(self.shape)}"


@dataclass(eq=False)
class Operator:
    """One operation.

    Attributes:
        code: Name of the builtin operator, as in the schema.
        inputs: Tensors; None for an optional one that is left out.
        outputs: Tensors.
        options: The operator's options of the schema's object API, or None.
        version: The operator's version, the lowest that has the features in use.
        intermediates: Empty tensors with the quantisation of intermediate results.
    """

    code: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: Any = None
    version: int = 1
    intermediates: list[Tensor] = field(default_factory=list)


class Graph:
    """A subgraph under construction: inputs, operators in execution order, outputs."""

    def __init__(self, name: str):
        self.name = name
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.operators: list[Operator] = []

    def input(self, shape: Sequence[int], dtype, name: str = "") -> Tensor:
        """Adds an input."""
        tensor = Tensor(tuple(shape), np.dtype(dtype), name=name)
        self.inputs.append(tensor)
        return tensor

    def constant(
        self, value, dtype=None, *, quantization=None, name: str = "", real=None
    ) -> Tensor:
        """Creates a constant from an array."""
        data = np.ascontiguousarray(np.asarray(value, dtype))
        # ascontiguousarray turns a scalar into a vector.
        data = data.reshape(np.shape(value))
        return Tensor(data.shape, data.dtype, data, quantization=quantization, name=name, real=real)

    def variable(
        self, shape: Sequence[int], dtype=np.float32, *, quantization=None, name: str = ""
    ) -> Tensor:
        """Creates a variable, which is zero when the file is loaded."""
        dtype = np.dtype(dtype)
        return Tensor(tuple(shape), dtype, variable=True, quantization=quantization, name=name)

    def add(
        self,
        code: str,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[tuple[Sequence[int], DTypeLike]],
        options=None,
        *,
        version: int = 1,
        quantization: Quantization | None = None,
        intermediates: Sequence[Tensor] = (),
    ) -> list[Tensor]:
        """Appends an operator.

        Args:
            code: The operator's name in the schema.
            inputs: Its inputs; None for an optional input that is left out.
            outputs: Shape and type of each output.
            options: The operator's options in the schema.
            version: The operator's version.
            quantization: Of all outputs.
            intermediates: As of `Operator`.

        Returns:
            The outputs.
        """
        results = [
            Tensor(tuple(map(int, shape)), np.dtype(dtype), quantization=quantization)
            for shape, dtype in outputs
        ]
        self.operators.append(
            Operator(code, list(inputs), results, options, version, list(intermediates))
        )
        return results


@dataclass
class Model:
    """The subgraphs of a file; the first is the entry point.

    Attributes:
        graphs: Subgraphs; WHILE refers to the others by their index.
        description: A line about the model.
        input_names, output_names: Names of the first graph's inputs and outputs in the signature.
    """

    graphs: list[Graph] = field(default_factory=list)
    description: str = ""
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()

    def graph(self, name: str) -> Graph:
        """Adds a subgraph."""
        graph = Graph(name)
        self.graphs.append(graph)
        return graph

    def index(self, graph: Graph) -> int:
        """The index of a subgraph."""
        return next(i for i, other in enumerate(self.graphs) if other is graph)

    def operators(self) -> dict[str, int]:
        """The count of each operator, sorted by name."""
        names = [operator.code for graph in self.graphs for operator in graph.operators]
        return {name: names.count(name) for name in sorted(set(names))}

    def name_constants(self) -> None:
        """Names constants without a name by their position in the model.

        Raises:
            GraphError: If two constants have the same name.
        """
        named: dict[str, Tensor] = {}
        for graph, number, operator, place, tensor in self._constants():
            tensor.name = tensor.name or f"{graph.name}/{number}_{operator.code}/{place}"
            if named.setdefault(tensor.name, tensor) is not tensor:
                raise GraphError(f"{operator.code}: two constants named {tensor.name!r}.")

    def constants(self) -> dict[str, np.ndarray]:
        """The values of all constants by name; real numbers for quantised ones."""
        return {
            tensor.name: tensor.value if tensor.real is None else tensor.real
            for *_, tensor in self._constants()
        }

    def _constants(self) -> Iterator[tuple[Graph, int, Operator, int, Tensor]]:
        for graph in self.graphs:
            for number, operator in enumerate(graph.operators):
                for place, tensor in enumerate(operator.inputs):
                    if tensor is not None and tensor.data is not None:
                        yield graph, number, operator, place, tensor

    def packed_bytes(self) -> int:
        """Memory of the packed matrices: XNNPACK packs them once per product."""
        return sum(
            operator.inputs[1].packed_size
            for graph in self.graphs
            for operator in graph.operators
            if operator.code == "FULLY_CONNECTED" and operator.inputs[1] is not None
        )

    def pack(self) -> bytes:
        """The bytes of the file, which are deterministic."""
        return _Packer(self).pack()


class _Buffer(schema.BufferT):
    """A buffer that is aligned to ALIGNMENT, as the schema requires."""

    def Pack(self, builder):
        if self.data is None:
            return super().Pack(builder)
        size = len(self.data)
        builder.StartVector(1, size, ALIGNMENT)
        builder.head -= size
        builder.Bytes[builder.head : builder.head + size] = self.data.tobytes()
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


class _Packer:
    def __init__(self, model: Model):
        self.model = model
        self.buffers: list[schema.BufferT] = [_Buffer()]  # the first stays empty, by convention
        self.buffer_of: dict[bytes, int] = {}
        self.codes: dict[tuple[str, int], int] = {}

    def pack(self) -> bytes:
        result = schema.ModelT()
        result.version = 3
        result.description = self.model.description
        subgraphs = [self.subgraph(graph) for graph in self.model.graphs]
        result.subgraphs = [subgraph for subgraph, _ in subgraphs]
        result.operatorCodes = [self.operator_code(*key) for key in self.codes]
        result.buffers = self.buffers
        if self.model.input_names:
            result.signatureDefs = [self.signature(subgraphs[0][1])]
        size = sum(len(buffer.data) for buffer in self.buffers if buffer.data is not None)
        builder = flatbuffers.Builder(size + 1_000_000)
        builder.Finish(result.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def subgraph(self, graph: Graph) -> tuple[schema.SubGraphT, dict[Tensor, int]]:
        places: dict[Tensor, int] = {}
        result = schema.SubGraphT()
        result.name, result.tensors, result.operators = graph.name, [], []

        def place(tensor: Tensor | None) -> int:
            if tensor is None:
                return -1
            if tensor not in places:
                places[tensor] = len(places)
                result.tensors.append(self.tensor(tensor, f"{graph.name}/{places[tensor]}"))
            return places[tensor]

        result.inputs = [place(tensor) for tensor in graph.inputs]
        known = set(graph.inputs)
        for operator in graph.operators:
            for tensor in operator.inputs:
                if tensor is None or tensor.data is not None or tensor.variable:
                    continue
                if tensor not in known:
                    raise GraphError(
                        f"{operator.code}: its input {tensor} is computed nowhere before it in "
                        f"{graph.name!r}."
                    )
            known.update(operator.outputs)
            result.operators.append(self.operator(operator, place))
        for tensor in graph.outputs:
            if tensor not in known and tensor.data is None:
                raise GraphError(f"{graph.name!r}: its output {tensor} is computed nowhere.")
        result.outputs = [place(tensor) for tensor in graph.outputs]
        return result, places

    def tensor(self, tensor: Tensor, name: str) -> schema.TensorT:
        result = schema.TensorT()
        result.name = tensor.name or name
        result.shape, result.hasRank = list(tensor.shape), True
        result.type = TYPES[tensor.dtype]
        result.isVariable = tensor.variable
        if tensor.data is not None:
            result.buffer = self.buffer(tensor.data)
        if tensor.quantization is not None:
            result.quantization = quantization = schema.QuantizationParametersT()
            quantization.scale = tensor.quantization.scales.astype(np.float32)
            quantization.zeroPoint = tensor.quantization.zero_points.astype(np.int64)
            quantization.quantizedDimension = tensor.quantization.axis
        return result

    def buffer(self, data: np.ndarray) -> int:
        content = data.tobytes()
        if content not in self.buffer_of:
            buffer = _Buffer()
            buffer.data = np.frombuffer(content, np.uint8)
            self.buffer_of[content] = len(self.buffers)
            self.buffers.append(buffer)
        return self.buffer_of[content]

    def operator(self, operator: Operator, place) -> schema.OperatorT:
        result = schema.OperatorT()
        key = (operator.code, operator.version)
        result.opcodeIndex = self.codes.setdefault(key, len(self.codes))
        result.inputs = [place(tensor) for tensor in operator.inputs]
        result.outputs = [place(tensor) for tensor in operator.outputs]
        if operator.intermediates:
            result.intermediates = [place(tensor) for tensor in operator.intermediates]
        if operator.options is not None:
            # The union member has the name of the class without the object API's T.
            kind = type(operator.options).__name__.removesuffix("T")
            result.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            result.builtinOptions = operator.options
        return result

    @staticmethod
    def operator_code(code: str, version: int) -> schema.OperatorCodeT:
        result = schema.OperatorCodeT()
        result.builtinCode = getattr(schema.BuiltinOperator, code)
        # Old readers have one byte only; 127 refers to the other field.
        result.deprecatedBuiltinCode = min(result.builtinCode, 127)
        result.version = version
        return result

    def signature(self, places: dict[Tensor, int]) -> schema.SignatureDefT:
        graph = self.model.graphs[0]
        result = schema.SignatureDefT()
        result.signatureKey, result.subgraphIndex = "serving_default", 0
        result.inputs = _named(self.model.input_names, graph.inputs, places)
        result.outputs = _named(self.model.output_names, graph.outputs, places)
        return result


def _named(names, tensors, places):
    result = []
    for name, tensor in zip(names, tensors, strict=True):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, places[tensor]
        result.append(entry)
    return result


def read_tensor(tensor: schema.TensorT, buffers: list[schema.BufferT]) -> Tensor:
    """Reads a tensor of a file, with its value if it is a constant."""
    dtype = DTYPES[tensor.type]
    shape = tuple(int(size) for size in ([] if tensor.shape is None else tensor.shape))
    content = buffers[tensor.buffer].data
    data = None
    if content is not None and len(content):
        data = np.frombuffer(np.asarray(content, np.uint8).tobytes(), dtype).reshape(shape)
    quantization = _quantization(tensor.quantization)
    return Tensor(shape, dtype, data, quantization=quantization, name=tensor.name.decode())


def _quantization(parameters) -> Quantization | None:
    if parameters is None or parameters.scale is None:
        return None
    return Quantization(
        np.asarray(parameters.scale, np.float32),
        np.asarray(parameters.zeroPoint, np.int64),
        parameters.quantizedDimension,
    )
