"""What every recurrent cell of the zoo has in common."""

import keras
from keras import ops


class Cell(keras.layers.Layer):
    """One time step of a recurrent layer, in two parts.

    `project(inputs)` is all that does not depend on the state. It accepts
    `[..., features]`, so a scan computes it for every time step in one matrix product.
    `step(projected, states)` is what is left, for one time step: `projected` is
    `[batch, ...]`, `states` a list of `[batch, size]` with the sizes of `state_size`; it
    returns the output `[batch, output_size]` and the new states.

    A subclass gives both, and its weights in `build`. `call` joins them, so that a cell
    also runs in `keras.layers.RNN`.

    Args:
        units: Width of the state, a positive integer.

    Raises:
        ValueError: If `units` is not a positive integer.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(units, int) or isinstance(units, bool) or units < 1:
            raise ValueError(
                f"{type(self).__name__}: units must be a positive integer, not {units!r}."
            )
        self.units = units
        self.state_size = [units]
        self.output_size = units

    def project(self, inputs):
        raise NotImplementedError

    def step(self, projected, states):
        raise NotImplementedError

    def call(self, inputs, states):
        return self.step(self.project(inputs), states)

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, size), self.compute_dtype) for size in self.state_size]

    def get_config(self):
        return {**super().get_config(), "units": self.units}

    def add_kernel(self, inputs, outputs, name="kernel"):
        """Weights `[inputs, outputs]` of what enters the cell, Glorot uniform."""
        return self.add_weight(shape=(inputs, outputs), initializer="glorot_uniform", name=name)

    def add_recurrent_kernel(self, inputs, outputs, name="recurrent_kernel"):
        """Weights `[inputs, outputs]` of a state, orthogonal."""
        return self.add_weight(shape=(inputs, outputs), initializer="orthogonal", name=name)

    def add_bias(self, *parts, name="bias"):
        """One bias vector for several gates, each part a pair (size, initial value)."""

        def initial(shape, dtype=None):
            return ops.concatenate([ops.full((size,), value, dtype) for size, value in parts])

        return self.add_weight(
            shape=(sum(size for size, _ in parts),), initializer=initial, name=name
        )


class MemoryCell(Cell):
    """A cell whose memory is not its output: states h, the output, and c, [batch, units] each."""

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.state_size = [units, units]
