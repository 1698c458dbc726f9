"""What training minimises, beside the cross-entropy of the labels.

`adversarial`: the labels of the same texts with their embeddings moved a little, the way that
hurts most. `virtual-adversarial`: the same answers as without such a move, labels or not (both:
Miyato, Dai & Goodfellow, "Adversarial training methods for semi-supervised text classification",
ICLR 2017). `mixed`: both, and sure answers for texts without labels (Sachan, Zaheer &
Salakhutdinov, "Revisiting LSTM networks for semi-supervised text classification via mixed
objective function", AAAI 2019).
"""

from collections.abc import Callable

import keras
from keras import ops

OBJECTIVES = ("cross-entropy", "adversarial", "virtual-adversarial", "mixed")
SEMI_SUPERVISED = OBJECTIVES[2:]  # those that learn from texts without labels
SMALL = 1e-2  # share of the embedding's length that a move is probed with


class Regularized(keras.Model):
    """A classifier as it is trained: its loss looks around the texts, too.

    Args:
        classifier: As `zoo.create_model` makes it.
        objective: Of `OBJECTIVES`, but for the first, which needs no such model.
        reach: How far an embedding is moved, as a share of the length of the text's own.

    Call arguments:
        inputs: int32 ids [batch, time]; or a pair of them, the second ones without labels.
    """

    def __init__(self, classifier: keras.Model, objective: str, reach: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.classifier, self.objective, self.reach = classifier, objective, reach
        self.embedding = classifier.get_layer("embedding")
        self.random = keras.random.SeedGenerator()
        mask = next(o for o in classifier.operations if type(o).__name__ == "NotEqual").output
        # The classifier from its embedding on.
        self.above = keras.Model([self.embedding.output, mask], classifier.output)

    def call(self, inputs, training=None):
        return self.classifier(_first(inputs), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        ids = _first(x)
        if self.objective in ("adversarial", "mixed"):
            loss = loss + self._adversarial(ids, y)
        if self.objective in ("virtual-adversarial", "mixed"):
            loss = loss + self._virtual_adversarial(ids)
            if ids is not x:
                loss = loss + self._virtual_adversarial(x[1])
        if self.objective == "mixed" and ids is not x:
            loss = loss + _entropy(self.classifier(x[1], training=True))
        return loss

    def _adversarial(self, ids, y):
        embedded, mask = self.embedding(ids), ops.not_equal(ids, 0)

        def lost(moved):
            return _cross_entropy(y, self.above([moved, mask], training=False))

        move = self._towards(gradient(lost, ops.stop_gradient(embedded)), embedded, self.reach)
        return _cross_entropy(y, self.above([embedded + move, mask], training=True))

    def _virtual_adversarial(self, ids):
        embedded, mask = self.embedding(ids), ops.not_equal(ids, 0)
        fixed = ops.stop_gradient(embedded)
        before = ops.stop_gradient(ops.log_softmax(self.above([fixed, mask], training=False)))
        real = ops.cast(ops.expand_dims(mask, -1), embedded.dtype)
        probe = real * keras.random.normal(ops.shape(embedded), seed=self.random)

        def moved_apart(move):
            return _divergence(before, self.above([fixed + move, mask], training=False))

        probe = self._towards(probe, embedded, SMALL)
        move = self._towards(gradient(moved_apart, probe), embedded, self.reach)
        return _divergence(before, self.above([embedded + move, mask], training=True))

    def _towards(self, direction, embedded, share):
        """A move in a direction, as long as a share of each text's embedding."""
        length = share * _length(ops.stop_gradient(embedded))
        return ops.stop_gradient(direction * (length / (_length(direction) + 1e-12)))


def gradient(function: Callable, x):
    """∂ function(x) / ∂ x of a number, on the backend that Keras runs on.

    The function must change no state: a layer of it that draws at random must not do so.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x)
    if backend == "jax":
        import jax

        return jax.grad(function)(x)
    import torch

    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (result,) = torch.autograd.grad(function(x), x)
    return result


def _first(inputs):
    return inputs[0] if isinstance(inputs, (tuple, list)) else inputs


def _length(vectors):
    return ops.sqrt(ops.sum(ops.square(vectors), axis=(1, 2), keepdims=True))


def _cross_entropy(targets, logits):
    return ops.mean(ops.categorical_crossentropy(targets, logits, from_logits=True))


def _divergence(log_before, logits):
    """Mean Kullback–Leibler divergence of answers from those before, [batch, classes] each."""
    apart = ops.exp(log_before) * (log_before - ops.log_softmax(logits))
    return ops.mean(ops.sum(apart, axis=-1))


def _entropy(logits):
    logs = ops.log_softmax(logits)
    return -ops.mean(ops.sum(ops.exp(logs) * logs, axis=-1))
