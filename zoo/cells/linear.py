"""Cells whose gates see the input only: the state is linear in the state before.

So all steps can be computed at once: see `linear_scan`.
"""

import keras
from keras import ops

from zoo.cells.base import Cell


class LinearCell(Cell):
    """A cell with h' = a ∘ h + b, where a and b do not depend on the state.

    A subclass names its `gates` and gives `coefficients(projected)`, the pair (a, b) for
    `[..., projected]`; its output is its state.
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
    """Minimal GRU, whose gate and candidate see the input only.

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
    """Minimal LSTM, whose gates and candidate see the input only.

        f = σ(x W_f + b_f)
        i = σ(x W_i + b_i)
        g = x W_g + b_g
        h' = f / (f + i) ∘ h + i / (f + i) ∘ g

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, "Were RNNs all we needed?", 2024. The forget
    gate's bias starts at 1, as they advise.

    Weights, in the order f, i, g: `kernel` W [inputs, 3·units], `bias` b [3·units];
    3 · units · (inputs + 1) parameters. State: h [batch, units].
    """

    gates = "fig"
    forget_bias = 1.0

    def coefficients(self, projected):
        f, i, g = ops.split(projected, 3, axis=-1)
        # f / (f + i) = σ(log f − log i), which is a number when both gates are shut, too.
        f = ops.sigmoid(_log_sigmoid(f) - _log_sigmoid(i))
        return f, (1 - f) * g


def _log_sigmoid(x):
    """Log σ(x), for every x; by operators that every runtime has."""
    return ops.minimum(x, 0) - ops.log(1 + ops.exp(-ops.abs(x)))


def linear_scan(a, b):
    """All states of h' = a ∘ h + b from h = 0, every step at once.

    Two steps that follow each other are one step of the same kind, with a₂ ∘ a₁ and a₂ ∘ b₁ + b₂.
    So each step joins the one before it, then what stands 2, 4, 8, … before it, and after
    ⌈log₂ time⌉ rounds it has joined all of them (Hillis & Steele, "Data parallel algorithms",
    CACM 29, 1986).

    Args:
        a: [batch, time, units].
        b: [batch, time, units].

    Returns:
        [batch, time, units], the states after each step.
    """
    batch, time, units = ops.shape(a)

    def unfinished(distance, a, b):
        return distance < time

    def join(distance, a, b):
        nothing = ops.zeros((batch, distance, units), b.dtype)
        before_a = ops.concatenate([nothing, a[:, : time - distance]], axis=1)
        before_b = ops.concatenate([nothing, b[:, : time - distance]], axis=1)
        return distance * 2, before_a * a, before_b * a + b

    if isinstance(time, int):
        distance = 1
        while unfinished(distance, a, b):
            distance, a, b = join(distance, a, b)
        return b
    # TensorFlow traces texts of any length.
    return ops.while_loop(unfinished, join, (ops.ones((), "int32"), a, b))[2]
