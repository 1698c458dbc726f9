"""Gated cells with fewer gates than a GRU."""

import keras
from keras import ops

from zoo.cells.base import Cell
from zoo.cells.normalized import layer_norm


@keras.saving.register_keras_serializable("birnn_zoo")
class MGUCell(Cell):
    """Minimal gated unit: a single gate resets and updates.

        f = σ(x W_f + h U_f + b_f)
        g = tanh(x W_g + (f ∘ h) U_g + b_g)
        h' = (1 − f) ∘ h + f ∘ g

    Zhou, Wu, Zhang & Zhou, "Minimal gated unit for recurrent neural networks", International
    Journal of Automation and Computing 13, 2016.

    Weights, in the order f, g: `kernel` W [inputs, 2·units], `recurrent_kernel` U
    [units, 2·units], `bias` b [2·units]; 2 · units · (inputs + units + 1) parameters.
    State: h [batch, units].
    """

    gates = "fg"

    def step(self, projected, states):
        (h,) = states
        n = self.units
        x_f, x_g = ops.split(projected, 2, axis=-1)
        f = ops.sigmoid(x_f + ops.matmul(h, self.recurrent_kernel[:, :n]))
        g = ops.tanh(x_g + ops.matmul(f * h, self.recurrent_kernel[:, n:]))
        h = (1 - f) * h + f * g
        return h, [h]


@keras.saving.register_keras_serializable("birnn_zoo")
class UGRNNCell(Cell):
    """Update gate RNN: a simple cell with an update gate.

        f = σ(x W_f + h U_f + b_f)
        g = tanh(x W_g + h U_g + b_g)
        h' = f ∘ h + (1 − f) ∘ g

    Collins, Sohl-Dickstein & Sussillo, "Capacity and trainability in recurrent neural networks",
    ICLR 2017. The gate's bias is initially 1.

    Weights as in `MGUCell`. State: h [batch, units].
    """

    gates = "fg"
    forget_bias = 1.0

    def step(self, projected, states):
        (h,) = states
        f, g = self.sums(projected, h)
        f = ops.sigmoid(f)
        h = f * h + (1 - f) * ops.tanh(g)
        return h, [h]


@keras.saving.register_keras_serializable("birnn_zoo")
class JANETCell(Cell):
    """LSTM with only a forget gate ("just another network").

        s = x W_f + h U_f + b_f
        g = tanh(x W_g + h U_g + b_g)
        h' = σ(s) ∘ h + (1 − σ(s − 1)) ∘ g

    van der Westhuizen & Lasenby, "The unreasonable effectiveness of the forget gate", 2018. Their
    chrono initialisation: b_f is initially log u, with u drawn from 1 to `longest` − 1, the number
    of steps over which a unit forgets (Tallec & Ollivier, "Can recurrent neural networks warp
    time?", ICLR 2018).

    Weights as in `MGUCell`. State: h [batch, units].

    Args:
        units: Width of the state, a positive integer.
        longest: Number of steps that the slowest unit remembers, at least 3.

    Raises:
        ValueError: If `longest` is below 3.
    """

    gates = "fg"

    def __init__(self, units, longest=100, **kwargs):
        super().__init__(units, **kwargs)
        if not isinstance(longest, int) or longest < 3:
            raise ValueError(
                f"{type(self).__name__}: longest must be an integer of at least 3, the number of "
                f"steps to remember, not {longest!r}."
            )
        self.longest = longest

    def forget_bias(self, shape, dtype=None):
        """Chrono initialisation."""
        return ops.log(keras.initializers.RandomUniform(1, self.longest - 1)(shape, dtype))

    def step(self, projected, states):
        (h,) = states
        s, g = self.sums(projected, h)
        h = ops.sigmoid(s) * h + (1 - ops.sigmoid(s - 1)) * ops.tanh(g)
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "longest": self.longest}


@keras.saving.register_keras_serializable("birnn_zoo")
class LightGRUCell(Cell):
    """Light gated recurrent unit: no reset gate, a rectified candidate.

        [a_z, a_g] = γ ∘ N(x W) + β         N over both together
        z = σ(a_z + h U_z)
        g = max(a_g + h U_g, 0)
        h' = z ∘ h + (1 − z) ∘ g
        N(a) = (a − mean(a)) / √(variance(a) + 1e-5)

    Ravanelli, Brakel, Omologo & Bengio, "Light gated recurrent units for speech recognition", IEEE
    Transactions on Emerging Topics in Computational Intelligence 2, 2018. They normalise over the
    batch; this cell uses layer normalisation, which SpeechBrain's LiGRU offers too, so that the
    output for a text does not depend on its batch.

    Weights, in the order z, g: `kernel` W [inputs, 2·units], `recurrent_kernel` U
    [units, 2·units], `norm_scale` γ and `bias` β [2·units].
    2 · units · (inputs + units + 2) parameters. State: h [batch, units].
    """

    gates = "zg"

    def build(self, input_shape):
        self.kernel = self.add_kernel(input_shape[-1], self.width)
        self.recurrent_kernel = self.add_recurrent_kernel(self.units, self.width)
        self.norm_scale = self.add_weight(
            shape=(self.width,), initializer="ones", name="norm_scale"
        )
        self.bias = self.add_bias()

    def project(self, inputs):
        return self.norm_scale * layer_norm(ops.matmul(inputs, self.kernel), 1e-5) + self.bias

    def step(self, projected, states):
        (h,) = states
        z, g = self.sums(projected, h)
        z = ops.sigmoid(z)
        h = z * h + (1 - z) * ops.relu(g)
        return h, [h]
