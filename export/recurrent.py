"""Reads the recurrent layers of a Keras model: what each of their outputs is."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import keras

from zoo.cells import LinearCell, as_cell
from zoo.model_graph import Step, UnsupportedModelError, named

KINDS = (keras.layers.Bidirectional, keras.layers.RNN)
MERGES = ("concat", "sum", "mul", "ave")  # of `keras.layers.Bidirectional`
# Layers whose first state is their output.
OUTPUT_IS_STATE = (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)


@dataclass(frozen=True)
class Direction:
    """A cell and the direction in which it reads the sequence.

    Attributes:
        cell: A zoo cell (with `project` and `step`), or one with `call` alone.
        go_backwards: Whether it reads from the end.
        flipped: Whether Keras returns its sequence of outputs in the reverse order of the text.
    """

    cell: keras.Layer
    go_backwards: bool
    flipped: bool = False


@dataclass(frozen=True)
class Stage:
    """A part of a model without recurrent layers, exported as a whole.

    Attributes:
        model: From its inputs, [batch, time, width] or [batch, width] each, to one output; None for
            the identity.
        takes: Its inputs, as numbers of recurrent layers from 1; 0 is the embedding.
        tokens: Whether the token ids, int32 [batch, time], are its last input.
        masks: Whether each of `takes` carries the mask, as Keras propagates it with tensors.
    """

    model: keras.Model | None
    takes: tuple[int, ...]
    tokens: bool
    masks: tuple[bool, ...] = ()


@dataclass(frozen=True)
class RecurrentLayer:
    """A recurrent layer, with one or two directions.

    A Keras layer with several outputs (`return_state`, `merge_mode=None`) is several of these,
    with the same cells.

    Attributes:
        directions: One, or two for a bidirectional layer.
        gives: Whether it returns `all` outputs, the `last` ones, or their `mean`.
        merge: How the outputs of both directions are merged, of `MERGES`.
        zeros: Whether outputs at masked steps are zero, instead of the previous output.
        masked: Whether it skips padding.
        reads: Its input; None for the outputs of the layer below, or the embedding.
    """

    directions: tuple[Direction, ...]
    gives: str
    merge: str = "concat"
    zeros: bool = False
    masked: bool = False
    reads: Stage | None = None

    @property
    def is_flipped(self) -> bool:
        """Whether an output is in the reverse order of the text."""
        return any(direction.flipped for direction in self.directions)


class StateCell(keras.layers.Layer):
    """A cell whose output is one of its states.

    Args:
        cell: The cell, built.
        number: The state, counted over all states of stacked cells.
    """

    def __init__(self, cell: keras.Layer, number: int):
        super().__init__(name=f"{cell.name}_state_{number}")
        self.cell, self.number = cell, number
        self.state_size = cell.state_size

    def call(self, inputs, states):
        return self._stated(self.cell.call(inputs, states))

    def _stated(self, result):
        _, states = result
        return keras.tree.flatten(states)[self.number], states


class SteppedStateCell(StateCell):
    """The same for a cell with `project` and `step`."""

    def project(self, inputs):
        return self.cell.project(inputs)

    def step(self, projected, states):
        return self._stated(self.cell.step(projected, states))


def cell_name(cell: keras.Layer) -> str:
    """A cell's class, for errors."""
    if isinstance(cell, StateCell):
        return f"A returned state (number {cell.number}) of {type(cell.cell).__name__}"
    return type(cell).__name__


def read(step: Step, used: Container[int]) -> list[tuple[RecurrentLayer, Any]]:
    """A recurrent layer for each of a step's outputs that the model uses, with that output.

    Args:
        step: A call of one of `KINDS`.
        used: The `id` of each tensor that the model uses.

    Raises:
        UnsupportedModelError: If the layer is stateful, has an initial state, or has another merge
            mode.
    """
    layer = step.operation
    halves = _halves(step)
    first = halves[0]
    _require_plain(step, halves)
    gives = "all" if first.return_sequences else "last"
    zeros = bool(getattr(first, "zero_output_for_mask", False))
    directions = tuple(
        # Bidirectional turns the outputs of its second half round, whichever way that reads.
        Direction(
            as_cell(half.cell),
            half.go_backwards,
            gives == "all" and half.go_backwards is not second,
        )
        for second, half in zip((False, True), halves, strict=False)
    )
    merge = layer.merge_mode if len(halves) == 2 else "concat"
    groups = [directions] if merge is not None else [(one,) for one in directions]
    found = [RecurrentLayer(group, gives, merge or "concat", zeros) for group in groups]
    if first.return_state:
        for half, direction in zip(halves, directions, strict=True):
            for number in range(len(keras.tree.flatten(half.cell.state_size))):
                cell = _state_of(half, direction.cell, number)
                found.append(RecurrentLayer((Direction(cell, direction.go_backwards),), "last"))
    pairs = zip(found, step.outputs, strict=True)
    return [(one, output) for one, output in pairs if id(output) in used]


def _halves(step: Step) -> list[keras.layers.RNN]:
    layer = step.operation
    if not isinstance(layer, keras.layers.Bidirectional):
        return [layer]
    if layer.merge_mode not in (*MERGES, None):
        raise UnsupportedModelError(
            f"{named(step)}: merge_mode {layer.merge_mode!r} is not exported; use one of "
            f"{', '.join(map(repr, MERGES))} or None."
        )
    return [layer.forward_layer, layer.backward_layer]


def _require_plain(step: Step, halves: list[keras.layers.RNN]) -> None:
    if any(half.stateful for half in halves):
        raise UnsupportedModelError(
            f"{named(step)}: stateful=True keeps the states of one text for the next, and an "
            "exported file starts each text anew. Build the layer with stateful=False, and load "
            "the weights."
        )
    if len(step.inputs[0].shape) != 3:
        raise UnsupportedModelError(
            f"{named(step)} reads {list(step.inputs[0].shape)}, not [batch, time, features]; "
            "convolutional recurrent layers are not exported."
        )
    if len(step.inputs) > 1:
        raise UnsupportedModelError(
            f"{named(step)}: initial_state is not exported, a layer starts from zeros. Use the "
            "states as features instead: concatenate them with the layer's output, or repeat them "
            "over the steps of its input."
        )
    for name in ("return_sequences", "return_state"):
        if len({getattr(half, name) for half in halves}) > 1:
            raise UnsupportedModelError(f"{named(step)}: its directions differ in {name}.")


def _state_of(layer: keras.layers.RNN, cell: keras.Layer, number: int) -> keras.Layer:
    """A cell whose output is the state of a number."""
    if number == 0 and (isinstance(layer, OUTPUT_IS_STATE) or isinstance(cell, LinearCell)):
        return cell
    return (SteppedStateCell if hasattr(cell, "step") else StateCell)(cell, number)
