"""The run folder: what is saved is what is loaded, and what is missing is named."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo import bundle
from zoo.bundle import Bundle
from zoo.models import ModelNotFoundError
from zoo.records import RunError
from zoo.text import Tokenizer, Vocabulary

TEXTS = ["a lovely film", "", "dull", "it was the quite awful story of this film " * 5, "?!", "É"]


def make(labels=("bad", "good"), model="peephole-bilstm-tiny"):
    """An untrained bundle; random biases keep its scores apart."""
    tokenizer = Tokenizer(Vocabulary.from_texts(TEXTS, size=20), 12)
    network = zoo.create_model(
        model,
        vocab_size=tokenizer.vocabulary.size,
        num_classes=len(labels),
        embed_dim=4,
        hidden_dim=4,
    )
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.7, w.shape) for w in network.get_weights()])
    config = {
        "model": {"name": model},
        "tokenizer": {"max_length": tokenizer.max_length, "delimiter": tokenizer.delimiter},
    }
    return Bundle(network, tokenizer, tuple(labels), config)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A bundle and its folder. Copy the folder before you change it."""
    made, folder = make(), tmp_path_factory.mktemp("bundle") / "run"
    made.save(folder)
    return made, folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to change, without hashes, as older versions wrote it."""
    copy = Path(shutil.copytree(saved[1], tmp_path / "run"))
    (copy / "SHA256SUMS").unlink()
    return copy


@pytest.fixture(scope="module")
def classifier(saved):
    return bundle.load(saved[1]).classifier()


# Saved and loaded


def test_what_is_saved_is_loaded_to_the_last_bit(saved):
    made, folder = saved
    loaded = bundle.load(folder)
    for before, after in zip(made.model.get_weights(), loaded.model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert (loaded.labels, loaded.config, loaded.name) == (made.labels, made.config, made.name)
    assert dict(loaded.tokenizer.vocabulary) == dict(made.tokenizer.vocabulary)
    np.testing.assert_array_equal(loaded.tokenizer.encode(TEXTS), made.tokenizer.encode(TEXTS))
    scores = [b.classifier().scores(TEXTS) for b in (made, loaded)]
    np.testing.assert_array_equal(*scores)


def test_saved_again_the_files_are_the_same(saved, tmp_path):
    _, folder = saved
    bundle.load(folder).save(tmp_path / "again")
    for name in ("vocab.txt", "labels.txt", "config.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_a_saved_bundle_is_five_files(saved):
    assert {path.name for path in saved[1].iterdir()} == {
        "model.keras",
        "vocab.txt",
        "labels.txt",
        "config.json",
        "SHA256SUMS",
    }


@pytest.mark.parametrize("model", ["bigru-tiny", "full-peephole-bilstm-tiny"])
def test_other_cells_are_saved_and_loaded(model, tmp_path):
    made = make(model=model)
    made.save(tmp_path)
    scores = [b.classifier().scores(TEXTS) for b in (made, bundle.load(tmp_path))]
    np.testing.assert_array_equal(*scores)


def test_the_tokenizer_of_the_folder_is_used(saved, tmp_path):
    made, _ = saved
    tokenizer = Tokenizer(made.tokenizer.vocabulary, 5, "[^a-z]+")
    config = {**made.config, "tokenizer": {"max_length": 5, "delimiter": "[^a-z]+"}}
    Bundle(made.model, tokenizer, made.labels, config).save(tmp_path)
    loaded = bundle.load(tmp_path).tokenizer
    assert (loaded.max_length, loaded.delimiter) == (5, "[^a-z]+")


@pytest.mark.parametrize("path", ["{}", "{}/"])
def test_a_path_may_be_a_string(saved, path):
    assert zoo.load(path.format(saved[1])).name == "peephole-bilstm-tiny"


ODD = ("très bien", "日本", "🙂", "two words", "a\tb", "a,b", 'a"b', "#a", "\ufeffa", " a ")
LINE_ENDS = tuple(f"a{end}b" for end in "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e")  # of str.splitlines


@pytest.mark.parametrize("labels", [ODD, LINE_ENDS])
def test_labels_of_odd_characters_are_kept(tmp_path, labels):
    make(labels).save(tmp_path)
    assert bundle.load(tmp_path).labels == labels


@pytest.mark.parametrize("label", ["a\nb", "a\rb", ""])
def test_a_label_that_is_no_line_is_refused(saved, tmp_path, label):
    made = Bundle(saved[0].model, saved[0].tokenizer, (label, "other"), saved[0].config)
    with pytest.raises(ValueError, match="label"):
        made.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_label_file_with_windows_line_ends_is_read(folder):
    (folder / "labels.txt").write_bytes(b"bad\r\ngood\r\n")
    assert bundle.load(folder).labels == ("bad", "good")


# What is missing or does not fit


@pytest.mark.parametrize("name", ["model.keras", "vocab.txt", "labels.txt", "config.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(RunError, match=name.replace(".", r"\.")) as caught:
        bundle.load(folder)
    assert str(folder) in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no-such-run"):
        zoo.load(tmp_path / "no-such-run")


def test_a_file_instead_of_a_folder_is_refused(saved):
    with pytest.raises(ModelNotFoundError, match=r"labels\.txt"):
        zoo.load(saved[1] / "labels.txt")


def test_an_interrupted_run_says_how_to_go_on(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "config.json").write_text("{}")
    with pytest.raises(RunError, match="--resume"):
        bundle.load(tmp_path)


@pytest.mark.parametrize("labels", ["bad\n", "bad\ngood\nugly\n", ""])
def test_labels_of_another_model_are_refused(folder, labels):
    (folder / "labels.txt").write_text(labels)
    with pytest.raises(RunError, match=r"labels\.txt"):
        bundle.load(folder)


def test_a_vocabulary_of_another_model_is_refused(folder):
    with (folder / "vocab.txt").open("a") as file:
        file.write("beyond 20000\n")
    with pytest.raises(RunError, match=r"vocab\.txt"):
        bundle.load(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"{}"),
        ("config.json", b"\xff"),
        ("model.keras", b"not a model"),
        ("vocab.txt", b"no ids\n"),
        ("labels.txt", b"bad\ngo\xffod\n"),
    ],
)
def test_a_damaged_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        bundle.load(folder)


def test_a_save_that_fails_leaves_no_model(tmp_path, monkeypatch):
    made = make()

    def fail(path, **_):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(type(made.model), "save", lambda self, path, **_: fail(path))
    with pytest.raises(OSError, match="disk full"):
        made.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RunError, match=r"model\.keras"):
        bundle.load(tmp_path)


# Answers


def test_an_answer_does_not_depend_on_its_neighbours(classifier):
    together = classifier.scores(TEXTS)
    alone = np.concatenate([classifier.scores([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(classifier.scores(TEXTS[::-1])[::-1], together, atol=1e-6)


def test_answers_come_in_the_order_of_the_texts(classifier):
    rng = np.random.default_rng(0)
    texts = [TEXTS[n] for n in rng.integers(0, len(TEXTS), 2 * bundle.BATCH + 3)]
    expected = {text: classifier.predict([text])[0] for text in TEXTS}
    assert len({prediction.scores["good"] for prediction in expected.values()}) > 3
    for text, found in zip(texts, classifier.predict(texts), strict=True):
        assert found.text == text
        assert found.scores == pytest.approx(expected[text].scores, abs=1e-6)


def test_scores_are_probabilities_and_the_label_has_the_highest(classifier):
    for prediction in classifier.predict(TEXTS):
        assert list(prediction.scores) == ["bad", "good"]
        assert sum(prediction.scores.values()) == pytest.approx(1, abs=1e-6)
        assert prediction.label == max(prediction.scores, key=prediction.scores.get)


def test_predictions_can_be_written_as_json(classifier):
    (prediction,) = classifier.predict(["a film"])
    json.dumps(vars(prediction))


def test_no_texts_have_no_answers(classifier):
    assert classifier.predict([]) == []
    assert classifier.scores([]).shape == (0, 2)


@pytest.mark.parametrize("ask", ["predict", "scores"])
def test_one_text_instead_of_a_list_is_refused(classifier, ask):
    with pytest.raises(TypeError, match="list"):
        getattr(classifier, ask)("a lovely film")


def test_what_is_no_text_is_refused(classifier):
    with pytest.raises(TypeError, match="str"):
        classifier.predict(["a film", None])


@pytest.mark.parametrize("kind", [tuple, np.array])
def test_other_sequences_of_texts_will_do(classifier, kind):
    found = [prediction.label for prediction in classifier.predict(kind(TEXTS))]
    assert found == [prediction.label for prediction in classifier.predict(TEXTS)]


def test_evaluation_counts_and_averages(classifier):
    scores = classifier.scores(TEXTS).astype(np.float64)
    labels = np.array([0, 1, 1, 0, 1, 0])
    found = classifier.evaluate(TEXTS, labels)
    assert found["examples"] == 6
    assert found["accuracy"] == np.mean(scores.argmax(axis=1) == labels)
    losses = [-np.log(row[n]) for row, n in zip(scores, labels, strict=True)]
    assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-6)


def test_evaluation_of_a_right_answer_without_doubt_is_finite(saved):
    made, _ = saved
    sure = zoo.Classifier(
        "sure", made.tokenizer, made.labels, lambda ids: np.eye(2)[[0] * len(ids)]
    )
    found = sure.evaluate(["a", "b"], np.array([0, 1]))
    assert found["accuracy"] == 0.5
    assert np.isfinite(found["loss"])


# Padding


def save_with_swapped_padding(folder, network):
    """A run whose vocabulary has START at id 0 and PAD at id 1."""
    made = make()
    ids = dict(made.tokenizer.vocabulary)
    ids["<PAD>"], ids["<START>"] = ids["<START>"], ids["<PAD>"]
    Bundle(network, Tokenizer(Vocabulary(ids), 12), made.labels, made.config).save(folder)


def test_a_vocabulary_that_pads_with_an_id_that_is_not_masked_is_refused(tmp_path):
    save_with_swapped_padding(tmp_path, make().model)
    with pytest.raises(RunError, match=r"<PAD> has id 1, but model\.keras masks id 0"):
        bundle.load(tmp_path)


def test_a_model_without_a_mask_may_pad_with_any_id(tmp_path):
    network = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(20, 4, name="embedding"),
            keras.layers.LSTM(4),
            keras.layers.Dense(2),
        ]
    )
    save_with_swapped_padding(tmp_path, network)
    assert bundle.load(tmp_path).tokenizer.vocabulary.pad == 1


def test_unknown_words_that_share_the_id_of_padding_are_skipped():
    made = make()
    ids = {**made.tokenizer.vocabulary, "<UNKNOWN>": 0}
    skipping = Bundle(made.model, Tokenizer(Vocabulary(ids), 12), made.labels, made.config)
    text = "zzz zzz zzz lovely zzz film"
    np.testing.assert_allclose(
        skipping.classifier().scores([text]), made.classifier().scores(["lovely film"]), atol=1e-6
    )
