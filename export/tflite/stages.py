"""The parts of a model between recurrent layers, and the layout of masked sequences.

Keras's masked layers skip zeros at any position. A lowering compacts the steps instead, so that a
recurrent layer reads rows 0 to length − 1. Other layers (pooling, attention, convolutions) read all
positions, as in Keras, including zeros:

    ids         7  0  0  5  9  0
    steps       7  5  9                       compact: the input of a recurrent layer
    forwards    a  a  a  b  c  c              spread: masked positions have the previous output;
    backwards   a  b  b  b  c  0                      backwards, that of the next step
"""

import functools
import warnings
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from numpy.typing import DTypeLike

from export.architecture import (
    Architecture,
    Direction,
    RecurrentLayer,
    Stage,
    UnsupportedModelError,
)
from export.tflite import ops
from export.tflite.graph import Graph, Tensor
from export.tflite.traced import Traced, TraceError
from zoo.text import PAD_ID


class Layout:
    """The layout of a text: the positions of its steps among its ids.

    Args:
        graph: The main graph of a model.
        architecture: The classifier.
        ids: int32 [1, L], the input.
        steps: The number of ids that are not padding, int32 [1].
    """

    def __init__(self, graph: Graph, architecture: Architecture, ids: Tensor, steps: Tensor):
        self.graph, self.architecture, self.ids, self.steps = graph, architecture, ids, steps
        self.time = ids.shape[1]
        self._placed: dict[int, Tensor] = {}

    def read(self, x: Tensor, layer: RecurrentLayer) -> Tensor:
        """The rows of x [L, width] that a layer reads, in front: all, if it is not masked."""
        if not layer.masked or self.architecture.right_padded:
            return x
        return ops.gather(self.graph, x, self._positions)

    def placed(self, layer: RecurrentLayer, tensors: Mapping[int, Tensor]) -> Tensor:
        """Adds the stage that a layer reads, and returns its rows as of `read`.

        Once for several layers that read one stage: the outputs of one Keras layer.
        """
        stage = layer.reads
        assert stage is not None
        if id(stage) not in self._placed:
            x = place(self.graph, stage, tensors, self.ids)
            self._placed[id(stage)] = self.read(x, layer)
        return self._placed[id(stage)]

    def spread(self, outputs: Tensor, direction: Direction, layer: RecurrentLayer) -> Tensor:
        """Moves the outputs of steps [L, width] to the positions where Keras returns them.

        Args:
            outputs: Outputs of one direction of a layer, in the order of the text.
            direction: The direction.
            layer: The layer.
        """
        if layer.masked:
            outputs = self._at_ids(outputs, direction.go_backwards, layer.zeros)
        if direction.flipped:
            time = outputs.shape[0]
            order = self.graph.constant(np.arange(time)[::-1], np.int32)
            outputs = ops.gather(self.graph, outputs, order)
        return outputs

    def _at_ids(self, outputs: Tensor, backwards: bool, zeros: bool) -> Tensor:
        """At the positions of the ids."""
        rows, there = self._next if backwards or zeros else self._latest
        if zeros:
            there = self._present
        if rows is not None:
            outputs = ops.gather(self.graph, outputs, rows)
        flags = ops.reshape(self.graph, ops.cast(self.graph, there, np.float32), (self.time, 1))
        return ops.multiply(self.graph, outputs, flags)

    @functools.cached_property
    def _numbers(self) -> Tensor:
        return self.graph.constant(np.arange(self.time), np.int32)

    @functools.cached_property
    def _present(self) -> Tensor:
        """Whether there is a step at each position, bool [L]."""
        if self.architecture.right_padded:
            return ops.less(self.graph, self._numbers, self.steps)
        ids = ops.reshape(self.graph, self.ids, (self.time,))
        return ops.not_equal(self.graph, ids, self.graph.constant(0, np.int32))

    @functools.cached_property
    def _count(self) -> Tensor:
        """The number of steps up to and including each position, int32 [L]."""
        present = ops.cast(self.graph, self._present, np.float32)
        return ops.cast(self.graph, ops.cumulative_sum(self.graph, present), np.int32)

    @functools.cached_property
    def _latest(self) -> tuple[Tensor, Tensor]:
        """The last step at or before each position, and whether there is one."""
        graph, one, zero = self.graph, *(self.graph.constant([n], np.int32) for n in (1, 0))
        if self.architecture.right_padded:
            end = ops.maximum(graph, ops.subtract(graph, self.steps, one), zero)
            zeros = graph.constant(np.zeros(self.time), np.int32)
            return ops.minimum(graph, self._numbers, end), ops.less(graph, zeros, self.steps)
        before = ops.subtract(graph, self._count, one)
        return ops.maximum(graph, before, zero), ops.less(graph, zero, self._count)

    @functools.cached_property
    def _next(self) -> tuple[Tensor | None, Tensor]:
        """The next step at or after each position, and whether there is one."""
        if self.architecture.right_padded:
            return None, self._present
        here = ops.cast(self.graph, self._present, np.int32)
        number = ops.subtract(self.graph, self._count, here)
        last = self.graph.constant([self.time - 1], np.int32)
        there = ops.less(self.graph, number, self.steps)
        return ops.minimum(self.graph, number, last), there

    @functools.cached_property
    def _positions(self) -> Tensor:
        """The position of each step, int32 [L]; 0 after the last step."""
        graph = self.graph
        here = ops.multiply(graph, self._numbers, ops.cast(graph, self._present, np.int32))
        rows, _ = self._latest
        return ops.scatter(graph, rows, here, self.time)


