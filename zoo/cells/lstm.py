"""The long short-term memory cell."""

import keras
from keras import ops

from zoo.cells.base import MemoryCell


@keras.saving.register_keras_serializable("birnn_zoo")
class LSTMCell(MemoryCell):
    """Long short-term memory with a forget gate.

        i = σ(x W_i + h U_i + b_i)          input gate
        f = σ(x W_f + h U_f + b_f)          forget gate
        g = tanh(x W_g + h U_g + b_g)       candidate
        o = σ(x W_o + h U_o + b_o)          output gate
        c' = f ∘ c + i ∘ g                  cell
        h' = o ∘ tanh(c')                   output

    Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the
    forget gate: Gers, Schmidhuber & Cummins, "Learning to forget", Neural Computation 12,
    2000. The forget gate's bias is initially 1 (Jozefowicz et al. 2015).

    Weights, gates in the order i, f, g, o: `kernel` W [inputs, 4·units],
    `recurrent_kernel` U [units, 4·units], `bias` b [4·units]; as in `keras.layers.LSTM`.
    4 · units · (inputs + units + 1) parameters. States: h and c, [batch, units] each.
    """

    gates = "ifgo"
    forget_bias = 1.0

    def step(self, projected, states):
        h, c = states
        i, f, g, o = self.sums(projected, h)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]
