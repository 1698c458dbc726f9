"""The cell found by neural architecture search."""

import keras
from keras import ops

from zoo.cells.base import MemoryCell


@keras.saving.register_keras_serializable("birnn_zoo")
class NASCell(MemoryCell):
    """Cell found by neural architecture search.

    With k = 0 … 7, x_k = x W_k and h_k = h U_k:

        t_0 = tanh(tanh(σ(x_0 + h_0) ∘ max(x_1 + h_1, 0)) + c)
        t_1 = tanh(σ(x_2 + h_2) + max(x_3 ∘ h_3, 0))
        t_2 = tanh(tanh(x_4 + h_4) ∘ σ(x_5 + h_5))
        t_3 = σ(tanh(x_6 + h_6) + σ(x_7 + h_7))
        c' = t_0 ∘ t_1
        h' = tanh(c' ∘ tanh(t_2 + t_3))

    Zoph & Le, "Neural architecture search with reinforcement learning", ICLR 2017; `NASCell` of
    tensorflow-addons, without its optional bias and projection.

    Weights in the order of tensorflow-addons: `recurrent_kernel` U [units, 8·units], `kernel` W
    [inputs, 8·units]; 8 · units · (inputs + units) parameters.
    States: h and c, [batch, units] each; tensorflow-addons has c first.
    """

    gates = "01234567"

    def build(self, input_shape):
        # Glorot uniform, as the kernel.
        self.recurrent_kernel = self.add_kernel(self.units, self.width, name="recurrent_kernel")
        self.kernel = self.add_kernel(input_shape[-1], self.width)

    def project(self, inputs):
        return ops.matmul(inputs, self.kernel)

    def step(self, projected, states):
        h, c = states
        x = ops.split(projected, 8, axis=-1)
        h = ops.split(ops.matmul(h, self.recurrent_kernel), 8, axis=-1)
        t_0 = ops.tanh(ops.sigmoid(x[0] + h[0]) * ops.relu(x[1] + h[1]))
        t_0 = ops.tanh(t_0 + c)
        t_1 = ops.tanh(ops.sigmoid(x[2] + h[2]) + ops.relu(x[3] * h[3]))
        t_2 = ops.tanh(ops.tanh(x[4] + h[4]) * ops.sigmoid(x[5] + h[5]))
        t_3 = ops.sigmoid(ops.tanh(x[6] + h[6]) + ops.sigmoid(x[7] + h[7]))
        c = t_0 * t_1
        h = ops.tanh(c * ops.tanh(t_2 + t_3))
        return h, [h, c]
