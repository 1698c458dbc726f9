"""Imports PyTorch classifiers: embedding, `nn.LSTM`, `nn.GRU` or `nn.RNN`, linear head.

    class LSTMClassifier(nn.Module):            keys of its state dict
        self.embedding = nn.Embedding(…)        embedding.weight [ids, width]
        self.lstm = nn.LSTM(…)                  lstm.weight_ih_l0 [4·units, width], …
        self.fc = nn.Linear(…)                  fc.weight [classes, features], fc.bias

Modules may have other names. A state dict does not contain what the head reads, whether sequences
were packed, or the activation of an `nn.RNN`. `zoo.torch_readout.Readout` states these, and outputs
of the PyTorch model verify them.
"""

import functools
import json
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from zoo import cells, records, torch_check
from zoo.bundle import Bundle
from zoo.classifier import build_classifier, with_sigmoid
from zoo.layers import Recurrent
from zoo.text import APOSTROPHE, PAD, PAD_ID, START, UNKNOWN, Tokenizer, Vocabulary
from zoo.torch_readout import Readout, TorchImportError

SPECIAL = (PAD, UNKNOWN, START)
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
    model, readout, stack = _built(
        state_dict, Readout(pooling or "last", packed, activation, scores)
    )
    if pooling is None:
        assumed = "; ".join(readout.lines(stack.kind, model.output_shape[-1]))
        warnings.warn(
            f"A state dict does not contain how its outputs are read. Assumed: {assumed}. Give "
            "pooling= to choose it yourself, and compare the logits with PyTorch's.",
            stacklevel=2,
        )
    return _ended(model, readout)


def _ended(model: keras.Model, readout: Readout) -> keras.Model:
    """The model that people use: with its sigmoids, which tell it from a softmax's."""
    return with_sigmoid(model) if readout.scores == "sigmoid" else model


def _built(
    state_dict: Mapping[str, np.ndarray], readout: Readout
) -> tuple[keras.Model, Readout, "_Stack"]:
    """Returns the model, the complete readout, and the structure of the recurrent module."""
    weights = {name: _array(name, value) for name, value in state_dict.items()}
    stack = _read_stack(weights)
    embedding, head = _read_ends(weights, stack)
    kernel = weights[f"{head}.weight"]
    bias = weights.get(f"{head}.bias", np.zeros(len(kernel), np.float32))
    if stack.directions == 1 and readout.packed and readout.pooling == "last-step":
        readout = replace(readout, pooling="last")  # the same in one direction
    readout = readout.require_known(len(kernel), stack.kind)
    if len(kernel) == 1:  # one logit, for a sigmoid: a softmax over [0, logit] gives the same
        kernel, bias = np.vstack([0 * kernel, kernel]), np.append(np.float32(0), bias)
    model = build_classifier(
        _layer(stack, readout.activation),
        vocab_size=len(weights[embedding]),
        num_classes=len(kernel),
        embed_dim=stack.features,
        hidden_dim=stack.units,
        num_layers=stack.layers,
        dropout=0.0,
        pooling=readout.pooling,
        bidirectional=stack.directions == 2,
        name=stack.name.replace("-", "_"),
    )
    model.get_layer("embedding").set_weights([weights[embedding]])
    for number in range(stack.layers):
        suffixes = ["", "_reverse"][: stack.directions]
        arrays = [a for suffix in suffixes for a in _direction(weights, stack, number, suffix)]
        name = f"bidirectional_{number + 1}" if stack.directions == 2 else f"recurrent_{number + 1}"
        model.get_layer(name).set_weights(arrays)
    model.get_layer("logits").set_weights([kernel.T, bias])
    return model, readout, stack


