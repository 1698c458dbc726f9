"""Kinds of Keras models: which are exported, and what the others are told.

A row is the smallest model of its kind. The tests export each in each of its lowerings, the study
runs the files in every client, and docs/exporting.md shows the table. Keras is imported when a
model is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from studies.brought.makers import (
    LENGTH,
    WORDS,
    Part,
    apart,
    attention,
    cat,
    compiled,
    dict_output,
    explicit_mask,
    half,
    heads,
    initial_state,
    largest,
    length_feature,
    looked_up,
    memory,
    model_of,
    names,
    nan,
    not_built,
    of_keras_2,
    of_numbers,
    of_torch,
    one_at_a_time,
    outputs_and_state,
    own_cell,
    positions,
    quantised,
    returned_states,
    sequence,
    sequential,
    stacked,
    stateful,
    subclass,
    two_inputs,
    two_outputs,
    two_ways,
    unit_mean,
    unmasked_branch,
    untraceable,
    vectorized,
)

ALL = ("fused", "loop", "unrolled")
ANY_CELL = ("loop", "unrolled")
TEXTS = ("w3 w4 w5", "W6  w7\tw8\nw9", "", "w10 unseen w11", " ".join(f"w{n}" for n in range(30)))


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


def exported(what: str, part: Part, *, mask: bool = True, end: bool = True, **more: Any) -> Case:
    """A row for a model that is exported."""
    return Case(what, model_of(part, mask=mask, end=end), **more)


def refused(what: str, part: Part, says: str, *, mask: bool = True, end: bool = True) -> Case:
    """A row for a functional model that is not."""
    return Case(what, model_of(part, mask=mask, end=end), says)


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
