"""Reads the architecture of a Keras model for export."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from zoo import model_graph, scores
from zoo.cells import as_cell
from zoo.layers import MeanOverTime
from zoo.model_graph import Step, UnsupportedModelError
from zoo.scores import Scores
from zoo.text import PAD_ID

__all__ = ["Architecture", "Direction", "RecurrentLayer", "Stage", "UnsupportedModelError", "read"]

RECURRENT = (keras.layers.Bidirectional, keras.layers.RNN)
MERGES = ("concat", "sum", "mul", "ave")  # of `keras.layers.Bidirectional`

# Layers that do nothing in inference.
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
        go_backwards: Whether it reads from the end.
    """

    cell: keras.Layer
    go_backwards: bool


@dataclass(frozen=True)
class Stage:
    """A part of a model without recurrent layers, exported as a whole.

    Attributes:
        model: From its inputs, [batch, time, width] or [batch, width] each, to one output; None for
            the identity.
        takes: Its inputs, as numbers of recurrent layers from 1; 0 is the embedding.
        tokens: Whether the token ids, int32 [batch, time], are its last input.
        masks: Whether each of `takes` carries the mask, as Keras propagates it with tensors.
    """

    model: keras.Model | None
    takes: tuple[int, ...]
    tokens: bool
    masks: tuple[bool, ...] = ()


@dataclass(frozen=True)
class RecurrentLayer:
    """A recurrent layer, with one or two directions.

    Attributes:
        directions: One, or two for a bidirectional layer.
        gives: Whether it returns `all` outputs, the `last` ones, or their `mean`.
        merge: How the outputs of both directions are merged, of `MERGES`.
        zeros: Whether outputs at masked steps are zero, instead of the previous output.
        reads: Its input; None for the outputs of the layer below, or the embedding.
    """

    directions: tuple[Direction, ...]
    gives: str
    merge: str = "concat"
    zeros: bool = False
    reads: Stage | None = None


@dataclass(frozen=True)
class Architecture:
    """A classifier: embedding, recurrent layers, a last dense layer, scores.

    Attributes:
        embedding: float32 [ids, width].
        layers: The recurrent layers in topological order.
        hidden: The part between the recurrent layers and the last dense layer, with output
            [batch, features]; None for the top layer's output itself.
        kernel: float32 [features, classes] of the last dense layer.
        bias: float32 [classes].
        masked: Whether id 0 is padding and is masked.
        scores: The kind of scores. The file outputs probabilities or plain numbers.
        right_padded: Whether zeros are at the end of texts only. If not, the ids of a masked model
            are compacted first.
        inputs: Names of the file's inputs: the ids, or `zoo.metadata.BERT_INPUTS` for ids of word
            pieces, of which the lowerings read the first.
        static: Whether all shapes have to be fixed.
    """

    embedding: np.ndarray
    layers: tuple[RecurrentLayer, ...]
    hidden: Stage | None
    kernel: np.ndarray
    bias: np.ndarray
    masked: bool
    scores: Scores
    right_padded: bool = True
    inputs: tuple[str, ...] = ("tokens",)
    static: bool = False

    def is_taken(self, number: int) -> bool:
        """Whether a stage takes the outputs of a layer (from 1) or the embedding (0)."""
        stages = [layer.reads for layer in self.layers] + [self.hidden]
        return any(number in stage.takes for stage in stages if stage is not None)


