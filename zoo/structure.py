"""Checks the references in a TFLite model before anything follows them.

LiteRT's interpreter trusts a file: an index beyond its table or a length beyond the file crashes
the process. The checks are vectorised over all tables of a kind, so that a model of ten thousand
operators takes milliseconds. Slots are the positions of fields in the tables of TFLite's
`schema.fbs`.
"""

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

MODEL_IDENTIFIER = b"TFL3"
LARGEST_FILE = 2**31 - 1  # bytes; some references are signed
LARGEST_TENSOR = 2**28  # bytes
LARGEST_RANK = 8
MOST_SUBGRAPHS = 1000
MOST_OPTIONS = 12  # fields of an operator's options; no operator has more
SIZES = {  # bytes per element; other types are refused
    schema.TensorType.FLOAT32: 4,
    schema.TensorType.FLOAT16: 2,
    schema.TensorType.INT32: 4,
    schema.TensorType.UINT8: 1,
    schema.TensorType.INT64: 8,
    schema.TensorType.BOOL: 1,
    schema.TensorType.INT16: 2,
    schema.TensorType.INT8: 1,
    schema.TensorType.FLOAT64: 8,
    schema.TensorType.UINT64: 8,
    schema.TensorType.UINT32: 4,
    schema.TensorType.UINT16: 2,
    schema.TensorType.INT4: 0.5,
}
CODES = schema.BuiltinOperator
OPTIONS = schema.BuiltinOptions
REFUSED_CODES = {CODES.CALL, CODES.CALL_ONCE, CODES.CUSTOM, CODES.DELEGATE} | {
    code for name, code in vars(CODES).items() if name.startswith("STABLEHLO_")
}
REFUSED_OPTIONS = {  # they hold references that no text classifier needs
    OPTIONS.BucketizeOptions,
    OPTIONS.ConcatEmbeddingsOptions,
    OPTIONS.VarHandleOptions,
}
# Operators that name subgraphs in the first two fields of their options.
BRANCHES = {CODES.WHILE: OPTIONS.WhileOptions, CODES.IF: OPTIONS.IfOptions}
# Operators whose number of outputs is the first field of their options. Their kernels write that
# many without checking the outputs.
COUNTING = {
    CODES.SPLIT: OPTIONS.SplitOptions,
    CODES.SPLIT_V: OPTIONS.SplitVOptions,
    CODES.UNPACK: OPTIONS.UnpackOptions,
}
# Operators that pass ids through in another shape, order or type, and the position of the input
# with the ids.
PASSING = {
    CODES.CAST: 0,
    CODES.CONCATENATION: 0,
    CODES.EXPAND_DIMS: 0,
    CODES.GATHER: 0,
    CODES.GATHER_ND: 0,
    CODES.RESHAPE: 0,
    CODES.REVERSE_SEQUENCE: 0,
    CODES.REVERSE_V2: 0,
    CODES.SCATTER_ND: 1,
    CODES.SLICE: 0,
    CODES.SQUEEZE: 0,
    CODES.STRIDED_SLICE: 0,
    CODES.TRANSPOSE: 0,
}
# The positions of the table and the ids among a lookup's inputs.
LOOKUPS = {CODES.GATHER: (0, 1), CODES.EMBEDDING_LOOKUP: (1, 0)}


class StructureError(ValueError):
    """A file with inconsistent tables, or with features that are refused."""


@dataclass(frozen=True)
class Structure:
    """The inputs and outputs of a checked model.

    Attributes:
        inputs, outputs: The shapes of the first subgraph's inputs and outputs.
        rows: Number of rows of its embedding; None if no embedding was found.
    """

    inputs: list[tuple[int, ...]]
    outputs: list[tuple[int, ...]]
    rows: int | None


def check(content: bytes) -> Structure:
    """Checks a TFLite model.

    Raises:
        StructureError: If the file is not a TFLite model, its tables are inconsistent or point
            outside of it, or it uses features that no text classifier needs.
    """
    if content[4:8] != MODEL_IDENTIFIER:
        raise StructureError(
            f"not a TFLite model (bytes 4 to 8 are {content[4:8]!r}, not {MODEL_IDENTIFIER!r}); "
            "give a .tflite file"
        )
    if len(content) > LARGEST_FILE:
        raise StructureError(f"{len(content):,} bytes; a model has {LARGEST_FILE:,} at most")
    file = _File(content)
    model = _Tables(file, file.read(np.zeros(1, np.int64), "<u4"))
    codes = _operator_codes(model.tables(1))
    lengths = _buffer_lengths(model.tables(4))
    graphs = model.tables(2)
    _require(1 <= len(graphs) <= MOST_SUBGRAPHS, "it has no subgraph, or too many")
    model.strings(3)
    _check_metadata(model.tables(6), len(lengths))
    checked = [_Graph(graphs[number], codes, lengths) for number in range(len(graphs))]
    _check_branches(checked)
    _check_signatures(model.tables(7), checked)
    return Structure(
        inputs=[checked[0].shapes[index] for index in checked[0].inputs],
        outputs=[checked[0].shapes[index] for index in checked[0].outputs],
        rows=_rows(checked[0]),
    )


