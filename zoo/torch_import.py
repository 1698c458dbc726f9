"""Imports PyTorch classifiers: embedding, `nn.LSTM`, `nn.GRU` or `nn.RNN`, linear layers.

    class LSTMClassifier(nn.Module):            keys of its state dict
        self.embedding = nn.Embedding(…)        embedding.weight [ids, width]
        self.lstm = nn.LSTM(…)                  lstm.weight_ih_l0 [4·units, width], …
        self.fc = nn.Linear(…)                  fc.weight [classes, features], fc.bias

Modules may have other names. A state dict does not contain what the head reads, whether sequences
were packed, or the activation of an `nn.RNN`. `zoo.torch_readout.Readout` states these, and outputs
of the PyTorch model verify them.
"""

import functools
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from zoo import cells, records, torch_check, torch_head, torch_state, vocabulary_files
from zoo.bundle import Bundle
from zoo.classifier import build_classifier, with_sigmoid
from zoo.layers import Recurrent
from zoo.text import PAD_ID, Tokenizer, Vocabulary
from zoo.tokenizers import AnyTokenizer
from zoo.torch_head import Head
from zoo.torch_readout import Readout, TorchImportError
from zoo.wordpiece import Pieces, WordPieceTokenizer

# PyTorch's order of the gates, and the zoo's cell with its own order.
GATES = {
    "lstm": ("ifgo", cells.LSTMCell),
    "gru": ("rzg", cells.GRUCell),
    "rnn": ("g", cells.SimpleRNNCell),
}
KINDS = {len(gates): kind for kind, (gates, _) in GATES.items()}
RECURRENT_KEY = re.compile(
    r"(?P<module>.*?)\.?(?P<part>weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)"
    r"_l(?P<layer>\d+)(?P<reverse>_reverse)?"
)


@dataclass(frozen=True)
class _Stack:
    """The structure of the recurrent module, derived from the weights' shapes.

    Attributes:
        module: Its name, the prefix of its keys.
        kind: `lstm`, `gru` or `rnn`.
        units: Width of the state (of the cell state, with a projection).
        outputs: Width of the output of one direction.
        layers: Number of layers.
        directions: Number of directions, 1 or 2.
        features: Width of the input of the first layer.
    """

    module: str
    kind: str
    units: int
    outputs: int
    layers: int
    directions: int
    features: int

    @property
    def name(self) -> str:
        """A name for the model, in the catalogue's style."""
        prefix = "bi" if self.directions == 2 else ""
        return f"projected-{prefix}lstm" if self.outputs != self.units else f"{prefix}{self.kind}"


def import_torch(
    state_dict: Mapping[str, np.ndarray],
    *,
    pooling: str | None = None,
    packed: bool = True,
    activation: str = "tanh",
    scores: str | None = None,
) -> keras.Model:
    """Builds a Keras model with the weights of a PyTorch classifier, which gives the same logits.

    Args:
        state_dict: Arrays or CPU tensors, by name.
        pooling, packed, activation, scores: What the state dict does not contain, see
            `zoo.torch_readout.Readout`. None for `pooling` means "last", with a warning.

    Returns:
        A model from int32 [batch, time] token ids, padded on the right with 0, to float32
        [batch, classes] logits. A head with one logit, for a sigmoid, gets two classes, with the
        logits 0 and that one. With a sigmoid for each label, the model gives probabilities.

    Raises:
        TorchImportError: If keys are missing, unknown or of inconsistent shapes, or the zoo's
            models do not support the readout.

    Warns:
        UserWarning: If `pooling` is not given.
    """
    built = _built(state_dict, Readout(pooling or "last", packed, activation, scores))
    if pooling is None:
        assumed = "; ".join(_lines(built))
        warnings.warn(
            f"A state dict does not contain how its outputs are read. Assumed: {assumed}. Give "
            "pooling= to choose it yourself, and compare the logits with PyTorch's.",
            stacklevel=2,
        )
    return _ended(built.model, built.readout)


def _ended(model: keras.Model, readout: Readout) -> keras.Model:
    """The model that people use: with its sigmoids, which tell it from a softmax's."""
    return with_sigmoid(model) if readout.scores == "sigmoid" else model


@dataclass(frozen=True)
class _Built:
    """A model with the weights of a PyTorch classifier.

    Attributes:
        model: The model.
        readout: The complete readout.
        stack: The structure of the recurrent module.
        head: The linear layers.
        left_out: Names of weights that belong to the loss.
    """

    model: keras.Model
    readout: Readout
    stack: _Stack
    head: Head
    left_out: Sequence[str]


