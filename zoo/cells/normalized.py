"""Cells with layer normalisation, as in tensorflow-addons."""

import keras
from keras import ops

from zoo.cells.lstm import LSTMCell
from zoo.cells.simple import SimpleRNNCell


def layer_norm(z, epsilon):
    """(z − mean) / √(variance + epsilon), over the last axis."""
    dtype = keras.backend.standardize_dtype(z.dtype)
    if dtype in ("float16", "bfloat16"):  # epsilon would be 0, and squares could overflow
        z = ops.cast(z, "float32")
    z = z - ops.mean(z, axis=-1, keepdims=True)
    z = z / ops.sqrt(ops.mean(ops.square(z), axis=-1, keepdims=True) + epsilon)
    return ops.cast(z, dtype)


@keras.saving.register_keras_serializable("birnn_zoo")
class LayerNormLSTMCell(LSTMCell):
    """LSTM with layer normalisation of the gates' inputs and of the cell state.

        [i, f, g, o] = N_x(x W) + N_h(h U) + b      each N over all four gates together
        c' = N_c(σ(f) ∘ c + σ(i) ∘ tanh(g))
        h' = σ(o) ∘ tanh(c')
        N(z) = γ ∘ (z − mean(z)) / √(variance(z) + 1e-3) + β

    Ba, Kiros & Hinton, "Layer normalization", 2016; `LayerNormLSTMCell` of tensorflow-addons,
    which uses the normalised c' as the state.

    Weights in the order of tensorflow-addons, gates in the order i, f, g, o: those of `LSTMCell`;
    γ and β of N_x [4·units], of N_h [4·units] and of N_c [units].
    4 · units · (inputs + units + 1) + 18 · units parameters.
    States: h and c, [batch, units] each.
    """

    epsilon = 1e-3

    def build(self, input_shape):
        super().build(input_shape)
        sizes = {"kernel": self.width, "recurrent": self.width, "state": self.units}
        self.norms = {
            name: (
                self.add_weight(shape=(size,), initializer="ones", name=f"{name}_norm_gamma"),
                self.add_weight(shape=(size,), initializer="zeros", name=f"{name}_norm_beta"),
            )
            for name, size in sizes.items()
        }

    def normalize(self, name, z):
        """Applies the normalisation N with the weights of that name."""
        gamma, beta = self.norms[name]
        return gamma * layer_norm(z, self.epsilon) + beta

    def project(self, inputs):
        return self.normalize("kernel", ops.matmul(inputs, self.kernel)) + self.bias

    def step(self, projected, states):
        h, c = states
        recurrent = self.normalize("recurrent", ops.matmul(h, self.recurrent_kernel))
        i, f, g, o = ops.split(projected + recurrent, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        c = self.normalize("state", c)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class LayerNormSimpleRNNCell(SimpleRNNCell):
    """Simple recurrent cell with layer normalisation.

        h' = tanh(γ ∘ N(x W + h U) + b)
        N(z) = (z − mean(z)) / √(variance(z) + 1e-5)

    Ba, Kiros & Hinton, "Layer normalization", 2016, equation 4; `LayerNormSimpleRNNCell` of
    tensorflow-addons.

    Weights in the order of tensorflow-addons: those of `SimpleRNNCell`, and `norm_scale` γ
    [units]; units · (inputs + units + 2) parameters. State: h [batch, units].
    """

    epsilon = 1e-5

    def build(self, input_shape):
        super().build(input_shape)
        self.norm_scale = self.add_weight(
            shape=(self.units,), initializer="ones", name="norm_scale"
        )

    def project(self, inputs):
        return ops.matmul(inputs, self.kernel)  # the bias comes after the normalisation

    def step(self, projected, states):
        (h,) = states
        z = layer_norm(projected + ops.matmul(h, self.recurrent_kernel), self.epsilon)
        h = ops.tanh(self.norm_scale * z + self.bias)
        return h, [h]
