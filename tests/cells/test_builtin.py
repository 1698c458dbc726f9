"""Keras's own layers seen as zoo cells."""

import keras
import numpy as np
import pytest

from zoo import cells
from zoo.layers import Recurrent

LAYERS = {
    "lstm": (keras.layers.LSTM, {}, cells.LSTMCell),
    "lstm-no-bias": (keras.layers.LSTM, {"use_bias": False}, cells.LSTMCell),
    "gru": (keras.layers.GRU, {}, cells.GRUCell),
    "gru-no-bias": (keras.layers.GRU, {"use_bias": False}, cells.GRUCell),
    "gru-reset-before": (keras.layers.GRU, {"reset_after": False}, cells.ResetBeforeGRUCell),
    "simple": (keras.layers.SimpleRNN, {}, cells.SimpleRNNCell),
}


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_zoo_cell_computes_what_keras_computes(name, return_sequences, go_backwards):
    kind, options, expected = LAYERS[name]
    rng = np.random.default_rng(0)
    how = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    layer = kind(5, **options, **how)
    x = rng.normal(size=(3, 8, 4)).astype("float32")
    mask = np.arange(8) < np.array([8, 5, 0])[:, None]
    layer(x)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])

    cell = cells.as_cell(layer.cell)
    assert type(cell) is expected
    got, want = np.asarray(Recurrent(cell, **how)(x, mask=mask)), np.asarray(layer(x, mask=mask))
    if return_sequences:  # what a masked step puts out is for nobody to read
        real = mask[:, ::-1] if go_backwards else mask
        got, want = got[real], want[real]
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_other_activations_stay_keras_cells():
    layer = keras.layers.LSTM(3, activation="relu")
    layer(np.zeros((1, 2, 2), "float32"))
    assert cells.as_cell(layer.cell) is layer.cell
