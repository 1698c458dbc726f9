"""Runs with word pieces."""

import json
import random

import numpy as np
import pytest

import export
import zoo
from studies.clients import ask_mediapipe, mediapipe_classifier
from tests.training.runs import assert_same_run, metrics, run, run_until
from zoo import bundle
from zoo.training import TrainingConfig
from zoo.training.vectors import VectorsError, WordVectors
from zoo.wordpiece import SPECIAL, WordPieceTokenizer

pytest.importorskip("tokenizers", reason="tokenizers is not installed")


@pytest.fixture(scope="module")
def pieces_run(quick, tmp_path_factory):
    settings = quick | {"tokenizer": "wordpiece", "max_length": 8}
    return settings, run(settings, tmp_path_factory.mktemp("pieces") / "run")


def test_the_run_remembers_its_tokenizer(pieces_run):
    _, folder = pieces_run
    record = json.loads((folder / "config.json").read_text())
    assert record["tokenizer"] == {"kind": "wordpiece", "max_length": 8}
    assert (folder / "vocab.txt").read_text().split("\n")[:4] == list(SPECIAL)
    loaded = bundle.load(folder)
    assert isinstance(loaded.tokenizer, WordPieceTokenizer)
    assert loaded.model.get_layer("embedding").input_dim == loaded.tokenizer.vocabulary.size
    prediction = zoo.load(folder).predict(["a lovely film", "", "玩玩"])
    assert prediction[0].known == 1
    assert [each.known for each in prediction[1:]] == [0, 0]


def test_an_interrupted_run_ends_as_one_that_was_not(pieces_run, tmp_path, eager):
    settings, _ = pieces_run
    whole = run(settings, tmp_path / "whole")
    half = run_until(settings, tmp_path / "half", 2, "history.csv")
    assert_same_run(run(settings, half, resume=True), whole)


def test_a_model_goes_on_with_its_tokenizer(pieces_run, quick, tmp_path):
    settings, folder = pieces_run
    later = run(quick | {"max_length": 8, "init": str(folder)}, tmp_path / "later")
    first, second = (bundle.load(each).tokenizer for each in (folder, later))
    assert isinstance(second, WordPieceTokenizer)
    assert set(first.vocabulary) <= set(second.vocabulary)
    with pytest.raises(ValueError, match="--tokenizer wordpiece, not words"):
        run(settings | {"tokenizer": "words", "init": str(folder)}, tmp_path / "other")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokenizer": "letters"}, "words, wordpiece, not 'letters'"),
        ({"tokenizer": "wordpiece", "max_length": 1}, "max_length must be at least 2"),
        ({"tokenizer": "wordpiece", "vocab_size": 7}, "vocab_size must be at least 8"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**{"model": "bilstm", "dataset": "reviews", **settings})


def test_without_the_package_it_says_what_to_install(quick, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install '\.\[wordpiece\]'"):
        run(quick | {"tokenizer": "wordpiece"}, tmp_path / "run")
    assert not list(tmp_path.glob("run/*.keras"))


# The embeddings of a transformer


@pytest.fixture
def transformer(tmp_path):
    """A folder with the table of a transformer, as Hugging Face writes it."""
    safetensors = pytest.importorskip("safetensors.numpy")
    folder = tmp_path / "transformer"
    folder.mkdir()
    pieces = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "the", "film", "##s", "love", "##ly"]
    table = np.random.default_rng(0).normal(size=(len(pieces), 24)).astype(np.float32)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces))
    weights = {"embeddings.word_embeddings.weight": table, "pooler.dense.bias": table[0]}
    safetensors.save_file(weights, folder / "model.safetensors")
    return folder, pieces, table


def test_its_table_is_read_without_special_pieces(transformer):
    folder, pieces, table = transformer
    found = WordVectors.read(folder)
    assert list(found.places) == pieces[5:]
    assert found.of_pieces
    np.testing.assert_array_equal(found.matrix, table[5:])


@pytest.mark.parametrize("tokenizer", ["words", "wordpiece"])
def test_a_run_starts_from_it(transformer, quick, tmp_path, tokenizer, monkeypatch):
    folder, *_ = transformer
    started = []

    def look(self, logs=None):
        started.append(self.model.get_layer("embedding").get_weights()[0])

    monkeypatch.setattr("zoo.training.loop._Forecast.on_train_begin", look, raising=False)
    settings = quick | {"tokenizer": tokenizer, "vectors": str(folder), "embed_dim": 4}
    output = run(settings, tmp_path / "run")
    vocabulary = bundle.load(output).tokenizer.vocabulary
    assert "film" in vocabulary
    assert ("##ly" in vocabulary) == (tokenizer == "wordpiece")
    vectors = WordVectors.read(folder)
    expected = vectors.narrowed(4)[vectors.places["film"]]
    np.testing.assert_allclose(started[0][vocabulary["film"]], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("missing", "message"),
    [("vocab.txt", "holds no vocab.txt"), ("model.safetensors", "holds no weights")],
)
def test_a_folder_without_a_file_is_refused_at_once(transformer, quick, tmp_path, missing, message):
    folder, *_ = transformer
    (folder / missing).unlink()
    with pytest.raises(VectorsError, match=message):
        run(quick | {"vectors": str(folder)}, tmp_path / "run")


def test_a_vocabulary_of_another_model_is_refused(transformer):
    folder, pieces, _ = transformer
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in [*pieces, "more"]))
    with pytest.raises(VectorsError, match=r"11 pieces .* 10 embeddings"):
        WordVectors.read(folder)


# A language without spaces


PRAISE, BLAME = ("很好", "喜欢", "精彩", "推荐", "感动"), ("很差", "讨厌", "无聊", "失望", "难看")
THINGS = ("电影", "故事", "演员", "音乐", "结尾", "画面", "导演")


def chinese(count, seed):
    """Sentences without a space, and whether they praise."""
    choices = random.Random(seed)
    for number in range(count):
        words = PRAISE if number % 2 else BLAME
        one, other = choices.sample(THINGS, 2)
        yield (
            f"这部{one}的{other}{choices.choice(words)}，我{choices.choice(words)}。",
            "praise" if number % 2 else "blame",
        )


def test_chinese_is_learnt_and_the_device_agrees(tmp_path):
    lines = ["text\tlabel", *("\t".join(row) for row in chinese(300, seed=0))]
    (tmp_path / "data.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {
        "model": "bilstm-tiny",
        "dataset": str(tmp_path / "data.tsv"),
        "tokenizer": "wordpiece",
        "epochs": 8,
        "learning_rate": 0.01,
        "augment": 0,
        "teacher": (),
    }
    folder = run(settings, tmp_path / "run")
    assert metrics(folder)["test"]["accuracy"] > 0.9
    (file,) = export.export_model(folder, lowering="fused", precision="float32")
    texts = [text for text, _ in chinese(40, seed=1)]
    classifier = zoo.load(folder)
    assert min(each.known for each in classifier.predict(texts)) == 1
    with mediapipe_classifier((folder / "export" / file.path).read_bytes()) as client:
        scores = ask_mediapipe(client, texts, classifier.labels)
    np.testing.assert_allclose(scores, classifier.scores(texts), atol=1e-5)
