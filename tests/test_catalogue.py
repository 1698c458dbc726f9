"""The models by name, and the classifier that they all are."""

import inspect

import keras
import numpy as np
import pytest

import zoo
from zoo import catalogue, cell_source, cells, parameters
from zoo.classifier import build_classifier

LESSON = {
    "vocab_size": 25_000,
    "embed_dim": 300,
    "hidden_dim": 256,
    "num_layers": 2,
    "num_classes": 2,
    "dropout": 0.5,
}
QUICK = ("peephole-bilstm", "bisru", "min-bigru", "biesn")
every_family = pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=() if family in QUICK else pytest.mark.slow)
        for family in catalogue.FAMILIES
    ],
)


def small(family, **options):
    return zoo.create_model(f"{family}-tiny", **{"vocab_size": 40, "num_classes": 3, **options})


def answers(model, ids):
    return keras.ops.convert_to_numpy(model(ids))


@pytest.mark.parametrize("name", ["bilstm", "bigru"])
def test_the_lessons_call(name):
    model = zoo.create_model(name, **LESSON)
    tokens = np.random.default_rng(0).integers(0, 25_000, (2, 5), dtype=np.int32)
    assert model(tokens).shape == (2, 2)
    gates, biases = {"bilstm": (4, 1), "bigru": (3, 2)}[name]
    layer = [2 * gates * 256 * (inputs + 256 + biases) for inputs in (300, 512)]
    assert model.count_params() == 25_000 * 300 + sum(layer) + 512 * 2 + 2
    plain = zoo.create_model(name, vocab_size=25_000, num_classes=2)
    assert [w.shape for w in plain.weights] == [w.shape for w in model.weights]
    assert plain.get_layer("dropout_1").rate == 0.5


@every_family
def test_every_model_gives_logits_that_padding_does_not_change(family):
    keras.utils.set_random_seed(0)
    model = small(family, num_layers=2)
    # A normalised cell divides by a spread that may be small, and rounding grows by that.
    bound = 1e-5 if "norm" in family else 1e-6
    ids = np.random.default_rng(1).integers(1, 40, (4, 9), dtype=np.int32)
    ids[np.arange(9) >= np.array([9, 5, 1, 0])[:, None]] = 0
    logits = answers(model, ids)
    assert logits.shape == (4, 3) and np.isfinite(logits).all()
    longer = answers(model, np.pad(ids, ((0, 0), (0, 7))))
    np.testing.assert_allclose(longer, logits, atol=bound)
    for row, length in zip(range(3), (9, 5, 1), strict=True):
        alone = answers(model, ids[row : row + 1, :length])
        np.testing.assert_allclose(alone[0], logits[row], atol=bound)


@every_family
def test_every_parameter_has_a_gradient(family):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("differentiates with TensorFlow")
    import tensorflow as tf

    model = small(family, num_layers=2)
    rng = np.random.default_rng(2)
    model.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in model.get_weights()])
    ids = rng.integers(1, 40, (8, 12), dtype=np.int32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(ids, training=True)))
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0, weight.path


@every_family
def test_a_long_text_gives_numbers_forwards_and_backwards(family):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("differentiates with TensorFlow")
    import tensorflow as tf

    model = small(family)
    ids = np.random.default_rng(3).integers(1, 40, (2, 1000), dtype=np.int32)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(model(ids)))
        return loss, tape.gradient(loss, [w.value for w in model.trainable_weights])

    loss, found = gradients()
    assert np.isfinite(loss)
    assert all(np.isfinite(tf.convert_to_tensor(gradient)).all() for gradient in found)


@every_family
def test_a_saved_model_answers_with_the_same_bits(family, tmp_path):
    model = small(family)
    model.save(tmp_path / "model.keras")
    ids = np.random.default_rng(4).integers(0, 40, (3, 8), dtype=np.int32)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(answers(loaded, ids), answers(model, ids))


