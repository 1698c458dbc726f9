"""The SavedModel's two signatures."""

import dataclasses
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import export
from export import export_saved_model
from export.string_ops import tokenize_op
from export.verification import VerificationError
from tests.export.models import bundle, piece_bundle
from tests.raw_texts import generated
from zoo.wordpiece import SPECIAL, Pieces, WordPieceTokenizer

TEXTS = ["", "   ", "Good film!", "never\tGOOD\nbook", "çà 日本 фильм", "bad\0good", "very " * 50]


def test_both_signatures_answer_as_the_model(tmp_path):
    source = bundle(num_layers=1)
    folder = export.export_saved_model(source, tmp_path / "saved_model")
    loaded = tf.saved_model.load(str(folder))
    ids = source.tokenizer.encode(TEXTS)
    expected = source.probabilities(ids)
    by_token = loaded.signatures["serving_default"](tokens=tf.constant(ids))
    np.testing.assert_allclose(by_token["probabilities"], expected, atol=1e-6)
    by_text = loaded.signatures["texts"](texts=tf.constant(TEXTS))
    np.testing.assert_array_equal(by_text["tokens"], ids)
    np.testing.assert_allclose(by_text["probabilities"], expected, atol=1e-6)
    labels = [source.labels[i].encode() for i in expected.argmax(axis=1)]
    assert by_text["label"].numpy().tolist() == labels


def test_word_pieces_are_made_by_tensorflow_alone(tmp_path):
    source = piece_bundle()
    folder = export.export_saved_model(source, tmp_path / "saved_model")
    loaded = tf.saved_model.load(str(folder))
    texts = [*TEXTS, "unlikeable, unlikeableness", "日本 films", "x" * 120, *generated(300, seed=2)]
    answers = loaded.signatures["texts"](texts=tf.constant([text.encode() for text in texts]))
    ids = source.tokenizer.encode(texts)
    np.testing.assert_array_equal(answers["tokens"], ids)
    expected = source.probabilities(ids)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-6)


@pytest.mark.slow
def test_word_pieces_of_every_character():
    tokenizer = WordPieceTokenizer(Pieces([*SPECIAL, "a", "##b", "é", "日"]), 8)
    tokenize = tf.function(tokenize_op(tokenizer).__call__)
    every = [*range(1, 0xD800), *range(0xE000, sys.maxunicode + 1)]
    for start in range(0, len(every), 5000):
        texts = [f"a{chr(point)}b" for point in every[start : start + 5000]]
        found = tokenize(tf.constant([text.encode() for text in texts]))
        np.testing.assert_array_equal(found, tokenizer.encode(texts))


def test_it_replaces_what_was_there_and_leaves_nothing_else(tmp_path):
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "old").touch()
    (tmp_path / "saved_model" / "saved_model.pb").touch()
    export.export_saved_model(bundle(num_layers=1), tmp_path / "saved_model")
    assert not (tmp_path / "saved_model" / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["saved_model"]


def test_nothing_is_left_of_a_wrong_one(tmp_path, monkeypatch):
    source = bundle(num_layers=1)
    monkeypatch.setattr(type(source), "probabilities", lambda self, ids: np.zeros((len(ids), 3)))
    with pytest.raises(VerificationError, match="off by"):
        export.export_saved_model(source, tmp_path / "saved_model")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_saved_model_is_not_replaced(tmp_path):
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not a SavedModel"):
        export_saved_model(bundle(), tmp_path / "saved_model")
    assert (tmp_path / "saved_model" / "notes.txt").read_text() == "mine"


def test_a_model_that_ends_in_a_softmax_gets_no_second_one(tmp_path):
    source = bundle("bilstm")
    ended = keras.Model(source.model.input, keras.layers.Softmax()(source.model.output))
    source = dataclasses.replace(source, model=ended)
    ids = source.tokenizer.encode(["a good film", "a poor book", ""])
    expected = ended.predict(ids, verbose=0)
    np.testing.assert_allclose(source.probabilities(ids), expected, atol=1e-6)
    loaded = tf.saved_model.load(str(export_saved_model(source, tmp_path / "model")))
    answered = loaded.signatures["serving_default"](tokens=tf.constant(ids))
    np.testing.assert_allclose(answered["probabilities"].numpy(), expected, atol=1e-5)
