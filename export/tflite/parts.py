"""Shared parts of the lowerings: length, embedding, head, and the one-graph skeleton."""

import abc
from collections.abc import Callable, Sequence

import keras
import numpy as np

from export.architecture import Architecture
from export.recurrent import cell_name
from export.tflite import ops, stages
from export.tflite.graph import Graph, Model, Tensor
from export.tflite.traced import Traced


class NoLoweringError(ValueError):
    """A cell or model that a lowering does not support."""


def require(
    lowering: str, supports: Callable[[keras.Layer], bool], architecture: Architecture, known: str
) -> None:
    """Checks that a lowering supports every cell.

    Raises:
        NoLoweringError: If not. The message names the cell and an alternative.
    """
    for layer in architecture.layers:
        for direction in layer.directions:
            if not supports(direction.cell):
                raise NoLoweringError(
                    f"{cell_name(direction.cell)} has no lowering {lowering!r}, which is for "
                    f"{known}; use 'loop', or 'unrolled' for MediaPipe."
                )


OUTPUT_NAMES = {"softmax": "probabilities", "sigmoid": "probabilities", "numbers": "numbers"}


def begin(architecture: Architecture, max_length: int) -> tuple[Model, Graph, Tensor]:
    """Creates a model whose first graph takes int32 ids [1, max_length]."""
    output = OUTPUT_NAMES[architecture.scores.kind]
    model = Model(input_names=architecture.inputs, output_names=(output,))
    graph = model.graph("main")
    ids, *_ = [graph.input((1, max_length), np.int32, name) for name in architecture.inputs]
    return model, graph, ids


def compact_ids(graph: Graph, architecture: Architecture, ids: Tensor) -> Tensor:
    """The ids as recurrent layers read them: nonzero ids first.

    If a stage takes the embedding, they stay as they are, and embeddings are compacted later.
    """
    if architecture.right_padded or not architecture.masked or architecture.is_taken(0):
        return ids
    return moved_together(graph, ids)


def moved_together(graph: Graph, ids: Tensor) -> Tensor:
    """Moves nonzero ids to the front, in their order, and zeros to the end: int32 [1, time].

    A masked step does not change the states, so zeros can be moved. The new position of an id is
    the number of nonzero ids before it. Scattering adds, so zeros have no effect.
    """
    row = ops.reshape(graph, ids, ids.shape[1:])
    present = ops.not_equal(graph, row, graph.constant(0, np.int32))
    # In float32, which is exact here and which all runtimes support.
    count = ops.cumulative_sum(graph, ops.cast(graph, present, np.float32))
    before = ops.subtract(graph, count, graph.constant(1, np.float32))
    places = ops.maximum(graph, ops.cast(graph, before, np.int32), graph.constant(0, np.int32))
    return ops.reshape(graph, ops.scatter(graph, places, row, row.shape[0]), ids.shape)


def length(graph: Graph, architecture: Architecture, ids: Tensor) -> Tensor:
    """The number of ids that are not padding, int32 [1]."""
    if not architecture.masked:
        return graph.constant([ids.shape[1]], np.int32)
    present = ops.not_equal(graph, ids, graph.constant(0, np.int32))
    # In float32, which is exact here: microcontrollers cannot sum integers.
    count = ops.sum_all(graph, ops.cast(graph, present, np.float32))
    return ops.cast(graph, count, np.int32)


def embed(graph: Graph, architecture: Architecture, ids: Tensor) -> Tensor:
    """The embedding of each id: [time, width]."""
    table = graph.constant(architecture.embedding, name="embedding")
    return ops.gather(graph, table, ops.reshape(graph, ids, ids.shape[1:]))


def finish(graph: Graph, architecture: Architecture, features: Tensor) -> None:
    """Adds the last dense layer on [1, features], and the scores [1, classes] as output."""
    weights = graph.constant(architecture.kernel.T, name="logits/kernel")
    bias = graph.constant(architecture.bias, name="logits/bias")
    scores = ops.fully_connected(graph, features, weights, bias)
    if architecture.scores.kind == "softmax":
        scores = ops.softmax(graph, scores)
    elif architecture.scores.kind == "sigmoid":
        scores = ops.logistic(graph, scores)
    scores.name = OUTPUT_NAMES[architecture.scores.kind]
    graph.outputs = [scores]


