"""Small models for the tests of the exports."""

import dataclasses
import functools

import keras
import numpy as np
import pytest

from export import architecture
from export.tflite import find
from export.verification import verify
from zoo.bundle import Bundle
from zoo.catalogue import FAMILIES, create_model
from zoo.scores import softmax
from zoo.text import START, Tokenizer, Vocabulary
from zoo.wordpiece import SPECIAL, Pieces, WordPieceTokenizer

WORDS = ("good", "bad", "fine", "dull", "great", "poor", "film", "book", "cast", "not", "very")


def every_file(*lowerings, quick=()):
    """Families and the lowerings that each has; all are slow but those pairs in `quick`."""
    pairs = [(f, kind) for f in FAMILIES for kind in lowerings if kind in FAMILIES[f].lowerings]
    assert set(quick) <= set(pairs), quick
    return [
        pytest.param(
            *pair,
            id="-".join(pair),
            # In several processes, a family's tests share one, and what is made once for them.
            marks=[pytest.mark.xdist_group(pair[0])]
            + ([] if pair in quick else [pytest.mark.slow]),
        )
        for pair in pairs
    ]


def verified(model, lowering, ids, precision="float32"):
    """What `verify` finds of a model as it is lowered."""
    form, read = find(lowering, precision), architecture.read(model)
    lowered = form.lower(read, ids.shape[1], ids)
    constants = lowered.constants()
    form.shrink(lowered)
    return verify(
        lowered.pack(),
        lambda ids: probabilities(model, ids),
        ids,
        precision=precision,
        constants=constants,
    )


def classifier(name, *, vocab_size=60, num_classes=3, seed=0, **sizes):
    """A catalogue model with weights large enough that every one of them matters."""
    sizes = {"embed_dim": 6, "hidden_dim": 5, "num_layers": 2, **sizes}
    model = create_model(name, vocab_size=vocab_size, num_classes=num_classes, **sizes)
    return randomize(model, seed)


def randomize(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) * 0.6 for w in model.weights])
    return model


def probabilities(model, ids):
    return softmax(keras.ops.convert_to_numpy(model(ids)))


def bundle(name="peephole-bilstm", max_length=20, *, start=True, **sizes):
    """An untrained model with a tokenizer, as a run folder would hold them."""
    vocabulary = Vocabulary.from_texts([" ".join(WORDS)] * 2, size=60)
    if not start:
        vocabulary = Vocabulary({word: vocabulary[word] for word in vocabulary if word != START})
    tokenizer = Tokenizer(vocabulary, max_length)
    sizes = {"num_layers": 1, **sizes}
    model = classifier(name, vocab_size=tokenizer.vocabulary.size, **sizes)
    config = {
        "model": {"name": name},
        "tokenizer": {"max_length": max_length, "delimiter": tokenizer.delimiter},
    }
    return Bundle(model, tokenizer, ("negative", "neutral", "positive"), config)


def piece_bundle(name="bilstm", max_length=20, **sizes):
    """An untrained model behind a tokenizer of word pieces."""
    parts = ["un", "##like", "##able", "##ness", "##s", "f", "##i", "##l", "##m", "!", "日", "本"]
    tokenizer = WordPieceTokenizer(Pieces([*SPECIAL, *WORDS, *parts]), max_length)
    sizes = {"num_layers": 1, **sizes}
    model = classifier(name, vocab_size=tokenizer.vocabulary.size, **sizes)
    config = {"model": {"name": name}, "tokenizer": tokenizer.options}
    return Bundle(model, tokenizer, ("negative", "neutral", "positive"), config)


@functools.cache
def trained_bundle(name):
    """A model that has learnt something crisp: which of two words a text holds, if any."""
    source = bundle(name, embed_dim=16, hidden_dim=24)
    # Anew, with Keras's own first weights: from the large ones a projection learns too slowly.
    keras.utils.set_random_seed(0)
    source = dataclasses.replace(source, model=keras.models.clone_model(source.model))
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for number in range(1200):
        words = list(rng.choice(WORDS[2:], rng.integers(2, 15)))
        if number % 3:
            words[rng.integers(len(words))] = WORDS[number % 3 - 1]
        texts.append(" ".join(words))
        labels.append(number % 3)
    source.model.compile(
        keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    ids = source.tokenizer.encode(texts)
    source.model.fit(ids, np.array(labels), batch_size=64, epochs=6, verbose=0)
    return source


def texts_of_every_length(max_length, vocab_size, seed=0):
    """int32 ids: one text of each length, from empty to full."""
    ids = np.random.default_rng(seed).integers(1, vocab_size, (max_length + 1, max_length))
    return np.where(np.arange(max_length) < np.arange(max_length + 1)[:, None], ids, 0).astype("i4")
