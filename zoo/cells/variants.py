"""LSTM cells with one part changed: fewer weights, or normalised gates."""

import keras
from keras import ops

from zoo.cells.base import MemoryCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.normalized import layer_norm


@keras.saving.register_keras_serializable("birnn_zoo")
class CoupledLSTMCell(MemoryCell):
    """LSTM with coupled input and forget gates: the input gate is 1 − f.

        f = σ(x W_f + h U_f + p_f ∘ c + b_f)
        g = tanh(x W_g + h U_g + b_g)
        c' = f ∘ c + (1 − f) ∘ g
        o = σ(x W_o + h U_o + p_o ∘ c' + b_o)
        h' = o ∘ tanh(c')

    "CIFG" in Greff et al., "LSTM: a search space odyssey", IEEE TNNLS 28, 2017, who have the
    peepholes p; here they are optional.

    Weights, gates in the order f, g, o: `kernel` W [inputs, 3·units], `recurrent_kernel`
    U [units, 3·units], `bias` b [3·units], initially 1 for f; with peepholes `peephole_kernel`
    [2, units] with the rows p_f, p_o, initially zero.
    3 · units · (inputs + units + 1) parameters, plus 2 · units with peepholes.
    States: h and c, [batch, units] each.

    Args:
        units: Width of the states, a positive integer.
        peephole: Whether each gate sees its own cell state.
    """

    gates, peepholes = "fgo", "fo"
    forget_bias = 1.0

    def __init__(self, units, peephole=False, **kwargs):
        super().__init__(units, **kwargs)
        self.peephole = bool(peephole)

    def build(self, input_shape):
        super().build(input_shape)
        if self.peephole:
            self.peephole_kernel = self.add_peepholes()

    def step(self, projected, states):
        h, c = states
        f, g, o = self.sums(projected, h)
        f = ops.sigmoid(f + self.peephole_kernel[0] * c if self.peephole else f)
        c = f * c + (1 - f) * ops.tanh(g)
        o = ops.sigmoid(o + self.peephole_kernel[1] * c if self.peephole else o)
        h = o * ops.tanh(c)
        return h, [h, c]

    def get_config(self):
        return {**super().get_config(), "peephole": self.peephole}


@keras.saving.register_keras_serializable("birnn_zoo")
class DiagonalLSTMCell(LSTMCell):
    """LSTM with diagonal recurrence: each gate unit sees only its own previous output.

        i = σ(x W_i + u_i ∘ h + b_i)
        f = σ(x W_f + u_f ∘ h + b_f)
        g = tanh(x W_g + u_g ∘ h + b_g)
        o = σ(x W_o + u_o ∘ h + b_o)
        c' = f ∘ c + i ∘ g
        h' = o ∘ tanh(c')

    Gonnet & Deselaers, "IndyLSTMs: independently recurrent LSTMs", ICASSP 2020.

    Weights, gates in the order i, f, g, o: `kernel` W [inputs, 4·units], `recurrent_kernel`
    [4, units] with the rows u_i, u_f, u_g, u_o, `bias` b [4·units].
    4 · units · (inputs + 2) parameters. States: h and c, [batch, units] each.
    """

    def build(self, input_shape):
        self.kernel = self.add_kernel(input_shape[-1], self.width)
        self.recurrent_kernel = self.add_weight(
            shape=(4, self.units), initializer="glorot_uniform", name="recurrent_kernel"
        )
        self.bias = self.add_bias()

    def step(self, projected, states):
        h, c = states
        u_i, u_f, u_g, u_o = (self.recurrent_kernel[row] for row in range(4))
        i, f, g, o = ops.split(projected, 4, axis=-1)
        c = ops.sigmoid(f + u_f * h) * c + ops.sigmoid(i + u_i * h) * ops.tanh(g + u_g * h)
        h = ops.sigmoid(o + u_o * h) * ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable("birnn_zoo")
