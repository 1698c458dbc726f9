"""What a Keras model computes, as far as an export needs to know it."""

from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo import model_graph, scores
from zoo.cells import as_cell
from zoo.layers import MeanOverTime
from zoo.model_graph import Step, UnsupportedModelError
from zoo.scores import Scores

__all__ = ["Architecture", "Direction", "RecurrentLayer", "UnsupportedModelError", "read"]

# Layers that do nothing when a model answers.
TRAINING_ONLY = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
)


@dataclass(frozen=True)
class Direction:
    """A cell and the direction in which it reads the sequence.

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
    """A classifier: embedding, recurrent layers, dense layers, scores.

    Attributes:
        embedding: float32 [ids, width].
        layers: The recurrent layers, from the bottom; all but the last give all outputs.
        hidden: What stands between the recurrent layers and the last dense layer, as a model from
            float32 [batch, features] to [batch, features]; None for nothing.
        kernel: float32 [features, classes] of the last dense layer.
        bias: float32 [classes].
        masked: Whether id 0 is padding, and is skipped.
        scores: What the model's outputs are. The file gives the scores: probabilities, or the
            numbers themselves.
        right_padded: Whether zeros stand behind the text only. If not, a masked model's ids are
            moved together first.
    """

    embedding: np.ndarray
    layers: tuple[RecurrentLayer, ...]
    hidden: keras.Model | None
    kernel: np.ndarray
    bias: np.ndarray
    masked: bool
    scores: Scores
    right_padded: bool = True


def read(model: keras.Model, scores_kind: str | None = None) -> Architecture:
    """Reads a Keras model: of the catalogue, or your own of the same form.

    Args:
        model: Built, from int32 [batch, time] token ids to [batch, classes]: Embedding; LSTM, GRU,
            SimpleRNN, RNN or `zoo.layers.Recurrent` layers, bidirectional or not;
            `zoo.layers.MeanOverTime` or not; any layers over [batch, features], of which the last
            is Dense, with a softmax, a sigmoid or nothing behind it. Dropout may stand anywhere.
        scores_kind: Of `zoo.scores.KINDS`, where the model does not say what its outputs are.

    Raises:
        UnsupportedModelError: If it has another form; the message names the layer.
    """
    graph = model_graph.functional(model)
    _require_finite(graph)
    chain = [step for step in model_graph.steps(graph) if not _is_for_training(step)]
    embedding, chain = _embedding(graph, chain)
    recurrent, masked, chain = _recurrent_layers(graph, chain)
    hidden, dense = _head(graph, chain)
    kind = scores.read(model, scores_kind)
    kernel = _numpy(dense.kernel)
    bias = np.zeros(kernel.shape[1], np.float32) if dense.bias is None else _numpy(dense.bias)
    return Architecture(_numpy(embedding.embeddings), recurrent, hidden, kernel, bias, masked, kind)


def _numpy(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable).astype(np.float32)


def _require_finite(graph: keras.Model) -> None:
    bad = [
        weight.path
        for weight in graph.weights
        if not np.isfinite(_numpy(weight) if weight.dtype != "string" else 0).all()
    ]
    if bad:
        raise UnsupportedModelError(
            f"Model {graph.name!r} has weights that are NaN or infinite: {', '.join(bad[:3])}"
            f"{f' and {len(bad) - 3} more' if len(bad) > 3 else ''}. Its training diverged; train "
            "it again with a lower learning rate, or take an earlier checkpoint."
        )


def _is_for_training(step: Step) -> bool:
    return isinstance(step.operation, TRAINING_ONLY)


def _named(step: Step) -> str:
    return f"Layer {step.operation.name!r} ({type(step.operation).__name__})"


def _embedding(graph, chain: list[Step]) -> tuple[keras.layers.Embedding, list[Step]]:
    """The embedding, and the steps behind it."""
    if not any(isinstance(step.operation, keras.layers.Embedding) for step in chain):
        raise UnsupportedModelError(
            f"Model {graph.name!r} has no Embedding layer: what is exported takes token ids, "
            "int32 [batch, time], not numbers."
        )
    first, *rest = chain
    if not isinstance(first.operation, keras.layers.Embedding):
        raise UnsupportedModelError(
            f"{_named(first)} stands before the Embedding. Keep it out of the model: ids come from "
            "the tokenizer, on the device, too."
        )
    if getattr(first.operation, "quantization_mode", None):
        raise UnsupportedModelError(
            f"{_named(first)} is quantised by Keras. Export the model as it was before; the export "
            "quantises by itself."
        )
    return first.operation, rest


def _recurrent_layers(graph, chain) -> tuple[tuple[RecurrentLayer, ...], bool, list[Step]]:
    """The recurrent layers, whether they are masked, and the steps behind them."""
    found: list[RecurrentLayer] = []
    masks: list[tuple[Step, bool]] = []
    while chain and isinstance(
        chain[0].operation, (keras.layers.Bidirectional, keras.layers.RNN, MeanOverTime)
    ):
        step = chain.pop(0)
        masks.append((step, _is_masked(graph, step)))
        if not isinstance(step.operation, MeanOverTime):
            found.append(_recurrent(step))
        elif found and found[-1].gives == "all":
            found[-1] = replace(found[-1], gives="mean")
            break
        if found[-1].gives != "all":
            break
    if not found:
        nearest = f": {_named(chain[0])} stands behind the Embedding" if chain else ""
        raise UnsupportedModelError(
            f"Model {graph.name!r} has no recurrent layer on its embedding{nearest}. What is "
            "exported is Embedding, recurrent layers, dense layers."
        )
    if found[-1].gives == "all":
        what = f"{_named(chain[0])} behind it reads all outputs" if chain else "nothing follows"
        raise UnsupportedModelError(
            f"Model {graph.name!r}: the last recurrent layer gives all its outputs "
            f"(return_sequences=True), and {what}. Let it give the last one, or put "
            "zoo.layers.MeanOverTime behind it."
        )
    if len({masked for _, masked in masks}) > 1:
        skip = next(step for step, masked in masks if not masked)
        raise UnsupportedModelError(
            f"{_named(skip)} gets no mask, and other layers of {graph.name!r} do. Give all of them "
            "the mask of the embedding, or none."
        )
    return tuple(found), masks[0][1], chain


def _is_masked(graph, step: Step) -> bool:
    if step.mask is None:
        return False
    tokens = graph.inputs[0]
    history = tokens._keras_history
    if not model_graph.tests_for_padding(step.mask, history.operation.output):
        raise UnsupportedModelError(
            f"{_named(step)} has a mask that is not `tokens != 0`. Id 0 has to be the padding: "
            "use Embedding(mask_zero=True), or keras.ops.not_equal(tokens, 0)."
        )
    return True


def _recurrent(step: Step) -> RecurrentLayer:
    layer = step.operation
    if isinstance(layer, keras.layers.Bidirectional):
        if layer.merge_mode != "concat":
            raise UnsupportedModelError(
                f"{_named(step)}: merge_mode {layer.merge_mode!r} is not exported; use 'concat'."
            )
        parts = [layer.forward_layer, layer.backward_layer]
    else:
        parts = [layer]
    for part in parts:
        if part.stateful or part.return_state:
            raise UnsupportedModelError(
                f"{_named(step)}: stateful and return_state are not exported."
            )
    if len({part.return_sequences for part in parts}) > 1:
        raise UnsupportedModelError(f"{_named(step)}: its directions differ in return_sequences.")
    if len(parts) == 1 and parts[0].go_backwards and parts[0].return_sequences:
        raise UnsupportedModelError(
            f"{_named(step)}: its outputs come in reversed order; make it Bidirectional, or "
            "return the last output only."
        )
    directions = tuple(Direction(as_cell(part.cell), part.go_backwards) for part in parts)
    return RecurrentLayer(directions, "all" if parts[0].return_sequences else "last")


def _head(graph, chain) -> tuple[keras.Model | None, keras.layers.Dense]:
    """What stands before the last dense layer, if anything does; and that layer."""
    places = [n for n, step in enumerate(chain) if isinstance(step.operation, keras.layers.Dense)]
    if not places:
        raise UnsupportedModelError(
            f"Model {graph.name!r} has no Dense layer behind its recurrent layers."
        )
    last = chain[places[-1]]
    for step in chain[places[-1] + 1 :]:
        activation = step.operation
        if isinstance(activation, keras.layers.Softmax) and activation.axis not in (-1, 1):
            raise UnsupportedModelError(f"{_named(step)}: its axis has to be the last one.")
        if type(activation).__name__ not in ("Softmax", "Sigmoid", "Activation"):
            raise UnsupportedModelError(
                f"{_named(step)} behind the last Dense layer is not exported; end the model in "
                "Dense, with a softmax or a sigmoid or none."
            )
    for step in chain[: places[-1] + 1]:
        if getattr(step.operation, "quantization_mode", None):
            raise UnsupportedModelError(
                f"{_named(step)} is quantised by Keras. Export the model as it was before."
            )
        if len(step.output.shape) != 2:
            raise UnsupportedModelError(
                f"{_named(step)} gives {list(step.output.shape)}; behind the recurrent layers only "
                "layers over [batch, features] are exported."
            )
    functions = [scores.activation_name(last.operation)]
    functions += [
        scores.activation_name(step.operation)
        if isinstance(step.operation, keras.layers.Activation)
        else type(step.operation).__name__.lower()
        for step in chain[places[-1] + 1 :]
    ]
    functions = [name for name in functions if name != "linear"]
    if len(functions) > 1 or not set(functions) <= {"softmax", "sigmoid"}:
        raise UnsupportedModelError(
            f"Model {graph.name!r} ends in {' and '.join(functions)}; what is exported ends in a "
            "softmax, a sigmoid or a linear Dense layer."
        )
    if places[-1] == 0:
        return None, last.operation
    hidden = keras.Model(chain[0].inputs, last.inputs, name="hidden")
    return hidden, last.operation
