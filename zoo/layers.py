"""The scan of a cell over a sequence."""

import keras


@keras.saving.register_keras_serializable("birnn_zoo")
class Recurrent(keras.layers.RNN):
    """Runs a cell over a sequence, with the part that needs no state computed in one product.

    `keras.layers.RNN`, arguments, masks and all, for cells with the zoo's contract (`project` and
    `step`, see `zoo.cells.Cell`); a cell that has only `call` is scanned by `call`. In
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
        # Keras's own scan, over the cell's step instead of the whole cell.
        scan = keras.layers.RNN(
            _Step(self.cell),
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            unroll=self.unroll,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return scan.inner_loop(self.cell.project(sequences), initial_state, mask, training)


class _Step:
    """A cell's step, as a cell whose inputs are projected already."""

    def __init__(self, cell):
        self.call = cell.step
        self.state_size = cell.state_size
        self.output_size = cell.output_size

    def __call__(self, projected, states):
        return self.call(projected, states)