@every_family
def test_mixed_precision_gives_about_the_same(family):
    keras.utils.set_random_seed(1)
    model = small(family)
    try:
        keras.config.set_dtype_policy("mixed_float16")
        half = small(family)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(model.get_weights())
    ids = np.random.default_rng(5).integers(0, 40, (3, 20), dtype=np.int32)
    assert half.layers[-2].compute_dtype == "float16"
    np.testing.assert_allclose(answers(half, ids), answers(model, ids), atol=0.02)


def test_top_layer_gives_the_last_forward_and_the_last_backward_state():
    model = small("bilstm")
    ids = np.array([[4, 5, 6, 0, 0]], np.int32)
    top = model.get_layer("bidirectional_1")
    embedded = model.get_layer("embedding")(ids[:, :3])
    forward = top.forward_layer(embedded)
    backward = top.backward_layer(embedded)
    features = keras.ops.concatenate([forward, backward], axis=-1)
    expected = model.get_layer("logits")(features)
    np.testing.assert_allclose(model(ids), expected, atol=1e-6)


def test_dropout_stands_after_the_embedding_and_each_layer():
    model = small("bigru", num_layers=3, dropout=0.4)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.name for layer in layers] == [
        "embedding_dropout",
        "dropout_1",
        "dropout_2",
        "dropout_3",
    ]
    assert {layer.rate for layer in layers} == {0.4}


def test_names_and_patterns():
    assert "bilstm" in zoo.list_models() and "peephole-bilstm-small" in zoo.list_models()
    assert zoo.list_models("bigru*") == ["bigru", "bigru-medium", "bigru-small", "bigru-tiny"]
    assert len(zoo.list_models()) == len(catalogue.FAMILIES) * len(catalogue.SIZES)
    for name in zoo.list_models():
        catalogue.find(name)


@pytest.mark.parametrize("name", ["bilsm", "bilstm-huge", "bilstm-", "", "small"])
def test_unknown_name_is_told_with_the_nearest(name):
    with pytest.raises(ValueError, match=r"There is no model .* Did you mean .*bi\w+"):
        zoo.create_model(name, vocab_size=10, num_classes=2)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("vocab_size", 0),
        ("num_classes", 0),
        ("embed_dim", 2.5),
        ("hidden_dim", -3),
        ("num_layers", True),
        ("dropout", 1.0),
        ("dropout", -0.1),
    ],
)
def test_wrong_size_is_refused(option, value):
    sizes = {**LESSON, option: value}
    with pytest.raises(ValueError, match=f"^{option} must be"):
        build_classifier(keras.layers.LSTM, **sizes)


# What is shown without Keras


def test_the_table_of_parameters_has_every_model():
    assert list(parameters.read()) == zoo.list_models(), "run: python -m zoo.parameters"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=() if name in ("bilstm", "projected-bilstm-tiny") else pytest.mark.slow
        )
        for name in zoo.list_models()
    ],
)
def test_the_table_of_parameters_has_what_keras_counts(name):
    assert parameters.read()[name] == parameters.count(name), "run: python -m zoo.parameters"


def test_a_family_names_the_cell_that_its_layer_runs():
    for family in catalogue.FAMILIES.values():
        cell = family.layer(4, return_sequences=False).cell
        cell.build((None, 3))
        assert type(cells.as_cell(cell)).__name__ == family.cell


def test_docstrings_are_read_as_python_reads_them():
    for family in catalogue.FAMILIES.values():
        assert cell_source.docstring(family.cell) == inspect.getdoc(getattr(cells, family.cell))
    with pytest.raises(LookupError, match="NoSuchCell"):
        cell_source.docstring("NoSuchCell")


def test_gates_are_read_as_python_reads_them():
    for family in catalogue.FAMILIES.values():
        assert cell_source.gates(family.cell) == getattr(cells, family.cell).gates
    shown = {name: family.gates for name, family in catalogue.FAMILIES.items()}
    some = ("birnn", "bilstm", "bigru", "coupled-bilstm", "bisru", "no-output-gate-bilstm")
    assert [shown[name] for name in some] == ["–", "i f o", "z r", "f o", "f r", "i f"]
    assert len(shown["binas"].split()) == 8
