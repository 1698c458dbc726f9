"""Layers that run a cell over a sequence and average its outputs."""

import inspect

import keras
from keras import ops

from zoo.cells.base import MemoryCell
from zoo.cells.linear import LinearCell, linear_scan


@keras.saving.register_keras_serializable("birnn_zoo")
class Recurrent(keras.layers.RNN):
    """Runs a cell over a sequence, with the input products of all steps computed at once.

    A `keras.layers.RNN` for cells with `project` and `step` (see `zoo.cells.Cell`). A cell that has
    only `call` is scanned with `call`, and the steps of a `zoo.cells.LinearCell` are computed in
    parallel. The layer works in `keras.layers.Bidirectional`.

    Use it instead of `keras.layers.RNN` for masked sequences: on JAX, that layer outputs the cell's
    first state at a masked step, which for some cells (SRU and QRNN) is not the last output. This
    layer repeats the last output on every backend.

    Args:
        cell: The cell.
        recurrent_dropout: Fraction of the previous output to drop in training, in [0, 1). The same
            units are dropped at all steps of a text (Gal & Ghahramani, "A theoretically grounded
            application of dropout in recurrent neural networks", NeurIPS 2016). Only for cells with
            a separate memory, such as LSTMs; the memory is not dropped.
        **kwargs: As for `keras.layers.RNN`.

    Raises:
        ValueError: If `recurrent_dropout` is outside [0, 1), or the cell has no separate memory.

    Call arguments:
        sequences: [batch, time, features].
        initial_state: A list of [batch, size], one for each of the cell's states; zeros if None.
        mask: Boolean [batch, time]; the states do not change at steps where it is False.

    Returns:
        The last output [batch, output_size], or all outputs [batch, time, output_size] with
        `return_sequences`; then the last states with `return_state`. With `go_backwards` the
        sequence is read from its end, and the outputs are in the order of computation.
    """

    def __init__(self, cell, recurrent_dropout=0.0, **kwargs):
        super().__init__(cell, **kwargs)
        if not 0 <= recurrent_dropout < 1:
            raise ValueError(
                f"recurrent_dropout must be at least 0 and below 1, not {recurrent_dropout!r}."
            )
        if recurrent_dropout and not isinstance(cell, MemoryCell):
            raise ValueError(
                "recurrent_dropout is for cells with a memory beside their output "
                f"(zoo.cells.MemoryCell), and would erase that of {type(cell).__name__}; omit it, "
                "or drop inputs instead."
            )
        self.recurrent_dropout = recurrent_dropout
        self.seed_generator = keras.random.SeedGenerator() if recurrent_dropout else None

    def get_config(self):
        config = super().get_config()
        if self.recurrent_dropout:
            config["recurrent_dropout"] = self.recurrent_dropout
        return config

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not hasattr(self.cell, "step"):
            if mask is None or not (self.unroll or keras.backend.backend() == "jax"):
                return super().inner_loop(sequences, initial_state, mask, training)
            options = {"training": training} if _takes_training(self.cell) else {}
            whole = _Step(self.cell, lambda inputs, states: self.cell(inputs, states, **options))
            return self._scan(whole, sequences, initial_state, mask, training)
        if isinstance(self.cell, LinearCell):
            return self._all_steps(self.cell.project(sequences), initial_state, mask)
        kept = None
        if training and self.recurrent_dropout:
            ones = ops.ones_like(initial_state[0])
            kept = keras.random.dropout(ones, self.recurrent_dropout, seed=self.seed_generator)
        projected = self.cell.project(sequences)
        step = _Step(self.cell, self.cell.step, kept)
        return self._scan(step, projected, initial_state, mask, training)

    def _scan(self, step, inputs, initial_state, mask, training):
        """Keras's scan, over a step instead of the whole cell."""
        # At a masked step, JAX's scan outputs the first state instead of the previous output.
        carries_output = mask is not None and keras.backend.backend() == "jax"
        if carries_output:
            size = (ops.shape(inputs)[0], step.output_size)
            output = ops.zeros(size, keras.tree.flatten(initial_state)[0].dtype)
            step, initial_state = _WithOutput(step), [output, *initial_state]
        backwards = self.go_backwards
        if backwards and self.unroll and mask is not None:
            # Keras's unrolled scan does not reverse the mask on every backend.
            inputs, mask = ops.flip(inputs, axis=1), ops.flip(mask, axis=1)
            backwards = False
        scan = keras.layers.RNN(
            step,
            return_sequences=self.return_sequences,
            go_backwards=backwards,
            unroll=self.unroll,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        last, outputs, states = scan.inner_loop(inputs, initial_state, mask, training)
        if self.unroll and self.zero_output_for_mask and mask is not None:
            # Keras's unrolled scan on JAX repeats the previous output instead.
            shown = ops.reshape(mask, (*ops.shape(mask)[:2], 1))[:, -outputs.shape[1] :]
            outputs = ops.where(shown, outputs, ops.zeros_like(outputs))
            last = outputs[:, -1]
        return last, outputs, list(states)[1:] if carries_output else states

    def _all_steps(self, projected, initial_state, mask):
        if self.go_backwards:
            projected = ops.flip(projected, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        a, b = self.cell.coefficients(projected)
        if mask is not None:
            # A masked step is h' = 1 ∘ h + 0.
            real = ops.expand_dims(mask, axis=-1)
            a, b = ops.where(real, a, ops.ones_like(a)), ops.where(real, b, ops.zeros_like(b))
        (state,) = initial_state
        first = a[:, :1] * ops.expand_dims(state, axis=1) + b[:, :1]
        states = linear_scan(a, ops.concatenate([first, b[:, 1:]], axis=1))
        last = outputs = states[:, -1]
        if mask is not None:
            # As in Keras's scan: zeros before the first step that is not masked.
            started = ops.cumsum(ops.cast(real, "int32"), axis=1) > 0
            shown = real if self.zero_output_for_mask else started
            states = ops.where(shown, states, ops.zeros_like(states))
            outputs = states[:, -1]
        return outputs, states, [last]


@keras.saving.register_keras_serializable("birnn_zoo")
class MeanOverTime(keras.layers.Layer):
    """The mean over the steps that are not masked.

    Unlike `keras.layers.GlobalAveragePooling1D`, it does not divide by zero where all are masked.

    Call arguments:
        sequences: [batch, time, features].
        mask: Boolean [batch, time]; None to average over all steps.

    Returns:
        [batch, features]; zeros where all steps are masked.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, sequences, mask=None):
        if mask is None:
            return ops.mean(sequences, axis=1)
        real = ops.expand_dims(ops.cast(mask, sequences.dtype), axis=-1)
        return ops.sum(sequences * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)

    def compute_mask(self, sequences, mask=None):
        return None  # the output has no time axis

    def compute_output_shape(self, sequences_shape, mask_shape=None):
        return sequences_shape[0], sequences_shape[2]


def output_size(cell) -> int:
    """Width of a cell's output, by default that of its first state."""
    return getattr(cell, "output_size", None) or keras.tree.flatten(cell.state_size)[0]


def _takes_training(cell) -> bool:
    return "training" in inspect.signature(cell.call).parameters


def _as_list(states) -> list:
    """States, or their sizes, as a list; a cell with one state may return it bare."""
    return list(states) if isinstance(states, (list, tuple)) else [states]


class _Step:
    """Wraps a function of inputs and states as a cell.

    Args:
        cell: The cell.
        function: The cell's step, or the whole cell.
        kept: Dropout mask, by which the previous output is multiplied; None for no dropout.
    """

    def __init__(self, cell, function, kept=None):
        self.function, self.kept = function, kept
        self.state_size = cell.state_size
        self.output_size = output_size(cell)

    def call(self, inputs, states):
        if self.kept is not None:
            states = [states[0] * self.kept, *states[1:]]
        return self.function(inputs, states)

    __call__ = call


class _WithOutput:
    """A cell with its last output as an additional first state."""

    def __init__(self, cell):
        self.cell = cell
        self.state_size = [cell.output_size, *_as_list(cell.state_size)]
        self.output_size = cell.output_size

    def call(self, inputs, states):
        output, new_states = self.cell(inputs, list(states)[1:])
        return output, [output, *_as_list(new_states)]

    __call__ = call
