"""Training objectives beside the cross-entropy of the labels.

`adversarial` adds the loss at the worst small perturbation of the embeddings. `virtual-adversarial`
adds the divergence of the predictions under such a perturbation, which needs no labels (both:
Miyato, Dai & Goodfellow, "Adversarial training methods for semi-supervised text classification",
ICLR 2017; they normalise all embeddings, while perturbations here are relative to the norm of the
text's embedding). `mixed` is both, plus entropy minimisation on unlabelled texts (Sachan, Zaheer &
Salakhutdinov, "Revisiting LSTM networks for semi-supervised text classification via mixed objective
function", AAAI 2019).
"""

from collections.abc import Callable

import keras
from keras import ops

from zoo import model_graph
from zoo.text import PAD_ID
from zoo.training.config import OBJECTIVES, SEMI_SUPERVISED

__all__ = ["OBJECTIVES", "SEMI_SUPERVISED", "Regularized", "gradient"]

# Relative norm of the probing perturbation: smaller ones are lost in 16 bits.
SMALL, SMALL_IN_16_BITS = 1e-2, 1e-1
SCALE = 2.0**10  # keeps small gradients from underflow in float16; only their direction matters


class Regularized(keras.Model):
    """A classifier with an additional loss at perturbed embeddings.

    Args:
        classifier: A model of `zoo.create_model`.
        objective: One of `OBJECTIVES` except the first, which needs no such model.
        reach: Norm of the perturbation, relative to that of the text's embedding.

    Call arguments:
        inputs: int32 ids [batch, time]; or a pair of labelled and unlabelled ones.
    """

    def __init__(self, classifier: keras.Model, objective: str, reach: float = 0.1, **kwargs):
        # Keras scales the loss by the policy of the model itself.
        super().__init__(dtype=classifier.dtype_policy, **kwargs)
        self.classifier, self.objective, self.reach = classifier, objective, reach
        self.embedding = classifier.get_layer("embedding")
        self.random = keras.random.SeedGenerator()
        tokens = classifier.inputs[0]
        mask = next(
            operation.output
            for operation in classifier.operations
            if model_graph.tests_for_padding(operation.output, tokens)
        )
        # The classifier above its embedding.
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
            loss = loss + _entropy(ops.cast(self.classifier(x[1], training=True), "float32"))
        return loss

    def _adversarial(self, ids, y):
        embedded, mask = self._embed(ids)

        def lost(moved):
            return SCALE * _cross_entropy(y, self._above(moved, mask, training=False))

        fixed = ops.stop_gradient(embedded)
        move = _towards(gradient(lost, fixed), fixed, mask, self.reach)
        return _cross_entropy(y, self._above(embedded + move, mask, training=True))

    def _virtual_adversarial(self, ids):
        embedded, mask = self._embed(ids)
        fixed = ops.stop_gradient(embedded)
        before = ops.stop_gradient(ops.log_softmax(self._above(fixed, mask, training=False)))
        move = self._virtual_move(fixed, mask, before)
        return _divergence(before, self._above(embedded + move, mask, training=True))

    def _virtual_move(self, fixed, mask, before):
        """The perturbation that changes the predictions most, by one power iteration."""
        small = SMALL if self.embedding.compute_dtype == "float32" else SMALL_IN_16_BITS
        probe = keras.random.normal(ops.shape(fixed), dtype="float32", seed=self.random)
        probe = _towards(probe, fixed, mask, small)

        def moved_apart(move):
            moved = self._above(fixed + move, mask, training=False)
            return SCALE * _divergence(before, moved)

        return _towards(gradient(moved_apart, probe), fixed, mask, self.reach)

    def _embed(self, ids):
        """Embeddings [batch, time, width] and their mask [batch, time].

        In float32: squared norms overflow in 16 bits.
        """
        return ops.cast(self.embedding(ids), "float32"), ops.not_equal(ids, PAD_ID)

    def _above(self, embedded, mask, *, training):
        """Logits, float32 [batch, classes]."""
        embedded = ops.cast(embedded, self.embedding.compute_dtype)
        return ops.cast(self.above([embedded, mask], training=training), "float32")


def gradient(function: Callable, x):
    """The gradient of a scalar function of x, on the current backend.

    The function must not change state, so it must not contain layers that draw random numbers.
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


def _towards(direction, embedded, mask, share):
    """Scales a direction to a norm relative to each text's embedding, without padding."""
    real = ops.cast(ops.expand_dims(mask, -1), "float32")
    direction = direction * real
    length = share * _length(embedded * real) / (_length(direction) + 1e-12)
    return ops.stop_gradient(direction * length)


def _length(vectors):
    return ops.sqrt(ops.sum(ops.square(vectors), axis=(1, 2), keepdims=True))


def _cross_entropy(targets, logits):
    return ops.mean(ops.categorical_crossentropy(targets, logits, from_logits=True))


def _divergence(log_before, logits):
    """Mean Kullback–Leibler divergence of two predictions [batch, classes]."""
    apart = ops.exp(log_before) * (log_before - ops.log_softmax(logits))
    return ops.mean(ops.sum(apart, axis=-1))


def _entropy(logits):
    logs = ops.log_softmax(logits)
    return -ops.mean(ops.sum(ops.exp(logs) * logs, axis=-1))
