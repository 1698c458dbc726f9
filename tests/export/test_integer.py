"""Full-integer files, in LiteRT and in tflite-micro."""

import keras
import numpy as np
import pytest

import export
from export import architecture
from export.tflite import integer, parts
from export.tflite.calibration import calibrate
from export.tflite.constants import wrong_constants
from export.verification import verify
from studies import clients
from tests.export.models import (
    WORDS,
    classifier,
    probabilities,
    randomize,
    texts_of_every_length,
    trained_bundle,
)
from zoo import litert

LENGTH = 20


def lowered(model, ids):
    read = architecture.read(model)
    return integer.build(read, ids.shape[1], ids)


def in_micro(content, ids):
    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    return clients.ask_micro(content, ids)


def model_of(num_layers=2, **sizes):
    """Weights about as loud as trained ones: with louder ones many units are chaotic."""
    model = classifier("bilstm", num_layers=num_layers, **sizes)
    loudness = 0.6 * (5 / max(sizes.get("hidden_dim", 5), 5)) ** 0.5
    model.set_weights([weight * loudness for weight in model.get_weights()])
    return model


def test_calibration_finds_the_ranges_of_keras():
    model, ids = model_of(), texts_of_every_length(LENGTH, 60)
    found = calibrate(architecture.read(model), ids)
    logits = model.predict(ids, verbose=0)
    np.testing.assert_allclose(found.logits, [logits.min(), logits.max()], atol=1e-5)
    inner = keras.Model(model.input, model.get_layer("bidirectional_1").output)
    outputs = inner.predict(ids, verbose=0)[ids != 0]
    assert found.hidden[0] == pytest.approx(np.abs(outputs).max(), abs=1e-5)
    assert len(found.cell) == 2 and min(map(min, found.cell)) > 0


@pytest.mark.parametrize("num_layers", [1, 2])
def test_answers_as_keras_in_integers_only(num_layers):
    model, ids = model_of(num_layers), texts_of_every_length(LENGTH, 60)
    found = lowered(model, ids)
    kinds = {t.dtype for o in found.graphs[0].operators for t in [*o.inputs, *o.outputs] if t}
    assert not any(kind.kind == "f" for kind in kinds)
    constants = found.constants()
    content = found.pack()
    report = verify(
        content,
        lambda ids: probabilities(model, ids),
        ids,
        precision="integer",
        constants=constants,
    )
    assert report.largest_difference < 0.05
    micro = in_micro(content, np.concatenate([ids, ids[::-1]]))
    np.testing.assert_array_equal(micro[: len(ids)], micro[len(ids) :][::-1])
    assert np.abs(micro[: len(ids)] - probabilities(model, ids)).max() < 0.05


@pytest.mark.parametrize("max_length", [1, 2, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("units", [1, pytest.param(64, marks=pytest.mark.slow)])
def test_sizes(max_length, units):
    model = model_of(1, hidden_dim=units)
    ids = texts_of_every_length(max_length, 60)
    content = lowered(model, ids).pack()
    expected = probabilities(model, ids)
    assert np.abs(litert.runner(content)[0](ids) - expected).max() < 0.06
    assert np.abs(in_micro(content, ids) - expected).max() < 0.06


@pytest.mark.parametrize("mask", [True, False])
def test_a_model_of_ones_own(mask):
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(60, 4, mask_zero=mask)(tokens)
    x = keras.layers.LSTM(5, return_sequences=True)(x)
    x = keras.layers.LSTM(5, go_backwards=True)(x)
    model = randomize(keras.Model(tokens, keras.layers.Dense(2)(x)))
    ids = texts_of_every_length(9, 60)
    if not mask:
        ids = np.maximum(ids, 1)
    got = litert.runner(lowered(model, ids).pack())[0](ids)
    assert np.abs(got - probabilities(model, ids)).max() < 0.06


def test_without_the_reset_answers_depend_on_what_was_asked(monkeypatch):
    monkeypatch.setattr("export.tflite.integer_ops._set_to_zero", lambda graph, states: None)
    ids = texts_of_every_length(LENGTH, 60)
    forward = litert.runner(lowered(model_of(), ids).pack())[0]
    assert (forward(ids) != forward(ids[::-1])[::-1]).any()


def test_export_writes_a_file_that_answers_texts(tmp_path):
    source = trained_bundle("bilstm")
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 20))) for _ in range(300)]
    (file,) = export.export_model(
        source, tmp_path, precision="integer", calibration=texts[:100], texts=texts[100:]
    )
    assert file.path == "bilstm-fused-integer.tflite"
    classifier = litert.load(tmp_path / file.path)
    scores = source.classifier().scores(texts)
    assert np.abs(classifier.scores(texts) - scores).max() < 0.1
    (bare,) = export.export_model(
        source, tmp_path, precision="integer", calibration=texts, metadata=False
    )
    assert bare.bytes < file.bytes and bare.path == "bilstm-fused-integer-bare.tflite"
    assert (tmp_path / file.path).exists()
    with pytest.raises(litert.ModelFileError, match="no metadata"):
        litert.load(tmp_path / bare.path)


def test_a_wrong_weight_is_found(monkeypatch):
    """Though the file is held against what it was made of, not against itself."""
    right = integer.integer_ops.symmetric

    def wrong(graph, value, name=""):
        tensor = right(graph, value, name)
        if name == "embedding":
            tensor.data = tensor.data[::-1]
        return tensor

    ids = texts_of_every_length(LENGTH, 60)
    found = lowered(model_of(), ids)
    constants = found.constants()
    assert not wrong_constants(found.pack(), constants)
    monkeypatch.setattr("export.tflite.integer_ops.symmetric", wrong)
    found = lowered(model_of(), ids)
    constants = found.constants()
    (first, *_) = wrong_constants(found.pack(), constants)
    assert first.startswith("embedding differs")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.ones((4, 3), np.int32), r"integers \[texts, 9\], not int32 \[4, 3\]"),
        (np.ones((4, 9)), "not float64"),
        (np.full((4, 9), 60), "from 60 to 60; the model knows 0 to 59"),
        (np.full((4, 9), -1), "from -1"),
        (np.zeros((4, 9), np.int32), "padding alone"),
    ],
)
def test_wrong_calibration_is_refused(tmp_path, ids, message):
    with pytest.raises(ValueError, match=message):
        export.export_model(
            classifier("bilstm"), tmp_path, precision="integer", max_length=9, calibration=ids
        )


def test_what_has_no_integer_file_is_refused(tmp_path):
    with pytest.raises(parts.NoLoweringError, match=r"GRUCell has no integer file.*plain LSTM"):
        export.export_model(
            classifier("bigru"), tmp_path, precision="integer", max_length=9, padding="right"
        )
    with pytest.raises(ValueError, match="give some hundred training texts"):
        export.export_model(
            classifier("bilstm"), tmp_path, precision="integer", max_length=9, padding="right"
        )
    with pytest.raises(parts.NoLoweringError, match=r"padded on the right only.*padding='right'"):
        export.export_model(classifier("bilstm"), tmp_path, precision="integer", max_length=9)
    with pytest.raises(ValueError, match=r"loop-integer.*for the lowering 'fused'"):
        export.export_model(classifier("bilstm"), tmp_path, lowering="loop", precision="integer")
    with pytest.raises(ValueError, match="calibration has to be ids"):
        export.export_model(
            classifier("bilstm"), tmp_path, precision="integer", max_length=9, calibration=["a"]
        )
