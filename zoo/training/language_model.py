"""Pretraining: the embedding and the bottom layer as language models, before any label is seen.

Each direction of the bottom layer learns to tell the next word of its way, from texts without
labels (Dai & Le, "Semi-supervised sequence learning", NeurIPS 2015). What it learnt is where the
classifier starts from.
"""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from zoo.text import PAD_ID
from zoo.training.batches import Batches
from zoo.training.epochs import shown

CLIP_NORM = 1.0


class SampledSoftmax(keras.layers.Layer):
    """Adds the cross-entropy of target ids, told from some ids drawn at random.

    The whole softmax over a vocabulary would cost far more than the recurrent layers. An id is
    drawn as often as Zipf's law has it, so ids must be numbered by frequency; how often it was to
    be drawn is taken off its logit, so that with many draws the loss is that of the whole (after
    Jean et al., "On using very large target vocabulary for neural machine translation", ACL 2015).

    Args:
        vocab_size: Number of ids.
        samples: Ids drawn for each batch.

    Call arguments:
        states: float [batch, time, width].
        targets: int32 [batch, time]; where it is padding there is nothing to tell.
    """

    def __init__(self, vocab_size: int, samples: int, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size, self.samples = vocab_size, samples
        self.random = keras.random.SeedGenerator()

    def build(self, states_shape, targets_shape):
        del targets_shape  # the same without the width
        self.kernel = self.add_weight(
            shape=(self.vocab_size, states_shape[-1]), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.vocab_size,), initializer="zeros", name="bias")

    def call(self, states, targets):
        drawn = keras.random.uniform((self.samples,), seed=self.random, dtype="float32")
        drawn = ops.exp(drawn * math.log(self.vocab_size + 1)) - 1
        drawn = ops.clip(ops.cast(drawn, "int32"), 0, self.vocab_size - 1)
        right = ops.sum(states * ops.take(self.kernel, targets, axis=0), axis=-1)
        right = right + ops.take(self.bias, targets)
        others = ops.matmul(states, ops.transpose(ops.take(self.kernel, drawn, axis=0)))
        others = others + ops.take(self.bias, drawn) - self._log_expected(drawn)
        same = ops.equal(ops.expand_dims(targets, -1), drawn)
        others = ops.where(same, ops.full_like(others, -1e4), others)
        both = ops.concatenate([ops.expand_dims(right, -1), others], axis=-1)
        lost = ops.cast(ops.logsumexp(both, axis=-1) - right, "float32")
        real = ops.cast(ops.not_equal(targets, PAD_ID), "float32")
        loss = ops.sum(lost * real) / ops.maximum(ops.sum(real), 1.0)
        self.add_loss(loss)
        return loss

    def _log_expected(self, ids):
        """How often an id is drawn, on average, as a logarithm."""
        rank = ops.cast(ids, "float32")
        share = ops.log((rank + 2) / (rank + 1)) / math.log(self.vocab_size + 1)
        return ops.cast(ops.log(self.samples * share), self.compute_dtype)

    def compute_output_shape(self, *_):
        return ()


def pretrain(
    classifier: keras.Model,
    ids: np.ndarray,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float = 2e-3,
    dropout: float = 0.1,
    samples: int = 256,
    seed: int = 0,
    verbose: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Trains a classifier's embedding and bottom layer on texts alone.

    Args:
        classifier: As `zoo.create_model` makes it; changed in place.
        ids: int32 [texts, time], padded on the right, ids numbered by frequency.
        epochs: Passes over the texts.
        batch_size: Texts in a step.
        learning_rate: Of Adam at the start; it falls to zero along a cosine.
        dropout: Share of the embedding and of the states that is dropped.
        samples: Ids that a target is told from.
        seed: Decides order, draws and dropout.
        verbose: Whether to show progress.
        say: Takes a line about what is done.
    """
    embedding = classifier.get_layer("embedding")
    bottom = classifier.get_layer("bidirectional_1")
    twins = [_twin(bottom.forward_layer), _twin(bottom.backward_layer)]
    model = _language_model(embedding, twins, dropout, samples)
    for own, twin in zip((bottom.forward_layer, bottom.backward_layer), twins, strict=True):
        twin.set_weights(own.get_weights())
    batches = Batches(ids, np.zeros(len(ids), np.int32), batch_size, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * len(batches))
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=CLIP_NORM)
    if embedding.compute_dtype == "float16":  # whose small gradients would vanish
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(
        optimizer,
        jit_compile=keras.backend.backend() == "jax",
    )
    say(f"Pretraining on {len(ids):,} texts: the next word, from both ends")
    bar, lines = shown(verbose, say)
    model.fit(batches, epochs=epochs, shuffle=False, verbose=bar, callbacks=lines)
    for own, twin in zip((bottom.forward_layer, bottom.backward_layer), twins, strict=True):
        own.set_weights(twin.get_weights())


def _twin(layer: keras.Layer) -> keras.Layer:
    """A layer of the same kind that gives all its outputs."""
    return type(layer).from_config({**layer.get_config(), "return_sequences": True})


def _language_model(embedding, twins, dropout: float, samples: int) -> keras.Model:
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = ops.not_equal(tokens, PAD_ID)
    x = keras.layers.Dropout(dropout)(embedding(tokens))
    forward, backward = (keras.layers.Dropout(dropout)(twin(x, mask=mask)) for twin in twins)
    # Read from the end, its outputs come in that order too.
    backward = ops.flip(backward, axis=1)
    size = embedding.input_dim
    losses = [
        SampledSoftmax(size, samples, name="next")(forward[:, :-1], tokens[:, 1:]),
        SampledSoftmax(size, samples, name="previous")(backward[:, 1:], tokens[:, :-1]),
    ]
    return keras.Model(tokens, losses)
