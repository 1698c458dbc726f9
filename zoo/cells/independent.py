"""Cells without a recurrent matrix product: a unit sees no other unit of the previous step."""

import math

import keras
from keras import ops

from zoo.cells.base import Cell


@keras.saving.register_keras_serializable("birnn_zoo")
class IndRNNCell(Cell):
    """Independently recurrent cell: each unit sees only its own previous output.

        h' = max(x W + u ∘ h + b, 0)

    Li, Li, Cook, Zhu & Gao, "Independently recurrent neural network (IndRNN)", CVPR 2018. With
    weights above 1, the state could grow without bounds in a long text, so training keeps |u| ≤ 1;
    u is initially between 0 and 1.

    Weights: `kernel` W [inputs, units], `recurrent_kernel` u [1, units], `bias` b [units];
    units · (inputs + 2) parameters. State: h [batch, units].
    """

    def build(self, input_shape):
        self.kernel = self.add_kernel(input_shape[-1], self.units)
        self.recurrent_kernel = self.add_weight(
            shape=(1, self.units),
            initializer=keras.initializers.RandomUniform(0, 1),
            constraint=keras.constraints.MaxNorm(1, axis=0),
            name="recurrent_kernel",
        )
        self.bias = self.add_bias()

    def step(self, projected, states):
        (h,) = states
        h = ops.relu(projected + self.recurrent_kernel * h)
        return h, [h]


@keras.saving.register_keras_serializable("birnn_zoo")
class SRUCell(Cell):
    """Simple recurrent unit: gates with peepholes, and a highway connection around the cell.

        f = σ(x W_f + v_f ∘ c + b_f)
        r = σ(x W_r + v_r ∘ c + b_r)
        c' = f ∘ c + (1 − f) ∘ x W_c
        h' = r ∘ c' + (1 − r) ∘ √3 x W_h

    Lei, Zhang, Wang, Dai & Artzi, "Simple recurrent units for highly parallelizable recurrence",
    EMNLP 2018; √3 is their scaling for a bias of 0. If there are as many inputs as units, the
    highway is x itself, without W_h.

    Weights, in the order c, f, r, h: `kernel` W [inputs, 4·units], or 3·units; `peephole_kernel`
    [2, units] with the rows v_f, v_r; `bias` [2·units], b_f and b_r.
    units · (4 · inputs + 4) parameters, or units · (3 · inputs + 4).
    State: c [batch, units].
    """

    gates = peepholes = "fr"  # those of the bias; the kernel also has c and h

    def build(self, input_shape):
        self.highway = input_shape[-1] == self.units
        self.kernel = self.add_kernel(input_shape[-1], (3 if self.highway else 4) * self.units)
        self.peephole_kernel = self.add_peepholes("glorot_uniform")
        self.bias = self.add_bias()

    def project(self, inputs):
        product = ops.matmul(inputs, self.kernel)
        return ops.concatenate([product, inputs], axis=-1) if self.highway else product

    def step(self, projected, states):
        (c,) = states
        v_f, v_r = self.peephole_kernel[0], self.peephole_kernel[1]
        b_f, b_r = ops.split(self.bias, 2)
        new, f, r, x = ops.split(projected, 4, axis=-1)
        f = ops.sigmoid(f + v_f * c + b_f)
        r = ops.sigmoid(r + v_r * c + b_r)
        c = f * c + (1 - f) * new
        h = r * c + (1 - r) * math.sqrt(3) * x
        return h, [c]


@keras.saving.register_keras_serializable("birnn_zoo")
class QRNNCell(Cell):
    """Quasi-recurrent cell: gates from this input and the previous one, with "fo" pooling.

        g = tanh(x⁻ V_g + x W_g + b_g)              x⁻ is the previous input, initially zero
        f = σ(x⁻ V_f + x W_f + b_f)
        o = σ(x⁻ V_o + x W_o + b_o)
        c' = f ∘ c + (1 − f) ∘ g
        h' = o ∘ c'

    Bradbury, Merity, Xiong & Socher, "Quasi-recurrent neural networks", ICLR 2017: a convolution
    over two inputs. The state has the previous input multiplied by V.

    Weights, in the order g, f, o: `kernel` W and `previous_kernel` V [inputs, 3·units], `bias` b
    [3·units]; 3 · units · (2 · inputs + 1) parameters.
    States: c [batch, units] and x⁻ V [batch, 3·units].
    """

    gates = "gfo"

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.state_size = [units, self.width]

    def build(self, input_shape):
        features = input_shape[-1]
        self.kernel = self.add_kernel(features, self.width)
        self.previous_kernel = self.add_kernel(features, self.width, name="previous_kernel")
        self.bias = self.add_bias()

    def project(self, inputs):
        current = super().project(inputs)
        return ops.concatenate([current, ops.matmul(inputs, self.previous_kernel)], axis=-1)

    def step(self, projected, states):
        c, previous = states
        current, following = ops.split(projected, 2, axis=-1)
        g, f, o = ops.split(current + previous, 3, axis=-1)
        f = ops.sigmoid(f)
        c = f * c + (1 - f) * ops.tanh(g)
        return ops.sigmoid(o) * c, [c, following]
