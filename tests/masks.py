"""What a masked scan is to give, step by step in Python, on whatever backend Keras runs."""

import itertools

import keras
import numpy as np

from zoo import catalogue
from zoo.layers import Recurrent

MASK = np.array(
    [
        [1, 1, 1, 1, 1],
        [1, 1, 0, 0, 0],  # padded on the right
        [0, 0, 1, 1, 1],  # on the left
        [1, 0, 1, 0, 1],  # in the middle
        [0, 0, 0, 0, 0],
    ],
    bool,
)


class OutputFirstIsNoState(keras.layers.Layer):
    """A cell of one's own with `call` alone, whose first state is not its output."""

    state_size, output_size = [4, 3], 2

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 4), name="kernel")

    def call(self, inputs, states):
        total, count = states
        total = 0.5 * total + inputs @ self.kernel
        return keras.ops.tanh(total[:, :2]) + count[:, :2], [total, count + 0.1]


class OneBareState(keras.layers.Layer):
    """A cell of one's own that gives its only state, and its size, without a list."""

    state_size = output_size = 4

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 4), name="kernel")

    def call(self, inputs, states):
        total = 0.5 * states[0] + inputs @ self.kernel
        return keras.ops.tanh(total), total


# Not of the catalogue, whose layers of Keras's own scan by themselves.
OTHERS = {
    "output-first-is-no-state": OutputFirstIsNoState,
    "one-bare-state": OneBareState,
    "keras-simple": lambda: keras.layers.SimpleRNNCell(4),
    "keras-lstm": lambda: keras.layers.LSTMCell(4),
    "keras-gru": lambda: keras.layers.GRUCell(4),
}


def worst() -> dict[str, float]:
    """The largest difference of `Recurrent` from the loop below, by cell."""
    found = {}
    for name in [*catalogue.list_models("*-tiny"), *OTHERS]:
        if name in OTHERS:
            cell = OTHERS[name]()
        else:
            keras.utils.set_random_seed(1)
            cell = catalogue.find(name)[0].layer(4, return_sequences=False).cell
            if type(cell).__module__.startswith("keras."):
                continue  # scanned by a layer of Keras's own
        cell.build((None, 3))
        rng = np.random.default_rng(0)
        cell.set_weights([rng.normal(size=w.shape) * 0.7 for w in cell.get_weights()])
        found[name] = max(
            _off(cell, rng, *options) for options in itertools.product((False, True), repeat=4)
        )
    return found


def padded() -> dict[str, float]:
    """How far padding, and a longer text beside it, move a text's logits; by model."""
    rng = np.random.default_rng(0)
    found = {}
    for name in catalogue.list_models("*-tiny"):
        keras.utils.set_random_seed(1)
        model = catalogue.create_model(
            name, vocab_size=10, num_classes=2, embed_dim=4, hidden_dim=4
        )
        # Larger than the first weights, so that every step counts.
        model.set_weights([w + rng.normal(size=w.shape) * 0.5 for w in model.get_weights()])
        alone = model(np.array([[5, 3, 9]], np.int32))
        beside = model(np.array([[5, 3, 9, 0, 0, 0], [1, 2, 3, 4, 5, 6]], np.int32))
        pair = [keras.ops.convert_to_numpy(logits)[0] for logits in (alone, beside)]
        found[name] = float(np.abs(pair[0] - pair[1]).max())
    return found


def _off(cell, rng, backwards: bool, zero: bool, unroll: bool, given: bool) -> float:
    x = rng.normal(size=(*MASK.shape, 3)).astype("float32")
    sizes = keras.tree.flatten(cell.state_size)
    states = [
        (rng.normal(size=(len(MASK), size)) * (1.0 if given else 0.0)).astype("float32")
        for size in sizes
    ]
    layer = Recurrent(
        cell,
        return_sequences=True,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero,
        unroll=unroll,
    )
    got = layer(x, mask=keras.ops.convert_to_tensor(MASK), initial_state=states if given else None)
    last = Recurrent(cell, go_backwards=backwards, zero_output_for_mask=zero, unroll=unroll)(
        x, mask=keras.ops.convert_to_tensor(MASK), initial_state=states if given else None
    )
    outputs, *ends = loop(cell, x, states, backwards, zero)
    pairs = zip([*got, last], [outputs, *ends, outputs[:, -1]], strict=True)
    return max(float(np.abs(keras.ops.convert_to_numpy(a) - b).max()) for a, b in pairs)


def loop(cell, x, states, backwards: bool, zero: bool) -> list[np.ndarray]:
    """Outputs in the order of computation, then the last states: a text at a time."""
    rows = []
    for row in range(len(x)):
        now = [state[row : row + 1] for state in states]
        before = np.zeros((1, cell.output_size), "float32")
        outputs = []
        steps = range(x.shape[1])
        for step in reversed(steps) if backwards else steps:
            if MASK[row, step]:
                output, new = cell(x[row : row + 1, step], [keras.ops.array(one) for one in now])
                before = keras.ops.convert_to_numpy(output)
                now = [keras.ops.convert_to_numpy(one) for one in keras.tree.flatten(new)]
                outputs.append(before)
            else:
                outputs.append(np.zeros_like(before) if zero else before)
        rows.append([np.stack(outputs, axis=1), *now])
    return [np.concatenate(parts) for parts in zip(*rows, strict=True)]
