"""Makers of small Keras models, one of each kind. Keras is given to them, not imported here."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

WORDS, LENGTH = 200, 7

Part = Callable[[Any, Any, Any], Any]
"""From keras, the token ids and their embedding to the model's output."""


def loud(keras: Any, model: Any) -> Any:
    """Makes the weights so large that each of them matters."""
    rng = np.random.default_rng(3)
    for weight in model.weights:
        if weight.dtype in ("float32", "float16", "bfloat16", "float64"):
            value = rng.normal(size=weight.shape) * 0.4
            weight.assign(np.abs(value) + 0.1 if weight.name == "moving_variance" else value)
    return model


def model_of(part: Part, *, mask: bool = True, end: bool = True, name: str = "brought") -> Any:
    """A maker of a functional model: embedding, a part, a Dense layer."""

    def make(keras: Any) -> Any:
        tokens = keras.Input((LENGTH,), dtype="int32", name="tokens")
        x = keras.layers.Embedding(WORDS, 6, mask_zero=mask)(tokens)
        x = part(keras, tokens, x)
        if end:
            x = keras.layers.Dense(3, activation="softmax")(x)
        return loud(keras, keras.Model(tokens, x, name=name))

    return make


def sequence(keras: Any, units: int = 24, **options: Any) -> Any:
    """An LSTM that returns its sequence."""
    return keras.layers.LSTM(units, return_sequences=True, **options)


def cat(keras: Any, *tensors: Any) -> Any:
    """Tensors side by side."""
    return keras.layers.Concatenate()(list(tensors))


def largest(keras: Any, x: Any) -> Any:
    """The maximum over the steps."""
    return keras.layers.GlobalMaxPooling1D()(x)


def attention(keras: Any, x: Any) -> Any:
    """The sum of the steps by the softmax of their scores."""
    weights = keras.ops.softmax(keras.layers.Dense(1)(x), axis=1)
    return keras.ops.sum(weights * x, axis=1)


def two_ways(k: Any, tokens: Any, x: Any) -> Any:
    """A bidirectional LSTM."""
    return k.layers.Bidirectional(k.layers.LSTM(24))(x)


def unmasked_branch(k: Any, tokens: Any, x: Any) -> Any:
    """One LSTM with the mask, and one behind a convolution, which has none."""
    convolved = k.layers.Conv1D(5, 3, padding="same")(x)
    return cat(k, k.layers.LSTM(3)(x), k.layers.LSTM(24)(convolved))


def explicit_mask(k: Any, tokens: Any, x: Any) -> Any:
    """A mask for the upper layer alone."""
    return k.layers.LSTM(3)(sequence(k)(x), mask=k.ops.not_equal(tokens, 0))


def returned_states(k: Any, tokens: Any, x: Any) -> Any:
    """The states of both directions."""
    _, forward, _, backward, _ = k.layers.Bidirectional(k.layers.LSTM(24, return_state=True))(x)
    return cat(k, forward, backward)


def memory(k: Any, tokens: Any, x: Any) -> Any:
    """Output and memory of an LSTM."""
    _, h, c = k.layers.LSTM(24, return_state=True)(x)
    return cat(k, h, c)


def outputs_and_state(k: Any, tokens: Any, x: Any) -> Any:
    """Attention over the outputs, beside the last state."""
    y, h, _ = sequence(k, return_state=True)(x)
    return cat(k, attention(k, y), h)


def apart(k: Any, tokens: Any, x: Any) -> Any:
    """Both directions apart."""
    forward, backward = k.layers.Bidirectional(sequence(k), merge_mode=None)(x)
    return cat(k, largest(k, forward), k.layers.LSTM(3)(backward))


def initial_state(k: Any, tokens: Any, x: Any) -> Any:
    """A layer that starts from the states of another."""
    y, h, c = sequence(k, return_state=True)(x)
    return k.layers.LSTM(24, name="decoder")(y, initial_state=[h, c])


def heads(k: Any, tokens: Any, x: Any) -> Any:
    """Multi-head attention over the outputs, and their residual sum."""
    y = sequence(k)(x)
    attended = k.layers.MultiHeadAttention(2, 3)(y, y)
    return k.layers.GlobalAveragePooling1D()(k.layers.LayerNormalization()(y + attended))