class ProjectedLSTMCell(MemoryCell):
    """LSTM with a projected output, which is also what the gates see.

        i = σ(x W_i + r U_i + b_i)
        f = σ(x W_f + r U_f + b_f)
        g = tanh(x W_g + r U_g + b_g)
        o = σ(x W_o + r U_o + b_o)
        c' = f ∘ c + i ∘ g
        r' = (o ∘ tanh(c')) P               recurrent projection, the output

    Sak, Senior & Beaufays, "Long short-term memory recurrent neural network architectures for
    large scale acoustic modeling", Interspeech 2014; `proj_size` of PyTorch's LSTM.

    Weights, gates in the order i, f, g, o: `kernel` W [inputs, 4·units], `recurrent_kernel`
    U [projection, 4·units], `bias` b [4·units], `projection_kernel` P [units, projection].
    4 · units · (inputs + projection + 1) + units · projection parameters.
    States: r [batch, projection] and c [batch, units].

    Args:
        units: Width of the cell state, a positive integer.
        projection: Width of the output, from 1 to `units`; by default half of `units`.

    Raises:
        ValueError: If `projection` is not in that range.
    """

    gates = "ifgo"
    forget_bias = 1.0

    def __init__(self, units, projection=None, **kwargs):
        super().__init__(units, **kwargs)
        projection = max(units // 2, 1) if projection is None else projection
        if not isinstance(projection, int) or not 1 <= projection <= units:
            raise ValueError(
                f"{type(self).__name__}: projection must be an integer from 1 to units ({units}), "
                f"not {projection!r}."
            )
        self.projection = self.output_size = projection
        self.state_size = [projection, units]

    def build(self, input_shape):
        super().build(input_shape)
        self.projection_kernel = self.add_kernel(
            self.units, self.projection, name="projection_kernel"
        )

    def step(self, projected, states):
        r, c = states
        i, f, g, o = self.sums(projected, r)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        r = ops.matmul(ops.sigmoid(o) * ops.tanh(c), self.projection_kernel)
        return r, [r, c]

    def get_config(self):
        return {**super().get_config(), "projection": self.projection}


@keras.saving.register_keras_serializable("birnn_zoo")
class GateNormLSTMCell(LSTMCell):
    """LSTM with layer normalisation of each gate.

        i = σ(γ_i ∘ N(x W_i + h U_i) + b_i)
        f = σ(γ_f ∘ N(x W_f + h U_f) + b_f)
        g = tanh(γ_g ∘ N(x W_g + h U_g) + b_g)
        o = σ(γ_o ∘ N(x W_o + h U_o) + b_o)
        c' = f ∘ c + i ∘ g
        h' = o ∘ tanh(c')
        N(z) = (z − mean(z)) / √(variance(z) + 1e-8), over the units of one gate

    After Ba, Kiros & Hinton, "Layer normalization", 2016, who normalise x W and h U
    separately, and the cell state too (`LayerNormLSTMCell`). This is the form of TFLite's fused
    LSTM, with its epsilon.

    Weights, gates in the order i, f, g, o: `kernel` W [inputs, 4·units], `recurrent_kernel`
    U [units, 4·units], `bias` b [4·units], `norm_scale` [4, units] with the rows γ.
    4 · units · (inputs + units + 2) parameters. States: h and c, [batch, units] each.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.norm_scale = self.add_weight(
            shape=(4, self.units), initializer="ones", name="norm_scale"
        )

    def project(self, inputs):
        return ops.matmul(inputs, self.kernel)  # the bias comes after the normalisation

    def step(self, projected, states):
        h, c = states
        z = ops.reshape(projected + ops.matmul(h, self.recurrent_kernel), (-1, 4, self.units))
        z = self.norm_scale * layer_norm(z, 1e-8) + ops.reshape(self.bias, (4, self.units))
        i, f, g, o = ops.unstack(z, 4, axis=1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]