def _built(state_dict: Mapping[str, np.ndarray], readout: Readout, padding: int = PAD_ID) -> _Built:
    """Builds the model; its embedding has the row of `padding` first, and the first one there."""
    kept, left_out = torch_state.without_loss(state_dict)
    weights = {name: _array(name, value) for name, value in kept.items()}
    stack = _read_stack(weights)
    embedding, head = _read_ends(weights, stack)
    if stack.directions == 1 and readout.packed and readout.pooling == "last-step":
        readout = replace(readout, pooling="last")  # the same in one direction
    readout = readout.require_known(head.outputs, stack.kind)
    if head.outputs == 1:  # for a sigmoid: a softmax over [0, logit] gives the same
        head = head.with_two_classes()
    table = weights[embedding]
    if padding >= len(table):
        raise TorchImportError(
            f"The padding token has id {padding}, but the embedding has {len(table)} rows."
        )
    model = build_classifier(
        _layer(stack, readout.activation),
        vocab_size=len(table),
        num_classes=head.outputs,
        embed_dim=stack.features,
        hidden_dim=stack.units,
        num_layers=stack.layers,
        dropout=0.0,
        pooling=readout.pooling,
        bidirectional=stack.directions == 2,
        name=stack.name.replace("-", "_"),
    )
    model.get_layer("embedding").set_weights([table[_order(len(table), padding)]])
    for number in range(stack.layers):
        suffixes = ["", "_reverse"][: stack.directions]
        arrays = [a for suffix in suffixes for a in _direction(weights, stack, number, suffix)]
        name = f"bidirectional_{number + 1}" if stack.directions == 2 else f"recurrent_{number + 1}"
        model.get_layer(name).set_weights(arrays)
    model = head.on(model, readout.head)
    return _Built(model, readout, stack, head, left_out)


def _lines(built: _Built) -> list[str]:
    """The assumptions, one line each."""
    lines = built.readout.lines(built.stack.kind, built.head.outputs, len(built.head.names))
    if built.left_out:
        lines.append(f"not used, since it belongs to the loss: {', '.join(built.left_out)}")
    return lines


def _order(rows: int, padding: int) -> np.ndarray:
    """The ids with that of padding in the place of 0, and 0 in its place."""
    order = np.arange(rows)
    order[[PAD_ID, padding]] = padding, PAD_ID
    return order


@dataclass(frozen=True)
class Imported:
    """The result of an import.

    Attributes:
        bundle: The content of a run folder.
        assumed: The assumptions about what the files do not contain, one line each.
    """

    bundle: Bundle
    assumed: tuple[str, ...]


def import_bundle(
    path: str | os.PathLike,
    *,
    vocab: str | os.PathLike,
    labels: str | os.PathLike,
    max_length: int = 128,
    readout: Readout | None = None,
    check: str | os.PathLike | None = None,
) -> Imported:
    """Imports a PyTorch file with its vocabulary and labels as the content of a run folder.

    Args:
        path: A .pt or .safetensors file.
        vocab: A vocabulary, see `zoo.vocabulary_files.read_vocabulary`.
        labels: A file with one label per line, in the order of the classes.
        max_length: Number of ids per text.
        readout: What the state dict does not contain.
        check: JSON lines with outputs of the PyTorch model, see `zoo.torch_check.read_answers`.

    Raises:
        TorchImportError: If the files do not fit each other, or the outputs differ.
        ValueError: If the vocabulary is invalid.
        OSError: If a file cannot be read.
    """
    pieces = vocabulary_files.read_pieces(vocab)
    vocabulary = pieces or vocabulary_files.read_vocabulary(vocab)
    names = tuple(vocabulary_files.read_lines(labels))
    weights = torch_state.read_state_dict(path)
    padding = vocabulary.pad
    built = _built(weights, readout or Readout(), padding)
    model, readout = built.model, built.readout
    classes, rows = model.output_shape[-1], model.get_layer("embedding").input_dim
    order = _order(rows, padding)
    try:
        vocabulary_files.check_labels(names, classes, str(labels))
        if isinstance(vocabulary, Pieces):
            vocabulary_files.check_pieces(vocabulary, rows, str(vocab))
        else:
            vocabulary_files.check_vocabulary(vocabulary, rows, str(vocab))
    except ValueError as error:
        raise TorchImportError(str(error)) from None
    tokenizer, on_a_device = _tokenizer(vocabulary, order, max_length)
    assumed = [*_lines(built), *on_a_device]
    if padding != PAD_ID:
        assumed.append(
            f"the ids {padding} (padding, in PyTorch) and {PAD_ID} change places, since a file's "
            f"padding is {PAD_ID}"
        )
    checked = None
    if check is not None:
        checked = torch_check.check(
            model.predict_on_batch,
            torch_check.read_answers(check, tokenizer, order),
            readout,
            torch_check.other_readings(
                readout,
                ("tanh", "relu") if built.stack.kind == "rnn" else ("tanh",),
                functools.partial(_steps, weights, padding, readout.head),
                built.stack.directions,
            ),
        )
    config = records.imported(
        model={
            "name": model.name.replace("_", "-"),
            "vocab_size": rows,
            "num_classes": classes,
            "parameters": model.count_params(),
        },
        tokenizer=tokenizer,
        origin={
            "from": Path(path).name,
            **readout.record(),
            "assumed": assumed,
            "checked": checked,
        },
    )
    return Imported(Bundle(_ended(model, readout), tokenizer, names, config), tuple(assumed))


