"""A pretrained transformer as a teacher."""

import numpy as np
import pytest

from zoo.training import TrainingConfig, teachers, train, transformer

GOOD, BAD = ["good", "fine", "dear"], ["bad", "poor", "dull"]


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(transformer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"torch and transformers: pip install .*transformer"):
        teachers.check([f"transformer:{tmp_path}"])
    monkeypatch.setattr(transformer.importlib.util, "find_spec", lambda name: name)
    with pytest.raises(ValueError, match=r"no config\.json, no tokenizer, no weights there"):
        TrainingConfig("bilstm", "reviews", teacher=(f"transformer:{tmp_path}",))
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=f"{tmp_path}: no weights there"):
        TrainingConfig("bilstm", "reviews", teacher=(f"transformer:{tmp_path}",))


def test_what_cannot_be_opened_is_named(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed")
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=f"transformer:{tmp_path}: the transformers library cann"):
        transformer.answers(str(tmp_path), ["a"], np.array([0]), 2, [], 0, print)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny encoder, its weights at random."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    folder = tmp_path_factory.mktemp("encoder")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "film", "plot", *GOOD, *BAD]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    config = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    transformers.set_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def reviews(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count).astype(np.int32)
    words = [rng.choice(GOOD if label else BAD) for label in labels]
    return [f"{word} {rng.choice(['film', 'plot'])}" for word in words], labels


@pytest.mark.slow
def test_it_learns_and_answers_in_order(folder, monkeypatch):
    monkeypatch.setattr(transformer, "RATE", 3e-3)
    texts, labels = reviews(1000, 0)
    others, truth = reviews(100, 1)
    said = []
    found = transformer.answers(str(folder), texts, labels, 2, others, 0, said.append)
    assert found.shape == (1100, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.mean(found[1000:].argmax(axis=1) == truth) == 1
    assert len(said) == transformer.EPOCHS and "epoch 1 of 3" in said[0]
    again = transformer.answers(str(folder), texts, labels, 2, others, 0, said.append)
    np.testing.assert_array_equal(found, again)


def test_a_last_layer_for_other_labels_is_trained_anew(folder, monkeypatch, tmp_path):
    import torch
    import transformers

    other = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=5)
    torch.nn.init.constant_(other.classifier.bias, 9.0)
    other.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    monkeypatch.setattr(transformer, "RATE", 3e-3)
    texts, labels = reviews(1000, 0)
    found = transformer.answers(str(tmp_path), texts, labels, 2, [], 0, lambda line: None)
    assert found.shape == (1000, 2)
    assert np.mean(found.argmax(axis=1) == labels) > 0.95


@pytest.mark.slow
def test_it_answers_variants_of_the_texts(folder, monkeypatch, tmp_path):
    texts, labels = reviews(60, 0)
    lines = [f"{text}\t{label}" for text, label in zip(texts, labels, strict=True)]
    (tmp_path / "texts.tsv").write_text("text\tlabel\n" + "\n".join(lines), encoding="utf-8")
    numbers = " ".join(["1"] * 16)
    vectors = "".join(f"{word} {numbers}\n" for word in ["film", "plot", "great", *GOOD, *BAD])
    (tmp_path / "vectors.txt").write_text(vectors, encoding="utf-8")
    asked, real = [], transformer.answers
    monkeypatch.setattr(transformer, "answers", lambda *args: asked.append(args) or real(*args))
    config = TrainingConfig(
        "bilstm-tiny",
        str(tmp_path / "texts.tsv"),
        epochs=1,
        embed_dim=16,
        vocab_size=50,
        vectors=str(tmp_path / "vectors.txt"),
        teacher=(f"transformer:{folder}",),
        augment=3,
    )
    train(config, tmp_path / "run", tensorboard=False, verbose=False)
    ((_, given, _, classes, others, *_),) = asked
    assert classes == 2 and len(others) == 3 * len(given) < 180
    assert {len(text.split()) for text in others} == {2}
    assert any("great" in text for text in others)
