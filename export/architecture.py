"""Reads the architecture of a Keras model for export."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from export import recurrent
from export.recurrent import Direction, RecurrentLayer, Stage
from zoo import model_graph, scores
from zoo.layers import MeanOverTime
from zoo.model_graph import Step, UnsupportedModelError, named
from zoo.scores import Scores
from zoo.text import PAD_ID

__all__ = ["Architecture", "Direction", "RecurrentLayer", "Stage", "UnsupportedModelError", "read"]

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
    found = [step for step in steps if isinstance(step.operation, recurrent.KINDS)]
    if not found:
        others = [s for s in steps if any(one is embedding.output for one in s.inputs)]
        nearest = f": {named(others[0])} stands behind the Embedding" if others else ""
        raise UnsupportedModelError(
            f"Model {graph.name!r} has no recurrent layer on its embedding{nearest}. What is "
            "exported is Embedding, recurrent layers, dense layers."
        )
    words = embedding.operation.input_dim
    layers, tensors = _recurrent_layers(graph, steps, found, embedding.output, words)
    dense, behind = _last_dense(graph)
    _require_known_end(graph, dense, behind)
    flags = (True, *(layer.masked for layer in layers))
    hidden = _stage(graph, dense.inputs[0], tensors, flags)
    mean = _mean(dense.inputs[0], tensors[-1])
    plain = not any(layer.reads for layer in layers)
    if mean is not None and plain and _is_masked(graph, mean, words) is layers[-1].masked:
        layers = (*layers[:-1], replace(layers[-1], gives="mean"))
        hidden = _stage(graph, dense.inputs[0], [*tensors[:-1], mean.output], flags)
    kind = scores.read(model, scores_kind)
    layer = dense.operation
    kernel = _numpy(layer.kernel)
    bias = np.zeros(kernel.shape[1], np.float32) if layer.bias is None else _numpy(layer.bias)
    table = _numpy(embedding.operation.embeddings)
    return Architecture(table, layers, hidden, kernel, bias, any(flags[1:]), kind)


def _recurrent_layers(
    graph, steps: list[Step], found: list[Step], embedded, words: int
) -> tuple[tuple[RecurrentLayer, ...], list[Any]]:
    """The recurrent layers, and the embedding and their outputs, as numbered in `Stage.takes`."""
    used = {id(tensor) for step in steps for tensor in (*step.inputs, step.mask)}
    used.add(id(graph.outputs[0]))
    layers: list[RecurrentLayer] = []
    tensors = [embedded]
    flags = [True]
    for step in found:
        masked = _is_masked(graph, step, words)
        reads = _stage(graph, step.inputs[0], tensors, flags)
        outputs = recurrent.read(step, used)
        if reads is None and len(outputs) > 1:
            reads = Stage(None, (len(tensors) - 1,), False)
        layers += [replace(layer, reads=reads, masked=masked) for layer, _ in outputs]
        tensors += [output for _, output in outputs]
        flags += [masked] * len(outputs)
    if len({layer.masked for layer in layers}) > 1 or any(layer.is_flipped for layer in layers):
        # Layers pass on their steps without the padding, which does only if all do it alike.
        layers = [
            replace(layer, reads=layer.reads or Stage(None, (number,), False))
            for number, layer in enumerate(layers)
        ]
    return tuple(layers), tensors


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


def _require_plain(step: Step) -> None:
    if getattr(step.operation, "quantization_mode", None):
        raise UnsupportedModelError(
            f"{named(step)} is quantised by Keras. Export the model as it was before; the export "
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
        f"{named(before)} comes before the Embedding. Keep it out of the model: ids come from "
        "the tokenizer, on the device, too."
    )


def _stage(graph, tensor, below: Sequence[Any], flags: Sequence[bool]) -> Stage | None:
    """The stage that computes a tensor from the embedding and the recurrent outputs below it.

    None if the tensor is the last of these, apart from layers that do nothing in inference. `flags`
    say of which of them padding is masked.
    """
    direct = _direct(tensor, below)
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
    masks = tuple(
        getattr(below[number], "_keras_mask", None) is not None and flags[number]
        for number in takes
    )
    return Stage(keras.Model(inputs, tensor, name="stage"), takes, uses_tokens, masks)


def _direct(tensor, ends: Sequence[Any]):
    """The tensor, or that of `ends` from which only layers for training lead to it."""
    while not any(tensor is one for one in ends):
        step = model_graph.step_of(tensor)
        if step is None or not isinstance(step.operation, TRAINING_ONLY):
            break
        (tensor,) = step.inputs
    return tensor


def _mean(tensor, top) -> Step | None:
    """The `zoo.layers.MeanOverTime` directly after the top layer, if there is one."""
    step = model_graph.step_of(tensor)
    while step is not None and len(step.inputs) == 1:
        if isinstance(step.operation, MeanOverTime):
            return step if _direct(step.inputs[0], [top]) is top else None
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
            f"{named(step)} has a mask that is not `tokens != 0`. Id 0 has to be the padding: "
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
    found = keras.Model(tokens, mask).predict(rows, batch_size=tokens.shape[0] or 256, verbose=0)
    return np.asarray(found, bool), rows != PAD_ID


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
            raise UnsupportedModelError(f"{named(step)}: its axis has to be the last one.")
        if type(activation).__name__ not in ("Softmax", "Sigmoid", "Activation"):
            raise UnsupportedModelError(
                f"{named(step)} behind the last Dense layer is not exported; end the model in "
                "Dense, with a softmax or a sigmoid or none."
            )
    if len(dense.output.shape) != 2:
        raise UnsupportedModelError(
            f"{named(dense)} gives {list(dense.output.shape)}, scores for each token. What is "
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
