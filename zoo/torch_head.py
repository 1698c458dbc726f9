"""The head of a PyTorch classifier: one linear layer, or several with an activation between."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np

from zoo.torch_readout import TorchImportError


@dataclass(frozen=True)
class Head:
    """Linear layers in the order in which they are applied.

    Attributes:
        names: Of their modules.
        kernels: float32 [inputs, outputs] each.
        biases: float32 [outputs] each.
    """

    names: tuple[str, ...]
    kernels: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    @property
    def outputs(self) -> int:
        """The number of logits."""
        return self.kernels[-1].shape[1]

    def with_two_classes(self) -> "Head":
        """The head with the logits 0 and z in place of one logit z, of a sigmoid."""
        kernel, bias = self.kernels[-1], self.biases[-1]
        return Head(
            self.names,
            (*self.kernels[:-1], np.hstack([0 * kernel, kernel])),
            (*self.biases[:-1], np.append(np.float32(0), bias)),
        )

    def on(self, model: keras.Model, activation: str) -> keras.Model:
        """A model with this head in place of its layer `logits`.

        Args:
            model: From `zoo.classifier.build_classifier`, with as many logits.
            activation: Of all but the last linear layer.
        """
        if len(self.kernels) > 1:
            x = model.get_layer("logits").input
            for number, kernel in enumerate(self.kernels[:-1], start=1):
                width = kernel.shape[1]
                x = keras.layers.Dense(width, activation=activation, name=f"head_{number}")(x)
            logits = keras.layers.Dense(self.outputs, dtype="float32", name="logits")(x)
            model = keras.Model(model.input, logits, name=model.name)
        names = [*(f"head_{number}" for number in range(1, len(self.kernels))), "logits"]
        for name, kernel, bias in zip(names, self.kernels, self.biases, strict=True):
            model.get_layer(name).set_weights([kernel, bias])
        return model


def read(weights: Mapping[str, np.ndarray], keys: list[str], width: int, others: str) -> Head:
    """Reads linear layers that follow each other.

    Args:
        weights: The state dict.
        keys: Names of matrices [outputs, inputs], in the order of the state dict.
        width: Inputs of the first.
        others: What the state dict has, for the error.

    Raises:
        TorchImportError: If they do not.
    """
    inputs, chain = width, []
    for key in keys:
        if weights[key].shape[1] != inputs:
            break
        chain.append(key)
        inputs = weights[key].shape[0]
    if not keys or chain != keys:
        raise TorchImportError(others)
    names = tuple(key.removesuffix("weight").removesuffix(".") for key in keys)
    kernels = tuple(weights[key].T for key in keys)
    biases = tuple(
        weights.get(key.removesuffix("weight") + "bias", np.zeros(len(weights[key]), np.float32))
        for key in keys
    )
    return Head(names, kernels, biases)