def place(graph: Graph, stage: Stage, tensors: Mapping[int, Tensor], ids: Tensor) -> Tensor:
    """Adds a stage to a graph. Returns its output, [time, width] or [1, width].

    Args:
        graph: The graph.
        stage: The stage.
        tensors: The embedding (0) and outputs of recurrent layers (from 1): [time, width] at the
            positions of the ids, or [1, width] of the last step.
        ids: int32 [1, L].
    """
    if stage.model is None:
        return tensors[stage.takes[0]]
    arguments: list[Tensor] = []
    dtypes: list[DTypeLike] = []
    for number, like in zip(stage.takes, stage.model.inputs, strict=False):
        x = tensors[number]
        arguments.append(ops.reshape(graph, x, (1, *x.shape)) if len(like.shape) == 3 else x)
        dtypes.append(np.float32)
    if stage.tokens or any(stage.masks):
        arguments.append(ids)
        dtypes.append(np.int32)
    model = stage.model
    try:
        traced = Traced(
            functools.partial(_called, stage),
            [argument.shape for argument in arguments],
            [model.variables],
            _named(model),
            dtypes,
        )
    except TraceError as error:
        raise UnsupportedModelError(str(error)) from error
    (result,) = traced.place(graph, *arguments)
    return ops.reshape(graph, result, result.shape[1:]) if len(result.shape) == 3 else result


def _called(stage: Stage, *arguments) -> list:
    """Calls the model of a stage, on the inputs and, if it is needed, the ids."""
    assert stage.model is not None
    values, masks = list(arguments), [None] * len(arguments)
    if any(stage.masks):
        mask = keras.ops.not_equal(arguments[-1], PAD_ID)
        masks[: len(stage.masks)] = [mask if masked else None for masked in stage.masks]
        if not stage.tokens:
            values, masks = values[:-1], masks[:-1]
    given = (values, masks) if len(values) > 1 else (values[0], masks[0])
    with warnings.catch_warnings():
        # The whole model has warned already of layers that ignore the mask.
        warnings.filterwarnings("ignore", message=".* was passed an input with a mask")
        return [stage.model(given[0], mask=given[1], training=False)]


def _named(model: keras.Model) -> str:
    """Names the operations of a stage, for errors."""
    names = [
        f"{one.name!r} ({type(one).__name__})"
        for one in model.operations
        if not isinstance(one, keras.layers.InputLayer)
    ]
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"The part of the model with {', '.join(names[:4])}{more}"


def merged(graph: Graph, results: Sequence[Tensor], merge: str) -> Tensor:
    """Merges the outputs of directions, as of `export.recurrent.MERGES`."""
    if len(results) == 1:
        return results[0]
    if merge == "concat":
        return ops.concatenate(graph, results, -1)
    one, other = results
    if merge == "mul":
        return ops.multiply(graph, one, other)
    total = ops.add(graph, one, other)
    return total if merge == "sum" else ops.multiply(graph, total, graph.constant(0.5, np.float32))
