"""The loop lowering against Keras."""

import itertools

import keras
import numpy as np
import pytest

from export import architecture
from export.tflite import loop
from export.tflite.traced import TraceError
from studies.clients import ask_micro
from tests.export.models import (
    classifier,
    every_file,
    probabilities,
    randomize,
    texts_of_every_length,
)
from zoo import litert
from zoo.layers import Recurrent


def lowered(model, max_length):
    return litert.runner(loop.build(architecture.read(model), max_length).pack())[0]


@pytest.mark.parametrize("num_layers", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("family", "lowering"), every_file("loop", quick=[("peephole-bilstm", "loop")])
)
def test_answers_as_keras_at_every_length(family, lowering, num_layers):
    model = classifier(family, num_layers=num_layers)
    ids = texts_of_every_length(2 * loop.LONGEST_BLOCK + 3, 60)
    np.testing.assert_allclose(
        lowered(model, ids.shape[1])(ids), probabilities(model, ids), atol=1e-5
    )


@pytest.mark.parametrize("max_length", [1, loop.LONGEST_BLOCK, loop.LONGEST_BLOCK + 1])
def test_answers_as_keras_at_any_longest_length(max_length):
    model = classifier("bigru")
    ids = texts_of_every_length(max_length, 60)
    np.testing.assert_allclose(
        lowered(model, max_length)(ids), probabilities(model, ids), atol=1e-5
    )


def test_answer_depends_on_the_text_alone():
    model = classifier("full-peephole-bilstm")
    ids = texts_of_every_length(20, 60)
    content = loop.build(architecture.read(model), 20).pack()
    forward = litert.runner(content)[0]
    alone = np.concatenate([litert.runner(content)[0](row[None]) for row in ids])
    np.testing.assert_array_equal(forward(ids), alone)
    np.testing.assert_array_equal(forward(ids[::-1])[::-1], alone)


@pytest.mark.parametrize("num_layers", [1, 2])
def test_microcontrollers_answer_the_same(num_layers):
    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    model = classifier("bigru", num_layers=num_layers)
    ids = texts_of_every_length(40, 60)[::5]
    content = loop.build(architecture.read(model), 40).pack()
    np.testing.assert_allclose(ask_micro(content, ids), probabilities(model, ids), atol=1e-5)