def _require(condition, what: str) -> None:
    if not np.all(condition):
        raise StructureError(f"damaged: {what}; copy the file again, or export it again")


class _File:
    def __init__(self, content: bytes):
        self.bytes = np.frombuffer(content, np.uint8)

    def read(self, places: np.ndarray, dtype: str) -> np.ndarray:
        """Reads a number at each position."""
        size = np.dtype(dtype).itemsize
        _require(
            (places >= 0) & (places <= len(self.bytes) - size), "a table points outside of the file"
        )
        return self.bytes[places[:, None] + np.arange(size)].view(dtype)[:, 0].astype(np.int64)

    def vectors(self, starts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The start and length of the vectors' items, of `size` bytes each.

        A position of 0 stands for an absent vector.
        """
        present = starts > 0
        lengths = np.zeros_like(starts)
        lengths[present] = self.read(starts[present], "<u4")
        _require(starts + 4 + lengths * size <= len(self.bytes), "a vector is longer than the file")
        return starts + 4, lengths

    def items(self, starts: np.ndarray, dtype: str) -> "_Lists":
        """Reads the items of vectors."""
        size = np.dtype(dtype).itemsize
        starts, lengths = self.vectors(starts, size)
        # Their total fits the file unless they overlap, which no writer produces.
        _require(lengths.sum() * size <= len(self.bytes), "its vectors are longer than the file")
        ends = np.cumsum(lengths)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        places = np.repeat(starts, lengths) + size * within
        return _Lists(self.read(places, dtype), lengths, places)


class _Lists:
    """A list of numbers for each table.

    Attributes:
        values: The values of all lists, concatenated.
        lengths: The length of each list.
        places: The position of each value in the file.
        owners: The table that each value belongs to.
    """

    def __init__(self, values: np.ndarray, lengths: np.ndarray, places: np.ndarray):
        self.values, self.lengths, self.places = values, lengths, places
        self.owners = np.repeat(np.arange(len(lengths)), lengths)
        self._ends = np.cumsum(lengths)

    def __getitem__(self, number: int) -> tuple[int, ...]:
        end = self._ends[number]
        return tuple(self.values[end - self.lengths[number] : end].tolist())


class _Tables:
    """Tables of one kind; each method reads one field of all of them.

    Attributes:
        owners: The table whose vector contains each table.
    """

    def __init__(self, file: _File, positions: np.ndarray, owners: np.ndarray | None = None):
        self.file, self.positions = file, positions
        self.owners = np.zeros(len(positions), np.int64) if owners is None else owners
        self._vtables = positions - file.read(positions, "<i4")
        self._lengths = file.read(self._vtables, "<u2")
        self._sizes = file.read(self._vtables + 2, "<u2")
        _require(
            (self._lengths >= 4)
            & (self._vtables + self._lengths <= len(file.bytes))
            & (positions + self._sizes <= len(file.bytes)),
            "a table is longer than the file",
        )

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows) -> "_Tables":
        return _Tables(self.file, np.atleast_1d(self.positions[rows]))

    def places(self, slot: int, size: int) -> np.ndarray:
        """The positions of a field of `size` bytes; 0 where it is absent."""
        entry = 4 + 2 * slot
        known = self._lengths >= entry + 2
        offsets = np.zeros(len(self), np.int64)
        offsets[known] = self.file.read(self._vtables[known] + entry, "<u2")
        present = offsets > 0
        _require(
            ~present | ((offsets >= 4) & (offsets + size <= self._sizes)),
            "a field lies outside of its table",
        )
        return np.where(present, self.positions + offsets, 0)

    def numbers(self, slot: int, dtype: str, default: int = 0) -> np.ndarray:
        places = self.places(slot, np.dtype(dtype).itemsize)
        present = places > 0
        numbers = np.full(len(self), default, np.int64)
        numbers[present] = self.file.read(places[present], dtype)
        return numbers

    def targets(self, slot: int) -> np.ndarray:
        """The position that a reference points to; 0 where it is absent."""
        places = self.places(slot, 4)
        present = places > 0
        targets = np.zeros(len(self), np.int64)
        targets[present] = places[present] + self.file.read(places[present], "<u4")
        return targets

    def lists(self, slot: int, dtype: str) -> _Lists:
        return self.file.items(self.targets(slot), dtype)

    def sizes(self, slot: int, size: int) -> np.ndarray:
        """Checks vectors without reading their items, and returns their lengths."""
        return self.file.vectors(self.targets(slot), size)[1]

    def strings(self, slot: int) -> None:
        """Checks that strings end within the file."""
        starts = self.targets(slot)
        starts, lengths = self.file.vectors(starts[starts > 0], 1)
        _require(self.file.read(starts + lengths, "u1") == 0, "a name has no end")

    def absent(self, slot: int, what: str) -> None:
        if self.places(slot, 1).any():
            raise StructureError(f"it uses {what}, which a text classifier does not need")

    def tables(self, slot: int) -> "_Tables":
        """The tables in a vector field of all tables."""
        offsets = self.file.items(self.targets(slot), "<u4")
        return _Tables(self.file, offsets.places + offsets.values, offsets.owners)

    def table(self, slot: int) -> "_Tables":
        """The tables that a field refers to, where it is present."""
        targets = self.targets(slot)
        return _Tables(self.file, targets[targets > 0])


def _operator_codes(tables: _Tables) -> np.ndarray:
    tables.strings(1)
    codes = np.maximum(tables.numbers(0, "i1"), tables.numbers(3, "<i4"))
    names = {code: name for name, code in vars(CODES).items() if isinstance(code, int)}
    for code in codes.tolist():
        if code in REFUSED_CODES or code not in names:
            raise StructureError(
                f"it uses the operator {names.get(code, code)}, which a text classifier does not "
                "need"
            )
    return codes


def _buffer_lengths(tables: _Tables) -> np.ndarray:
    _require(len(tables) >= 1, "it has no buffers")
    _require(tables.numbers(1, "<u8") <= 1, "a buffer lies outside of its tables")
    return tables.sizes(0, 1)


def _check_metadata(tables: _Tables, buffers: int) -> None:
    tables.strings(0)
    _require(tables.numbers(1, "<u4") < buffers, "an entry of its metadata names no buffer")


class _Graph:
    """One checked subgraph.

    Attributes:
        shapes: The shapes of its tensors.
        inputs, outputs: Indices of its input and output tensors.
        codes: The code of each operator.
        operands, results: The input and output tensors of each operator.
        constant: Whether each tensor is a constant, with its value in the file.
        branches: The subgraphs that it calls.
    """

    def __init__(self, table: _Tables, codes: np.ndarray, lengths: np.ndarray):
        table.strings(4)
        tensors, operators = table.tables(0), table.tables(3)
        self.inputs, self.outputs = table.lists(1, "<i4")[0], table.lists(2, "<i4")[0]
        for indices in (self.inputs, self.outputs):
            _check_indices(np.array(indices, np.int64), len(tensors))
        self._check_tensors(tensors, lengths)
        self._check_operators(operators, codes, len(tensors))
        self._check_order(tensors.numbers(5, "u1") > 0)

    def _check_tensors(self, tensors: _Tables, lengths: np.ndarray) -> None:
        self.shapes = tensors.lists(0, "<i4")
        _require(self.shapes.values >= 0, "a tensor has a negative size")
        _require(self.shapes.lengths <= LARGEST_RANK, "a tensor has too many dimensions")
        types = tensors.numbers(1, "i1")
        unknown = set(types.tolist()) - set(SIZES)
        if unknown:
            raise StructureError(f"it has tensors of the type {min(unknown)}, which is refused")
        self.bytes = np.array([SIZES[kind] for kind in types.tolist()], np.float64)
        np.multiply.at(self.bytes, self.shapes.owners, self.shapes.values)
        self.bytes = np.ceil(self.bytes)
        _require(self.bytes <= LARGEST_TENSOR, f"a tensor is larger than {LARGEST_TENSOR:,} bytes")
        buffers = tensors.numbers(2, "<u4")
        _require(buffers < len(lengths), "a tensor names no buffer")
        stored = np.where(buffers > 0, lengths[buffers], 0)
        self.constant = stored > 0
        _require(
            ~self.constant | (stored == self.bytes), "a constant's size does not fit its shape"
        )
        tensors.strings(3)
        tensors.sizes(7, 4)
        tensors.absent(6, "sparse tensors")
        tensors.absent(9, "tensors of tensors")
        scales = tensors.table(4)
        for slot, size in ((0, 4), (1, 4), (2, 4), (3, 8)):
            scales.sizes(slot, size)
        scales.absent(5, "its own quantisation")

    def _check_operators(self, operators: _Tables, codes: np.ndarray, tensors: int) -> None:
        numbers = operators.numbers(0, "<u4")
        _require(numbers < len(codes), "an operator has no code")
        self.codes = codes[numbers]
        self.operands, self.results = operators.lists(1, "<i4"), operators.lists(2, "<i4")
        _check_indices(self.operands.values, tensors, least=-1)
        _check_indices(self.results.values, tensors)
        _check_indices(operators.lists(8, "<i4").values, tensors)
        operators.sizes(5, 1)
        operators.sizes(7, 1)
        operators.absent(9, "large options")
        operators.absent(12, "operators of StableHLO")
        kinds, present = operators.numbers(3, "u1"), operators.targets(4) > 0
        kinds = np.where(present, kinds, 0)
        if set(kinds.tolist()) & REFUSED_OPTIONS:
            raise StructureError("it has options of operators that a text classifier does not need")
        options = operators.table(4)
        for slot in range(MOST_OPTIONS):
            options.places(slot, 1)
        for kind in (OPTIONS.ReshapeOptions, OPTIONS.SqueezeOptions):
            operators[kinds == kind].table(4).sizes(0, 4)
        operators[kinds == OPTIONS.FullyConnectedOptions].table(4).absent(5, "own quantisation")
        for code, kind in COUNTING.items():
            chosen = self.codes == code
            _require(kinds[chosen] == kind, "an operator has the options of another")
            counts = operators[chosen].table(4).numbers(0, "<i4")
            _require(counts == self.results.lengths[chosen], "an operator has too few outputs")
        self.branches: set[int] = set()
        for code, kind in BRANCHES.items():
            chosen = self.codes == code
            _require(kinds[chosen] == kind, "a loop or branch names no subgraph")
            for slot in (0, 1):
                called = operators[chosen].table(4).numbers(slot, "<i4")
                self.branches |= set(called.tolist())

    def _check_order(self, variable: np.ndarray) -> None:
        """Checks that each tensor is computed once, before it is read."""
        ready = self.constant | variable | (self.bytes == 0)
        made = np.where(ready, -1, len(self.codes))
        made[list(self.inputs)] = -1
        results = self.results
        _require(
            (made[results.values] >= 0) | (self.bytes[results.values] == 0),
            "an operator writes to a constant",
        )
        _require(np.bincount(results.values, minlength=1) <= 1, "two operators write one tensor")
        made[results.values] = results.owners
        operands = self.operands.values >= 0
        values, owners = self.operands.values[operands], self.operands.owners[operands]
        _require(made[values] < owners, "an operator reads a tensor that is not computed before")
        _require(made[list(self.outputs)] < len(self.codes), "an output is never computed")


def _check_indices(indices: np.ndarray, tensors: int, least: int = 0) -> None:
    _require((indices >= least) & (indices < tensors), "an index names no tensor")


def _check_branches(graphs: list[_Graph]) -> None:
    """Checks that no subgraph calls itself, directly or through others: it would never end."""
    depth = {}

    def visit(number: int, above: tuple[int, ...]) -> None:
        _require(0 <= number < len(graphs), "a loop or branch names no subgraph")
        _require(number not in above and len(above) < 16, "a subgraph calls itself")
        if number not in depth:
            for branch in graphs[number].branches:
                visit(branch, (*above, number))
            depth[number] = len(above)

    for number in range(len(graphs)):
        visit(number, ())


def _check_signatures(tables: _Tables, graphs: list[_Graph]) -> None:
    tables.strings(2)
    numbers = tables.numbers(4, "<u4")
    _require(numbers < len(graphs), "a signature names no subgraph")
    counts = np.array([len(graph.constant) for graph in graphs])
    for slot in (0, 1):
        entries = tables.tables(slot)
        entries.strings(0)
        indices = entries.numbers(1, "<u4")
        _require(indices < counts[numbers[entries.owners]], "a signature names no tensor")


def _rows(graph: _Graph) -> int | None:
    """Number of rows of the smallest table that the first input indexes."""
    if not graph.inputs:
        return None
    ids, rows = {graph.inputs[0]}, math.inf
    relevant = np.isin(graph.codes, [*PASSING, *LOOKUPS])
    for number in np.flatnonzero(relevant).tolist():
        code, operands = int(graph.codes[number]), graph.operands[number]
        if len(operands) > PASSING.get(code, 9) and operands[PASSING[code]] in ids:
            ids.update(graph.results[number])
        elif code in LOOKUPS and len(operands) == 2:
            table, index = (operands[place] for place in LOOKUPS[code])
            if index in ids and table >= 0 and graph.constant[table] and graph.shapes[table]:
                rows = min(rows, graph.shapes[table][0])
    return None if rows == math.inf else int(rows)