class Arithmetic(abc.ABC):
    """The arithmetic of `one_graph`: float32 or integers.

    Args:
        architecture: The classifier.
    """

    def __init__(self, architecture: Architecture):
        self.architecture = architecture

    @abc.abstractmethod
    def length(self, graph: Graph, ids: Tensor) -> Tensor:
        """The number of ids that are not padding, int32 [1]."""

    @abc.abstractmethod
    def embed(self, graph: Graph, ids: Tensor) -> Tensor:
        """The embedding of each id: [L, width]."""

    @abc.abstractmethod
    def scan(self, graph: Graph, layer: int, direction: int, x: Tensor) -> Tensor:
        """All outputs of a direction of a layer over x [L, features], without a mask: [L, outputs].

        `layer` and `direction` are positions in the architecture.
        """

    @abc.abstractmethod
    def last_row(self, graph: Graph, outputs: Tensor, steps: Tensor) -> Tensor:
        """The output of the text's last step, [1, outputs]; zeros for an empty text."""

    @abc.abstractmethod
    def mean_row(self, graph: Graph, outputs: Tensor, steps: Tensor) -> Tensor:
        """The mean of the outputs of the text's steps, [1, outputs]; zeros for an empty text."""

    @abc.abstractmethod
    def finish(self, graph: Graph, features: Tensor) -> None:
        """The last dense layer and the scores, over [1, features]."""


class Floats(Arithmetic):
    """float32 arithmetic.

    Args:
        architecture: The classifier.
        scan: From a graph, a cell and x [L, features] to all outputs [L, outputs].
    """

    def __init__(
        self, architecture: Architecture, scan: Callable[[Graph, keras.Layer, Tensor], Tensor]
    ):
        super().__init__(architecture)
        self._scan = scan

    def length(self, graph: Graph, ids: Tensor) -> Tensor:
        return length(graph, self.architecture, ids)

    def embed(self, graph: Graph, ids: Tensor) -> Tensor:
        return embed(graph, self.architecture, ids)

    def scan(self, graph: Graph, layer: int, direction: int, x: Tensor) -> Tensor:
        return self._scan(graph, self.architecture.layers[layer].directions[direction].cell, x)

    def last_row(self, graph: Graph, outputs: Tensor, steps: Tensor) -> Tensor:
        return last_row(graph, outputs, steps)

    def mean_row(self, graph: Graph, outputs: Tensor, steps: Tensor) -> Tensor:
        time = outputs.shape[0]
        numbers = graph.constant(np.arange(time)[:, None], np.int32)
        present = ops.cast(graph, ops.less(graph, numbers, steps), np.float32)
        total = ops.sum_rows(graph, ops.multiply(graph, outputs, present))
        return mean_of(graph, total, steps)

    def finish(self, graph: Graph, features: Tensor) -> None:
        finish(graph, self.architecture, features)


def one_graph(max_length: int, arithmetic: Arithmetic) -> Model:
    """Builds a classifier in one subgraph with exact masking, from a scan without masks.

    Args:
        max_length: L, the number of ids in the file's input.
        arithmetic: The arithmetic, with the scan.
    """
    architecture = arithmetic.architecture
    model, graph, ids = begin(architecture, max_length)
    compact = compact_ids(graph, architecture, ids)
    steps = arithmetic.length(graph, compact)
    backwards = backward_order(graph, steps, max_length)
    x = arithmetic.embed(graph, compact)
    layout = stages.Layout(graph, architecture, ids, steps)
    # The inputs of stages: at the positions of the ids, or of the last step.
    values = {0: x}
    if architecture.is_taken(0) and architecture.layers[0].reads is None:
        x = layout.read(x, architecture.layers[0])
    # The number of steps, and their reverse order: of the text, or of all that a layer reads.
    orders = {(architecture.masked, max_length): (steps, backwards)}
    scanned: dict[tuple[int, int, bool], Tensor] = {}
    for number, layer in enumerate(architecture.layers):
        if layer.reads is not None:
            x = layout.placed(layer, values)
            time = x.shape[0]
            if (layer.masked, time) not in orders:
                steps = graph.constant([time], np.int32)
                orders[layer.masked, time] = steps, backward_order(graph, steps, time)
            steps, backwards = orders[layer.masked, time]
        results, spread = [], []
        for place, direction in enumerate(layer.directions):
            # Several layers with one cell are the outputs of one Keras layer.
            key = (id(direction.cell), id(x), direction.go_backwards)
            if key not in scanned:
                turned = ops.gather(graph, x, backwards) if direction.go_backwards else x
                scanned[key] = arithmetic.scan(graph, number, place, turned)
            outputs = scanned[key]
            if direction.go_backwards and layer.gives == "all":
                outputs = ops.gather(graph, outputs, backwards)
            if layer.gives == "last":
                outputs = arithmetic.last_row(graph, outputs, steps)
            elif layer.gives == "mean":
                outputs = arithmetic.mean_row(graph, outputs, steps)
            elif architecture.is_taken(number + 1):
                spread.append(layout.spread(outputs, direction, layer))
            results.append(outputs)
        x = stages.merged(graph, results, layer.merge)
        values[number + 1] = stages.merged(graph, spread, layer.merge) if spread else x
    if architecture.hidden is not None:
        x = stages.place(graph, architecture.hidden, values, ids)
    arithmetic.finish(graph, x)
    model.name_constants()
    return model


