"""LSTM cells whose gates see the cell state."""

import keras
from keras import ops

from zoo.cells.lstm import LSTMCell


@keras.saving.register_keras_serializable("birnn_zoo")
class PeepholeLSTMCell(LSTMCell):
    """LSTM with diagonal peepholes: each gate unit sees its own cell state.

        i = σ(x W_i + h U_i + p_i ∘ c + b_i)
        f = σ(x W_f + h U_f + p_f ∘ c + b_f)
        g = tanh(x W_g + h U_g + b_g)
        c' = f ∘ c + i ∘ g
        o = σ(x W_o + h U_o + p_o ∘ c' + b_o)       sees the new cell state
        h' = o ∘ tanh(c')

    Gers & Schmidhuber, "Recurrent nets that time and count", IJCNN 2000.

    Weights: those of `LSTMCell`, and `peephole_kernel` [3, units] with the rows
    p_i, p_f, p_o, initially zero: an untrained cell is a plain LSTM.
    4 · units · (inputs + units + 1) + 3 · units parameters.
    """

    peepholes = "ifo"

    def build(self, input_shape):
        super().build(input_shape)
        self.peephole_kernel = self.add_peepholes()

    def step(self, projected, states):
        h, c = states
        p_i, p_f, p_o = (self.peephole_kernel[row] for row in range(3))
        i, f, g, o = self.sums(projected, h)
        i = ops.sigmoid(i + p_i * c)
        f = ops.sigmoid(f + p_f * c)
        c = f * c + i * ops.tanh(g)
        h = ops.sigmoid(o + p_o * c) * ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class FullPeepholeLSTMCell(LSTMCell):
    """LSTM with full-matrix peepholes: each gate unit sees all cell states.

        i = σ(x W_i + h U_i + c V_i + b_i)
        f = σ(x W_f + h U_f + c V_f + b_f)
        g = tanh(x W_g + h U_g + b_g)
        c' = f ∘ c + i ∘ g
        o = σ(x W_o + h U_o + c* V_o + b_o)         c* is c' or c, see `output_peephole`
        h' = o ∘ tanh(c')

    The form drawn in tutorials, where every gate is a layer over [c, h, x]: Olah,
    "Understanding LSTM networks", 2015; Graves, "Generating sequences with recurrent
    neural networks", 2013, has the same equations with a diagonal V.

    Weights: those of `LSTMCell`, and `peephole_kernel` V [units, 3·units], gates in the
    order i, f, o. units · (4 · (inputs + units + 1) + 3 · units) parameters.

    Args:
        units: Width of the states, a positive integer.
        output_peephole: `"new"` if the output gate sees c', or `"previous"` if it sees c.

    Raises:
        ValueError: If `output_peephole` is neither.
    """

    def __init__(self, units, output_peephole="new", **kwargs):
        super().__init__(units, **kwargs)
        if output_peephole not in ("new", "previous"):
            raise ValueError(
                f"{type(self).__name__}: output_peephole must be 'new' (the output gate sees "
                f"the new cell state) or 'previous', not {output_peephole!r}."
            )
        self.output_peephole = output_peephole

    def build(self, input_shape):
        super().build(input_shape)
        # In the tutorials it is one matrix over [c, h, x], so V is initialised like U.
        self.peephole_kernel = self.add_recurrent_kernel(
            self.units, 3 * self.units, name="peephole_kernel"
        )

    def step(self, projected, states):
        h, c = states
        n = self.units
        i, f, g, o = self.sums(projected, h)
        if self.output_peephole == "previous":
            v_i, v_f, v_o = ops.split(ops.matmul(c, self.peephole_kernel), 3, axis=-1)
        else:
            v_i, v_f = ops.split(ops.matmul(c, self.peephole_kernel[:, : 2 * n]), 2, axis=-1)
        c = ops.sigmoid(f + v_f) * c + ops.sigmoid(i + v_i) * ops.tanh(g)
        if self.output_peephole == "new":
            v_o = ops.matmul(c, self.peephole_kernel[:, 2 * n :])
        h = ops.sigmoid(o + v_o) * ops.tanh(c)
        return h, [h, c]

    def get_config(self):
        return {**super().get_config(), "output_peephole": self.output_peephole}