def _tokenizer(
    vocabulary: Vocabulary | Pieces, order: np.ndarray, max_length: int
) -> tuple[AnyTokenizer, list[str]]:
    """The tokenizer on a device, with its ids in their new order, and lines for the user."""
    rows = len(order)
    if isinstance(vocabulary, Pieces):  # whose padding has id 0, so no ids change places
        pieces = WordPieceTokenizer(vocabulary, max_length)
        return pieces, vocabulary_files.pieces_on_a_device(pieces, rows)
    words = Vocabulary({token: int(order[number]) for token, number in vocabulary.items()})
    tokenizer = Tokenizer(words.with_apostrophes(), max_length)
    return tokenizer, vocabulary_files.on_a_device(tokenizer, words, rows)


def _steps(
    state_dict: Mapping[str, np.ndarray], padding: int, head: str, activation: str
) -> tuple[keras.Model, torch_check.Reading, int]:
    """Arguments for `torch_check.other_readings`: all outputs, the head, an unmasked padding id."""
    weights, _ = torch_state.without_loss(state_dict)
    weights = {name: _array(name, value) for name, value in weights.items()}
    stack = _read_stack(weights)
    key, _ = _read_ends(weights, stack)
    table = weights[key]
    more = {**weights, key: np.vstack([table, table[[padding]]])}
    model = _built(more, Readout("mean", activation=activation, head=head), padding).model
    top = model.get_layer(
        f"{'bidirectional' if stack.directions == 2 else 'recurrent'}_{stack.layers}"
    )
    features = model.get_layer("head_1" if "head_1" in _names(model) else "logits").input
    logits = keras.Model(features, model.output)
    return keras.Model(model.input, top.output), logits.predict_on_batch, len(table)


def _names(model: keras.Model) -> set[str]:
    return {layer.name for layer in model.layers}


def _array(name: str, value) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    array = np.asarray(value)
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise TorchImportError(f"{name} holds {array.dtype}, not floating point weights.")
    return array.astype(np.float32)


