"""Models that are measured without being trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import catalogue

if TYPE_CHECKING:
    import keras

# Of the textbook model, the base size of the catalogue: two layers of 256 units, embeddings of 300.
VOCABULARY, CLASSES = 25_000, 2
BATCH, TIME = 32, 100  # texts and ids of a training step


def textbook(family: str, **sizes: Any) -> keras.Model:
    """A model of the textbook size, except for the `sizes`, which `create_model` takes."""
    return catalogue.create_model(family, vocab_size=VOCABULARY, num_classes=CLASSES, **sizes)


def compiled(family: str, *, xla: bool = False) -> keras.Model:
    """A model of the textbook size, ready to train; its training step compiled by XLA or not."""
    import keras

    model = textbook(family)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=xla)
    return model


def randomize(model: keras.Model, seed: int = 0) -> None:
    """Draws weights large enough for predictions to depend on the text, as after training."""
    rng = np.random.default_rng(seed)
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([rng.normal(size=shape) / np.sqrt(shape[-1]) for shape in shapes])


def training_step(model: keras.Model) -> Callable[[], object]:
    """A training step on a batch of `BATCH` texts of `TIME` ids, without padding."""
    ids, labels = _batch()
    return lambda: model.train_on_batch(ids, labels)


def answer(model: keras.Model) -> Callable[[], object]:
    """A prediction in Keras for one text of `TIME` ids, without padding."""
    ids, _ = _batch()
    return lambda: model.predict_on_batch(ids[:1])


STEPS = {"training_step": training_step, "answer": answer}


def _batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    ids = rng.integers(1, VOCABULARY, (BATCH, TIME)).astype(np.int32)
    return ids, rng.integers(0, 2, BATCH)