def read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads a .safetensors file, or a .pt file without running code in it.

    Raises:
        TorchImportError: If the file is missing, has no state dict, or would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise TorchImportError(f"There is no file {path}.")
    if path.suffix == ".safetensors":
        try:
            import safetensors
            from safetensors.numpy import load_file
        except ImportError:
            raise _missing(path, "safetensors") from None
        try:
            return load_file(path)
        except (safetensors.SafetensorError, KeyError) as error:
            raise TorchImportError(f"{path} is not a valid .safetensors file: {error}.") from None
    if path.suffix not in (".pt", ".pth", ".bin"):
        raise TorchImportError(f"{path}: a state dict is a .pt, .pth or .safetensors file.")
    try:
        import torch
    except ImportError:
        raise _missing(path, "torch") from None
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch's errors for a bad file have no common class
        # Its message advises to load the file unsafely, which would run code in it.
        raise TorchImportError(
            f"{path} contains more than weights, or is not a PyTorch file, and was not loaded. "
            "Save only the state dict: torch.save(model.state_dict(), 'model.pt')."
        ) from None
    for name in ("state_dict", "model_state_dict"):  # the keys in checkpoints
        value = value.get(name, value) if isinstance(value, dict) else value
    if not isinstance(value, dict) or not all(isinstance(v, torch.Tensor) for v in value.values()):
        raise TorchImportError(
            f"{path} has no state dict (names to tensors). Save one: "
            "torch.save(model.state_dict(), 'model.pt')."
        )
    return value


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
        vocab: A file with lines `token id`, or with one token per line and ids from 0, or a .json
            object of ids by token. It must contain `<pad>` and `<unk>`, in any case.
        labels: A file with one label per line, in the order of the classes.
        max_length: Number of ids per text.
        readout: What the state dict does not contain.
        check: JSON lines with outputs of the PyTorch model, see `zoo.torch_check.read_answers`.

    Raises:
        TorchImportError: If the files do not fit each other, or the outputs differ.
        ValueError: If the vocabulary is invalid.
        OSError: If a file cannot be read.
    """
    vocabulary = read_vocabulary(vocab)
    weights = read_state_dict(path)
    model, readout, stack = _built(weights, readout or Readout())
    names = tuple(_lines(labels))
    classes, rows = model.output_shape[-1], model.get_layer("embedding").input_dim
    if len(names) != classes:
        raise TorchImportError(
            f"{labels} has {len(names)} labels, and the model {classes} classes; give one label "
            "per line, in the order of the classes."
        )
    if len(set(names)) < len(names) or "" in names:
        raise TorchImportError(f"{labels}: {list(names)}; each line must name one class.")
    _check_vocabulary(vocabulary, rows, vocab)
    tokenizer = Tokenizer(vocabulary.with_apostrophes(), max_length)
    assumed = [*readout.lines(stack.kind, classes), *_of_tokens(tokenizer, vocabulary, rows)]
    checked = None
    if check is not None:
        checked = torch_check.check(
            model.predict_on_batch,
            torch_check.read_answers(check, tokenizer, rows),
            readout,
            torch_check.other_readings(
                readout,
                ("tanh", "relu") if stack.kind == "rnn" else ("tanh",),
                functools.partial(_steps, weights, stack),
                stack.directions,
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


def _steps(
    weights: Mapping[str, np.ndarray], stack: _Stack, activation: str
) -> tuple[keras.Model, torch_check.Reading, int]:
    """Arguments for `torch_check.other_readings`: all outputs, the head, an unmasked padding id."""
    key, _ = _read_ends(weights, stack)
    table = _array(key, weights[key])
    more = {**weights, key: np.vstack([table, table[[PAD_ID]]])}
    model = _built(more, Readout("mean", activation=activation))[0]
    top = f"{'bidirectional' if stack.directions == 2 else 'recurrent'}_{stack.layers}"
    steps = keras.Model(model.input, model.get_layer(top).output)
    kernel, bias = model.get_layer("logits").get_weights()
    return steps, lambda features: features @ kernel + bias, len(table)


def _check_vocabulary(vocabulary: Vocabulary, rows: int, path: str | os.PathLike) -> None:
    """Raises `TorchImportError` if the vocabulary's numbers are not ids of this embedding."""
    holder: dict[int, str] = {vocabulary.pad: PAD}
    for token, number in vocabulary.items():
        if token in SPECIAL or number == vocabulary.unknown:  # rare words may share it
            continue
        other = holder.setdefault(number, token)
        if _caseless(other) != _caseless(token):
            raise TorchImportError(
                f"{path}: {other!r} and {token!r} both have the number {number}. Each word needs "
                "its own id, from 0; are these counts?"
            )
    if vocabulary.size > rows:
        raise TorchImportError(
            f"{path} has ids up to {vocabulary.size - 1}, but the embedding has {rows} rows; give "
            "the vocabulary that the model was trained with (its ids, not the words' counts)."
        )
    if vocabulary.pad != PAD_ID:
        raise TorchImportError(
            f"{path}: the padding token has id {vocabulary.pad}; the zoo's models mask id {PAD_ID}."
        )


def _caseless(token: str) -> str:
    """A key that is equal for all forms of a word that share its id."""
    # Upper-cased first: "ı" and "I" are one letter, but fold to two.
    return token.upper().casefold().replace(APOSTROPHE, "'")


