"""Ablations of the peephole LSTM (Greff et al. 2017).

K. Greff, R. K. Srivastava, J. Koutník, B. R. Steunebrink, J. Schmidhuber, "LSTM: a search space
odyssey", IEEE Transactions on Neural Networks and Learning Systems 28, 2017. The names in quotes
are theirs. "NP", without peepholes, is `zoo.cells.LSTMCell`; "CIFG" is
`zoo.cells.CoupledLSTMCell` with peepholes.
"""

import keras
from keras import ops

from zoo.cells.base import MemoryCell


class _AblatedLSTMCell(MemoryCell):
    """Weights for the remaining gates and peepholes.

    Weights, gates in the order i, f, g, o, without the removed ones: `kernel` W
    [inputs, gates·units], `recurrent_kernel` U [units, gates·units], `bias` b [gates·units], which
    is initially 1 for f; `peephole_kernel` [peepholes, units], initially zero.
    States: h and c, [batch, units] each.
    """

    gates, peepholes = "ifgo", "ifo"
    forget_bias = 1.0

    def build(self, input_shape):
        super().build(input_shape)
        self.peephole_kernel = self.add_peepholes()

    def peeps(self):
        """The peepholes, [units] each."""
        return [self.peephole_kernel[row] for row in range(len(self.peepholes))]


