"""The gated recurrent unit, in its two forms."""

import keras
from keras import ops

from zoo.cells.base import Cell


@keras.saving.register_keras_serializable("birnn_zoo")
class GRUCell(Cell):
    """Gated recurrent unit, with the reset gate applied after the recurrent product.

        z = σ(x W_z + h U_z + b_z)                  update gate
        r = σ(x W_r + h U_r + b_r)                  reset gate
        g = tanh(x W_g + r ∘ (h U_g + d) + b_g)     candidate
        h' = z ∘ h + (1 − z) ∘ g

    Cho et al., "Learning phrase representations using RNN encoder–decoder", EMNLP 2014, in
    the form of cuDNN, PyTorch and `keras.layers.GRU`: one recurrent product per step.

    Weights, gates in the order z, r, g: `kernel` W [inputs, 3·units], `recurrent_kernel`
    U [units, 3·units], `bias` b [3·units], `recurrent_bias` d [units].
    3 · units · (inputs + units + 1) + units parameters. State: h [batch, units].
    """

    gates = "zrg"

    def build(self, input_shape):
        super().build(input_shape)
        self.recurrent_bias = self.add_bias((self.units, 0.0), name="recurrent_bias")

    def step(self, projected, states):
        (h,) = states
        x_z, x_r, x_g = ops.split(projected, 3, axis=-1)
        u_z, u_r, u_g = ops.split(ops.matmul(h, self.recurrent_kernel), 3, axis=-1)
        z = ops.sigmoid(x_z + u_z)
        r = ops.sigmoid(x_r + u_r)
        g = ops.tanh(x_g + r * (u_g + self.recurrent_bias))
        h = z * h + (1 - z) * g
        return h, [h]


@keras.saving.register_keras_serializable("birnn_zoo")
class ResetBeforeGRUCell(Cell):
    """Textbook gated recurrent unit, with the reset gate applied before the recurrent product.

        z = σ(x W_z + h U_z + b_z)
        r = σ(x W_r + h U_r + b_r)
        g = tanh(x W_g + (r ∘ h) U_g + b_g)
        h' = (1 − z) ∘ h + z ∘ g

    Cho et al., "Learning phrase representations using RNN encoder–decoder", EMNLP 2014, with z as
    in Chung, Gulcehre, Cho & Bengio, "Empirical evaluation of gated recurrent neural networks on
    sequence modeling", 2014. Cho et al. and `keras.layers.GRU(reset_after=False)` swap z and 1 − z:
    since 1 − σ(a) = σ(−a), that is the same model with W_z, U_z and b_z negated (see
    `zoo.cells.as_cell`).

    Weights as in `GRUCell`, without `recurrent_bias`.
    3 · units · (inputs + units + 1) parameters. State: h [batch, units].
    """

    gates = "zrg"

    def step(self, projected, states):
        (h,) = states
        n = self.units
        x_z, x_r, x_g = ops.split(projected, 3, axis=-1)
        u_z, u_r = ops.split(ops.matmul(h, self.recurrent_kernel[:, : 2 * n]), 2, axis=-1)
        z = ops.sigmoid(x_z + u_z)
        r = ops.sigmoid(x_r + u_r)
        g = ops.tanh(x_g + ops.matmul(r * h, self.recurrent_kernel[:, 2 * n :]))
        h = (1 - z) * h + z * g
        return h, [h]