@keras.saving.register_keras_serializable("tests")
class LeakyCell(keras.layers.Layer):
    """A user's own cell: only `call`, one state, and a delay line whose states change places."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size, self.output_size = units, [units, units, units], units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units))

    def call(self, inputs, states):
        now, before, earlier = states
        new = 0.5 * now + keras.ops.tanh(inputs @ self.kernel + 0.3 * earlier)
        return new + before, [new, now, before]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def own_model(layer, *, sequential=False, **embedding):
    parts = [keras.layers.Embedding(60, 4, **embedding), layer, keras.layers.Dense(2)]
    if sequential:
        model = keras.Sequential([keras.Input((None,), dtype="int32"), *parts])
    else:
        tokens = x = keras.Input((None,), dtype="int32")
        for part in parts:
            x = part(x)
        model = keras.Model(tokens, x)
    return randomize(model)


@keras.saving.register_keras_serializable("tests")
class MirroringCell(LeakyCell):
    """A cell with an operation (MirrorPad) of which TensorFlow has no form for a batch of cells."""

    def call(self, inputs, states):
        now, before, earlier = states
        mirrored = keras.ops.pad(inputs @ self.kernel, [[0, 0], [1, 0]], mode="symmetric")
        new = 0.5 * now + keras.ops.tanh(mirrored[:, :-1] + earlier)
        return new, [new, now, before]


@keras.saving.register_keras_serializable("tests")
class BlockCell(LeakyCell):
    """A cell whose features go two by two through matrices of their own, in every direction."""

    def build(self, input_shape):
        self.blocks = self.add_weight(shape=(input_shape[-1] // 2, 2, 2))
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units))

    def project(self, inputs):
        pairs = keras.ops.reshape(inputs, (-1, inputs.shape[-1] // 2, 2))
        mixed = keras.ops.einsum("tbi,bio->tbo", pairs, self.blocks)
        return keras.ops.reshape(mixed, keras.ops.shape(inputs))

    def step(self, projected, states):
        return super().call(projected, states)

    def call(self, inputs, states):
        return self.step(self.project(inputs), states)


DRAWS = itertools.count()


@keras.saving.register_keras_serializable("tests")
class MaskedCell(LeakyCell):
    """A cell with numbers drawn as it is built, which are no weights."""

    def build(self, input_shape):
        super().build(input_shape)
        self.drawn = np.random.default_rng(next(DRAWS)).normal(size=self.units)

    def call(self, inputs, states):
        output, states = super().call(inputs, states)
        return output * self.drawn.astype(np.float32), states


def both_ways(forward, backward):
    backward = keras.layers.RNN(backward, go_backwards=True)
    layer = keras.layers.Bidirectional(keras.layers.RNN(forward), backward_layer=backward)
    return own_model(layer, mask_zero=True)


OWN = {
    "own cell that cannot be batched": lambda: own_model(
        keras.layers.Bidirectional(Recurrent(MirroringCell(3))), mask_zero=True
    ),
    "own cell of blocks": lambda: own_model(
        keras.layers.Bidirectional(Recurrent(BlockCell(3))), mask_zero=True
    ),
    "own cell of blocks, one direction": lambda: own_model(Recurrent(BlockCell(3)), mask_zero=True),
    "numbers that are no weights": lambda: own_model(
        keras.layers.Bidirectional(Recurrent(MaskedCell(3))), mask_zero=True
    ),
    "another cell backwards": lambda: both_ways(LeakyCell(3), MirroringCell(3)),
    "another activation backwards": lambda: both_ways(
        keras.layers.LSTMCell(3), keras.layers.LSTMCell(3, activation="relu")
    ),
    "own cell with call alone": lambda: own_model(
        keras.layers.Bidirectional(Recurrent(LeakyCell(3))), mask_zero=True
    ),
    "stock RNN": lambda: own_model(
        keras.layers.Bidirectional(keras.layers.RNN(LeakyCell(3))), mask_zero=True
    ),
    "one direction": lambda: own_model(keras.layers.GRU(3), mask_zero=True),
    "one direction, backwards": lambda: own_model(
        keras.layers.LSTM(3, go_backwards=True), mask_zero=True
    ),
    "no mask": lambda: own_model(keras.layers.Bidirectional(keras.layers.LSTM(3))),
    "other activations": lambda: own_model(
        keras.layers.Bidirectional(keras.layers.LSTM(3, activation="relu")), mask_zero=True
    ),
    "GRU, reset before": lambda: own_model(
        keras.layers.Bidirectional(keras.layers.GRU(3, reset_after=False)), mask_zero=True
    ),
    "simple, sequential": lambda: own_model(
        keras.layers.Bidirectional(keras.layers.SimpleRNN(3)), sequential=True, mask_zero=True
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_own_models_answer_as_keras(name):
    model = OWN[name]()
    ids = texts_of_every_length(19, 60)
    np.testing.assert_allclose(lowered(model, 19)(ids), probabilities(model, ids), atol=1e-5)


def operators_of_a_step(model):
    (body,) = (
        graph
        for graph in loop.build(architecture.read(model), 19).graphs
        if graph.name == "layer1_steps_body"
    )
    return [operator.code for operator in body.operators]


def test_equations_of_both_directions_are_one_operator():
    found = operators_of_a_step(classifier("bilstm"))
    assert [found.count(code) for code in ("LOGISTIC", "TANH", "FULLY_CONNECTED")] == [3, 2, 2]
    alone = operators_of_a_step(OWN["own cell that cannot be batched"]())
    assert [alone.count(code) for code in ("TANH", "FULLY_CONNECTED")] == [2, 2]


def test_two_layers_of_one_direction():
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(60, 4, mask_zero=True)(tokens)
    x = keras.layers.LSTM(3, return_sequences=True)(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.GRU(4)(x)
    model = randomize(keras.Model(tokens, keras.layers.Dense(2, activation="softmax")(x)))
    ids = texts_of_every_length(19, 60)
    expected = keras.ops.convert_to_numpy(model(ids))
    np.testing.assert_allclose(lowered(model, 19)(ids), expected, atol=1e-5)


@keras.saving.register_keras_serializable("tests")
class LoopingCell(LeakyCell):
    """A cell with a loop inside of a step."""

    def call(self, inputs, states):
        now, before, _ = states
        new = keras.ops.while_loop(
            lambda x: keras.ops.sum(x) < 3.0, lambda x: (x + 1.0,), (inputs @ self.kernel,)
        )[0]
        return new, [new, now, before]


def test_cell_with_a_loop_of_its_own_is_refused():
    model = own_model(keras.layers.Bidirectional(Recurrent(LoopingCell(3))), mask_zero=True)
    with pytest.raises(TraceError, match=r"LoopingCell.* loop"):
        loop.build(architecture.read(model), 8)


def test_models_of_another_shape_are_refused():
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(60, 4)(tokens)
    pooled = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    cases = {
        "Layer 'mean'": keras.layers.Dense(2)(pooled),
        "does not end in a Dense layer": keras.layers.LSTM(2)(x),
        "scores for each token": keras.layers.Dense(2)(
            keras.layers.LSTM(3, return_sequences=True)(x)
        ),
    }
    for message, outputs in cases.items():
        with pytest.raises(architecture.UnsupportedModelError, match=message):
            architecture.read(keras.Model(tokens, outputs))
