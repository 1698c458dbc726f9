"""Layers before, between and behind the recurrent ones, as Keras computes them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import export
from export import architecture
from tests.export.models import randomize
from zoo import litert
from zoo.layers import MeanOverTime

LENGTH, WORDS = 11, 40


def any_ids(seed=5):
    """Ids with zeros anywhere; one text of zeros alone, and one without any."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, WORDS, (40, LENGTH), dtype=np.int32)
    ids[rng.random(ids.shape) < 0.4] = 0
    ids[0], ids[1] = 0, np.arange(1, LENGTH + 1)
    return ids


def right_padded():
    ids = any_ids()
    return np.where(np.arange(LENGTH) < np.arange(40)[:, None] % (LENGTH + 1), ids + (ids == 0), 0)


def lstm(units=4, **options):
    return layers.LSTM(units, return_sequences=True, **options)


def both(units=4, **options):
    return layers.Bidirectional(lstm(units), **options)


def attention(x):
    """Scores of the steps, and the sum of the outputs by their softmax; masked as by hand."""
    scores = layers.Dense(1, "tanh")(x)
    return ops.sum(ops.softmax(scores, axis=1) * x, axis=1)


def pooled(*parts):
    """From all outputs to several poolings side by side."""
    return lambda x: layers.Concatenate()([part(x) for part in parts])


def residual(x):
    return layers.LayerNormalization()(layers.Add()([layers.Dense(8)(x), both()(x)]))


def branches(x):
    return layers.Concatenate()([layers.LSTM(3)(x), layers.GRU(4, go_backwards=True)(x)])


def nested(x):
    inner = keras.Sequential([both(), layers.Dropout(0.3)])
    return layers.GlobalMaxPooling1D()(inner(x))


def embedding_too(x):
    """The mean of the embedding beside the last outputs."""
    return layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.LSTM(4)(x)])


FORMS = {
    "max": [both(), layers.GlobalMaxPooling1D()],
    "average": [both(), layers.GlobalAveragePooling1D()],
    "one direction": [lstm(), layers.GlobalMaxPooling1D()],
    "poolings": [both(), pooled(layers.GlobalMaxPooling1D(), layers.GlobalAveragePooling1D())],
    "attention": [both(), attention],
    "flat": [both(), layers.Reshape((LENGTH * 8,)), layers.Dense(5, "relu")],
    "dense between": [both(), layers.Dense(6, "relu"), layers.Bidirectional(layers.GRU(3))],
    "normalised between": [both(), layers.LayerNormalization(), layers.LSTM(3)],
    "residual": [residual, layers.LSTM(3)],
    "residual pooled": [residual, layers.GlobalMaxPooling1D()],
    "sum": [both(merge_mode="sum"), layers.Bidirectional(layers.LSTM(3), merge_mode="ave")],
    "product": [both(merge_mode="mul"), layers.GlobalMaxPooling1D()],
    "branches": [branches],
    "nested": [nested],
    "embedding too": [embedding_too],
    "dense mean": [both(), layers.Dense(6, "tanh"), MeanOverTime()],
    "scaled embedding": [lambda x: x * 2.0 + 0.5, layers.LSTM(4)],
}
WITH_GRU = ("dense between", "branches")
MASKED_MEANS = ("average", "poolings", "embedding too")
UNMASKED = {
    "convolution": [layers.Conv1D(5, 3, padding="same", activation="relu"), both(),
                    layers.GlobalMaxPooling1D()],
    "shorter": [layers.Conv1D(5, 4), both(), layers.LSTM(3)],
    "half": [layers.Conv1D(5, 3, strides=2), layers.MaxPooling1D(2), layers.LSTM(4)],
    "flatten": [layers.Conv1D(5, 3), lstm(), layers.Flatten()],
}  # fmt: skip


def model_of(parts, mask=True):
    tokens = keras.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(WORDS, 6, mask_zero=mask)(tokens)
    for part in parts:
        x = part(x)
    x = layers.Dense(3, "softmax")(layers.Dropout(0.2)(x))
    return randomize(keras.Model(tokens, x), seed=3)


def compare(model, folder, lowering, ids=None, **options):
    (file,) = export.export_model(model, folder, lowering=lowering, precision="float32", **options)
    forward, *_ = litert.runner((folder / file.path).read_bytes())
    ids = any_ids() if ids is None else ids
    np.testing.assert_allclose(forward(ids), model.predict(ids, verbose=0), atol=3e-5)
    return file


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")
@pytest.mark.parametrize(
    ("mask", "lowering"),
    [
        (True, "loop"),
        (True, "fused"),
        *(
            pytest.param(*pair, marks=pytest.mark.slow)
            for pair in ((True, "unrolled"), (False, "loop"), (False, "fused"), (False, "unrolled"))
        ),
    ],
)
@pytest.mark.parametrize("name", FORMS)
def test_a_masked_model_answers_as_keras(tmp_path, name, mask, lowering):
    model = model_of(FORMS[name], mask)
    if lowering == "fused" and name in WITH_GRU:
        pytest.skip("there is no fused operator for a GRU")
    ids, right = any_ids(), right_padded()
    if mask and name in MASKED_MEANS:
        ids, right = ids[1:], right[1:]  # Keras divides by zero for a text without a step
        right = right[right.any(axis=1)]
        with pytest.warns(UserWarning, match="NaN for a text without a word"):
            compare(model, tmp_path, lowering, ids)
    else:
        compare(model, tmp_path, lowering, ids)
    if mask:
        file = compare(model, tmp_path, lowering, right, padding="right")
        assert not {"CUMSUM", "SCATTER_ND"} & set(file.operators)


@pytest.mark.parametrize("lowering", ["fused", "loop", "unrolled"])
@pytest.mark.parametrize("name", UNMASKED)
def test_a_convolution_before_the_recurrent_layers_is_computed(tmp_path, name, lowering):
    compare(model_of(UNMASKED[name], mask=False), tmp_path, lowering)


def test_the_warning_points_to_the_call_and_no_layer_of_our_own_is_named(tmp_path):
    model = model_of([both(), pooled(layers.GlobalMaxPooling1D(), layers.GlobalAveragePooling1D())])
    with pytest.warns(UserWarning, match="NaN for a text without a word") as told:
        export.export_model(model, tmp_path, lowering="loop", precision="float32")
    assert __file__ in {one.filename for one in told if "NaN for a text" in str(one.message)}
    assert not any("'stage'" in str(one.message) for one in told)


def test_masked_positions_are_as_the_layer_gives_them(tmp_path):
    # `zero_output_for_mask` is Keras's default inside of Bidirectional only.
    for zeros in (False, True):
        model = model_of([lstm(zero_output_for_mask=zeros), layers.GlobalMaxPooling1D()])
        assert architecture.read(model).layers[0].zeros is zeros
        compare(model, tmp_path, "loop")


def test_smaller_weights_are_written_too(tmp_path):
    model = model_of([both(40), pooled(layers.GlobalMaxPooling1D(), attention), layers.Dense(64)])
    files = export.export_model(model, tmp_path, lowering="all", precision="all", force=True)
    assert len(files) == 9
