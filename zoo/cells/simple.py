"""The simple recurrent cell (Elman 1990)."""

import keras
from keras import ops

from zoo.cells.base import Cell


@keras.saving.register_keras_serializable("birnn_zoo")
class SimpleRNNCell(Cell):
    """Simple recurrent cell.

        h' = tanh(x W + h U + b)

    Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Weights: `kernel` W [inputs, units], `recurrent_kernel` U [units, units],
    `bias` b [units]; units · (inputs + units + 1) parameters.
    """

    def step(self, projected, states):
        (h,) = states
        h = ops.tanh(projected + ops.matmul(h, self.recurrent_kernel))
        return h, [h]