def read(model: keras.Model, scores_kind: str | None = None) -> Architecture:
    """Reads the architecture of a Keras model.

    Args:
        model: Built, from int32 [batch, time] token ids to [batch, classes]: an Embedding; LSTM,
            GRU, SimpleRNN, RNN or `zoo.layers.Recurrent` layers, bidirectional or not; a Dense
            layer at the end, with a softmax, a sigmoid or no activation. Other layers may come
            before, between and after the recurrent ones: dense stacks, pooling and attention over
            steps, convolutions, normalisation, residual sums.
        scores_kind: One of `zoo.scores.KINDS`, if the model does not determine it.

    Raises:
        UnsupportedModelError: If it has another form. The message names the layer.
    """
    graph = model_graph.functional(model)
    _require_finite(graph)
    steps = model_graph.steps(graph)
    for step in steps:
        _require_plain(step)
    embedding = _embedding(graph, steps)
    recurrent = [step for step in steps if isinstance(step.operation, RECURRENT)]
    if not recurrent:
        others = [s for s in steps if any(one is embedding.output for one in s.inputs)]
        nearest = f": {_named(others[0])} stands behind the Embedding" if others else ""
        raise UnsupportedModelError(
            f"Model {graph.name!r} has no recurrent layer on its embedding{nearest}. What is "
            "exported is Embedding, recurrent layers, dense layers."
        )
    layers = tuple(_recurrent(step) for step in recurrent)
    tensors = [embedding.output, *(step.output for step in recurrent)]
    layers = tuple(
        replace(layer, reads=_stage(graph, step.inputs[0], tensors[:number]))
        for number, (step, layer) in enumerate(zip(recurrent, layers, strict=True), start=1)
    )
    dense, behind = _last_dense(graph)
    _require_known_end(graph, dense, behind)
    words = embedding.operation.input_dim
    masked = [(step, _is_masked(graph, step, words)) for step in recurrent]
    hidden = _stage(graph, dense.inputs[0], tensors)
    mean = _mean(graph, dense.inputs[0], tensors[-1])
    if mean is not None and not any(layer.reads for layer in layers):
        layers = (*layers[:-1], replace(layers[-1], gives="mean"))
        hidden = _stage(graph, dense.inputs[0], [*tensors[:-1], mean.output])
        masked.append((mean, _is_masked(graph, mean, words)))
    if len({one for _, one in masked}) > 1:
        skip = next(step for step, one in masked if not one)
        raise UnsupportedModelError(
            f"{_named(skip)} gets no mask, and other layers of {graph.name!r} do. Give all of them "
            "the mask of the embedding, or none."
        )
    kind = scores.read(model, scores_kind)
    layer = dense.operation
    kernel = _numpy(layer.kernel)
    bias = np.zeros(kernel.shape[1], np.float32) if layer.bias is None else _numpy(layer.bias)
    table = _numpy(embedding.operation.embeddings)
    return Architecture(table, layers, hidden, kernel, bias, masked[0][1], kind)


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


def _named(step: Step) -> str:
    return f"Layer {step.operation.name!r} ({type(step.operation).__name__})"


def _require_plain(step: Step) -> None:
    if getattr(step.operation, "quantization_mode", None):
        raise UnsupportedModelError(
            f"{_named(step)} is quantised by Keras. Export the model as it was before; the export "
            "quantises by itself."
        )


def _embedding(graph, steps: list[Step]) -> Step:
    """The first embedding of the token ids."""
    found = [step for step in steps if isinstance(step.operation, keras.layers.Embedding)]
    if not found:
        raise UnsupportedModelError(
            f"Model {graph.name!r} has no Embedding layer: what is exported takes token ids, "
            "int32 [batch, time], not numbers."
        )
    for step in found:
        if step.inputs[0] is graph.inputs[0]:
            return step
    before = model_graph.step_of(found[0].inputs[0])
    assert before is not None
    raise UnsupportedModelError(
        f"{_named(before)} comes before the Embedding. Keep it out of the model: ids come from "
        "the tokenizer, on the device, too."
    )


def _stage(graph, tensor, below: Sequence[Any]) -> Stage | None:
    """The stage that computes a tensor from the embedding and the recurrent outputs below it.

    None if the tensor is the last of these, apart from layers that do nothing in inference.
    """
    direct = tensor
    while not any(direct is one for one in below):
        step = model_graph.step_of(direct)
        if step is None or not isinstance(step.operation, TRAINING_ONLY):
            break
        (direct,) = step.inputs
    for number, one in enumerate(below):
        if direct is one:
            return None if one is below[-1] else Stage(None, (number,), False)
    tokens = graph.inputs[0]
    found = model_graph.sources(tensor, below)
    takes = tuple(n for n, one in enumerate(below) if any(one is other for other in found))
    inputs = [below[number] for number in takes]
    uses_tokens = any(one is tokens for one in found)
    if uses_tokens:
        inputs.append(tokens)
    masks = tuple(getattr(below[number], "_keras_mask", None) is not None for number in takes)
    return Stage(keras.Model(inputs, tensor, name="stage"), takes, uses_tokens, masks)


