"""Every cell against NumPy, over sizes, masks, directions and initial states."""

import functools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cells import reference
from zoo import cells
from zoo.catalogue import FAMILIES
from zoo.layers import Recurrent

# The class, its options, its equations in NumPy, its parameters by inputs n and units u.
CASES = {
    "simple": (cells.SimpleRNNCell, {}, reference.simple, lambda n, u: u * (n + u + 1)),
    "lstm": (cells.LSTMCell, {}, reference.lstm, lambda n, u: 4 * u * (n + u + 1)),
    "gru": (cells.GRUCell, {}, reference.gru, lambda n, u: 3 * u * (n + u + 1) + u),
    "reset-before-gru": (
        cells.ResetBeforeGRUCell,
        {},
        reference.reset_before_gru,
        lambda n, u: 3 * u * (n + u + 1),
    ),
    "peephole-lstm": (
        cells.PeepholeLSTMCell,
        {},
        reference.peephole_lstm,
        lambda n, u: 4 * u * (n + u + 1) + 3 * u,
    ),
    "full-peephole-lstm-new": (
        cells.FullPeepholeLSTMCell,
        {"output_peephole": "new"},
        functools.partial(reference.full_peephole_lstm, output_peephole="new"),
        lambda n, u: u * (4 * (n + u + 1) + 3 * u),
    ),
    "full-peephole-lstm-previous": (
        cells.FullPeepholeLSTMCell,
        {"output_peephole": "previous"},
        functools.partial(reference.full_peephole_lstm, output_peephole="previous"),
        lambda n, u: u * (4 * (n + u + 1) + 3 * u),
    ),
    "no-input-gate-lstm": (
        cells.NoInputGateLSTMCell,
        {},
        functools.partial(reference.greff, without="i"),
        lambda n, u: 3 * u * (n + u + 1) + 2 * u,
    ),
    "no-forget-gate-lstm": (
        cells.NoForgetGateLSTMCell,
        {},
        functools.partial(reference.greff, without="f"),
        lambda n, u: 3 * u * (n + u + 1) + 2 * u,
    ),
    "no-output-gate-lstm": (
        cells.NoOutputGateLSTMCell,
        {},
        functools.partial(reference.greff, without="o"),
        lambda n, u: 3 * u * (n + u + 1) + 2 * u,
    ),
    "no-input-activation-lstm": (
        cells.NoInputActivationLSTMCell,
        {},
        functools.partial(reference.greff, squash_in=reference.linear),
        lambda n, u: 4 * u * (n + u + 1) + 3 * u,
    ),
    "no-output-activation-lstm": (
        cells.NoOutputActivationLSTMCell,
        {},
        functools.partial(reference.greff, squash_out=reference.linear),
        lambda n, u: 4 * u * (n + u + 1) + 3 * u,
    ),
    "full-gate-lstm": (
        cells.FullGateRecurrentLSTMCell,
        {},
        reference.full_gate_recurrent_lstm,
        lambda n, u: 4 * u * (n + u + 1) + 3 * u + 9 * u * u,
    ),
    "coupled-lstm": (
        cells.CoupledLSTMCell,
        {},
        reference.coupled_lstm,
        lambda n, u: 3 * u * (n + u + 1),
    ),
    "coupled-peephole-lstm": (
        cells.CoupledLSTMCell,
        {"peephole": True},
        reference.coupled_lstm,
        lambda n, u: 3 * u * (n + u + 1) + 2 * u,
    ),
    "diagonal-lstm": (
        cells.DiagonalLSTMCell,
        {},
        reference.diagonal_lstm,
        lambda n, u: 4 * u * (n + 2),
    ),
    "projected-lstm": (
        cells.ProjectedLSTMCell,
        {"projection": 1},
        reference.projected_lstm,
        lambda n, u: 4 * u * (n + 1 + 1) + u,
    ),
    "gate-norm-lstm": (
        cells.GateNormLSTMCell,
        {},
        reference.gate_norm_lstm,
        lambda n, u: 4 * u * (n + u + 2),
    ),
    "layer-norm-lstm": (
        cells.LayerNormLSTMCell,
        {},
        reference.layer_norm_lstm,
        lambda n, u: 4 * u * (n + u + 1) + 18 * u,
    ),
    "layer-norm-simple": (
        cells.LayerNormSimpleRNNCell,
        {},
        reference.layer_norm_simple,
        lambda n, u: u * (n + u + 2),
    ),
    "light-gru": (cells.LightGRUCell, {}, reference.light_gru, lambda n, u: 2 * u * (n + u + 2)),
    "mgu": (cells.MGUCell, {}, reference.mgu, lambda n, u: 2 * u * (n + u + 1)),
    "janet": (cells.JANETCell, {}, reference.janet, lambda n, u: 2 * u * (n + u + 1)),
    "ugrnn": (cells.UGRNNCell, {}, reference.ugrnn, lambda n, u: 2 * u * (n + u + 1)),
    "indrnn": (cells.IndRNNCell, {}, reference.indrnn, lambda n, u: u * (n + 2)),
    "sru": (cells.SRUCell, {}, reference.sru, lambda n, u: u * (4 * n + 4)),
    "qrnn": (cells.QRNNCell, {}, reference.qrnn, lambda n, u: 3 * u * (2 * n + 1)),
    "min-lstm": (cells.MinLSTMCell, {}, reference.min_lstm, lambda n, u: 3 * u * (n + 1)),
    "min-gru": (cells.MinGRUCell, {}, reference.min_gru, lambda n, u: 2 * u * (n + 1)),
    "nas": (cells.NASCell, {}, reference.nas, lambda n, u: 8 * u * (n + u)),
    "echo-state": (
        cells.ESNCell,
        {"leaky": 0.4},
        functools.partial(reference.echo_state, leaky=0.4),
        lambda n, u: u * (n + u + 1),
    ),
}
every_cell = pytest.mark.parametrize("name", CASES)


