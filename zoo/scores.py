"""How a model's outputs become scores: softmax, sigmoid, or plain numbers."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo import model_graph
from zoo.model_graph import UnsupportedModelError

KINDS = ("softmax", "sigmoid", "numbers")
"""softmax: probabilities of mutually exclusive labels, which add up to 1.
sigmoid: an independent probability for each output, with one label or several.
numbers: not probabilities, as in regression."""

# The kind of outputs that each loss is computed from.
_LOSSES = {
    "CategoricalCrossentropy": "softmax",
    "SparseCategoricalCrossentropy": "softmax",
    "CategoricalFocalCrossentropy": "softmax",
    "BinaryCrossentropy": "sigmoid",
    "BinaryFocalCrossentropy": "sigmoid",
    "MeanSquaredError": "numbers",
    "MeanAbsoluteError": "numbers",
    "MeanAbsolutePercentageError": "numbers",
    "MeanSquaredLogarithmicError": "numbers",
    "Huber": "numbers",
    "LogCosh": "numbers",
    "Poisson": "numbers",
}
# Operations that do not change the values of their inputs at inference.
_UNCHANGING = ("Dropout", "Identity", "Reshape", "Flatten", "ActivityRegularization", "Cast")
_REMEDY = "Give scores='softmax', 'sigmoid' or 'numbers'"


@dataclass(frozen=True)
class Scores:
    """How a model's outputs become scores.

    Attributes:
        kind: One of `KINDS`.
        applied: Whether the model applies the function itself, so that its outputs are the scores.
    """

    kind: str
    applied: bool

    def of(self, outputs: np.ndarray) -> np.ndarray:
        """Scores, float32 [batch, outputs], for the model's outputs of the same shape."""
        outputs = np.asarray(outputs, np.float32)
        if self.applied or self.kind == "numbers":
            return outputs
        return softmax(outputs) if self.kind == "softmax" else sigmoid(outputs)


