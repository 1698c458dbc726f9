"""Pretraining as language models."""

import keras
import numpy as np
from keras import ops

from zoo import catalogue
from zoo.training.language_model import SampledSoftmax, pretrain


def test_sampled_loss_comes_near_the_whole_softmax():
    rng = np.random.default_rng(0)
    vocabulary, width = 30, 4
    layer = SampledSoftmax(vocabulary, samples=50_000)
    states = rng.normal(size=(2, 5, width)).astype("float32")
    targets = rng.integers(1, vocabulary, (2, 5)).astype("int32")
    targets[1, 3:] = 0
    layer(states, targets)
    kernel, bias = rng.normal(size=(vocabulary, width)), rng.normal(size=vocabulary)
    layer.set_weights([kernel, bias])
    logits = states @ kernel.T + bias
    whole = (
        np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    )
    expected = whole[targets > 0].mean()
    np.testing.assert_allclose(ops.convert_to_numpy(layer(states, targets)), expected, rtol=0.02)


def sequences(count, length):
    """Texts that go on by a rule, from a word that is drawn."""
    rng = np.random.default_rng(0)
    ids = np.zeros((count, length), np.int32)
    for row in ids:
        size = rng.integers(length // 2, length + 1)
        row[:size] = 3 + (rng.integers(20) + 7 * np.arange(size)) % 20
    return ids


def test_pretraining_learns_the_next_word_and_the_classifier_keeps_the_weights(monkeypatch):
    keras.utils.set_random_seed(0)
    model = catalogue.create_model(
        "peephole-bilstm", vocab_size=23, num_classes=2, embed_dim=16, hidden_dim=16, num_layers=2
    )
    before = {weight.path: ops.convert_to_numpy(weight) for weight in model.weights}
    losses = []
    fit = type(model).fit

    def remember(self, *arguments, **options):
        history = fit(self, *arguments, **options)
        losses.extend(history.history["loss"])
        return history

    monkeypatch.setattr(type(model), "fit", remember)
    ids = sequences(400, 12)
    pretrain(model, ids, epochs=6, batch_size=16, learning_rate=2e-2, samples=20, verbose=0)
    # Of both directions together; log 20 each would be a guess.
    assert losses[-1] < 1 < 2 * np.log(20) < losses[0] + 2
    changed = {
        path for path, value in before.items()
        if (value != ops.convert_to_numpy(next(w for w in model.weights if w.path == path))).any()
    }  # fmt: skip
    assert all(path.startswith(("embedding", "bidirectional_1")) for path in changed)
    assert len(changed) == 1 + 2 * 4  # kernels, biases and peepholes of both directions
