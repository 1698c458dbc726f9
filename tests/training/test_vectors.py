"""Word vectors: read, narrowed, put into an embedding, and used to vary texts."""

import gzip

import numpy as np
import pytest

from zoo.text import Vocabulary
from zoo.training import RunError, TrainingConfig, train
from zoo.training.vectors import (
    NEAREST,
    SHARE,
    SPREAD,
    VectorsError,
    WordVectors,
    _nearest,
    variants,
)

WIDTH = 5


def write(path, words, matrix):
    rows = [" ".join(f"{number:.6f}" for number in row) for row in matrix]
    lines = [f"{word} {row}\n" for word, row in zip(words, rows, strict=True)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def some(words, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(len(words), WIDTH)).astype(np.float32)
    return WordVectors({word: row for row, word in enumerate(words)}, matrix)


def test_text_files_are_read_packed_or_not(tmp_path):
    matrix = np.random.default_rng(0).normal(size=(3, WIDTH))
    plain = write(tmp_path / "v.txt", ["the", "café", ","], matrix)
    packed = tmp_path / "v.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    headed = tmp_path / "word2vec.txt"
    headed.write_text("3 5\n" + plain.read_text(encoding="utf-8"), encoding="utf-8")
    for path in (plain, packed, headed):
        found = WordVectors.read(path)
        assert list(found.places) == ["the", "café", ","]
        np.testing.assert_allclose(found.matrix, matrix, atol=1e-6)


def test_of_a_word_in_several_cases_the_lower_one_counts(tmp_path):
    path = write(tmp_path / "v.txt", ["The", "Haus", "the", "THE", "HAUS", "the"], np.eye(6))
    path.write_text(path.read_text() + "\n", encoding="utf-8")  # a blank line at the end
    found = WordVectors.read(path)
    assert found.places == {"the": 0, "haus": 1}
    np.testing.assert_array_equal(found.matrix, np.eye(6)[[2, 1]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no word"),
        ("a 1 2\nb 1\n", "line 2: a word and 2 numbers belong here"),
        ("a 1 2\nb 1 x\n", "line 2"),
        ("a 1 nan\n", "line 1"),
        ("text,label\n", "line 1"),
        ("1 2\n", "holds no word"),
        (b"caf\xe9 1 2\n", "UTF-8"),
    ],
)
def test_what_is_no_vectors_is_refused(tmp_path, content, message):
    path = tmp_path / "v.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(VectorsError, match=message):
        WordVectors.read(path)
    packed = tmp_path / "v.gz"
    for broken in (b"no gzip", gzip.compress(b"a 1 2\n" * 1000)[:-20]):
        packed.write_bytes(broken)
        with pytest.raises(VectorsError, match="UTF-8"):
            WordVectors.read(packed)
    with pytest.raises(VectorsError, match="no such file"):
        WordVectors.read(tmp_path / "other.txt")


def test_words_may_hold_spaces(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("\ufeffthe 1 2 3\n. . . 4 5 6\nto name@domain.com 7 8 9\n", encoding="utf-8")
    found = WordVectors.read(path)
    assert list(found.places) == ["the", ". . .", "to name@domain.com"]
    np.testing.assert_array_equal(found.matrix, np.arange(1, 10).reshape(3, 3))


def test_narrower_ones_keep_what_differs_most():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(200, 2))
    wide = hidden @ rng.normal(size=(2, WIDTH)) + 0.01 * rng.normal(size=(200, WIDTH)) + 3
    vectors = WordVectors({str(row): row for row in range(200)}, wide.astype(np.float32))
    narrow = vectors.narrowed(2)

    def distances(x):
        return np.linalg.norm(x[:, None] - x[None], axis=-1)

    scale = SPREAD / (wide - wide.mean(axis=0)).std() * np.sqrt(2 / WIDTH)
    np.testing.assert_allclose(distances(narrow), scale * distances(wide), atol=0.1)
    for width in (2, WIDTH):
        found = vectors.narrowed(width)
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
        assert found.std() == pytest.approx(SPREAD, abs=1e-5)
    with pytest.raises(VectorsError, match="embed-dim"):
        vectors.narrowed(WIDTH + 1)


def test_an_embedding_gets_the_rows_of_known_words():
    vectors = some(["film", "us", "US"])
    vocabulary = Vocabulary.from_texts(["Film film other", "US"], size=10)
    rows = np.full((vocabulary.size, WIDTH), 9.0, np.float32)
    assert vectors.fill(rows, vocabulary) == 2
    film, us, _ = vectors.narrowed(WIDTH)
    np.testing.assert_array_equal(rows[vocabulary["FILM"]], film)
    np.testing.assert_array_equal(rows[vocabulary["us"]], us)
    for token in ("<PAD>", "<UNKNOWN>", "other"):
        assert (rows[vocabulary[token]] == 9).all()


def test_variants_exchange_words_for_near_ones():
    """Two heaps of words, each near the others of its heap."""
    rng = np.random.default_rng(0)
    heaps = [[f"{name}{n}" for n in range(NEAREST + 1)] for name in ("x", "y")]
    matrix = np.concatenate(
        [rng.normal(centre, 0.1, (NEAREST + 1, 2)) for centre in ([5, 0], [0, 5])]
    )
    words = heaps[0] + heaps[1]
    vectors = WordVectors({word: row for row, word in enumerate(words)}, matrix.astype(np.float32))
    texts = ["x0 X1, unknown y0!"] * 300
    found = variants(texts, vectors, 2, seed=1)
    assert found == variants(texts, vectors, 2, seed=1) != variants(texts, vectors, 2, seed=2)
    assert len(found) == 600
    near = _nearest({"x0", "y3"}, vectors)
    assert set(near["x0"]) == set(heaps[0]) - {"x0"} and set(near["y3"]) == set(heaps[1]) - {"y3"}
    changed = 0
    for text in found:
        first, second, third, last = text.split()
        assert first in heaps[0] and second[:-1].lower() in heaps[0] and second[0] == "X"
        assert second[-1] == "," and third == "unknown" and last[:-1] in heaps[1]
        changed += (first != "x0") + (second != "X1,") + (last != "y0!")
    assert changed / 1800 == pytest.approx(SHARE, abs=0.04)


def test_variants_exchange_whole_tokens():
    """As the tokenizer splits: an apostrophe and a combining mark belong to the word."""
    vectors = some(["what", "s", "don", "t", "cafe", "e"])
    text = "What's this? don't, cafe\u0301"
    assert set(variants([text], vectors, 50, seed=0)) == {text}


def test_a_single_word_has_no_other():
    assert variants(["film"], some(["film"]), 3, seed=0) == ["film"] * 3


def test_training_starts_from_vectors(tmp_path, monkeypatch):
    """Words of the vectors that no training text has are known, each by its own vector."""
    texts = tmp_path / "texts.tsv"
    lines = [f"good film {n}\tyes\nbad plot {n}\tno" for n in range(40)]
    texts.write_text("text\tlabel\n" + "\n".join(lines) + "\n", encoding="utf-8")
    words = ["good", "bad", "great", "awful", "The", "x-ray", "dull"]
    matrix = np.zeros((len(words), 16))
    matrix[[0, 2], 0], matrix[[1, 3, 6], 0] = 2, -2
    path = write(tmp_path / "v.txt", words, matrix)
    config = TrainingConfig(
        "bilstm-tiny",
        str(texts),
        vectors=str(path),
        embed_dim=16,
        epochs=6,
        learning_rate=0.01,
        vocab_size=100,
    )
    bundle = train(config, tmp_path / "run", tensorboard=False, verbose=False)
    vocabulary = bundle.tokenizer.vocabulary
    assert {"great", "Great", "GREAT", "dull", "the"} < set(vocabulary)
    assert "x-ray" not in vocabulary
    rows = bundle.model.get_layer("embedding").get_weights()[0]
    # Never met in training, so as they were.
    wanted = WordVectors.read(path).narrowed(16)[words.index("great")]
    np.testing.assert_allclose(rows[vocabulary["great"]], wanted, atol=1e-6)
    yes = bundle.labels.index("yes")
    scores = bundle.classifier().scores(["great film", "awful plot", "dull"])[:, yes]
    assert scores[0] > 0.5 > max(scores[1:])


def test_changed_vectors_are_not_resumed_with(tiny_flags, tmp_path, killed_run):
    words = ["great", "awful", "dull", "fine"]
    path = write(tmp_path / "v.txt", words, np.eye(4, 32))
    config = TrainingConfig(**tiny_flags | {"vectors": str(path), "epochs": 1})

    quiet = {"tensorboard": False, "verbose": False}
    killed_run(config, tmp_path / "run")
    write(path, words[::-1], np.eye(4, 32))
    with pytest.raises(RunError, match=r"started with other inputs \(.*word vectors"):
        train(config, tmp_path / "run", resume=True, **quiet)
    write(path, words, np.eye(4, 32))
    train(config, tmp_path / "run", resume=True, **quiet)


def test_narrow_vectors_are_refused_before_teachers_are_asked(tiny_flags, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.teachers.answers", lambda *_: pytest.fail("asked"))
    path = write(tmp_path / "v.txt", ["a", "b"], np.eye(2))
    flags = {"vectors": str(path), "teacher": ("ngrams",)}
    with pytest.raises(VectorsError, match=r"have 2 numbers and the embedding 4"):
        train(TrainingConfig(**tiny_flags | flags), tmp_path / "run", tensorboard=False)


def test_settings_that_need_each_other(tmp_path):
    with pytest.raises(ValueError, match="give a teacher"):
        TrainingConfig("bilstm", "reviews", augment=2, teacher=())
    with pytest.raises(ValueError, match="augment must be 0 or more"):
        TrainingConfig("bilstm", "reviews", augment=-1)
    with pytest.raises(ValueError, match="init or from vectors"):
        TrainingConfig("bilstm", "reviews", init="sms-spam", vectors="v.txt")
