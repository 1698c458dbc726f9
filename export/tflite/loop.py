"""The loop lowering: one loop per layer, for every cell.

        ids [1, L] ──► length [1]
            │             │
        embedding         │
    ┌───────┴────────┐    │
    │          text reversed
    │                │    │
    WHILE a block of the text is left           x, of both directions, a block at a time
    │   project, project                        one product for all steps of the block
    │   WHILE a step of the block is left
    │       step                                both directions at once
    └───────┬────────┘
     the next layer, or dense and softmax

The loops end where the text ends, so padding never reaches a state, and short texts take less time.
A loop copies what it changes in every step, and its other inputs once. So the inner loop handles
small blocks only.

In small models, a step costs more for the number of operators than for the products. So both
directions run in one loop as a batch of two: each equation is one operator for both, except the
products, whose weights differ.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from export.architecture import Architecture, RecurrentLayer
from export.tflite import ops, parts, stages
from export.tflite.graph import Graph, Model, Tensor

LONGEST_BLOCK = 32  # steps


def build(architecture: Architecture, max_length: int) -> Model:
    """Lowers a classifier to loops.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.

    Returns:
        A model from int32 [1, L] ids to float32 [1, classes] probabilities.
    """
    model, graph, ids = parts.begin(architecture, max_length)
    compact = parts.compact_ids(graph, architecture, ids)
    length = parts.length(graph, architecture, compact)
    block = _block(max_length)
    x = parts.embed(graph, architecture, compact)
    layout = stages.Layout(graph, architecture, ids, length)
    # The inputs of stages: at the positions of the ids, or of the last step.
    values = {0: x}
    if architecture.is_taken(0) and architecture.layers[0].reads is None:
        x = layout.read(x, architecture.layers[0])
    x = _in_whole_blocks(graph, x, block)
    order = parts.backward_order(graph, length, x.shape[0])
    # The input of a layer in pieces: whether a piece is in reversed order, and its rows.
    pieces = [(False, x)]
    time = max_length
    # The number of steps, and their reverse order: of the text, or of all that a layer reads.
    orders = {(architecture.masked, time): (length, order)}
    scanned: dict[tuple[int, int], Tensor] = {}
    for number, layer in enumerate(architecture.layers, start=1):
        source = x  # what the layer reads, if a stage gives it
        if layer.reads is not None:
            source = layout.placed(layer, values)
            time = source.shape[0]
            key, block = (layer.masked, time), _block(time)
            length = orders[key][0] if key in orders else graph.constant([time], np.int32)
            x = _in_whole_blocks(graph, source, block)
            if key not in orders:
                orders[key] = length, parts.backward_order(graph, length, x.shape[0])
            length, order = orders[key]
            pieces = [(False, x)]
            keys = [(id(direction.cell), id(source)) for direction in layer.directions]
            if layer.gives == "last" and all(one in scanned for one in keys):
                # Another output of a Keras layer that has been run.
                last = [parts.last_row(graph, scanned[one], length) for one in keys]
                values[number] = stages.merged(graph, last, layer.merge)
                pieces = [(False, values[number])]
                continue
        sequences = []
        for direction in layer.directions:
            turned = [
                x if back is direction.go_backwards else ops.gather(graph, x, order)
                for back, x in pieces
            ]
            sequences.append(_side_by_side(graph, turned))
        scan = _Scan(model, layer, sequences, block, f"layer{number}")
        outputs = scan.place(graph, sequences, length)
        backwards = [direction.go_backwards for direction in layer.directions]
        pieces = list(zip(backwards, outputs, strict=True))
        if layer.gives == "all" and layer.reads is not None:
            cells = [id(direction.cell) for direction in layer.directions]
            scanned.update(
                {(cell, id(source)): one for cell, one in zip(cells, outputs, strict=True)}
            )
        taken = architecture.is_taken(number)
        if layer.gives != "all":
            pieces = [(False, stages.merged(graph, outputs, layer.merge))]
            values[number] = pieces[0][1]
        elif taken or layer.merge != "concat":
            forwards = [ops.gather(graph, one, order) if back else one for back, one in pieces]
            if layer.merge != "concat":
                pieces = [(False, stages.merged(graph, forwards, layer.merge))]
            if taken:
                spread = [
                    layout.spread(_first_rows(graph, one, time), direction, layer)
                    for direction, one in zip(layer.directions, forwards, strict=True)
                ]
                values[number] = stages.merged(graph, spread, layer.merge)
    if architecture.hidden is not None:
        features = stages.place(graph, architecture.hidden, values, ids)
    else:
        features = pieces[0][1]
    parts.finish(graph, architecture, features)
    model.name_constants()
    return model


def _block(time: int) -> int:
    """Number of steps per block."""
    return -(-time // -(-time // LONGEST_BLOCK))


class _Scan:
    """The directions of one layer, as subgraphs of a model.

    Args:
        model: The model that the subgraphs are added to.
        layer: The layer.
        sequences: The input of each direction in its own order: [rows, features], in whole blocks.
        block: Steps per block.
        name: Prefix of the subgraphs' names.
    """

    def __init__(self, model: Model, layer: RecurrentLayer, sequences, block: int, name: str):
        self.model, self.name, self.block = model, name, block
        self.gives = layer.gives
        self.lanes = _lanes([one.cell for one in layer.directions], block, sequences[0].shape[1])

    def place(self, graph: Graph, sequences: Sequence[Tensor], length: Tensor) -> list[Tensor]:
        """Each direction's outputs, in its own order [rows, outputs]; or the last one or the mean,
        [1, outputs], zeros for an empty text.
        """
        carried = {
            "counter": [graph.constant([0], np.int32)],
            "end": [length],
            "block": [graph.constant([0], np.int32)],
            "x": [self.in_blocks(graph, x) for x in sequences],
            "outputs": self.no_outputs(graph, sequences[0].shape[0]),
            "states": [state for lane in self.lanes for state in lane.initial_states(graph)],
        }
        outputs = self.loop(graph, "blocks", carried, self.blocks_body)["outputs"]
        if self.gives == "mean":
            outputs = [parts.mean_of(graph, total, length) for total in outputs]
        found = []
        for lane, output in zip(self.lanes, outputs, strict=True):
            if self.gives != "all":
                output = _as(graph, output, (1, lane.output_width))
            found += ops.split(graph, output, lane.count, 1) if lane.count > 1 else [output]
        return found

    def in_blocks(self, graph: Graph, x: Tensor) -> Tensor:
        """Reshapes [rows, width] to one row per block."""
        rows, width = x.shape
        return ops.reshape(graph, x, (rows // self.block, self.block * width))

    def no_outputs(self, graph: Graph, rows: int) -> list[Tensor]:
        shapes = [
            (rows, lane.output_width) if self.gives == "all" else lane.shape(lane.output_size)
            for lane in self.lanes
        ]
        return [graph.constant(np.zeros(shape, np.float32)) for shape in shapes]

    def blocks_body(self, body: Graph, counter, end, block, x, outputs, states):
        rest = ops.subtract(body, end[0], counter[0])
        rows = [
            ops.reshape(
                body, ops.gather(body, one, block[0]), (self.block, one.shape[1] // self.block)
            )
            for one in x
        ]
        projected = []
        for lane in self.lanes:
            own = [rows.pop(0) for _ in range(lane.count)]
            projected.append(_side_by_side(body, lane.project(body, own)))
        found = self.loop(
            body,
            "steps",
            {
                "counter": [body.constant([0], np.int32)],
                "end": [ops.minimum(body, rest, body.constant([self.block], np.int32))],
                "projected": projected,
                "outputs": self.no_outputs(body, self.block) if self.gives == "all" else outputs,
                "states": states,
            },
            self.steps_body,
        )
        written = found["outputs"]
        if self.gives == "all":
            written = _write(body, outputs, written, counter[0])
        return {
            "counter": [_after(body, counter[0], self.block)],
            "end": end,
            "block": [_after(body, block[0], 1)],
            "x": x,
            "outputs": written,
            "states": found["states"],
        }

    def steps_body(self, body: Graph, counter, end, projected, outputs, states):
        given, new_outputs, new_states = list(states), [], []
        for lane, one in zip(self.lanes, projected, strict=True):
            own = [given.pop(0) for _ in lane.state_sizes]
            inputs = _as(body, ops.gather(body, one, counter[0]), lane.shape(lane.step_width))
            output, *own = lane.step.place(body, inputs, *own)
            if self.gives == "all":
                output = _as(body, output, (1, lane.output_width))
            new_outputs.append(output)
            new_states += own
        if self.gives == "all":
            new_outputs = _write(body, outputs, new_outputs, counter[0])
        elif self.gives == "mean":
            sums = zip(outputs, new_outputs, strict=True)
            new_outputs = [ops.add(body, total, output) for total, output in sums]
        return {
            "counter": [_after(body, counter[0], 1)],
            "end": end,
            "projected": projected,
            "outputs": new_outputs,
            "states": new_states,
        }

    def loop(
        self,
        graph: Graph,
        name: str,
        carried: dict[str, list[Tensor]],
        make_body: Callable[..., dict[str, list[Tensor]]],
    ) -> dict[str, list[Tensor]]:
        """Runs a body while counter < end."""
        condition = self.model.graph(f"{self.name}_{name}_condition")
        body = self.model.graph(f"{self.name}_{name}_body")
        for inner in (condition, body):
            for tensors in carried.values():
                for tensor in tensors:
                    inner.input(tensor.shape, tensor.dtype)
        counter, end = condition.inputs[:2]
        condition.outputs = [ops.less(condition, counter, end)]
        results = make_body(body, **_like(carried, body.inputs))
        body.outputs = _unshuffled(body, [t for name in carried for t in results[name]])
        found = ops.while_loop(
            graph,
            [tensor for tensors in carried.values() for tensor in tensors],
            (self.model.index(condition), condition),
            (self.model.index(body), body),
        )
        return _like(carried, found)


def _lanes(cells: Sequence[keras.Layer], block: int, features: int) -> list[parts.TracedCell]:
    """Traces the cells of all directions as one batch, or separately if that is not possible."""
    if len(cells) > 1 and all(_alike(cells[0], cell, features) for cell in cells[1:]):
        try:
            return [parts.TracedCell(cells, block, features)]
        except ValueError:  # an operation has no batched form in TensorFlow, or no TFLite form
            pass
    return [parts.TracedCell([cell], block, features) for cell in cells]


def _alike(a: keras.Layer, b: keras.Layer, features: int) -> bool:
    """Whether two cells compute the same with the same weights."""
    shapes = [[variable.shape for variable in cell.variables] for cell in (a, b)]
    if type(a) is not type(b) or shapes[0] != shapes[1]:
        return False
    rng = np.random.default_rng(0)
    sizes = [features, *keras.tree.flatten(a.state_size)]
    x, *states = (rng.normal(size=(1, size)).astype(np.float32) for size in sizes)
    weights = [(own, other.value) for own, other in zip(a.variables, b.variables, strict=True)]
    with keras.StatelessScope(state_mapping=weights):
        found = keras.tree.flatten(a.call(x, parts.nested_states(a, states)))
    expected = keras.tree.flatten(b.call(x, parts.nested_states(b, states)))
    return all(
        np.allclose(one, other, rtol=1e-4, atol=1e-6)
        for one, other in zip(found, expected, strict=True)
    )


def _as(graph: Graph, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x if x.shape == shape else ops.reshape(graph, x, shape)


def _like(carried: dict[str, list[Tensor]], flat: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """Unflattens a list by the names in `carried`."""
    left = list(flat)
    return {name: [left.pop(0) for _ in tensors] for name, tensors in carried.items()}


def _first_rows(graph: Graph, x: Tensor, rows: int) -> Tensor:
    return x if x.shape[0] == rows else ops.slice_rows(graph, x, rows)


def _in_whole_blocks(graph: Graph, x: Tensor, block: int) -> Tensor:
    """Pads [time, width] with zeros to whole blocks."""
    time, width = x.shape
    rows = -(-time // block) * block
    if time == rows:
        return x
    zeros = graph.constant(np.zeros((rows - time, width), np.float32))
    return ops.concatenate(graph, [x, zeros], 0)


def _side_by_side(graph: Graph, tensors: Sequence[Tensor]) -> Tensor:
    return ops.concatenate(graph, tensors, 1) if len(tensors) > 1 else tensors[0]


def _after(graph: Graph, counter: Tensor, steps: int) -> Tensor:
    return ops.add(graph, counter, graph.constant([steps], np.int32))


def _write(graph: Graph, outputs, updates, row: Tensor) -> list[Tensor]:
    """Writes updates into the outputs, from a row on."""
    begin = ops.concatenate(graph, [row, graph.constant([0], np.int32)], 0)
    pairs = zip(outputs, updates, strict=True)
    return [ops.dynamic_update_slice(graph, output, update, begin) for output, update in pairs]


def _unshuffled(body: Graph, outputs: list[Tensor]) -> list[Tensor]:
    """Copies outputs that are inputs at another position.

    The runtime copies a body's outputs to its inputs one after the other, so such an output could
    be overwritten before it is read.
    """
    return [
        ops.copy(body, tensor)
        if any(tensor is other for other in body.inputs) and tensor is not body.inputs[place]
        else tensor
        for place, tensor in enumerate(outputs)
    ]
