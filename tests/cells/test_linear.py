"""The steps of linear cells, computed at once."""

import keras
import numpy as np
import pytest

from tests.cells import reference
from zoo import cells
from zoo.cells.linear import linear_scan
from zoo.layers import Recurrent


def states_of(a, b):
    h, states = np.zeros_like(b[:, 0]), []
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        states.append(h)
    return np.stack(states, axis=1)


@pytest.mark.parametrize("time", [1, 2, 3, 7, 8, 9, 100])
def test_every_length(time):
    rng = np.random.default_rng(time)
    a, b = rng.uniform(-1, 1, (2, 3, time, 4)).astype("float32")
    np.testing.assert_allclose(linear_scan(a, b), states_of(a, b), atol=1e-5)


@pytest.mark.parametrize("time", [1, 2, 7, 8, 33])
def test_a_length_that_is_not_known_when_traced(time):
    """And its gradient."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("traces with TensorFlow")
    spec = tf.TensorSpec([None, None, 4], tf.float32)

    @tf.function(input_signature=[spec, spec])
    def traced(a, b):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            states = linear_scan(a, b)
        return states, tape.gradient(states, [a, b])

    rng = np.random.default_rng(time)
    a, b = rng.uniform(-1, 1, (2, 3, time, 4)).astype("float32")
    states, (by_a, by_b) = traced(a, b)
    expected = states_of(a, b)
    np.testing.assert_allclose(states, expected, atol=1e-5)
    # Of the sum of all states: one step's b reaches the later ones through their a.
    want_b = np.zeros_like(b)
    for t in reversed(range(time)):
        want_b[:, t] = 1 + (a[:, t + 1] * want_b[:, t + 1] if t + 1 < time else 0)
    before = np.concatenate([np.zeros_like(b[:, :1]), expected[:, :-1]], axis=1)
    np.testing.assert_allclose(by_b, want_b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_a, want_b * before, rtol=1e-4, atol=1e-5)


def test_a_model_trains_on_texts_of_any_length():
    inputs = keras.Input((None, 2))
    outputs = keras.layers.Bidirectional(Recurrent(cells.MinGRUCell(3)))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(outputs))
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    for time in (4, 9):
        x = rng.normal(size=(8, time, 2))
        assert np.isfinite(model.train_on_batch(x, x[:, 0, :1]))
    cell = model.layers[1].forward_layer.cell
    weights = [keras.ops.convert_to_numpy(w) for w in cell.weights]
    want, _ = reference.scan(reference.min_gru, x[0], np.ones(time, bool), [np.zeros(3)], weights)
    got = model.layers[1].forward_layer(x[:1].astype("float32"))
    np.testing.assert_allclose(np.asarray(got)[0], want[-1], atol=1e-5)


@pytest.mark.parametrize("zero_output_for_mask", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_masks_mean_what_they_mean_in_keras(zero_output_for_mask, return_sequences):
    rng = np.random.default_rng(0)
    cell = cells.MinLSTMCell(3)
    cell.build((None, 2))
    x = rng.normal(size=(4, 6, 2)).astype("float32")
    mask = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0], [0] * 6], bool)
    start = [rng.normal(size=(4, 3)).astype("float32")]
    how = {"return_sequences": return_sequences, "zero_output_for_mask": zero_output_for_mask}
    both = [
        layer(cell, return_state=True, **how)(x, mask=mask, initial_state=start)
        for layer in (Recurrent, keras.layers.RNN)
    ]
    for got, want in zip(*both, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_shut_gates_give_numbers():
    cell = cells.MinLSTMCell(1)
    cell.build((None, 1))
    cell.set_weights([np.array([[-500.0, -500.0, 1.0]]), np.zeros(3)])
    _, (h,) = cell(np.ones((1, 1), "float32"), [np.full((1, 1), 3.0, "float32")])
    np.testing.assert_allclose(h, [[2.0]])  # both as shut: half of each
