"""The lowerings to one subgraph against Keras."""

import functools

import keras
import numpy as np
import pytest

from export import architecture
from export.choices import PRECISIONS
from export.tflite import available, find, fused, parallel, parts
from tests.export.models import (
    classifier,
    every_file,
    probabilities,
    randomize,
    texts_of_every_length,
    verified,
)
from zoo import litert
from zoo.catalogue import FAMILIES, create_model
from zoo.layers import Recurrent

LENGTH = 14
single_graphs = pytest.mark.parametrize("lowering", ["fused", "unrolled"])
QUICK = [
    ("peephole-bilstm", "fused"),
    ("coupled-bilstm", "fused"),
    ("bigru", "unrolled"),
    ("min-bigru", "parallel"),
]


@pytest.mark.parametrize(
    ("family", "lowering"), every_file("fused", "unrolled", "parallel", quick=QUICK)
)
def test_answers_as_keras_at_every_length(family, lowering):
    model = classifier(family)
    lowered = find(lowering, "float32").build(architecture.read(model), LENGTH)
    assert len(lowered.graphs) == 1
    ids = texts_of_every_length(LENGTH, 60)
    scores = litert.runner(lowered.pack())[0](ids)
    np.testing.assert_allclose(scores, probabilities(model, ids), atol=1e-5)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("family", "lowering"), [QUICK[0], QUICK[2], QUICK[3]])
def test_every_precision_passes_verification(family, lowering, precision):
    model = classifier(family, vocab_size=300, embed_dim=24, hidden_dim=32)
    model.set_weights([weight * 0.5 for weight in model.get_weights()])
    found = verified(model, lowering, texts_of_every_length(LENGTH, 300), precision)
    assert found.largest_difference < {"float32": 1e-5, "float16": 1e-3, "int8": 5e-2}[precision]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_catalogue_says_which_lowerings_there_are(family):
    model = create_model(f"{family}-tiny", vocab_size=9, num_classes=2)
    assert " ".join(available(architecture.read(model))) == FAMILIES[family].lowerings


def test_coupled_gates_with_peepholes_are_fused():
    cell = functools.partial(fused.cells.CoupledLSTMCell, 5, peephole=True)
    model = own(keras.layers.Bidirectional(Recurrent(cell())), mask_zero=True)
    found = verified(model, "fused", texts_of_every_length(LENGTH, 60))
    assert found.largest_difference < 1e-5


def test_cells_without_an_operator_are_refused_before_any_work():
    read = architecture.read(classifier("bigru"))
    assert available(read) == ("loop", "unrolled")
    with pytest.raises(parts.NoLoweringError, match=r"GRUCell has no .*'loop', or 'unrolled'"):
        fused.build(read, LENGTH)
    with pytest.raises(parts.NoLoweringError, match=r"GRUCell has no lowering 'parallel'"):
        parallel.build(read, LENGTH)


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
    found = verified(model, lowering, texts_of_every_length(LENGTH, 60))
    assert found.largest_difference < 1e-5


@single_graphs
@pytest.mark.parametrize("max_length", [1, 2])
def test_shortest_files(lowering, max_length):
    model = classifier("bilstm")
    content = find(lowering, "float32").build(architecture.read(model), max_length).pack()
    ids = texts_of_every_length(max_length, 60)
    scores = litert.runner(content)[0](ids)
    np.testing.assert_allclose(scores, probabilities(model, ids), atol=1e-5)