def _of_tokens(tokenizer: Tokenizer, vocabulary: Vocabulary, rows: int) -> list[str]:
    """Lines for the user about the vocabulary on a device."""
    words = [token for token in vocabulary if token not in SPECIAL]
    lost = [token for token in words if tokenizer.split(token) != [token]]
    unused = rows - len(set(vocabulary.values()))
    lines = [f"unknown words have id {vocabulary.unknown} (<unk>)"]
    if vocabulary.unknown == vocabulary.pad:
        lines[0] += ", which is also that of padding: they are skipped"
    if any(token != token.lower() and vocabulary.get(token.lower()) == number
           for token, number in vocabulary.items()):  # fmt: skip
        lines.append("case is folded: Word and WORD have the id of word")
    if unused:
        lines.append(f"{unused:,} of the embedding's {rows:,} rows have no token and are not used")
    if lost:
        lines.append(
            f"{len(lost):,} of {len(words):,} tokens, like {', '.join(map(repr, lost[:3]))}, never "
            "occur on a device, which splits texts at all but letters, digits, _ and '"
        )
    return lines


def read_vocabulary(path: str | os.PathLike) -> Vocabulary:
    """Reads a vocabulary in one of the forms that PyTorch tutorials save.

    If all words are lower case, the texts were lower-cased before the lookup. A device does not do
    that, so each word gets lines for its Capitalised and UPPER form.

    Raises:
        ValueError: If it is invalid, or lacks the tokens for padding and unknown words.
    """
    path = Path(path)
    if path.suffix == ".json":
        pairs = _json_pairs(path)
    else:
        lines = _lines(path)
        split = [re.fullmatch(r"(\S+)[ \t]([0-9]+)", line) for line in lines]
        if split and split[0]:
            for number, (line, match) in enumerate(zip(lines, split, strict=True), start=1):
                if not match:
                    raise ValueError(f"{path}, line {number}: {line!r} is not 'token id'.")
            pairs = [(match[1], int(match[2])) for match in split if match]
        else:
            pairs = [(token, number) for number, token in enumerate(lines)]
    special = {"<pad>": PAD, "[pad]": PAD, "<unk>": UNKNOWN, "[unk]": UNKNOWN, "<unknown>": UNKNOWN}
    ids: dict[str, int] = {}
    for token, number in pairs:
        name = special.get(token.lower(), token)
        if name in ids:
            raise ValueError(f"{path}: {token!r} occurs twice; a token has one id.")
        # <START> is left out: the device would insert it before every text.
        if name != START:
            ids[name] = number
    words = [token for token in ids if token not in (PAD, UNKNOWN)]
    if all(token == token.lower() for token in words):
        for token in words:
            for form in (token.capitalize(), token.upper()):
                ids.setdefault(form, ids[token])
    try:
        return Vocabulary(ids)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _json_pairs(path: Path) -> list[tuple[str, int]]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON in UTF-8: {error}.") from None
    pairs = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        pairs = [(token, number) for number, token in enumerate(value)]
    if not pairs or not all(type(t) is str and type(n) is int for t, n in pairs):
        raise ValueError(f"{path}: a vocabulary in JSON is {{token: id}} or a list of tokens.")
    return pairs


def _lines(path: str | os.PathLike) -> list[str]:
    """The lines of a text file, without line ends and without empty lines at its end."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error.reason}); save it as UTF-8.") from None
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _missing(path: Path, package: str) -> TorchImportError:
    return TorchImportError(
        f"{path}: reading it requires the package {package}; pip install '.[torch]'."
    )


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


def _read_ends(weights: Mapping[str, np.ndarray], stack: _Stack) -> tuple[str, str]:
    """Returns the embedding's key and the name of the head's module."""
    others = [key for key in weights if not RECURRENT_KEY.fullmatch(key)]
    matrices = [key for key in others if key.endswith("weight") and weights[key].ndim == 2]
    width = stack.outputs * stack.directions
    embeddings = [key for key in matrices if weights[key].shape[1] == stack.features]
    heads = [key for key in matrices if weights[key].shape[1] == width]
    if stack.features == width:  # equal widths: a head has a bias, an embedding has none
        heads = [key for key in heads if key.removesuffix("weight") + "bias" in weights]
        embeddings = [key for key in embeddings if key not in heads]
    if len(embeddings) != 1 or len(heads) != 1:
        raise TorchImportError(
            f"Besides {stack.module or 'the recurrent module'}, the state dict needs one embedding "
            f"[ids, {stack.features}] and one linear layer [classes, {width}]; its other keys: "
            f"{_shown({key: weights[key] for key in others})}."
        )
    head = heads[0].removesuffix(".weight")
    extra = sorted(set(others) - {embeddings[0], f"{head}.weight", f"{head}.bias"})
    if extra:
        raise TorchImportError(
            f"Unknown keys: {', '.join(extra)}. Only an embedding, one recurrent module "
            "and one linear layer can be imported."
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
