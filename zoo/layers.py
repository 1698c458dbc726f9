"""The scan of a cell over a sequence."""

import keras
from keras import ops

from zoo.cells.linear import LinearCell, linear_scan


@keras.saving.register_keras_serializable("birnn_zoo")
class Recurrent(keras.layers.RNN):
    """Runs a cell over a sequence, with the part that needs no state computed in one product.

    `keras.layers.RNN`, arguments, masks and all, for cells with the zoo's contract (`project` and
    `step`, see `zoo.cells.Cell`); a cell that has only `call` is scanned by `call`, and a
    `zoo.cells.LinearCell` is not scanned at all, since its steps are computed together. In
    `keras.layers.Bidirectional` it works as a built-in layer does.

    Call arguments:
        sequences: [batch, time, features].
        initial_state: A list of [batch, size], one for each of the cell's states; zeros if None.
        mask: Boolean [batch, time]; a step where it is False leaves the states as they are.

    Returns:
        The last output [batch, output_size], or all of them [batch, time, output_size] with
        `return_sequences`; then the last states with `return_state`. With `go_backwards` the
        sequence is read from its end, and the outputs come in the order they were computed.
    """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not hasattr(self.cell, "step"):
            return super().inner_loop(sequences, initial_state, mask, training)
        if isinstance(self.cell, LinearCell):
            return self._all_steps(self.cell.project(sequences), initial_state, mask)
        # Keras's own scan, over the cell's step instead of the whole cell.
        scan = keras.layers.RNN(
            _Step(self.cell),
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            unroll=self.unroll,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return scan.inner_loop(self.cell.project(sequences), initial_state, mask, training)

    def _all_steps(self, projected, initial_state, mask):
        if self.go_backwards:
            projected = ops.flip(projected, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        a, b = self.cell.coefficients(projected)
        if mask is not None:
            # A step that is skipped is h' = 1 ∘ h + 0.
            real = ops.expand_dims(mask, axis=-1)
            a, b = ops.where(real, a, ops.ones_like(a)), ops.where(real, b, ops.zeros_like(b))
        (state,) = initial_state
        first = a[:, :1] * ops.expand_dims(state, axis=1) + b[:, :1]
        states = linear_scan(a, ops.concatenate([first, b[:, 1:]], axis=1))
        last = states[:, -1]
        if mask is not None and self.zero_output_for_mask:
            states = ops.where(real, states, ops.zeros_like(states))
        return last, states, [last]


class _Step:
    """A cell's step, as a cell whose inputs are projected already."""

    def __init__(self, cell):
        self.call = cell.step
        self.state_size = cell.state_size
        self.output_size = cell.output_size

    def __call__(self, projected, states):
        return self.call(projected, states)
