"""Kinds of Keras models: which are exported, and what the others are told.

A row is the smallest model of its kind. The tests export each in each of its lowerings, the study
runs the files in every client, and docs/exporting.md shows the table. Keras is imported when a
model is made.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

WORDS, LENGTH = 200, 7
ALL = ("fused", "loop", "unrolled")
ANY_CELL = ("loop", "unrolled")
TEXTS = ("w3 w4 w5", "W6  w7\tw8\nw9", "", "w10 unseen w11", " ".join(f"w{n}" for n in range(30)))

Part = Callable[[Any, Any, Any], Any]
"""From keras, the token ids and their embedding to the model's output."""


@dataclass(frozen=True)
class Case:
    """A kind of model.

    Attributes:
        what: What the model has, for people.
        make: From the module keras to the model.
        says: A part of the refusal; empty if it is exported.
        lowerings: That it is exported in.
        options: More arguments for `export.export_model`.
        warns: A part of a warning.
        of_texts: Whether the model takes texts.
        reference: Makes the same model as Keras can run it, if it cannot run this one.
    """

    what: str
    make: Callable[[Any], Any]
    says: str = ""
    lowerings: tuple[str, ...] = ALL
    options: Mapping[str, Any] = field(default_factory=dict)
    warns: str = ""
    of_texts: bool = False
    reference: Callable[[Any], Any] | None = None

    def model(self) -> Any:
        """The model, with the same weights every time."""
        import keras

        keras.utils.set_random_seed(7)
        return self.make(keras)


def ids() -> np.ndarray:
    """Token ids with zeros anywhere, int32 [texts, LENGTH]; the last text is empty."""
    rng = np.random.default_rng(5)
    rows = rng.integers(1, WORDS, (24, LENGTH), dtype=np.int32)
    rows[rng.random(rows.shape) < 0.3] = 0
    rows[0], rows[-1] = np.arange(1, LENGTH + 1), 0
    rows[1:8] = np.where(np.arange(LENGTH) < np.arange(1, 8)[:, None], rows[1:8] + 1, 0) % WORDS
    return rows


def column(keras: Any, texts: Sequence[str]) -> Any:
    """Texts as a model of texts takes them: string [texts, 1]."""
    return keras.ops.convert_to_tensor([[text] for text in texts], dtype="string")


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


def exported(what: str, part: Part, *, mask: bool = True, end: bool = True, **more: Any) -> Case:
    """A row for a model that is exported."""
    return Case(what, model_of(part, mask=mask, end=end), **more)


def refused(what: str, part: Part, says: str, *, mask: bool = True, end: bool = True) -> Case:
    """A row for a functional model that is not."""
    return Case(what, model_of(part, mask=mask, end=end), says)


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


