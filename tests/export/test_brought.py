"""Models that people bring: exported as Keras answers, or refused in a sentence."""

import keras
import numpy as np
import pytest
from keras import layers

import export
from export.architecture import UnsupportedModelError
from tests.export.models import randomize
from zoo import litert
from zoo.layers import MeanOverTime

LENGTH, WORDS = 7, 40


def chain(*parts, mask=True, length=None):
    """A model with loud weights: embedding, and what is given."""
    tokens = keras.Input((length,), dtype="int32")
    x = layers.Embedding(WORDS, 6, mask_zero=mask)(tokens)
    for part in parts:
        x = part(x)
    model = randomize(keras.Model(tokens, x), seed=3)
    for weight in model.weights:
        if weight.name == "moving_variance":
            weight.assign(keras.ops.abs(weight))
    return model


def any_ids(count=40, seed=5):
    """Ids with zeros anywhere: before, behind and among the others."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, WORDS, (count, LENGTH), dtype=np.int32)
    ids[rng.random(ids.shape) < 0.4] = 0
    ids[0], ids[1] = 0, np.arange(LENGTH)
    return ids


def written(model, folder, lowering="loop", **options):
    """The scores of the exported file for `any_ids`."""
    options = {"precision": "float32", "max_length": LENGTH, **options}
    (file,) = export.export_model(model, folder, lowering=lowering, **options)
    forward, *_ = litert.runner((folder / file.path).read_bytes())
    return forward(any_ids()), file


def keras_scores(model, function=None):
    outputs = model(any_ids())
    return keras.ops.convert_to_numpy(function(outputs) if function else outputs)


def both(units=5):
    return layers.Bidirectional(layers.LSTM(units))


# What stands behind the embedding; the function that makes scores of Keras's outputs; the kind.
SCORED = {
    "logits": ([both(), layers.Dense(3)], keras.ops.softmax, "softmax"),
    "softmax": ([both(), layers.Dense(3, activation="softmax")], None, "softmax"),
    "softmax layer": ([both(), layers.Dense(3), layers.Softmax()], None, "softmax"),
    "activation": ([both(), layers.Dense(3), layers.Activation("softmax")], None, "softmax"),
    "one sigmoid": ([both(), layers.Dense(1, activation="sigmoid")], None, "sigmoid"),
    "several sigmoids": ([both(), layers.Dense(4, activation="sigmoid")], None, "sigmoid"),
    "dense stack": (
        [both(), layers.Dense(6, "relu"), layers.Dense(5, "tanh"), layers.Dense(3)],
        keras.ops.softmax,
        "softmax",
    ),
    "normalised": (
        [both(), layers.BatchNormalization(), layers.Dropout(0.5), layers.LayerNormalization(),
         layers.Dense(2, activation="softmax")],
        None,
        "softmax",
    ),
    "one layer twice": ([both(3)] + [layers.Dense(6, "tanh")] * 2 + [layers.Dense(2)],
                        keras.ops.softmax, "softmax"),
    "stacked cells": (
        [layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)]), layers.Dense(2)],
        keras.ops.softmax,
        "softmax",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lowering", ["loop", "unrolled"])
@pytest.mark.parametrize("name", SCORED)
def test_scores_are_those_of_keras(tmp_path, name, lowering):
    parts, function, kind = SCORED[name]
    model = chain(*parts)
    scores, file = written(model, tmp_path, lowering)
    np.testing.assert_allclose(scores, keras_scores(model, function), atol=2e-5)
    assert file.scores == kind and file.padding == "any"


@pytest.mark.parametrize(
    ("loss", "outputs", "function", "kind"),
    [
        ("mse", 1, None, "numbers"),
        ("mean_absolute_error", 2, None, "numbers"),
        (keras.losses.Huber(), 3, None, "numbers"),
        (keras.losses.BinaryCrossentropy(from_logits=True), 1, keras.ops.sigmoid, "sigmoid"),
        (keras.losses.BinaryCrossentropy(from_logits=True), 3, keras.ops.sigmoid, "sigmoid"),
        (keras.losses.CategoricalCrossentropy(from_logits=True), 3, keras.ops.softmax, "softmax"),
    ],
)
def test_a_linear_end_is_read_by_the_loss(tmp_path, loss, outputs, function, kind):
    model = chain(both(), layers.Dense(outputs))
    model.compile("adam", loss)
    scores, file = written(model, tmp_path)
    np.testing.assert_allclose(scores, keras_scores(model, function), atol=1e-4)
    assert file.scores == kind


@pytest.mark.parametrize(("kind", "function"), [("sigmoid", keras.ops.sigmoid), ("numbers", None)])
def test_what_the_model_does_not_say_is_asked_for(tmp_path, kind, function):
    model = chain(both(), layers.Dense(1))
    with pytest.raises(UnsupportedModelError, match=r"1 linear output, .* scores='softmax'"):
        written(model, tmp_path)
    scores, _ = written(model, tmp_path, scores=kind)
    np.testing.assert_allclose(scores, keras_scores(model, function), atol=1e-4)
    with pytest.raises(UnsupportedModelError, match="softmax of one number is always 1"):
        written(model, tmp_path, scores="softmax")
    with pytest.raises(ValueError, match="scores must be one of"):
        written(model, tmp_path, scores="hinge")


def test_probabilities_that_do_not_fit_the_loss_are_asked_about(tmp_path):
    model = chain(both(), layers.Dense(2))
    model.compile("adam", "sparse_categorical_crossentropy")  # of probabilities, not of logits
    with pytest.raises(UnsupportedModelError, match="compile it with the loss"):
        written(model, tmp_path)
    scores, _ = written(model, tmp_path, scores="softmax")
    np.testing.assert_allclose(scores, keras_scores(model, keras.ops.softmax), atol=1e-5)


class Own(keras.Model):
    """A subclass: its list of layers does not say what `call` makes of them."""

    def __init__(self, end, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(WORDS, 6, mask_zero=True)
        self.recurrent, self.logits, self.end = layers.GRU(5), layers.Dense(3), end

    def call(self, tokens, training=False):
        return self.end(self.logits(self.recurrent(self.embedding(tokens)), training=training))


@pytest.mark.parametrize(
    ("end", "function"),
    [(keras.ops.softmax, None), (keras.ops.sigmoid, None), (lambda x: x, keras.ops.softmax)],
)
def test_what_a_subclass_does_in_its_call_is_seen(tmp_path, end, function):
    model = Own(end)
    model(any_ids())
    randomize(model, 1)
    scores, _ = written(model, tmp_path)
    np.testing.assert_allclose(scores, keras_scores(model, function), atol=2e-5)


def test_a_call_that_hides_its_softmax_is_found_out(tmp_path):
    class Halved(keras.layers.Dense):
        def call(self, x):
            return keras.ops.softmax(super().call(x))

    model = chain(both(), Halved(3))
    with pytest.raises(UnsupportedModelError, match="add up to 1 for every text"):
        written(model, tmp_path)


# Each has another way through zeros: right, left, among the ids, alone.
MASKED = {
    "last": [layers.Bidirectional(layers.LSTM(4, return_sequences=True)), both(4)],
    "backwards": [layers.LSTM(4, go_backwards=True)],
    "mean": [layers.Bidirectional(layers.LSTM(4, return_sequences=True)), MeanOverTime()],
}


@pytest.mark.parametrize("lowering", ["fused", "loop", "unrolled"])
@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("name", MASKED)
def test_zeros_are_masked_wherever_they_stand(tmp_path, name, mask, lowering):
    model = chain(*MASKED[name], layers.Dense(2), mask=mask)
    scores, _ = written(model, tmp_path, lowering)
    np.testing.assert_allclose(scores, keras_scores(model, keras.ops.softmax), atol=2e-5)


def test_linear_cells_mask_zeros_too(tmp_path):
    import zoo

    model = randomize(
        zoo.create_model("min-bilstm", vocab_size=WORDS, num_classes=2, embed_dim=4, hidden_dim=4,
                         num_layers=2)
    )  # fmt: skip
    for lowering in ("parallel", "loop"):
        scores, _ = written(model, tmp_path, lowering)
        np.testing.assert_allclose(scores, keras_scores(model, keras.ops.softmax), atol=2e-5)


def test_padding_on_the_right_can_be_promised(tmp_path):
    model = chain(both(), layers.Dense(2))
    _, anywhere = written(model, tmp_path)
    _, right = written(model, tmp_path, padding="right")
    assert "SCATTER_ND" in anywhere.operators and "SCATTER_ND" not in right.operators
    assert (anywhere.padding, right.padding) == ("any", "right")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_other_precisions_are_exported_as_float32(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = chain(both(), layers.Dense(6, "relu"), layers.Dense(2, "softmax", dtype="float32"))
    finally:
        keras.config.set_dtype_policy("float32")
    scores, _ = written(model, tmp_path)
    np.testing.assert_allclose(scores, keras_scores(model), atol=0.02)


def test_a_fixed_length_is_taken_from_the_model(tmp_path):
    model = chain(both(), layers.Dense(2), length=LENGTH)
    written(model, tmp_path, max_length=None)
    with pytest.raises(ValueError, match="texts of 7 ids, not 9"):
        written(model, tmp_path, max_length=9)


def not_built():
    return keras.Sequential([layers.Embedding(9, 4), layers.LSTM(4), layers.Dense(2)])


def two_outputs():
    tokens = keras.Input((None,), dtype="int32")
    h = both()(layers.Embedding(9, 4)(tokens))
    return keras.Model(tokens, [layers.Dense(2, name="what")(h), layers.Dense(3, name="how")(h)])


def two_inputs():
    tokens, other = keras.Input((None,), dtype="int32"), keras.Input((3,), name="meta")
    h = both()(layers.Embedding(9, 4)(tokens))
    return keras.Model([tokens, other], layers.Dense(2)(layers.Concatenate()([h, other])))


def numbers():
    x = keras.Input((6, 4))
    return keras.Model(x, layers.Dense(3)(layers.LSTM(8)(x)))


def nan():
    model = chain(both(), layers.Dense(2))
    model.layers[-1].kernel.assign(model.layers[-1].kernel * np.nan)
    return model


def other_mask():
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(9, 4)(tokens)
    x = layers.LSTM(3)(x, mask=keras.ops.not_equal(tokens, 1))
    return keras.Model(tokens, layers.Dense(2)(x))


def untraceable():
    class Python(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2)

        def call(self, tokens):
            if int(tokens[0, 0]) > 0:
                tokens = tokens + 1
            return self.inner(keras.ops.cast(tokens, "float32"))

    model = Python()
    model(np.ones((1, 3), "int32"))
    return model


class Broken(layers.Layer):
    """Has an output shape, and cannot be run."""

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        raise ValueError("\x1b[1mshapes differ\x1b[0m.")


REFUSED = {
    not_built: "is not built. Call it once",
    two_outputs: r"2 outputs \('what', 'how'\)",
    two_inputs: r"2 inputs \(.*'meta'\)",
    numbers: "token ids, int32",
    nan: "NaN or infinite: dense.*/kernel",
    other_mask: "mask that is not `tokens != 0`",
    untraceable: "cannot be traced",
    lambda: chain(both(), Broken(), layers.Dense(2)):
        r"Keras cannot run model .*, int32 \[\d+, 7\]: shapes differ\. Make model\.predict work",
    lambda: object(): "not a Keras 3 model",
    lambda: chain(layers.LSTM(3, return_sequences=True), layers.Dense(2), mask=False):
        "scores for each token",
    lambda: chain(layers.LSTM(3, return_sequences=True), layers.Dense(2),
                  layers.GlobalMaxPooling1D(), mask=False): "GlobalMaxPooling1D.* behind the last",
    lambda: chain(layers.GlobalAveragePooling1D(), layers.Dense(2)):
        "GlobalAveragePooling1D.* stands behind the Embedding",
    lambda: chain(lambda x: keras.ops.fft((x, x))[0], both(), layers.Dense(2), mask=False):
        r"\(FFT\).* builtin TFLite operators: there is none for .*FFT",
    lambda: chain(both(), layers.Dense(1, "softmax")): "1 for every text",
    lambda: chain(both(), layers.Dense(2, "relu")): "ends in relu",
    lambda: chain(both(), layers.Dense(2, "softmax"), layers.Dense(2, "softmax"),
                  layers.Softmax()): "behind the last Dense|softmax and softmax",
}  # fmt: skip


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_the_others_are_refused_in_a_sentence(tmp_path, make):
    with pytest.raises(UnsupportedModelError, match=REFUSED[make]) as error:
        written(make(), tmp_path)
    assert len(str(error.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