def backward_order(graph: Graph, steps: Tensor, time: int) -> Tensor:
    """Row indices that reverse a text, and reverse it back: int32 [time].

    These are steps − 1, …, 1, 0, and then 0 for the padding, where any row will do.
    Microcontrollers do not have REVERSE_SEQUENCE.
    """
    counts = graph.constant(np.arange(1, time + 1), np.int32)
    return ops.maximum(graph, ops.subtract(graph, steps, counts), graph.constant([0], np.int32))


def mean_of(graph: Graph, total: Tensor, steps: Tensor) -> Tensor:
    """Divides a sum over the steps of a text by their number."""
    count = ops.maximum(graph, steps, graph.constant([1], np.int32))
    return ops.divide(graph, total, ops.cast(graph, count, np.float32))


def last_row(graph: Graph, outputs: Tensor, steps: Tensor) -> Tensor:
    """The output of the last of the steps, [1, outputs]; zeros if there is none."""
    zero = graph.constant([0], np.int32)
    any_step = ops.cast(graph, ops.less(graph, zero, steps), np.float32)
    return ops.multiply(graph, ops.gather(graph, outputs, last_place(graph, steps)), any_step)


def last_place(graph: Graph, steps: Tensor) -> Tensor:
    """The index of the last step, int32 [1]; 0 for an empty text."""
    zero, one = (graph.constant([value], np.int32) for value in (0, 1))
    return ops.maximum(graph, ops.subtract(graph, steps, one), zero)


def nested_states(cell: keras.Layer, states: Sequence) -> list:
    """Nests flat states as the cell takes them: one list per cell for stacked cells."""
    sizes = cell.state_size
    if not isinstance(sizes, (list, tuple)) or not any(isinstance(s, (list, tuple)) for s in sizes):
        return list(states)
    left = list(states)
    return [
        [left.pop(0) for _ in one] if isinstance(one, (list, tuple)) else left.pop(0)
        for one in sizes
    ]


class TracedCell:
    """The two parts of a cell as operators, or of a batch of cells that differ in weights only.

    The step of a single cell has inputs and outputs [1, size], that of several cells
    [cells, 1, size]. Except for products, each operation is one operator for all cells.

    Attributes:
        count: Number of cells.
        step: What is projected and the states to the output and the new states.
        state_sizes: Widths of the states.
        output_size: Width of a cell's output.
        output_width: Of all cells' outputs.
        step_width: Width of what a step takes.
    """

    def __init__(self, cells: Sequence[keras.Layer], time: int, features: int):
        cell, self.count = cells[0], len(cells)
        name = type(cell).__name__
        self.state_sizes = list(keras.tree.flatten(cell.state_size))
        self._projects: list[Traced] = []  # none for a cell that has only `call`
        self.step_width = features
        step = cell
        if hasattr(cell, "step"):
            step = cell.step
            self._projects = [
                Traced(
                    lambda inputs, one=one: [one.project(inputs)],
                    [(time, features)],
                    [one.variables],
                    f"{name}.project",
                )
                for one in cells
            ]
            self.step_width = self._projects[0].output_shapes[0][-1]

        def flat_step(projected, *states):
            output, new_states = step(projected, nested_states(cell, states))
            return [output, *keras.tree.flatten(new_states)]

        shapes = [(1, size) for size in (self.step_width, *self.state_sizes)]
        self.step = Traced(flat_step, shapes, [one.variables for one in cells], f"{name}.step")
        self.output_size = self.step.output_shapes[0][-1]
        self.output_width = self.count * self.output_size

    def project(self, graph: Graph, inputs: Sequence[Tensor]) -> list[Tensor]:
        """What each cell sees, [time, features], as its steps take it, [time, step_width]."""
        if not self._projects:
            return list(inputs)
        pairs = zip(self._projects, inputs, strict=True)
        return [project.place(graph, x)[0] for project, x in pairs]

    def shape(self, size: int) -> tuple[int, ...]:
        """Of what a step takes or gives."""
        return (1, size) if self.count == 1 else (self.count, 1, size)

    def initial_states(self, graph: Graph) -> list[Tensor]:
        """Zeros."""
        shapes = [self.shape(size) for size in self.state_sizes]
        return [graph.constant(np.zeros(shape, np.float32)) for shape in shapes]
