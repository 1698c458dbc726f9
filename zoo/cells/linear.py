"""Cells whose gates see only the input, so that the state is linear in the previous state.

All steps can therefore be computed in parallel, see `linear_scan`.
"""

import keras
from keras import ops

from zoo.cells.base import Cell


class LinearCell(Cell):
    """A cell with h' = a ∘ h + b, where a and b do not depend on the state.

    A subclass sets `gates` and implements `coefficients(projected)`, which returns the pair (a, b)
    for `[..., projected]`. The output is the state.
    """

    def build(self, input_shape):
        self.kernel = self.add_kernel(input_shape[-1], self.width)
        self.bias = self.add_bias()

    def coefficients(self, projected):
        raise NotImplementedError

    def step(self, projected, states):
        (h,) = states
        a, b = self.coefficients(projected)
        h = a * h + b
        return h, [h]


@keras.saving.register_keras_serializable("birnn_zoo")
class MinGRUCell(LinearCell):
    """Minimal GRU, whose gate and candidate see only the input.

        z = σ(x W_z + b_z)
        g = x W_g + b_g
        h' = (1 − z) ∘ h + z ∘ g

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, "Were RNNs all we needed?", 2024.

    Weights, in the order z, g: `kernel` W [inputs, 2·units], `bias` b [2·units];
    2 · units · (inputs + 1) parameters. State: h [batch, units].
    """

    gates = "zg"

    def coefficients(self, projected):
        z, g = ops.split(projected, 2, axis=-1)
        z = ops.sigmoid(z)
        return 1 - z, z * g


@keras.saving.register_keras_serializable("birnn_zoo")
class MinLSTMCell(LinearCell):
    """Minimal LSTM, whose gates and candidate see only the input.

        f = σ(x W_f + b_f)
        i = σ(x W_i + b_i)
        g = x W_g + b_g
        h' = f / (f + i) ∘ h + i / (f + i) ∘ g

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, "Were RNNs all we needed?", 2024. The forget
    gate's bias is initially 1, as they recommend.

    Weights, in the order f, i, g: `kernel` W [inputs, 3·units], `bias` b [3·units];
    3 · units · (inputs + 1) parameters. State: h [batch, units].
    """

    gates = "fig"
    forget_bias = 1.0

    def coefficients(self, projected):
        f, i, g = ops.split(projected, 3, axis=-1)
        # f / (f + i) = σ(log f − log i), which is also defined when both gates are 0.
        f = ops.sigmoid(_log_sigmoid(f) - _log_sigmoid(i))
        return f, (1 - f) * g


def _log_sigmoid(x):
    """Log σ(x), stable for every x, with operators that every runtime has."""
    return ops.minimum(x, 0) - ops.log(1 + ops.exp(-ops.abs(x)))


def linear_scan(a, b):
    """Computes all states of h' = a ∘ h + b from h = 0 in parallel.

    Two consecutive steps are one step of the same form, with a₂ ∘ a₁ and a₂ ∘ b₁ + b₂. So each step
    is combined with the one before it, then with those 2, 4, 8, … before it, and after ⌈log₂ time⌉
    rounds with all of them (Hillis & Steele, "Data parallel algorithms", CACM 29, 1986).

    Args:
        a: [batch, time, units].
        b: [batch, time, units].

    Returns:
        [batch, time, units], the states after each step.
    """
    batch, time, units = ops.shape(a)

    def unfinished(distance, a, b):
        return distance < time

    def combine(distance, a, b):
        zeros = ops.zeros((batch, distance, units), b.dtype)
        earlier_a = ops.concatenate([zeros, a[:, : time - distance]], axis=1)
        earlier_b = ops.concatenate([zeros, b[:, : time - distance]], axis=1)
        return distance * 2, earlier_a * a, earlier_b * a + b

    if isinstance(time, int):
        distance = 1
        while unfinished(distance, a, b):
            distance, a, b = combine(distance, a, b)
        return b
    # TensorFlow traces sequences of unknown length.
    return ops.while_loop(unfinished, combine, (ops.ones((), "int32"), a, b))[2]
