"""The loop lowering: one WHILE a direction, for every cell.

                 ids [1, L] ──► length [1]
                     │             │
                 embedding         │        project: one product for all steps,
                     │             │        outside of the loop
        ┌────────────┴───────────┐ │
    project                  project
        │                        │ │
    WHILE t = 0, 1, … length−1   WHILE t = length−1, … 1, 0
        │ step                   │ step
        └───────── concat ───────┘
                     │
             the next layer, or dense and softmax

The loops end where the text ends, so padding never reaches a state, and a short text takes less
time than a long one. What a loop carries unchanged costs nothing; what it changes is copied at
each step. So the outputs are collected in blocks: an inner loop fills a block of few steps, an
outer one puts the blocks together.
"""

import numpy as np

from export.architecture import Architecture, Direction
from export.tflite import ops, parts
from export.tflite.graph import Graph, Model, Tensor

BLOCK = 16  # steps; √L balances the copies of both loops, and this is near it for usual texts


def build(architecture: Architecture, max_length: int) -> Model:
    """Lowers a classifier to loops.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.

    Returns:
        A model from int32 [1, L] ids to float32 [1, classes] probabilities.
    """
    model, graph, ids = parts.begin(max_length)
    length = parts.length(graph, architecture, ids)
    x = parts.embed(graph, architecture, ids)
    for number, layer in enumerate(architecture.layers, start=1):
        results = []
        for direction in layer.directions:
            way = "backward" if direction.go_backwards else "forward"
            scan = _Scan(model, direction, x, f"layer{number}_{way}")
            results.append(
                scan.all_outputs(graph, x, length)
                if layer.return_sequences
                else scan.last_output(graph, x, length)
            )
        x = ops.concatenate(graph, results, 1) if len(results) > 1 else results[0]
    parts.finish(graph, architecture, x)
    return model


class _Scan:
    """One direction of one layer, as subgraphs of a model.

    All loops carry [counter, end, …, projected, …]: they run from `counter` up to `end`. A
    backward one computes its place in the text, length − 1 − counter.
    """

    def __init__(self, model: Model, direction: Direction, x: Tensor, name: str):
        self.model, self.name = model, name
        self.go_backwards = direction.go_backwards
        self.cell = parts.TracedCell(direction.cell, *x.shape)

    def project(self, graph: Graph, x: Tensor) -> Tensor:
        return x if self.cell.project is None else self.cell.project.place(graph, x)[0]

    def last_output(self, graph: Graph, x: Tensor, length: Tensor) -> Tensor:
        """The output of the last step, [1, outputs]; zeros for an empty text."""
        output = graph.constant(np.zeros((1, self.cell.output_size), np.float32))
        carried = [
            graph.constant([0], np.int32),
            length,
            length,
            self.project(graph, x),
            output,
            *self.cell.initial_states(graph),
        ]
        return self.loop(graph, carried, self.last_body)[4]

    def last_body(self, body: Graph, counter, end, length, projected, _, *states):
        place = self.place(body, counter, length)
        inputs = ops.gather(body, projected, place)
        output, *new_states = self.cell.step.place(body, inputs, *states)
        return [_next(body, counter), end, length, projected, output, *new_states]

    def all_outputs(self, graph: Graph, x: Tensor, length: Tensor) -> Tensor:
        """The output of every step, [time, outputs]; zeros behind the text's end."""
        time, width = x.shape[0], self.cell.output_size
        blocks = -(-time // BLOCK)
        outputs = graph.constant(np.zeros((blocks * BLOCK, width), np.float32))
        carried = [
            graph.constant([0], np.int32),
            _block_count(graph, length),
            length,
            self.project(graph, x),
            outputs,
            *self.cell.initial_states(graph),
        ]
        outputs = self.loop(graph, carried, self.outer_body)[4]
        return ops.slice_rows(graph, outputs, time)

    def outer_body(self, body: Graph, block, end, length, projected, outputs, *states):
        # Going backwards, the blocks of the text come in reversed order, the last one first.
        if self.go_backwards:
            last = ops.subtract(body, end, body.constant([1], np.int32))
            row = ops.subtract(body, last, block)
        else:
            row = block
        first = ops.multiply(body, row, body.constant([BLOCK], np.int32))
        rest = ops.subtract(body, length, first)
        steps = ops.minimum(body, rest, body.constant([BLOCK], np.int32))
        zeros = body.constant(np.zeros((BLOCK, self.cell.output_size), np.float32))
        carried = [body.constant([0], np.int32), steps, first, projected, zeros, *states]
        results = self.loop(body, carried, self.inner_body)
        outputs = _write(body, outputs, results[4], first)
        return [_next(body, block), end, length, projected, outputs, *results[5:]]

    def inner_body(self, body: Graph, counter, steps, first, projected, outputs, *states):
        row = self.place(body, counter, steps)
        inputs = ops.gather(body, projected, ops.add(body, first, row))
        output, *new_states = self.cell.step.place(body, inputs, *states)
        outputs = _write(body, outputs, output, row)
        return [_next(body, counter), steps, first, projected, outputs, *new_states]

    def place(self, graph: Graph, counter: Tensor, steps: Tensor) -> Tensor:
        """Where the step that `counter` counts stands among so many, [1]."""
        if not self.go_backwards:
            return counter
        last = ops.subtract(graph, steps, graph.constant([1], np.int32))
        return ops.subtract(graph, last, counter)

    def loop(self, graph: Graph, carried: list[Tensor], make_body) -> list[Tensor]:
        kind = make_body.__name__.removesuffix("_body")
        condition = self.model.graph(f"{self.name}_{kind}_condition")
        body = self.model.graph(f"{self.name}_{kind}_body")
        for inner in (condition, body):
            for tensor in carried:
                inner.input(tensor.shape, tensor.dtype)
        counter, end = condition.inputs[:2]
        condition.outputs = [ops.less(condition, counter, end)]
        body.outputs = _unshuffled(body, make_body(body, *body.inputs))
        return ops.while_loop(
            graph,
            carried,
            (self.model.index(condition), condition),
            (self.model.index(body), body),
        )


def _next(graph: Graph, counter: Tensor) -> Tensor:
    return ops.add(graph, counter, graph.constant([1], np.int32))


def _block_count(graph: Graph, length: Tensor) -> Tensor:
    """⌈length / BLOCK⌉, [1]."""
    rounded = ops.add(graph, length, graph.constant([BLOCK - 1], np.int32))
    return ops.floor_divide(graph, rounded, graph.constant([BLOCK], np.int32))


def _write(graph: Graph, outputs: Tensor, update: Tensor, row: Tensor) -> Tensor:
    begin = ops.concatenate(graph, [row, graph.constant([0], np.int32)], 0)
    return ops.dynamic_update_slice(graph, outputs, update, begin)


def _unshuffled(body: Graph, outputs: list[Tensor]) -> list[Tensor]:
    """The runtime copies a body's outputs to its inputs one after the other, so an output that is
    the input of another place could be overwritten before it is read: it is copied first.
    """
    return [
        ops.copy(body, tensor)
        if any(tensor is other for other in body.inputs) and tensor is not body.inputs[place]
        else tensor
        for place, tensor in enumerate(outputs)
    ]