def read(model: keras.Model, kind: str | None = None) -> Scores:
    """Determines how a model's outputs become scores.

    The final activation determines it; if that is linear, the loss that the model was compiled
    with. In a model that is not compiled, two or more outputs are logits of a softmax, as in
    `zoo.create_model`.

    Args:
        model: A built model with one output [batch, outputs].
        kind: One of `KINDS`, if the model does not determine it.

    Raises:
        UnsupportedModelError: If neither the model nor `kind` determines it, or they contradict.
        ValueError: If `kind` is not one of `KINDS`.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"scores must be one of {', '.join(KINDS)}, not {kind!r}.")
    graph = model_graph.functional(model)
    outputs = graph.outputs[0].shape
    if len(outputs) != 2 or outputs[1] is None:
        raise UnsupportedModelError(
            f"Model {model.name!r} gives {list(outputs)}; a text classifier gives [batch, labels]."
        )
    activation = final_activation(graph)
    if activation in ("softmax", "sigmoid"):
        return _applied(model, activation, outputs[1], kind)
    by_loss = _by_loss(model)
    if activation != "linear":
        if by_loss in ("softmax", "sigmoid") or kind in ("softmax", "sigmoid"):
            raise UnsupportedModelError(
                f"Model {model.name!r} ends in {activation!r}, whose outputs are neither logits "
                "nor probabilities. End it in a linear Dense layer, a softmax or a sigmoid."
            )
        if kind or by_loss:
            return Scores("numbers", True)
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in {activation!r}, so it is unclear whether its outputs "
            "are scores. Give scores='numbers' to use them unchanged, or end it in a linear Dense "
            "layer, a softmax or a sigmoid."
        )
    kind = kind or by_loss or ("softmax" if outputs[1] > 1 and not _is_compiled(model) else None)
    if kind is None:
        why = "its loss is unknown" if _is_compiled(model) else "it is not compiled"
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in {outputs[1]} linear output{'s' * (outputs[1] > 1)}, and "
            f"{why}, so it is unclear whether they are logits or numbers. {_REMEDY}, or compile "
            "it with the loss that it was trained with."
        )
    if kind == "softmax" and outputs[1] == 1:
        raise UnsupportedModelError(
            f"Model {model.name!r} has one output, and a softmax of one number is always 1. A "
            "single logit is for a sigmoid: train with BinaryCrossentropy(from_logits=True), or "
            "give scores='sigmoid'."
        )
    return Scores(kind, False)


def _applied(model, activation: str, outputs: int, kind: str | None) -> Scores:
    if activation == "softmax" and outputs == 1:
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in a softmax over one output, which is 1 for every text. "
            "Use Dense(1, activation='sigmoid'), or two outputs."
        )
    if kind not in (None, activation):
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in a {activation}, so its scores are not {kind!r}; omit "
            "scores."
        )
    return Scores(activation, True)


def check(scores: Scores, outputs: np.ndarray, name: str) -> None:
    """Checks the result of `read` on a model's outputs.

    Args:
        scores: The result of `read`.
        outputs: The model's outputs on some texts, [texts, outputs].
        name: The model's name, for errors.

    Raises:
        UnsupportedModelError: If the outputs are of another kind.
    """
    if scores.kind != "softmax":
        wrong = scores.kind == "sigmoid" and scores.applied and not _within(outputs, 0, 1)
        if wrong:
            raise UnsupportedModelError(
                f"Model {name!r} ends in a sigmoid, but its outputs are not all from 0 to 1."
            )
        return
    sums_to_one = _within(outputs, 0, 1) and np.abs(outputs.sum(axis=1) - 1).max() < 2e-3
    if sums_to_one and not scores.applied:
        raise UnsupportedModelError(
            f"Model {name!r} gives outputs that add up to 1 for every text, so they are "
            "already probabilities, although no softmax was found at its end. End it in "
            "keras.layers.Softmax or Dense(activation='softmax')."
        )
    if scores.applied and not sums_to_one:
        raise UnsupportedModelError(
            f"Model {name!r} ends in a softmax, but its outputs do not add up to 1."
        )


def _within(outputs: np.ndarray, low: float, high: float) -> bool:
    return bool(outputs.min() >= low - 1e-6 and outputs.max() <= high + 1e-3)


def final_activation(graph: keras.Model) -> str:
    """The name of the last activation of a `model_graph.functional` model."""
    for step in model_graph.steps(graph)[::-1]:
        operation = step.operation
        kind = type(operation).__name__
        if kind in _UNCHANGING:
            continue
        if kind in ("Softmax", "Sigmoid"):  # layers, or operations of keras.ops
            return "softmax" if kind == "Softmax" else "sigmoid"
        if isinstance(operation, (keras.layers.Dense, keras.layers.Activation)):
            return activation_name(operation)
        return kind.lower()
    return "linear"


def activation_name(layer) -> str:
    """The name of a layer's activation, such as `relu`."""
    activation = layer.activation
    return getattr(activation, "__name__", None) or type(activation).__name__.lower()


def _is_compiled(model: keras.Model) -> bool:
    return bool(getattr(model, "compiled", False)) and getattr(model, "loss", None) is not None


def _by_loss(model: keras.Model) -> str | None:
    """The kind of scores of the compiled loss; None if it is unknown."""
    if not _is_compiled(model):
        return None
    losses = [loss for loss in keras.tree.flatten(model.loss) if loss is not None]
    if len(losses) != 1:
        return None
    loss: Any = losses[0]
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    name = type(loss).__name__
    if not isinstance(loss, keras.losses.Loss):  # a function, from keras.losses.get
        name = "".join(part.capitalize() for part in getattr(loss, "__name__", "").split("_"))
    kind = _LOSSES.get(name)
    if kind in ("softmax", "sigmoid") and not _from_logits(loss):
        return None  # the loss expects probabilities, so linear outputs are a mistake
    return kind


def _from_logits(loss) -> bool:
    config = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
    return bool(config.get("from_logits", False))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
