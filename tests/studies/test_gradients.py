"""The vanishing gradient, and the LSTM's highway."""

import csv

import keras
import numpy as np
import pytest

from studies import gradient_norms, gradients

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="differentiates with TensorFlow"
)


def test_the_cell_state_passes_unchanged_to_the_bit():
    """Forwards and backwards, with f = 1 and i = 0, in float32 too."""
    import tensorflow as tf

    from zoo import cells

    rng = np.random.default_rng(0)
    for dtype in ("float32", "float64"):
        cell = cells.LSTMCell(8, dtype=dtype)
        cell.build((None, 8))
        cell.bias.assign(np.repeat([gradient_norms.SHUT, gradient_norms.OPEN, 0, 0], 8))
        h, first = (tf.constant(rng.normal(size=(1, 8)), dtype) for _ in range(2))
        with tf.GradientTape() as tape:
            tape.watch(first)
            states = [h, first]
            for _ in range(200):
                _, states = cell(tf.constant(rng.normal(size=(1, 8)), dtype), states)
            loss = tf.reduce_sum(states[1] * np.arange(1, 9))
        np.testing.assert_array_equal(states[1], first)
        np.testing.assert_array_equal(tape.gradient(loss, first)[0], np.arange(1, 9))


def test_gradients_vanish_but_on_the_highway(tmp_path):
    found = gradient_norms.measure(units=16, time=40, seeds=3)
    ends = {name: np.median(rows[:, -1]) for name, rows in found.items()}
    assert all(rows.shape == (3, 41) and np.all(rows[:, 0] == 1) for rows in found.values())
    assert ends["simple cell"] < 1e-6 and ends["GRU"] < 1e-6
    assert ends["LSTM, forget bias 1"] < ends["LSTM, forget bias 5"]
    np.testing.assert_array_equal(found["LSTM, f = 1 and i = 0"], 1.0)
    gradients.write(found, tmp_path)
    with (tmp_path / "gradients.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 41 * len(found)
    assert (tmp_path / "gradients.png").read_bytes().startswith(b"\x89PNG")


def test_the_fall_is_that_of_the_product_of_slopes():
    """One unit, by hand: each step back multiplies by u (1 - h^2)."""
    from zoo import cells

    keras.utils.set_random_seed(0)
    cell = cells.SimpleRNNCell(1, dtype="float64")
    cell.build((None, 1))
    rng = np.random.default_rng(5)
    got = gradient_norms.by_distance(cell, 1, 6, rng)
    w, u, b = (np.asarray(weight).item() for weight in cell.weights)
    h, slopes = 0.0, []
    for x in np.random.default_rng(5).normal(size=6):
        h = np.tanh(w * x + u * h + b)
        slopes.append(u * (1 - h * h))
    np.testing.assert_allclose(got, np.abs(np.cumprod([1, *slopes[::-1]])), rtol=1e-9)
