"""The echo-state cell: a random reservoir that is not trained."""

import keras
import numpy as np
from keras import ops

from zoo.cells.base import Cell


@keras.saving.register_keras_serializable("birnn_zoo")
class ESNCell(Cell):
    """Echo-state cell: its weights are random and fixed; only the layers after it are trained.

        h' = (1 − α) ∘ h + α tanh(x W + h U + b)

    Jaeger, "The 'echo state' approach to analysing and training recurrent neural networks", GMD
    report 148, 2001; `ESNCell` of tensorflow-addons. U is sparse, and scaled so that its largest
    eigenvalue has the magnitude `spectral_radius`: below 1, old inputs fade.

    Weights in the order of tensorflow-addons, none trainable: `recurrent_kernel` U
    [units, units], `kernel` W [inputs, units], `bias` b [units].
    units · (inputs + units + 1) parameters. State: h [batch, units].

    Args:
        units: Width of the state, a positive integer.
        connectivity: Fraction of the recurrent weights that are not zero, in (0, 1].
        leaky: Leaking rate α, in (0, 1].
        spectral_radius: Magnitude of U's largest eigenvalue, in (0, 1].

    Raises:
        ValueError: If one of them is outside its range.
    """

    def __init__(self, units, connectivity=0.1, leaky=1.0, spectral_radius=0.9, **kwargs):
        super().__init__(units, **kwargs)
        shares = {"connectivity": connectivity, "leaky": leaky, "spectral_radius": spectral_radius}
        for name, value in shares.items():
            if not 0 < value <= 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} must be above 0 and at most 1, not {value!r}."
                )
            setattr(self, name, value)

    def build(self, input_shape):
        n = self.units
        for name, shape, initializer in (
            ("recurrent_kernel", (n, n), self.reservoir),
            ("kernel", (input_shape[-1], n), "glorot_uniform"),
        ):
            weight = self.add_weight(
                shape=shape, initializer=initializer, trainable=False, name=name
            )
            setattr(self, name, weight)
        self.bias = self.add_bias(trainable=False)

    def reservoir(self, shape, dtype="float32"):
        """Initializes sparse weights with the spectral radius."""
        weights = keras.initializers.GlorotUniform()(shape, dtype)
        # Each initializer has its own seed.
        connected = keras.initializers.RandomUniform(0, 1)(shape) <= self.connectivity
        weights = ops.convert_to_numpy(weights).astype("float32") * ops.convert_to_numpy(connected)
        radius = np.abs(np.linalg.eigvals(weights)).max()
        # Without cycles, all eigenvalues are 0, and no scaling is possible or needed.
        return ops.cast(weights * (self.spectral_radius / radius if radius > 1e-6 else 1.0), dtype)

    def step(self, projected, states):
        (h,) = states
        new = ops.tanh(projected + ops.matmul(h, self.recurrent_kernel))
        h = (1 - self.leaky) * h + self.leaky * new
        return h, [h]

    def get_config(self):
        config = super().get_config()
        for name in ("connectivity", "leaky", "spectral_radius"):
            config[name] = getattr(self, name)
        return config
