"""What a Keras model computes, as far as an export needs to know it."""

from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.cells import as_cell
from zoo.layers import MeanOverTime

# Layers that do nothing when a model answers.
TRAINING_ONLY = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.ActivityRegularization,
)


class UnsupportedModelError(ValueError):
    """A model of another shape than the classifiers that are exported."""


@dataclass(frozen=True)
class Direction:
    """One cell's way over the sequence.

    Attributes:
        cell: A zoo cell (with `project` and `step`), or one with `call` alone.
        go_backwards: From the text's end to its beginning.
    """

    cell: keras.Layer
    go_backwards: bool


@dataclass(frozen=True)
class RecurrentLayer:
    """Directions whose outputs stand side by side.

    Attributes:
        directions: One, or two for a bidirectional layer.
        gives: `all` outputs, the `last` one of each direction, or their `mean`.
    """

    directions: tuple[Direction, ...]
    gives: str


@dataclass(frozen=True)
class Architecture:
    """A classifier: embedding, recurrent layers, one dense layer, softmax.

    Attributes:
        embedding: float32 [ids, width].
        layers: The recurrent layers, from the bottom; all but the last give all outputs.
        kernel: float32 [features, classes].
        bias: float32 [classes].
        masked: Whether id 0 pads a text, and is skipped.
        softmax: Whether the Keras model ends in a softmax itself.
    """

    embedding: np.ndarray
    layers: tuple[RecurrentLayer, ...]
    kernel: np.ndarray
    bias: np.ndarray
    masked: bool
    softmax: bool


def read(model: keras.Model) -> Architecture:
    """Reads a Keras model: of the catalogue, or your own of the same shape.

    Args:
        model: Built, from int32 [batch, time] token ids to [batch, classes] logits or
            probabilities: Embedding; LSTM, GRU, SimpleRNN, RNN or `zoo.layers.Recurrent` layers,
            bidirectional or not; `zoo.layers.MeanOverTime` or not; Dense. Dropout may stand
            anywhere.

    Raises:
        UnsupportedModelError: If it has another shape; the message names the layer.
    """
    embedding = dense = None
    recurrent: list[RecurrentLayer] = []
    masked = softmax = False
    # A functional model has operations beside its layers: the mask is one.
    for layer in getattr(model, "operations", model.layers):
        if isinstance(layer, (keras.layers.InputLayer, *TRAINING_ONLY)):
            continue
        if isinstance(layer, keras.layers.Embedding) and embedding is None and not recurrent:
            embedding, masked = layer, masked or layer.mask_zero
        elif type(layer).__name__ == "NotEqual":  # keras.ops.not_equal(tokens, 0): the mask
            masked = True
        elif isinstance(layer, (keras.layers.Bidirectional, keras.layers.RNN)) and dense is None:
            recurrent.append(_recurrent(layer))
        elif isinstance(layer, MeanOverTime) and recurrent and recurrent[-1].gives == "all":
            recurrent[-1] = replace(recurrent[-1], gives="mean")
        elif isinstance(layer, keras.layers.Dense) and recurrent and dense is None:
            dense, softmax = layer, _is_softmax(layer)
        elif _is_softmax(layer) and dense is not None and not softmax:
            softmax = True
        else:
            raise UnsupportedModelError(
                f"Layer {layer.name!r} ({type(layer).__name__}) has no place in the shape that is "
                "exported: embedding, recurrent layers, dense."
            )
    if embedding is None or not recurrent or dense is None:
        missing = "Embedding" if embedding is None else "Dense" if recurrent else "recurrent"
        raise UnsupportedModelError(f"Model {model.name!r} has no {missing} layer.")
    *below, top = recurrent
    if top.gives == "all" or any(layer.gives != "all" for layer in below):
        raise UnsupportedModelError(
            f"Model {model.name!r}: the last recurrent layer must give its last output, or stand "
            "below zoo.layers.MeanOverTime, and those below it must give all of them "
            "(return_sequences=True)."
        )
    kernel = keras.ops.convert_to_numpy(dense.kernel).astype(np.float32)
    bias = np.zeros(kernel.shape[1], np.float32)
    if dense.bias is not None:
        bias = keras.ops.convert_to_numpy(dense.bias).astype(np.float32)
    table = keras.ops.convert_to_numpy(embedding.embeddings).astype(np.float32)
    return Architecture(table, tuple(recurrent), kernel, bias, masked, softmax)


def _recurrent(layer) -> RecurrentLayer:
    if isinstance(layer, keras.layers.Bidirectional):
        if layer.merge_mode != "concat":
            raise UnsupportedModelError(
                f"Layer {layer.name!r}: merge_mode {layer.merge_mode!r} is not exported; use "
                "'concat'."
            )
        parts = [layer.forward_layer, layer.backward_layer]
    else:
        parts = [layer]
    for part in parts:
        if part.stateful or part.return_state:
            raise UnsupportedModelError(
                f"Layer {layer.name!r}: stateful and return_state are not exported."
            )
    directions = tuple(Direction(as_cell(part.cell), part.go_backwards) for part in parts)
    if len(parts) == 1 and parts[0].go_backwards and parts[0].return_sequences:
        raise UnsupportedModelError(
            f"Layer {layer.name!r}: its outputs come in reversed order; make it Bidirectional, or "
            "return the last output only."
        )
    return RecurrentLayer(directions, "all" if parts[0].return_sequences else "last")


def _is_softmax(layer) -> bool:
    if isinstance(layer, keras.layers.Softmax):
        return True
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    if isinstance(layer, keras.layers.Dense) and name not in ("linear", "softmax"):
        raise UnsupportedModelError(
            f"Layer {layer.name!r}: activation {name!r} is not exported; use logits or softmax."
        )
    return isinstance(layer, (keras.layers.Dense, keras.layers.Activation)) and name == "softmax"