def make(name, features, units, rng):
    """A cell with weights that leave nothing at zero."""
    kind, options, *_ = CASES[name]
    cell = kind(units, **options)
    cell.build((None, features))
    cell.set_weights([rng.normal(size=w.shape) * 0.7 for w in cell.weights])
    return cell


@every_cell
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    batch=st.integers(1, 3),
    time=st.integers(1, 7),
    features=st.integers(1, 5),
    units=st.integers(1, 6),
    go_backwards=st.booleans(),
    masked=st.booleans(),
    given_states=st.booleans(),
)
def test_scan_agrees_with_numpy(
    name, seed, batch, time, features, units, go_backwards, masked, given_states
):
    rng = np.random.default_rng(seed)
    cell = make(name, features, units, rng)
    x = rng.normal(size=(batch, time, features)).astype("float32")
    mask = rng.random((batch, time)) < 0.6 if masked else np.ones((batch, time), bool)
    states = [np.zeros((batch, size), "float32") for size in cell.state_size]
    if given_states:
        states = [rng.normal(size=s.shape).astype("float32") for s in states]

    layer = Recurrent(cell, return_sequences=True, return_state=True, go_backwards=go_backwards)
    outputs, *last = layer(x, mask=mask if masked else None, initial_state=states)
    weights = [np.asarray(w, np.float64) for w in map(keras.ops.convert_to_numpy, cell.weights)]
    for row in range(batch):
        want, want_states = reference.scan(
            CASES[name][2], x[row], mask[row], [s[row] for s in states], weights, go_backwards
        )
        for got, expected in zip(last, want_states, strict=True):
            np.testing.assert_allclose(np.asarray(got)[row], expected, atol=1e-5)
        # What a skipped step puts out is for nobody to read.
        order = mask[row][::-1] if go_backwards else mask[row]
        for got, expected, real in zip(np.asarray(outputs)[row], want, order, strict=True):
            if real:
                np.testing.assert_allclose(got, expected, atol=1e-5)


@every_cell
def test_gradients_agree_with_finite_differences(name):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("differentiates with TensorFlow")
    import tensorflow as tf

    rng = np.random.default_rng(1)
    kind, options, *_ = CASES[name]
    layer = Recurrent(kind(3, dtype="float64", **options), dtype="float64")
    x = rng.normal(size=(2, 3, 2))
    mask = np.array([[1, 1, 1], [1, 1, 0]], bool)
    direction = rng.normal(size=layer(x).shape)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])

    def loss():
        return keras.ops.sum(layer(x, mask=mask) * direction)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [w.value for w in layer.trainable_weights])
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert np.any(gradient), weight.name
        before = keras.ops.convert_to_numpy(weight).copy()
        for _ in range(2):
            way = rng.normal(size=before.shape)
            slope = 0.0
            for sign in (1, -1):
                weight.assign(before + sign * 1e-6 * way)
                slope += sign * float(loss()) / 2e-6
            weight.assign(before)
            np.testing.assert_allclose(np.sum(gradient * way), slope, rtol=1e-5, atol=1e-7)


@every_cell
def test_stock_rnn_runs_the_cell_alike(name):
    rng = np.random.default_rng(2)
    cell = make(name, 3, 4, rng)
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    stock = keras.layers.RNN(cell, return_sequences=True)(x)
    np.testing.assert_allclose(Recurrent(cell, return_sequences=True)(x), stock, atol=1e-6)


@every_cell
def test_parameter_count_is_the_docstrings(name):
    cell = make(name, 5, 7, np.random.default_rng(0))
    assert cell.count_params() == CASES[name][3](5, 7)


@every_cell
def test_cell_survives_saving(name, tmp_path):
    rng = np.random.default_rng(3)
    kind, options, *_ = CASES[name]
    inputs = keras.Input((None, 3))
    layer = keras.layers.Bidirectional(Recurrent(kind(4, **options)))
    model = keras.Model(inputs, layer(inputs))
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    model.save(tmp_path / "model.keras")
    x = rng.normal(size=(2, 6, 3)).astype("float32")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.layers[-1].backward_layer.cell.get_config() == {
        **layer.backward_layer.cell.get_config()
    }