def _read_stack(weights: Mapping[str, np.ndarray]) -> _Stack:
    keys = {key: match for key in weights if (match := RECURRENT_KEY.fullmatch(key))}
    modules = {match["module"] for match in keys.values()}
    if len(modules) != 1:
        what = f"several recurrent modules, {', '.join(sorted(modules))}" if modules else "none"
        raise TorchImportError(
            "The state dict of one nn.LSTM, nn.GRU or nn.RNN has keys such as "
            f"lstm.weight_ih_l0; this one has {what}. Its keys: {_shown(weights)}."
        )
    (module,) = modules
    dot = f"{module}." if module else ""
    first = (f"{dot}weight_ih_l0", f"{dot}weight_hh_l0")
    _require(weights, first)
    rows, features = weights[first[0]].shape
    outputs = weights[first[1]].shape[1]
    projection = weights.get(f"{dot}weight_hr_l0")
    units = outputs if projection is None else projection.shape[1]
    if rows % units or rows // units not in KINDS:
        raise TorchImportError(
            f"{first[0]} has {rows} rows for {units} units: neither 4 gates (LSTM), 3 (GRU) nor 1."
        )
    stack = _Stack(
        module=module,
        kind=KINDS[rows // units],
        units=units,
        outputs=outputs,
        layers=1 + max(int(match["layer"]) for match in keys.values()),
        directions=2 if any(match["reverse"] for match in keys.values()) else 1,
        features=features,
    )
    expected = _shapes(stack, dot, biases=f"{dot}bias_ih_l0" in weights)
    _require(weights, expected)
    unknown = sorted(set(keys) - set(expected))
    if unknown:
        raise TorchImportError(f"Unknown keys: {', '.join(unknown)}.")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise TorchImportError(f"{name} is {list(weights[name].shape)}, not {list(shape)}.")
    return stack


def _shapes(stack: _Stack, dot: str, *, biases: bool) -> dict[str, tuple[int, ...]]:
    """Every key of the recurrent module and its shape."""
    rows = stack.units * len(GATES[stack.kind][0])
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(stack.layers):
        for suffix in ("", "_reverse")[: stack.directions]:
            end = f"_l{layer}{suffix}"
            inputs = stack.features if layer == 0 else stack.outputs * stack.directions
            shapes[f"{dot}weight_ih{end}"] = (rows, inputs)
            shapes[f"{dot}weight_hh{end}"] = (rows, stack.outputs)
            if biases:
                shapes[f"{dot}bias_ih{end}"] = shapes[f"{dot}bias_hh{end}"] = (rows,)
            if stack.outputs != stack.units:
                shapes[f"{dot}weight_hr{end}"] = (stack.outputs, stack.units)
    return shapes


def _read_ends(weights: Mapping[str, np.ndarray], stack: _Stack) -> tuple[str, Head]:
    """Returns the embedding's key and the head."""
    others = [key for key in weights if not RECURRENT_KEY.fullmatch(key)]
    matrices = [key for key in others if key.endswith("weight") and weights[key].ndim == 2]
    width = stack.outputs * stack.directions
    embeddings = [
        key
        for key in matrices
        if weights[key].shape[1] == stack.features
        # Of equal widths: a linear layer has a bias, an embedding has none.
        and key.removesuffix("weight") + "bias" not in weights
    ]
    shown = (
        f"Besides {stack.module or 'the recurrent module'}, the state dict needs one embedding "
        f"[ids, {stack.features}], and linear layers from [outputs, {width}] to [classes, inputs]; "
        f"its other keys: {_shown({key: weights[key] for key in others})}."
    )
    if len(embeddings) > 1 and stack.features != width:
        # A linear layer without a bias may have the same width: the embedding comes first.
        embeddings = embeddings[:1]
    if len(embeddings) != 1:
        raise TorchImportError(shown)
    head = torch_head.read(weights, [m for m in matrices if m not in embeddings], width, shown)
    parts = {f"{name}.{part}".lstrip(".") for name in head.names for part in ("weight", "bias")}
    extra = sorted(set(others) - {embeddings[0]} - parts)
    if extra:
        raise TorchImportError(
            f"Unknown keys: {', '.join(extra)}. Only an embedding, one recurrent module "
            "and linear layers can be imported."
        )
    return embeddings[0], head


def _layer(stack: _Stack, activation: str):
    builtin = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
    if activation != "tanh":
        return functools.partial(keras.layers.SimpleRNN, activation=activation)
    if stack.outputs == stack.units:
        return builtin[stack.kind]

    def projected(units: int, *, return_sequences: bool) -> keras.layers.Layer:
        cell = cells.ProjectedLSTMCell(units, projection=stack.outputs)
        return Recurrent(cell, return_sequences=return_sequences)

    return projected


def _direction(weights, stack: _Stack, layer: int, suffix: str) -> Sequence[np.ndarray]:
    """The weights of one direction for Keras: transposed, with the gates in the cell's order."""
    dot = f"{stack.module}." if stack.module else ""
    end = f"_l{layer}{suffix}"
    zeros = np.zeros(len(weights[f"{dot}weight_ih{end}"]), np.float32)
    gates, cell = GATES[stack.kind]

    def ordered(name: str, *default: np.ndarray) -> np.ndarray:
        whole = weights.get(f"{dot}{name}{end}", *default)
        parts = dict(zip(gates, np.split(whole.T, len(gates), axis=-1), strict=True))
        return np.concatenate([parts[gate] for gate in cell.gates], axis=-1)

    inputs, recurrent = ordered("weight_ih"), ordered("weight_hh")
    outer, inner = ordered("bias_ih", zeros), ordered("bias_hh", zeros)
    if stack.kind == "gru":
        return [inputs, recurrent, np.stack([outer, inner])]
    arrays = [inputs, recurrent, outer + inner]
    if stack.outputs != stack.units:
        arrays.append(weights[f"{dot}weight_hr{end}"].T)
    return arrays


def _require(weights: Mapping[str, np.ndarray], names) -> None:
    missing = [name for name in names if name not in weights]
    if missing:
        raise TorchImportError(
            f"The state dict lacks {', '.join(missing)}. Its keys: {_shown(weights)}."
        )


def _shown(weights: Mapping[str, np.ndarray]) -> str:
    return ", ".join(f"{key} {list(value.shape)}" for key, value in weights.items()) or "none"