@keras.saving.register_keras_serializable("birnn_zoo")
class NoInputGateLSTMCell(_AblatedLSTMCell):
    """LSTM without input gate ("NIG"): the candidate is added in full.

        f = σ(x W_f + h U_f + p_f ∘ c + b_f)
        g = tanh(x W_g + h U_g + b_g)
        c' = f ∘ c + g
        o = σ(x W_o + h U_o + p_o ∘ c' + b_o)
        h' = o ∘ tanh(c')

    Greff et al. 2017. Weights, gates in the order f, g, o, peepholes in the order f, o:
    3 · units · (inputs + units + 1) + 2 · units parameters.
    States: h and c, [batch, units] each.
    """

    gates, peepholes = "fgo", "fo"

    def step(self, projected, states):
        h, c = states
        f, g, o = self.sums(projected, h)
        p_f, p_o = self.peeps()
        c = ops.sigmoid(f + p_f * c) * c + ops.tanh(g)
        h = ops.sigmoid(o + p_o * c) * ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class NoForgetGateLSTMCell(_AblatedLSTMCell):
    """LSTM without forget gate ("NFG"): the cell keeps its state, as in the original LSTM.

        i = σ(x W_i + h U_i + p_i ∘ c + b_i)
        g = tanh(x W_g + h U_g + b_g)
        c' = c + i ∘ g
        o = σ(x W_o + h U_o + p_o ∘ c' + b_o)
        h' = o ∘ tanh(c')

    Greff et al. 2017; without peepholes, Hochreiter & Schmidhuber 1997. Weights, gates in the
    order i, g, o, peepholes in the order i, o:
    3 · units · (inputs + units + 1) + 2 · units parameters.
    States: h and c, [batch, units] each.
    """

    gates, peepholes = "igo", "io"

    def step(self, projected, states):
        h, c = states
        i, g, o = self.sums(projected, h)
        p_i, p_o = self.peeps()
        c = c + ops.sigmoid(i + p_i * c) * ops.tanh(g)
        h = ops.sigmoid(o + p_o * c) * ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class NoOutputGateLSTMCell(_AblatedLSTMCell):
    """LSTM without output gate ("NOG"): the whole cell state is visible.

        i = σ(x W_i + h U_i + p_i ∘ c + b_i)
        f = σ(x W_f + h U_f + p_f ∘ c + b_f)
        g = tanh(x W_g + h U_g + b_g)
        c' = f ∘ c + i ∘ g
        h' = tanh(c')

    Greff et al. 2017. Weights, gates in the order i, f, g, peepholes in the order i, f:
    3 · units · (inputs + units + 1) + 2 · units parameters.
    States: h and c, [batch, units] each.
    """

    gates, peepholes = "ifg", "if"

    def step(self, projected, states):
        h, c = states
        i, f, g = self.sums(projected, h)
        p_i, p_f = self.peeps()
        c = ops.sigmoid(f + p_f * c) * c + ops.sigmoid(i + p_i * c) * ops.tanh(g)
        h = ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class NoInputActivationLSTMCell(_AblatedLSTMCell):
    """LSTM without input activation ("NIAF"): the candidate is linear.

        i = σ(x W_i + h U_i + p_i ∘ c + b_i)
        f = σ(x W_f + h U_f + p_f ∘ c + b_f)
        g = x W_g + h U_g + b_g
        c' = f ∘ c + i ∘ g
        o = σ(x W_o + h U_o + p_o ∘ c' + b_o)
        h' = o ∘ tanh(c')

    Greff et al. 2017. 4 · units · (inputs + units + 1) + 3 · units parameters.
    States: h and c, [batch, units] each.
    """

    def step(self, projected, states):
        h, c = states
        i, f, g, o = self.sums(projected, h)
        p_i, p_f, p_o = self.peeps()
        c = ops.sigmoid(f + p_f * c) * c + ops.sigmoid(i + p_i * c) * g
        h = ops.sigmoid(o + p_o * c) * ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class NoOutputActivationLSTMCell(_AblatedLSTMCell):
    """LSTM without output activation ("NOAF"): the output is linear in the cell state.

        i = σ(x W_i + h U_i + p_i ∘ c + b_i)
        f = σ(x W_f + h U_f + p_f ∘ c + b_f)
        g = tanh(x W_g + h U_g + b_g)
        c' = f ∘ c + i ∘ g
        o = σ(x W_o + h U_o + p_o ∘ c' + b_o)
        h' = o ∘ c'

    Greff et al. 2017. 4 · units · (inputs + units + 1) + 3 · units parameters.
    States: h and c, [batch, units] each.
    """

    def step(self, projected, states):
        h, c = states
        i, f, g, o = self.sums(projected, h)
        p_i, p_f, p_o = self.peeps()
        c = ops.sigmoid(f + p_f * c) * c + ops.sigmoid(i + p_i * c) * ops.tanh(g)
        h = ops.sigmoid(o + p_o * c) * c
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class FullGateRecurrentLSTMCell(_AblatedLSTMCell):
    """LSTM with full gate recurrence ("FGR"): the gates see all gates of the previous step.

        i' = σ(x W_i + h U_i + p_i ∘ c + i R_ii + f R_fi + o R_oi + b_i)
        f' = σ(x W_f + h U_f + p_f ∘ c + i R_if + f R_ff + o R_of + b_f)
        g = tanh(x W_g + h U_g + b_g)
        c' = f' ∘ c + i' ∘ g
        o' = σ(x W_o + h U_o + p_o ∘ c' + i R_io + f R_fo + o R_oo + b_o)
        h' = o' ∘ tanh(c')

    Greff et al. 2017. Besides the weights of an LSTM with peepholes, `gate_kernel` R
    [3·units, 3·units], from i, f, o of the previous step to i, f, o of this one:
    4 · units · (inputs + units + 1) + 3 · units + 9 · units² parameters.
    States: h, c, i, f and o, [batch, units] each.
    """

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.state_size = [units] * 5

    def build(self, input_shape):
        super().build(input_shape)
        self.gate_kernel = self.add_recurrent_kernel(
            3 * self.units, 3 * self.units, name="gate_kernel"
        )

    def step(self, projected, states):
        h, c, *gates = states
        i, f, g, o = self.sums(projected, h)
        p_i, p_f, p_o = self.peeps()
        recurrence = ops.matmul(ops.concatenate(gates, axis=-1), self.gate_kernel)
        r_i, r_f, r_o = ops.split(recurrence, 3, axis=-1)
        i = ops.sigmoid(i + p_i * c + r_i)
        f = ops.sigmoid(f + p_f * c + r_f)
        c = f * c + i * ops.tanh(g)
        o = ops.sigmoid(o + p_o * c + r_o)
        h = o * ops.tanh(c)
        return h, [h, c, i, f, o]