def positions(k: Any, tokens: Any, x: Any) -> Any:
    """A second embedding, of the positions."""
    place = k.layers.Embedding(LENGTH, 6)(k.ops.arange(LENGTH))
    return k.layers.LSTM(24)(x + place)


def length_feature(k: Any, tokens: Any, x: Any) -> Any:
    """The number of words as a feature."""
    present = k.ops.cast(k.ops.not_equal(tokens, 0), "float32")
    return cat(k, k.layers.LSTM(24)(x), k.ops.sum(present, axis=1, keepdims=True))


def unit_mean(k: Any, tokens: Any, x: Any) -> Any:
    """A mean that is scaled to length 1."""
    mean = k.layers.GlobalAveragePooling1D(name="mean")(sequence(k)(x))
    return k.layers.UnitNormalization()(mean)


def stateful(keras: Any) -> Any:
    """A layer that keeps its states."""
    tokens = keras.Input(batch_shape=(1, LENGTH), dtype="int32")
    x = keras.layers.Embedding(WORDS, 6)(tokens)
    x = keras.layers.LSTM(24, stateful=True, name="lstm")(x)
    return loud(keras, keras.Model(tokens, keras.layers.Dense(2)(x), name="brought"))


def one_at_a_time(keras: Any) -> Any:
    """A batch size of 1."""
    tokens = keras.Input(batch_shape=(1, LENGTH), dtype="int32")
    x = two_ways(keras, tokens, keras.layers.Embedding(WORDS, 6, mask_zero=True)(tokens))
    x = keras.layers.Dense(3, activation="softmax")(x)
    return loud(keras, keras.Model(tokens, x, name="brought"))


def of_keras_2(keras: Any) -> Any:
    """An object of the class of Keras 2's models."""
    return type("Functional", (), {"__module__": "tf_keras.src.engine.functional"})()


def own_cell(k: Any, tokens: Any, x: Any) -> Any:
    """A cell of one's own, without variables."""

    class Decay(k.layers.Layer):
        state_size = output_size = 6

        def call(self, inputs, states):
            h = 0.5 * states[0] + k.ops.tanh(inputs)
            return h, [h]

    return k.layers.RNN(Decay())(x)


def stacked(k: Any, tokens: Any, x: Any) -> Any:
    """Stacked cells of several states."""
    return k.layers.RNN([k.layers.LSTMCell(24), k.layers.GRUCell(3)])(x)


def subclass(keras: Any) -> Any:
    """A subclass of keras.Model."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.words = keras.layers.Embedding(WORDS, 6, mask_zero=True, name="words")
            self.read = keras.layers.Bidirectional(keras.layers.LSTM(24), name="read")
            self.out = keras.layers.Dense(3, name="out")

        def call(self, tokens):
            return keras.ops.softmax(self.out(self.read(self.words(tokens))))

    model = Own()
    model(np.ones((1, LENGTH), "int32"))
    return loud(keras, model)


def sequential(keras: Any) -> Any:
    """Sequential with another inside, and dropout."""
    inner = keras.Sequential(
        [keras.layers.Bidirectional(sequence(keras)), keras.layers.Dropout(0.3)], name="inner"
    )
    parts = [
        keras.Input((LENGTH,), dtype="int32"),
        keras.layers.Embedding(WORDS, 6),
        inner,
        keras.layers.GlobalMaxPooling1D(),
        keras.layers.Dense(5, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    return loud(keras, keras.Sequential(parts, name="sequential"))


def names(words: str, lstm: str, dense: str, model: str) -> Callable[[Any], Any]:
    """A maker of a model with names."""

    def make(keras: Any) -> Any:
        tokens = keras.Input((LENGTH,), dtype="int32")
        x = keras.layers.Embedding(WORDS, 6, mask_zero=True, name=words)(tokens)
        x = keras.layers.Bidirectional(keras.layers.LSTM(24, name=lstm))(x)
        x = keras.layers.Dense(3, activation="softmax", name=dense)(x)
        return loud(keras, keras.Model(tokens, x, name=model))

    return make


def dict_output(keras: Any) -> Any:
    """One output, in a dict."""
    model = model_of(two_ways)(keras)
    return keras.Model(model.input, {"scores": model.output}, name="brought")


def half(keras: Any) -> Any:
    """The policy mixed_float16."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return model_of(two_ways)(keras)
    finally:
        keras.config.set_dtype_policy(before)


