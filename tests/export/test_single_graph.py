"""The fused and the unrolled lowering against Keras."""

import keras
import numpy as np
import pytest

from export import architecture
from export.tflite import LOWERINGS, available, fused, parts
from export.tflite.quantize import PRECISIONS, quantize
from export.verification import VerificationError, verify
from tests.export.models import classifier, probabilities, randomize, texts_of_every_length
from zoo import litert
from zoo.catalogue import FAMILIES
from zoo.layers import Recurrent

LENGTH = 14
single_graphs = pytest.mark.parametrize("lowering", ["fused", "unrolled"])


def skip_if_unavailable(read, lowering):
    if lowering not in available(read):
        pytest.skip("no fused operator")


@single_graphs
@pytest.mark.parametrize("family", FAMILIES)
def test_answers_as_keras_at_every_length(family, lowering):
    model = classifier(family)
    read = architecture.read(model)
    skip_if_unavailable(read, lowering)
    lowered = LOWERINGS[lowering](read, LENGTH)
    assert len(lowered.graphs) == 1
    ids = texts_of_every_length(LENGTH, 60)
    scores = litert.runner(lowered.pack())[0](ids)
    np.testing.assert_allclose(scores, probabilities(model, ids), atol=1e-5)


@single_graphs
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_passes_verification(lowering, precision):
    model = classifier("peephole-bilstm", vocab_size=300, embed_dim=24, hidden_dim=32)
    model.set_weights([weight * 0.5 for weight in model.get_weights()])
    lowered = LOWERINGS[lowering](architecture.read(model), LENGTH)
    quantize(lowered, precision)
    ids = texts_of_every_length(LENGTH, 300)
    found = verify(lowered.pack(), lambda ids: probabilities(model, ids), ids, precision=precision)
    assert found.largest_difference < {"float32": 1e-5, "float16": 1e-3, "int8": 5e-2}[precision]


def test_without_the_reset_verification_fails(monkeypatch):
    monkeypatch.setattr("export.tflite.ops.set_to_zero", lambda graph, state: None)
    model = classifier("peephole-bilstm")
    content = LOWERINGS["fused"](architecture.read(model), LENGTH).pack()
    ids = texts_of_every_length(LENGTH, 60)
    with pytest.raises(VerificationError, match="keeps something from one call to the next"):
        verify(content, lambda ids: probabilities(model, ids), ids, precision="float32")


def test_cells_without_an_operator_are_refused_before_any_work():
    read = architecture.read(classifier("bigru"))
    assert available(read) == ("loop", "unrolled")
    with pytest.raises(parts.NoLoweringError, match=r"GRUCell has no .*'loop', or 'unrolled'"):
        fused.build(read, LENGTH)


def test_subclass_of_a_fused_cell_is_not_fused():
    """It may have other equations."""
    assert not fused.supports(type("Mine", (fused.cells.LSTMCell,), {})(3))


def own(layer, **embedding):
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(60, 4, **embedding)(tokens)
    return randomize(keras.Model(tokens, keras.layers.Dense(2)(layer(x))))


OWN = {
    "simple": lambda: own(keras.layers.Bidirectional(keras.layers.SimpleRNN(3)), mask_zero=True),
    "one direction": lambda: own(keras.layers.LSTM(3), mask_zero=True),
    "backwards": lambda: own(keras.layers.LSTM(3, go_backwards=True), mask_zero=True),
    "no mask": lambda: own(keras.layers.Bidirectional(keras.layers.LSTM(3))),
    "no bias": lambda: own(
        keras.layers.Bidirectional(keras.layers.LSTM(3, use_bias=False)), mask_zero=True
    ),
    "two cells": lambda: own(
        keras.layers.Bidirectional(
            keras.layers.LSTM(3),
            backward_layer=Recurrent(fused.cells.PeepholeLSTMCell(3), go_backwards=True),
        ),
        mask_zero=True,
    ),
}


@single_graphs
@pytest.mark.parametrize("name", OWN)
def test_own_models_answer_as_keras(name, lowering):
    model = OWN[name]()
    lowered = LOWERINGS[lowering](architecture.read(model), LENGTH)
    ids = texts_of_every_length(LENGTH, 60)
    found = verify(lowered.pack(), lambda ids: probabilities(model, ids), ids, precision="float32")
    assert found.largest_difference < 1e-5


@single_graphs
@pytest.mark.parametrize("max_length", [1, 2])
def test_shortest_files(lowering, max_length):
    model = classifier("bilstm")
    content = LOWERINGS[lowering](architecture.read(model), max_length).pack()
    ids = texts_of_every_length(max_length, 60)
    scores = litert.runner(content)[0](ids)
    np.testing.assert_allclose(scores, probabilities(model, ids), atol=1e-5)