def test_every_cell_of_the_catalogue_is_here():
    tested = {kind.__name__ for kind, *_ in CASES.values()}
    missing = {family.cell for family in FAMILIES.values()} - tested
    assert not missing, "write the equations in tests/cells/reference.py, and a row in CASES"


def test_a_cell_of_ones_own_gives_its_step_alone():
    class Gated(cells.Cell):
        gates = "fg"
        forget_bias = 2.0

        def step(self, projected, states):
            (h,) = states
            f, g = self.sums(projected, h)
            f = keras.ops.sigmoid(f)
            h = f * h + (1 - f) * keras.ops.tanh(g)
            return h, [h]

    cell = Gated(3)
    cell.build((None, 2))
    assert [weight.shape for weight in cell.weights] == [(2, 6), (3, 6), (6,)]
    np.testing.assert_array_equal(cell.bias, [2, 2, 2, 0, 0, 0])
    rng = np.random.default_rng(0)
    cell.set_weights([rng.normal(size=w.shape) for w in cell.weights])
    x, h = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    weights = [np.asarray(w, np.float64) for w in cell.get_weights()]
    for row in range(4):
        want, _ = reference.ugrnn(x[row], [h[row]], weights)
        got, _ = cell(x[row : row + 1], [h[row : row + 1]])
        np.testing.assert_allclose(np.asarray(got)[0], want, atol=1e-6)


@pytest.mark.parametrize("units", [0, -1, 2.5, "8", True])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ValueError, match="LSTMCell: units must be a positive integer"):
        cells.LSTMCell(units)


def test_output_peephole_must_be_known():
    with pytest.raises(ValueError, match=r"'new'.*'previous'.*not 'old'"):
        cells.FullPeepholeLSTMCell(4, output_peephole="old")


@pytest.mark.parametrize("projection", [0, 5, 1.5])
def test_projection_must_fit(projection):
    with pytest.raises(ValueError, match=r"projection must be an integer from 1 to units \(4\)"):
        cells.ProjectedLSTMCell(4, projection=projection)


def test_forget_gate_starts_open():
    cell = cells.PeepholeLSTMCell(3)
    cell.build((None, 2))
    np.testing.assert_array_equal(cell.bias, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        (
            cells.LayerNormLSTMCell,
            [(3, 16), (4, 16), (16,), (16,), (16,), (16,), (16,), (4,), (4,)],
        ),
        (cells.LayerNormSimpleRNNCell, [(3, 4), (4, 4), (4,), (4,)]),
        (cells.NASCell, [(4, 32), (3, 32)]),
        (cells.ESNCell, [(4, 4), (3, 4), (4,)]),
    ],
)
def test_weights_come_in_the_order_of_tensorflow_addons(kind, shapes):
    """So `set_weights` takes what its `get_weights` gave."""
    cell = kind(4)
    cell.build((None, 3))
    assert [weight.shape for weight in cell.weights] == shapes


def test_a_reservoir_has_the_radius_and_the_sparsity_asked_for():
    keras.utils.set_random_seed(0)
    cell = cells.ESNCell(60, connectivity=0.2, spectral_radius=0.7)
    cell.build((None, 3))
    recurrent = keras.ops.convert_to_numpy(cell.recurrent_kernel)
    assert np.abs(np.linalg.eigvals(recurrent)).max() == pytest.approx(0.7, rel=1e-3)
    assert np.mean(recurrent != 0) == pytest.approx(0.2, abs=0.02)
    assert cell.trainable_weights == []


@pytest.mark.parametrize("option", ["connectivity", "leaky", "spectral_radius"])
@pytest.mark.parametrize("value", [0, 1.5, -0.1])
def test_shares_of_a_reservoir_must_be_shares(option, value):
    with pytest.raises(ValueError, match=f"{option} must be above 0 and at most 1"):
        cells.ESNCell(4, **{option: value})


def test_chrono_initialisation_spans_the_steps_asked_for():
    keras.utils.set_random_seed(0)
    cell = cells.JANETCell(500, longest=50)
    cell.build((None, 3))
    steps = np.exp(keras.ops.convert_to_numpy(cell.bias)[:500])
    assert 1 <= steps.min() < 4 and 45 < steps.max() <= 49
    with pytest.raises(ValueError, match="longest must be an integer of at least 3"):
        cells.JANETCell(4, longest=2)


def test_recurrent_weights_of_indrnn_stay_in_bounds():
    cell = cells.IndRNNCell(4)
    cell.build((None, 3))
    clipped = cell.recurrent_kernel.constraint(np.array([[-3.0, -0.5, 0.5, 3.0]], "float32"))
    np.testing.assert_allclose(clipped, [[-1, -0.5, 0.5, 1]], atol=1e-6)
