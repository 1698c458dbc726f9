"""The meaning of a model's outputs: logits or probabilities of labels, or plain numbers.

`zoo.kinds` has what follows from the kind of scores.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo import model_graph
from zoo.kinds import KINDS
from zoo.model_graph import UnsupportedModelError

__all__ = ["KINDS", "Scores", "check", "of_labels", "read", "sigmoid", "softmax"]

# The kind of scores that each loss is for.
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
# Operations that do not change the values in inference.
_UNCHANGING = ("Dropout", "Identity", "Reshape", "Flatten", "ActivityRegularization", "Cast")
_ASK = "Say which by scores='softmax', 'sigmoid' or 'numbers'"


@dataclass(frozen=True)
class Scores:
    """How a model's outputs become scores.

    Attributes:
        kind: Of `KINDS`.
        applied: Whether the model applies the activation itself, so that its outputs are scores.
        single: Whether its one output is for the second of two labels, so that the scores of both
            are [1 − p, p], which is a softmax of [0, logit].
    """

    kind: str
    applied: bool
    single: bool = False

    def of(self, outputs: np.ndarray) -> np.ndarray:
        """Converts the model's outputs to scores, float32 [batch, labels]."""
        outputs = np.asarray(outputs, np.float32)
        if self.single:
            second = outputs if self.applied else sigmoid(outputs)
            return np.concatenate([1 - second, second], axis=1)
        if self.applied or self.kind == "numbers":
            return outputs
        return softmax(outputs) if self.kind == "softmax" else sigmoid(outputs)


def read(model: keras.Model, asked: str | None = None) -> Scores:
    """Determines the kind of scores of a model.

    The last activation decides. If it is linear, the compiled loss decides; if the model is not
    compiled, two or more outputs are logits of a softmax, as in `zoo.create_model`.

    Args:
        model: Built, with one output [batch, outputs].
        asked: One of `KINDS`, if the model does not determine it.

    Raises:
        UnsupportedModelError: If neither the model nor `asked` determines it, or they contradict.
    """
    if asked is not None and asked not in KINDS:
        raise ValueError(f"scores must be one of {', '.join(KINDS)}, not {asked!r}.")
    graph = model_graph.functional(model)
    outputs = graph.outputs[0].shape
    if len(outputs) != 2 or outputs[1] is None:
        raise UnsupportedModelError(
            f"Model {model.name!r} gives {list(outputs)}; a text classifier gives [batch, labels]."
        )
    activation = final_activation(graph)
    if activation in ("softmax", "sigmoid"):
        return _applied(model, activation, outputs[1], asked)
    by_loss = _by_loss(model)
    if activation != "linear":
        if by_loss in ("softmax", "sigmoid") or asked in ("softmax", "sigmoid"):
            raise UnsupportedModelError(
                f"Model {model.name!r} ends in {activation!r}, whose outputs are neither logits "
                "nor probabilities. End it in a linear Dense layer, a softmax or a sigmoid."
            )
        if asked or by_loss:
            return Scores("numbers", True)
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in {activation!r}, which does not say whether its outputs "
            "are scores. Give scores='numbers' to have them as they are, or end it in a linear "
            "Dense layer, a softmax or a sigmoid."
        )
    kind = asked or by_loss or ("softmax" if outputs[1] > 1 and not _is_compiled(model) else None)
    if kind is None:
        why = "its loss is not known here" if _is_compiled(model) else "it is not compiled"
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in {outputs[1]} linear output{'s' * (outputs[1] > 1)}, and "
            f"{why}, so it does not say whether they are logits or numbers. {_ASK}, or compile "
            "it with the loss that it was trained with."
        )
    if kind == "softmax" and outputs[1] == 1:
        raise UnsupportedModelError(
            f"Model {model.name!r} has one output, and a softmax of one number is always 1. A "
            "single logit is for a sigmoid: train with BinaryCrossentropy(from_logits=True), or "
            "give scores='sigmoid'."
        )
    return Scores(kind, False)


def of_labels(found: Scores, outputs: int, labels: int) -> Scores:
    """The scores of a model whose labels are known.

    Args:
        found: The result of `read`.
        outputs: Number of the model's outputs.
        labels: Number of its labels.

    Raises:
        UnsupportedModelError: If their numbers do not fit.
    """
    if (outputs, labels) == (1, 2) and found.kind == "sigmoid":
        return Scores("softmax", found.applied, single=True)
    if outputs != labels:
        raise UnsupportedModelError(
            f"The model gives {outputs} score{'s' * (outputs > 1)} and has {labels} labels. Give a "
            "label for each score; only one sigmoid may have two labels, of which it gives the "
            "probability of the second."
        )
    return found


def _applied(model, activation: str, outputs: int, asked: str | None) -> Scores:
    if activation == "softmax" and outputs == 1:
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in a softmax over one output, which is 1 for every text. "
            "Use Dense(1, activation='sigmoid'), or two outputs."
        )
    if asked not in (None, activation):
        raise UnsupportedModelError(
            f"Model {model.name!r} ends in a {activation}, so its scores are not {asked!r}; leave "
            "scores out."
        )
    return Scores(activation, True)


def check(scores: Scores, outputs: np.ndarray, name: str) -> None:
    """Checks the kind of scores against outputs of the model.

    Args:
        scores: The result of `read`.
        outputs: Outputs of the model for some texts, [texts, outputs].
        name: The model's name, for the error.

    Raises:
        UnsupportedModelError: If the outputs are of another kind.
    """
    if scores.kind != "softmax" or scores.single:
        wrong = scores.kind != "numbers" and scores.applied and not _within(outputs, 0, 1)
        if wrong:
            raise UnsupportedModelError(
                f"Model {name!r} ends in a sigmoid, but its outputs leave 0 to 1."
            )
        return
    sums_to_one = _within(outputs, 0, 1) and np.abs(outputs.sum(axis=1) - 1).max() < 2e-3
    if sums_to_one and not scores.applied:
        raise UnsupportedModelError(
            f"Model {name!r} gives outputs that add up to 1 for every text, so they are "
            "probabilities already, although no softmax was found at its end. End it in "
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
    tensor = graph.outputs[0]
    while (step := model_graph.step_of(tensor)) is not None:
        operation = step.operation
        kind = type(operation).__name__
        if kind in _UNCHANGING and len(step.inputs) == 1:
            (tensor,) = step.inputs
            continue
        if kind in ("Softmax", "Sigmoid"):  # layers and operations of keras.ops alike
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
    """The kind of scores of the compiled loss, or None."""
    if not _is_compiled(model):
        return None
    losses = [loss for loss in keras.tree.flatten(model.loss) if loss is not None]
    if len(losses) != 1:
        return None
    loss: Any = losses[0]
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    name = type(loss).__name__
    if not isinstance(loss, keras.losses.Loss):  # a function, as keras.losses.get gives
        name = "".join(part.capitalize() for part in getattr(loss, "__name__", "").split("_"))
    kind = _LOSSES.get(name)
    if kind in ("softmax", "sigmoid") and not _from_logits(loss):
        return None  # the loss expects probabilities, which linear outputs are not
    return kind


def _from_logits(loss) -> bool:
    config = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
    return bool(config.get("from_logits", False))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logistic sigmoid, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
