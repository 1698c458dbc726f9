"""Base classes of the recurrent cells."""

from collections.abc import Callable

import keras
from keras import ops


class Cell(keras.layers.Layer):
    """One time step of a recurrent layer, in two parts.

    `project(inputs)` computes everything that does not depend on the state. It accepts
    `[..., features]`, so a scan computes it for all time steps in one matrix product.
    `step(projected, states)` computes the rest for one time step: `projected` is
    `[batch, ...]`, and `states` a list of `[batch, size]` with the sizes of `state_size`. It
    returns the output `[batch, output_size]` and the new states.

    `call` combines both, so that a cell also runs in `keras.layers.RNN`.

    A subclass with the usual weights, x W + h U + b, sets `gates` and implements `step`. One with
    additional weights also overrides `build`; one with other weights overrides `build` and
    `project`.

    Args:
        units: Width of the state, a positive integer.

    Attributes:
        gates: The parts of W, U and b, `units` columns each, in the order of the weights: one
            letter each, as in the equations. `g` is the candidate, which is not a gate.
        peepholes: The gates with a row in `peephole_kernel`, in the order of the rows.
        forget_bias: Initial bias of gate f: a number or an initializer.

    Raises:
        ValueError: If `units` is not a positive integer.
    """

    gates: str = "g"
    peepholes: str = ""
    forget_bias: float | Callable = 0.0

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(units, int) or isinstance(units, bool) or units < 1:
            raise ValueError(
                f"{type(self).__name__}: units must be a positive integer, not {units!r}."
            )
        self.units = units
        self.state_size = [units]
        self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_kernel(input_shape[-1], self.width)
        self.recurrent_kernel = self.add_recurrent_kernel(self.output_size, self.width)
        self.bias = self.add_bias()

    @property
    def width(self):
        """Number of columns of all gates together."""
        return len(self.gates) * self.units

    def project(self, inputs):
        """The inputs' part of the sums: x W + b."""
        return ops.matmul(inputs, self.kernel) + self.bias

    def sums(self, projected, h):
        """The sum x W + h U + b of each gate, [batch, units] each."""
        sums = projected + ops.matmul(h, self.recurrent_kernel)
        return ops.split(sums, len(self.gates), axis=-1)

    def step(self, projected, states):
        raise NotImplementedError

    def call(self, inputs, states):
        return self.step(self.project(inputs), states)

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, size), self.compute_dtype) for size in self.state_size]

    def get_config(self):
        return {**super().get_config(), "units": self.units}

    def add_kernel(self, inputs, outputs, name="kernel"):
        """Adds input weights `[inputs, outputs]`, initialised Glorot uniform."""
        return self.add_weight(shape=(inputs, outputs), initializer="glorot_uniform", name=name)

    def add_recurrent_kernel(self, inputs, outputs, name="recurrent_kernel"):
        """Adds recurrent weights `[inputs, outputs]`, initialised orthogonal."""
        return self.add_weight(shape=(inputs, outputs), initializer="orthogonal", name=name)

    def add_bias(self, *parts, name="bias", trainable=True):
        """Adds a bias vector.

        Args:
            *parts: Pairs (size, initial value), concatenated. A value is a number or an
                initializer. By default one part for each of the `gates`: zeros, except for f, which
                starts at `forget_bias`.
            name: The weight's name.
            trainable: Whether training changes it.
        """
        parts = parts or [
            (self.units, self.forget_bias if gate == "f" else 0.0) for gate in self.gates
        ]

        def initial(shape, dtype=None):
            return ops.concatenate(
                [
                    value((size,), dtype) if callable(value) else ops.full((size,), value, dtype)
                    for size, value in parts
                ]
            )

        return self.add_weight(
            shape=(sum(size for size, _ in parts),),
            initializer=initial,
            trainable=trainable,
            name=name,
        )

    def add_peepholes(self, initializer="zeros"):
        """Adds diagonal peephole weights `[peepholes, units]`, one row per gate."""
        return self.add_weight(
            shape=(len(self.peepholes), self.units), initializer=initializer, name="peephole_kernel"
        )


class MemoryCell(Cell):
    """A cell with a memory besides its output: states h and c, [batch, units] each."""

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.state_size = [units, units]
