"""`Recurrent` in place of `keras.layers.RNN`, in all the ways in which that is used.

Each check returns the largest difference from what `keras.layers.RNN`, Keras's own layer of the
cell, or a computation step by step gives, on whatever backend Keras runs. Masks are in tests.masks.
"""

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tests.masks import MASK, loop
from zoo import cells
from zoo.layers import Recurrent

BATCH, TIME, FEATURES, UNITS = 3, 6, 4, 5
CELLS: dict[str, Callable] = {
    "keras-simple": lambda: keras.layers.SimpleRNNCell(UNITS),
    "keras-lstm": lambda: keras.layers.LSTMCell(UNITS),
    "keras-gru": lambda: keras.layers.GRUCell(UNITS),
    "peephole": lambda: cells.PeepholeLSTMCell(UNITS),
    "minimal": lambda: cells.MinGRUCell(UNITS),
    "sru": lambda: cells.SRUCell(UNITS),
}
LAYERS = {
    "keras-simple": keras.layers.SimpleRNN,
    "keras-lstm": keras.layers.LSTM,
    "keras-gru": keras.layers.GRU,
}


def built(name: str, seed: int = 0):
    """A cell with weights large enough that every one of them matters."""
    cell = CELLS[name]()
    cell.build((None, FEATURES))
    rng = np.random.default_rng(seed)
    cell.set_weights([rng.normal(size=w.shape) * 0.7 for w in cell.get_weights()])
    return cell


def sequences(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(BATCH, TIME, FEATURES)).astype("float32")


def off(one, other) -> float:
    """The largest difference of two nests of tensors."""
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    numpy = keras.ops.convert_to_numpy
    return max(float(np.abs(numpy(a) - numpy(b)).max()) for a, b in pairs)


def options() -> float:
    """Every combination of the options, with and without initial states, for every cell."""
    worst = 0.0
    names = ("return_sequences", "return_state", "go_backwards", "unroll")
    for name, *values in itertools.product(CELLS, *[(False, True)] * len(names)):
        cell, chosen = built(name), dict(zip(names, values, strict=True))
        x, rng = sequences(), np.random.default_rng(2)
        sizes = keras.tree.flatten(cell.state_size)
        states = [rng.normal(size=(BATCH, size)).astype("float32") for size in sizes]
        for initial in (None, states):
            pair = [
                layer(cell, **chosen)(x, initial_state=initial)
                for layer in (Recurrent, keras.layers.RNN)
            ]
            worst = max(worst, off(*pair))
    return worst


def own_layers() -> float:
    """Keras's own layers of the same cells, with a mask in the middle."""
    worst = 0.0
    for name, kind in LAYERS.items():
        cell = built(name)
        x = np.random.default_rng(3).normal(size=(*MASK.shape, FEATURES)).astype("float32")
        mask = keras.ops.convert_to_tensor(MASK)
        # Without a kernel that takes padded sequences only.
        layer = kind(
            UNITS,
            return_sequences=True,
            **({} if kind == keras.layers.SimpleRNN else {"use_cudnn": False}),
        )
        layer.build(x.shape)
        layer.cell.set_weights(cell.get_weights())
        got = Recurrent(cell, return_sequences=True)(x, mask=mask)
        worst = max(worst, off(got, layer(x, mask=mask)))
    return worst


def stacked() -> float:
    """A list of cells, one upon the other."""
    worst = 0.0
    x = sequences()
    for masked in (False, True):
        pair = [keras.layers.LSTMCell(UNITS), keras.layers.GRUCell(3)]
        layer = Recurrent(pair, return_sequences=True)
        mask = keras.ops.convert_to_tensor(MASK[:BATCH].repeat(2, axis=1)[:, :TIME])
        got = layer(x, mask=mask if masked else None)
        lower = Recurrent(pair[0], return_sequences=True)(x, mask=mask if masked else None)
        upper = Recurrent(pair[1], return_sequences=True)(lower, mask=mask if masked else None)
        worst = max(worst, off(got, upper))
    return worst


def stateful() -> float:
    """Two halves in two calls give what the whole gives in one; a reset begins anew."""
    worst = 0.0
    for name, unroll in itertools.product(CELLS, (False, True)):
        cell, x = built(name), sequences()
        whole = Recurrent(cell, return_sequences=True)(x)
        layer = Recurrent(cell, return_sequences=True, stateful=True, unroll=unroll)
        halves = [keras.ops.convert_to_numpy(layer(half)) for half in (x[:, :3], x[:, 3:])]
        layer.reset_state()
        again = keras.ops.convert_to_numpy(layer(x[:, :3]))
        worst = max(worst, off(np.concatenate(halves, axis=1), whole), off(again, halves[0]))
    return worst


def bidirectional() -> float:
    """In `keras.layers.Bidirectional`, with every merge mode and a mask in the middle."""
    worst = 0.0
    x = np.random.default_rng(4).normal(size=(*MASK.shape, FEATURES)).astype("float32")
    mask = keras.ops.convert_to_tensor(MASK)
    for name, merge in itertools.product(
        ("peephole", "sru"), ("concat", "sum", "mul", "ave", None)
    ):
        layer = keras.layers.Bidirectional(
            Recurrent(CELLS[name](), return_sequences=True), merge_mode=merge
        )
        got = layer(x, mask=mask)
        ways = []
        for part, backwards in ((layer.forward_layer, False), (layer.backward_layer, True)):
            size = keras.tree.flatten(part.cell.state_size)
            zeros = [np.zeros((len(x), one), "float32") for one in size]
            # The wrapper asks for zeros at masked steps.
            outputs = loop(part.cell, x, zeros, backwards, True)[0]
            ways.append(outputs[:, ::-1] if backwards else outputs)
        one, other = ways
        expected = {
            "concat": lambda a, b: np.concatenate([a, b], axis=-1),
            "sum": np.add,
            "mul": np.multiply,
            "ave": lambda a, b: (a + b) / 2,
            None: lambda a, b: [a, b],
        }[merge](one, other)
        worst = max(worst, off(got, expected))
    return worst


def copies() -> float:
    """`clone_model` with the same weights, and a model that was saved and loaded."""
    worst = 0.0
    for name in CELLS:
        inputs = keras.Input((None, FEATURES))
        layer = Recurrent(CELLS[name](), return_sequences=True, zero_output_for_mask=True)
        x = keras.layers.Masking()(inputs)
        model = keras.Model(inputs, keras.layers.Bidirectional(layer)(x))
        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            model.save(path)
            loaded = keras.models.load_model(path)
        x = sequences()
        x[0, 2] = x[1, :3] = x[2, 3:] = 0
        expected = model(x)
        worst = max(worst, off(clone(x), expected), off(loaded(x), expected))
    return worst


def of_keras() -> dict[str, float]:
    """How far `keras.layers.RNN` itself is from the steps one by one, where a step is masked."""
    found = {}
    for name in CELLS:
        cell = built(name)
        x = np.random.default_rng(5).normal(size=(*MASK.shape, FEATURES)).astype("float32")
        zeros = [np.zeros((len(x), s), "float32") for s in keras.tree.flatten(cell.state_size)]
        expected = loop(cell, x, zeros, False, False)[0]
        mask = keras.ops.convert_to_tensor(MASK)
        layer = keras.layers.RNN(cell, return_sequences=True)
        found[name] = off(layer(x, mask=mask), expected)
    return found


CHECKS = {
    check.__name__: check
    for check in (options, own_layers, stacked, stateful, bidirectional, copies)
}


def everything() -> dict[str, float]:
    """The largest difference of each check."""
    return {name: check() for name, check in CHECKS.items()}
