"""What `Recurrent` does beside scanning: see tests/cells for that."""

import keras
import numpy as np
import pytest

from tests import masks, stand_in
from tests.cells import reference
from tests.children import python
from zoo import cells
from zoo.layers import Recurrent


def sequences(seed=0):
    return np.random.default_rng(seed).normal(size=(3, 6, 4)).astype("float32")


def made(rate=0.5, kind=cells.LSTMCell):
    keras.utils.set_random_seed(1)
    layer = Recurrent(kind(8), recurrent_dropout=rate, return_sequences=True)
    layer.build((None, None, 4))
    return layer


def test_recurrent_dropout_hides_the_same_units_from_every_step():
    layer, x = made(), sequences()
    layer.seed_generator.state.assign([7, 0])
    got = keras.ops.convert_to_numpy(layer(x, training=True))
    layer.seed_generator.state.assign([7, 0])
    ones = np.ones((3, 8), "float32")
    kept = keras.ops.convert_to_numpy(keras.random.dropout(ones, 0.5, seed=layer.seed_generator))
    assert set(np.unique(kept)) == {0.0, 2.0}
    weights = [keras.ops.convert_to_numpy(weight) for weight in layer.cell.weights]
    for row in range(3):
        states = [np.zeros(8), np.zeros(8)]
        for step in range(6):
            states = [states[0] * kept[row], states[1]]
            h, states = reference.lstm(x[row, step], states, weights)
            np.testing.assert_allclose(got[row, step], h, atol=1e-5)


def test_recurrent_dropout_is_for_training_only():
    layer, x = made(), sequences()
    plain = Recurrent(layer.cell, return_sequences=True)
    np.testing.assert_array_equal(layer(x), plain(x))
    assert np.abs(np.asarray(layer(x, training=True)) - np.asarray(layer(x))).max() > 0.01


def test_recurrent_dropout_survives_saving_and_two_directions(tmp_path):
    inputs = keras.Input((None, 4))
    layer = keras.layers.Bidirectional(Recurrent(cells.PeepholeLSTMCell(3), recurrent_dropout=0.2))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].forward_layer.recurrent_dropout == 0.2
    assert loaded.layers[-1].backward_layer.recurrent_dropout == 0.2
    model.compile("adam", "mse")
    assert np.isfinite(model.train_on_batch(sequences(), np.zeros((3, 6))))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ValueError, match="recurrent_dropout must be at least 0 and below 1"):
        made(rate)


@pytest.mark.parametrize("kind", [cells.GRUCell, cells.MinGRUCell, cells.SRUCell, cells.QRNNCell])
def test_a_cell_that_is_its_output_is_refused(kind):
    with pytest.raises(ValueError, match=f"erase that of {kind.__name__}"):
        made(0.5, kind)
    made(0.0, kind)


def test_masked_steps_are_skipped_wherever_they_are():
    """On the others, tests/test_backends.py."""
    found = masks.worst()
    assert {name: off for name, off in found.items() if not off < 1e-5} == {}


@pytest.mark.parametrize("check", stand_in.CHECKS)
def test_it_stands_in_for_the_layer_of_keras(check):
    """On the others, tests/test_backends.py."""
    assert stand_in.CHECKS[check]() < 1e-5


def test_without_the_module_keras_says_what_is_missing(tmp_path):
    inputs = keras.Input((None, 3))
    outputs = Recurrent(cells.PeepholeLSTMCell(2))(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    program = (
        "import keras, sys; {}\n"
        "try: keras.models.load_model(sys.argv[1]); print('loaded')\n"
        "except Exception as error: print(error)"
    )
    told = [
        python("-c", program.format(line), tmp_path / "model.keras").stdout
        for line in ("", "import zoo.layers, zoo.cells")
    ]
    assert "Could not locate class 'Recurrent'" in told[0]
    assert told[1] == "loaded\n"