CASES = (
    # Layers that read the embedding.
    exported("`Bidirectional` of an LSTM, `mask_zero=True`", two_ways),
    exported("the same without a mask", two_ways, mask=False),
    exported("GRU", lambda k, t, x: k.layers.GRU(24)(x), lowerings=ANY_CELL),
    exported("SimpleRNN", lambda k, t, x: k.layers.SimpleRNN(24)(x)),
    exported("stacked cells, `RNN([…])`", stacked, lowerings=ANY_CELL),
    exported("a cell of your own, even without variables", own_cell, lowerings=ANY_CELL),
    exported("several layers that read the same", lambda k, t, x: cat(
        k, k.layers.LSTM(3)(x), k.layers.LSTM(24, go_backwards=True)(x))),
    exported("`merge_mode` sum, mul or ave", lambda k, t, x: k.layers.Bidirectional(
        k.layers.LSTM(24), merge_mode="ave")(x)),
    exported("`merge_mode=None`: both directions apart", apart),
    exported("`return_state=True`, the last outputs as features", returned_states),
    exported("`return_state=True`, outputs and last state", outputs_and_state),
    exported("`return_state=True`, the memory of an LSTM as a feature", memory,
             lowerings=ANY_CELL),
    exported("`go_backwards=True` with `return_sequences=True`", lambda k, t, x: k.layers.LSTM(3)(
        sequence(k, go_backwards=True)(x))),
    exported("one branch masked, another not", unmasked_branch),
    exported("a mask for one of two layers", explicit_mask, mask=False),
    # Layers around them.
    exported("convolution before", lambda k, t, x: k.layers.LSTM(24)(
        k.layers.Conv1D(5, 3, activation="relu")(x)), mask=False),
    exported("pooling over steps", lambda k, t, x: largest(k, sequence(k)(x))),
    exported("attention over steps", lambda k, t, x: attention(k, sequence(k)(x))),
    exported("multi-head attention", heads, mask=False),
    exported("residual sum", lambda k, t, x: k.layers.LSTM(24)(k.layers.Add()(
        [k.layers.Dense(24)(x), sequence(k)(x)]))),
    exported("a Lambda layer of `keras.ops`", lambda k, t, x: k.layers.Lambda(
        lambda h: k.ops.tanh(h) * 2.0)(two_ways(k, t, x))),
    exported("embedding of positions", positions, mask=False),
    exported("a feature from the ids, such as the length", length_feature),
    exported("masked mean of the steps", lambda k, t, x: k.layers.GlobalAveragePooling1D()(
        sequence(k)(x)), warns="Layer 'global_average_pooling1d"),
    exported("mean of the steps, scaled to length 1", unit_mean,
             warns="Layer 'mean' (GlobalAveragePooling1D)"),
    # Ends.
    Case("logits", compiled(3, lambda k: k.losses.SparseCategoricalCrossentropy(True))),
    exported("one sigmoid", lambda k, t, x: k.layers.Dense(1, "sigmoid")(two_ways(k, t, x)),
             end=False),
    exported("several sigmoids", lambda k, t, x: k.layers.Dense(3, "sigmoid")(
        two_ways(k, t, x)), end=False),
    Case("plain numbers", compiled(2, lambda k: "mse")),
    exported("a stack of Dense layers", lambda k, t, x: k.layers.Dense(5, "relu")(
        k.layers.BatchNormalization()(two_ways(k, t, x)))),
    # Models.
    Case("Sequential, with another inside", sequential),
    Case("a subclass of `keras.Model`", subclass, options={"max_length": LENGTH}),
    Case("a fixed batch size of 1", one_at_a_time),
    Case("one output in a list or dict", dict_output),
    Case("names with spaces and other scripts",
         names("die Wörter", "読む 1", "out: a?", "mein Modell Nr. 1 (ü)"),
         reference=names("words", "lstm", "dense", "model")),
    Case("`mixed_float16` and other precisions", half),
    Case("`TextVectorization(standardize=None)`", vectorized(standardize=None), of_texts=True),
    Case('`TextVectorization(standardize="lower")`', vectorized(standardize="lower"),
         of_texts=True, warns="other mixed case"),
    # Refused.
    Case("`TextVectorization` that deletes punctuation, as by default", vectorized(),
         "deletes punctuation inside of words"),
    Case('`TextVectorization(split="character")`', vectorized(standardize=None, split="character"),
         "splits between characters; the device splits at delimiters"),
    Case("`TextVectorization(ngrams=2)`", vectorized(standardize=None, ngrams=2),
         "gives pairs of words; the device gives single words"),
    Case('`TextVectorization(output_mode="multi_hot")`',
         vectorized(standardize=None, output_mode="multi_hot", output_sequence_length=None),
         "gives no ids in the order of the text"),
    Case("`TextVectorization` with a function of your own",
         vectorized(standardize=lambda text: text), "which no device runs"),
    Case("`StringLookup`", looked_up, "The device splits texts itself. Export the model behind"),
    Case("`stateful=True`", stateful, "Build the layer with stateful=False"),
    refused("`initial_state`", initial_state, "Use the states as features instead"),
    refused("a mask that is not `ids != 0`", lambda k, t, x: k.layers.LSTM(3)(
        x, mask=k.ops.not_equal(t, 1)), "mask that is not `tokens != 0`", mask=False),
    refused("no recurrent layer", lambda k, t, x: largest(k, x),
            "has no recurrent layer on its embedding"),
    refused("scores for each token", lambda k, t, x: sequence(k)(x), "scores for each token"),
    refused("another activation at the end", lambda k, t, x: k.layers.Dense(2, "relu")(
        two_ways(k, t, x)), "ends in relu; what is exported ends in", end=False),
    refused("a softmax over one output", lambda k, t, x: k.layers.Dense(1, "softmax")(
        two_ways(k, t, x)), "which is 1 for every text", end=False),
    refused("an operation without a TFLite operator", lambda k, t, x: two_ways(
        k, t, k.ops.fft((x, x))[0]), "does not convert to builtin TFLite operators", mask=False),
    Case("several outputs", two_outputs, "Export one of them"),
    Case("several inputs", two_inputs, "a text classifier takes token ids alone"),
    Case("numbers in place of token ids", of_numbers, "takes token ids, int32 [batch, time]"),
    Case("no weights yet", not_built, "it is not built. Call it once on token ids"),
    Case("NaN weights", nan, "/kernel. Its training diverged"),
    Case('`model.quantize("int8")`', quantised, "is quantised by Keras. Export the model"),
    Case("a model of Keras 2 (tf_keras)", of_keras_2, "Save a model of Keras 2 as .h5"),
    Case("a PyTorch module", of_torch, "is not a Keras 3 model"),
    Case("Python control flow in `call`", untraceable, "cannot be traced on token ids"),
)  # fmt: skip