def _mean(graph, tensor, top) -> Step | None:
    """The `zoo.layers.MeanOverTime` directly after the top layer, if there is one."""
    step = model_graph.step_of(tensor)
    while step is not None and len(step.inputs) == 1:
        if isinstance(step.operation, MeanOverTime):
            return step if _stage(graph, step.inputs[0], [top]) is None else None
        step = model_graph.step_of(step.inputs[0])
    return None


def _is_masked(graph, step: Step, words: int) -> bool:
    if step.mask is None:
        return False
    kept, padding = _evaluated(graph.inputs[0], step.mask, words)
    if kept.all():
        return False  # of no effect, as when a masked tensor is joined with one that is not
    if not np.array_equal(kept, padding):
        raise UnsupportedModelError(
            f"{_named(step)} has a mask that is not `tokens != 0`. Id 0 has to be the padding: "
            "use Embedding(mask_zero=True), or keras.ops.not_equal(tokens, 0)."
        )
    return True


def _evaluated(tokens, mask, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Evaluates a symbolic mask for every id. Returns the mask, and `ids != 0`, bool [texts, time].

    Layers combine the masks of their inputs, so it cannot be read from the operation.
    """
    length = tokens.shape[1] or 8
    ids = np.arange(-(-words // length) * length) % words
    rows = np.random.default_rng(0).permutation(ids).reshape(-1, length).astype(np.int32)
    rows = np.concatenate([rows, np.where(np.arange(length) % 3, rows, 0)])
    found = keras.Model(tokens, mask).predict(rows, batch_size=256, verbose=0)
    return np.asarray(found, bool), rows != PAD_ID


def _recurrent(step: Step) -> RecurrentLayer:
    layer = step.operation
    merge = "concat"
    if isinstance(layer, keras.layers.Bidirectional):
        merge = layer.merge_mode
        if merge not in MERGES:
            raise UnsupportedModelError(
                f"{_named(step)}: merge_mode {merge!r} is not exported; use one of "
                f"{', '.join(map(repr, MERGES))}."
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
    zeros = bool(getattr(parts[0], "zero_output_for_mask", False))
    return RecurrentLayer(directions, "all" if parts[0].return_sequences else "last", merge, zeros)


def _last_dense(graph) -> tuple[Step, list[Step]]:
    """The last dense layer and the steps after it."""
    behind: list[Step] = []
    tensor = graph.outputs[0]
    while (step := model_graph.step_of(tensor)) is not None:
        if isinstance(step.operation, keras.layers.Dense):
            break
        if not isinstance(step.operation, TRAINING_ONLY):
            behind.insert(0, step)
        if len(step.inputs) != 1:
            step = None
            break
        (tensor,) = step.inputs
    if step is None:
        raise UnsupportedModelError(
            f"Model {graph.name!r} does not end in a Dense layer, with a softmax or a sigmoid or "
            "none behind it."
        )
    return step, behind


def _require_known_end(graph, dense: Step, behind: list[Step]) -> None:
    for step in behind:
        activation = step.operation
        if isinstance(activation, keras.layers.Softmax) and activation.axis not in (-1, 1):
            raise UnsupportedModelError(f"{_named(step)}: its axis has to be the last one.")
        if type(activation).__name__ not in ("Softmax", "Sigmoid", "Activation"):
            raise UnsupportedModelError(
                f"{_named(step)} behind the last Dense layer is not exported; end the model in "
                "Dense, with a softmax or a sigmoid or none."
            )
    if len(dense.output.shape) != 2:
        raise UnsupportedModelError(
            f"{_named(dense)} gives {list(dense.output.shape)}, scores for each token. What is "
            "exported gives [batch, labels]: pool the outputs of the recurrent layer, or let it "
            "give the last one."
        )
    functions = [scores.activation_name(dense.operation)]
    functions += [
        scores.activation_name(step.operation)
        if isinstance(step.operation, keras.layers.Activation)
        else type(step.operation).__name__.lower()
        for step in behind
    ]
    functions = [name for name in functions if name != "linear"]
    if len(functions) > 1 or not set(functions) <= {"softmax", "sigmoid"}:
        raise UnsupportedModelError(
            f"Model {graph.name!r} ends in {' and '.join(functions)}; what is exported ends in a "
            "softmax, a sigmoid or a linear Dense layer."
        )