def compiled(outputs: int, loss: Callable[[Any], Any]) -> Any:
    """A maker of a model with a linear end and a loss."""

    def part(k: Any, tokens: Any, x: Any) -> Any:
        return k.layers.Dense(outputs)(two_ways(k, tokens, x))

    def make(keras: Any) -> Any:
        model = model_of(part, end=False)(keras)
        model.compile("adam", loss(keras))
        return model

    return make


def two_outputs(keras: Any) -> Any:
    """Two outputs."""
    tokens = keras.Input((LENGTH,), dtype="int32")
    h = keras.layers.LSTM(24)(keras.layers.Embedding(WORDS, 6)(tokens))
    what, how = (keras.layers.Dense(2, name=name)(h) for name in ("what", "how"))
    return keras.Model(tokens, {"what": what, "how": how}, name="brought")


def two_inputs(keras: Any) -> Any:
    """Numbers beside the token ids."""
    tokens, more = keras.Input((LENGTH,), dtype="int32"), keras.Input((3,), name="more")
    h = keras.layers.LSTM(24)(keras.layers.Embedding(WORDS, 6)(tokens))
    return keras.Model([tokens, more], keras.layers.Dense(2)(cat(keras, h, more)), name="brought")


def of_numbers(keras: Any) -> Any:
    """Numbers in place of token ids."""
    x = keras.Input((LENGTH, 4))
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.LSTM(24)(x)), name="brought")


def not_built(keras: Any) -> Any:
    """A model without weights yet."""
    parts = [keras.layers.Embedding(WORDS, 6), keras.layers.LSTM(24), keras.layers.Dense(2)]
    return keras.Sequential(parts, name="brought")


def nan(keras: Any) -> Any:
    """A model whose training diverged."""
    model = model_of(two_ways)(keras)
    model.layers[-1].kernel.assign(model.layers[-1].kernel * np.nan)
    return model


def quantised(keras: Any) -> Any:
    """A model that Keras has quantised."""
    model = model_of(two_ways)(keras)
    model.quantize("int8")
    return model


def of_torch(keras: Any) -> Any:
    """A PyTorch module, or a class that looks like one where PyTorch is missing."""
    try:
        from torch import nn
    except ImportError:
        return types.SimpleNamespace(state_dict=dict)
    return nn.LSTM(3, 4)


def untraceable(keras: Any) -> Any:
    """A subclass with Python control flow over values."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.out = keras.layers.Dense(2)

        def call(self, tokens):
            if int(tokens[0, 0]) > 0:
                tokens = tokens + 1
            return self.out(keras.ops.cast(tokens, "float32"))

    model = Own()
    model(np.ones((1, LENGTH), "int32"))
    return model


def vectorized(**options: Any) -> Callable[[Any], Any]:
    """A maker of a model of texts."""

    def make(keras: Any) -> Any:
        words = [f"w{number}" for number in range(3, 30)]
        options.setdefault("output_sequence_length", LENGTH)
        layer = keras.layers.TextVectorization(**options, name="words")
        if options.get("output_mode", "int") == "int" and not options.get("ngrams"):
            layer.set_vocabulary(words)
        else:
            layer.adapt([" ".join(words)])
        texts = keras.Input((1,), dtype="string")
        x = layer(texts)
        if len(x.shape) == 2 and options.get("output_mode", "int") == "int":
            x = keras.layers.Embedding(WORDS, 6, mask_zero=True)(x)
            x = keras.layers.Bidirectional(keras.layers.LSTM(24))(x)
        x = keras.layers.Dense(3, activation="softmax")(x)
        return loud(keras, keras.Model(texts, x, name="brought"))

    return make


def looked_up(keras: Any) -> Any:
    """Words that are looked up by a StringLookup."""
    words = keras.Input((LENGTH,), dtype="string")
    x = keras.layers.StringLookup(vocabulary=["a", "b"], name="lookup")(words)
    x = keras.layers.LSTM(24)(keras.layers.Embedding(WORDS, 6)(x))
    return keras.Model(words, keras.layers.Dense(2)(x), name="brought")
