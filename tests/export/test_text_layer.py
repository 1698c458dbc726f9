"""A TextVectorization layer against the tokenizer that takes its place."""

import keras
import numpy as np
import pytest

from export import text_layer
from export.architecture import UnsupportedModelError
from studies.brought import cases
from zoo.text import PAD

SPACES = [chr(code) for code in (*range(1, 0x3100), 0xFEFF, 0x1F600) if chr(code).isspace()]
LETTERS = "abcXYZ0_'-.,!?\u00e9\u00c9\u0130\u0131\u00df\u65e5\u2019\ufb01\u00ad\u200b"


def layer(words, **options):
    options = {"standardize": None, "output_sequence_length": 9, **options}
    made = keras.layers.TextVectorization(**options)
    made.set_vocabulary(words)
    return made


def text_model(made, shape=(1,)):
    texts = keras.Input(shape, dtype="string")
    x = keras.layers.Embedding(60, 4)(made(texts))
    x = keras.layers.LSTM(3)(x)
    return keras.Model(texts, keras.layers.Dense(2)(x))


def any_texts(words, count=400, seed=0):
    """Words, parts of words and signs, between white space of every kind."""
    rng = np.random.default_rng(seed)

    def token():
        if rng.random() < 0.5:
            return str(rng.choice(words))
        return "".join(rng.choice(list(LETTERS), rng.integers(1, 5)))

    def text():
        count = rng.integers(0, 12)
        return "".join(token() + str(rng.choice([" ", "  ", *SPACES])) for _ in range(count))

    return [text() for _ in range(count)]


def ids_of(made, texts):
    return keras.ops.convert_to_numpy(made(cases.column(keras, texts)))


def test_splitting_at_white_space_is_exact():
    words = [
        "film",
        "Film",
        "don't",
        "well-known,",
        "\u00c9t\u00e9",
        "\u65e5\u672c",
        "a\u00a0b",
        "x\u3000y",
    ]
    made = layer(words)
    tokenizer = text_layer.of(text_model(made)).tokenizer(9)
    texts = any_texts(words)
    np.testing.assert_array_equal(tokenizer.encode(texts), ids_of(made, texts))
    # It is white space of ASCII alone that splits.
    kept = [space for space in SPACES if len(tokenizer.split(f"a{space}b")) == 1]
    assert sorted(set(SPACES) - set(kept)) == list("\t\n\x0b\f\r ")


def test_lower_case_is_exact_for_the_forms_of_the_vocabulary():
    words = ["film", "don't", "well-known,", "\u00c9t\u00e9", "\u0131x", "stra\u00dfe", "'tis"]
    made = layer(words, standardize="lower")
    tokenizer = text_layer.of(text_model(made)).tokenizer(9)

    def upper(word):
        return "".join(c.upper() if c.isascii() else c for c in word)

    forms = [form for word in words for form in (word, upper(word[0]) + word[1:], upper(word))]
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(forms, rng.integers(0, 12))) for _ in range(200)]
    np.testing.assert_array_equal(tokenizer.encode(texts), ids_of(made, texts))
    mixed = ["fIlm"]  # known to the layer, unknown on the device
    assert ids_of(made, mixed)[0, 0] == 2 and tokenizer.encode(mixed)[0, 0] == 1


def test_words_that_no_text_gives_are_left_out():
    made = layer(["two words", "Upper", "fine", ""][:3], standardize="lower")
    vocabulary = text_layer.of(text_model(made)).tokenizer(9).vocabulary
    assert set(vocabulary) == {"<PAD>", "<UNKNOWN>", "fine", "Fine", "FINE"}
    assert vocabulary["fine"] == 4


def test_a_word_with_a_meaning_on_the_device_is_refused():
    with pytest.raises(UnsupportedModelError, match="has the word '<PAD>'"):
        text_layer.of(text_model(layer([PAD, "a"]))).tokenizer(9)


def test_the_layer_is_compared_before_anything_is_written(monkeypatch):
    made = layer(["a", "b"])
    monkeypatch.setattr(text_layer, "WHITE_SPACE", r"[ ]+")
    with pytest.raises(UnsupportedModelError, match=r"gives other ids .* for 'a\\tb"):
        text_layer.of(text_model(made)).tokenizer(9)


@pytest.mark.parametrize("shape", [(1,), ()])
def test_texts_may_have_either_shape(shape):
    assert text_layer.of(text_model(layer(["a"]), shape)).tokenizer(9).encode(["a b"])[0, 0] == 2


def test_a_layer_in_front_of_a_nested_model_is_found():
    inner = keras.Sequential(
        [keras.Input((9,), dtype="int64"), keras.layers.Embedding(60, 4), keras.layers.GRU(3),
         keras.layers.Dense(2)]
    )  # fmt: skip
    made = layer(["a", "b"])
    model = keras.Sequential([keras.Input((1,), dtype="string"), made, inner])
    found = text_layer.of(model)
    texts = ["a b c", ""]
    ids = found.tokenizer(9).encode(texts)
    np.testing.assert_allclose(
        found.model.predict(ids, verbose=0),
        model.predict(cases.column(keras, texts), verbose=0),
        atol=1e-6,
    )


def test_an_empty_vocabulary_is_refused():
    made = keras.layers.TextVectorization(standardize=None)
    with pytest.raises(UnsupportedModelError, match="has no vocabulary: adapt it"):
        text_layer.of(text_model(made)).tokenizer(9)


def test_another_reader_of_strings_is_refused():
    texts = keras.Input((1,), dtype="string")
    made = layer(["a"])
    other = keras.layers.StringLookup(vocabulary=["a"])(texts)
    x = keras.layers.LSTM(3)(keras.layers.Embedding(60, 4)(made(texts)))
    x = keras.layers.Concatenate()([x, keras.ops.cast(other, "float32")])
    with pytest.raises(UnsupportedModelError, match=r"\(StringLookup\) reads strings"):
        text_layer.of(keras.Model(texts, keras.layers.Dense(2)(x)))
