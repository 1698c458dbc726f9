"""The mean of the top layer's outputs, in every lowering and client."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import export
from export import architecture
from export.tflite import find, integer
from export.tflite.loop import LONGEST_BLOCK
from export.tflite.parts import NoLoweringError
from studies import clients
from tests.export.models import bundle, classifier, every_file, texts_of_every_length, verified
from zoo.layers import MeanOverTime
from zoo.scores import softmax

QUICK = [("bilstm", "fused"), ("bilstm", "loop"), ("min-bigru", "parallel"), ("bigru", "unrolled")]


def test_it_is_the_mean_of_what_is_there():
    rng = np.random.default_rng(0)
    outputs, lengths = rng.normal(size=(5, 7, 3)).astype(np.float32), [7, 4, 1, 0, 6]
    mask = np.arange(7) < np.array(lengths)[:, None]
    found = keras.ops.convert_to_numpy(MeanOverTime()(outputs, mask=mask))
    for row, text, length in zip(found, outputs, lengths, strict=True):
        expected = text[:length].mean(axis=0) if length else np.zeros(3)
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_the_model_averages_the_outputs_of_both_ways():
    """By the layers' own weights, one text at a time, without a mask."""
    model = classifier("bilstm", num_layers=1, pooling="mean")
    ids = texts_of_every_length(9, 60)[1:]
    table, kernel, bias = (model.get_layer("embedding").get_weights()[0], *model.get_weights()[-2:])
    ways = model.get_layer("bidirectional_1")
    expected = []
    for row in ids:
        x = table[row[row > 0]][None]
        means = []
        for way, turned in ((ways.forward_layer, x), (ways.backward_layer, x[:, ::-1])):
            layer = keras.layers.LSTM(5, return_sequences=True)
            layer.build(x.shape)
            layer.set_weights(way.get_weights())
            means.append(keras.ops.convert_to_numpy(layer(turned))[0].mean(axis=0))
        expected.append(np.concatenate(means) @ kernel + bias)
    found = keras.ops.convert_to_numpy(model(ids))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize(
    ("family", "lowering"),
    every_file("fused", "loop", "parallel", "unrolled", quick=QUICK),
)
def test_every_lowering_answers_as_keras(family, lowering, precision):
    model = classifier(family, pooling="mean")
    length = LONGEST_BLOCK + 3 if lowering == "loop" else 12
    found = verified(model, lowering, texts_of_every_length(length, 60), precision)
    assert found.texts == length + 1


@pytest.mark.parametrize("lowering", ["fused", "loop"])
def test_clients_answer_as_keras(tmp_path, lowering):
    run = bundle("bilstm", num_layers=2, pooling="mean")
    (file,) = export.export_model(run, tmp_path, lowering=lowering, precision="float32")
    texts = ["good film", "", "a dull book not very great", "very " * 40, "zzyzx"]
    expected = run.classifier().scores(texts)
    ways = ["litert", "tf.lite"] + (["mediapipe"] if lowering == "fused" else [])
    for way in ways:
        found = clients.CLIENTS[way](tmp_path / file.path, texts)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_microcontrollers_answer_the_same():
    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    model = classifier("bilstm", pooling="mean")
    ids = texts_of_every_length(40, 60)[::5]
    read = replace(architecture.read(model), static=True)
    for lowering in ("fused", "loop"):
        content = find(lowering, "float32").build(read, 40).pack()
        expected = softmax(keras.ops.convert_to_numpy(model(ids)))
        np.testing.assert_allclose(clients.ask_micro(content, ids), expected, atol=1e-5)


def test_an_integer_file_is_refused():
    read = architecture.read(classifier("bilstm", pooling="mean"))
    with pytest.raises(NoLoweringError, match="--pooling last"):
        integer.require(read)


def test_another_pooling_is_refused():
    with pytest.raises(ValueError, match="last, mean, not 'max'"):
        classifier("bilstm", pooling="max")
