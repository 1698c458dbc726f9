"""How long a training step takes: a custom cell beside the built-in ones, compiled or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from studies.clocks import take_turns
from zoo import catalogue

if TYPE_CHECKING:
    import keras

BATCH, TIME, VOCABULARY = 32, 100, 25_000  # of the lessons' training step
FAMILIES = ("bilstm", "peephole-bilstm", "bigru")
BUILT_IN = "bilstm"  # what the others are held against; cuDNN's on a GPU


def measure(
    families: Sequence[str] = FAMILIES, *, rounds: int = 15, say: Callable[[str], None] = print
) -> list[dict]:
    """Rows of training_speed.csv, for the backend and the device that Keras runs on.

    Args:
        families: Of the catalogue, in the lessons' size; the built-in LSTM is added.
        rounds: Turns of each.
        say: Takes a line about each row.

    Raises:
        ValueError: If there is no such family, or `rounds` is not positive.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}.")
    for family in families:
        catalogue.find(family)
    import keras  # not before a wrong name is refused: it takes seconds

    from zoo import devices

    names = [BUILT_IN, *(family for family in families if family != BUILT_IN)]
    # JAX and PyTorch have one way each that works.
    backend = keras.backend.backend()
    ways = {"tensorflow": (False, True), "jax": (True,)}.get(backend, (False,))
    rows = []
    for compiled in ways:
        steps = [training_step(lesson_model(name, compiled=compiled)) for name in names]
        seconds = take_turns(steps, rounds)
        medians = np.median(seconds, axis=1)
        for place, name in enumerate(names):
            low, high = np.percentile(1000 * seconds[place], [25, 75])
            row = {
                "backend": backend,
                "device": devices.describe(),
                "xla": compiled,
                "model": name,
                "median_ms": f"{1000 * medians[place]:.1f}",
                "quartiles_ms": f"{low:.1f} {high:.1f}",
                "of_bilstm": f"{medians[place] / medians[0]:.2f}",
            }
            say(" ".join(f"{key} {value}" for key, value in row.items()))
            rows.append(row)
    return rows


def lesson_model(family: str, *, compiled: bool = False) -> keras.Model:
    """A model of the lessons' size, ready to train; `compiled` by XLA or not."""
    import keras

    model = catalogue.create_model(family, vocab_size=VOCABULARY, num_classes=2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=compiled)
    return model


def _batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    ids = rng.integers(1, VOCABULARY, (BATCH, TIME)).astype(np.int32)
    return ids, rng.integers(0, 2, BATCH)


def training_step(model: keras.Model) -> Callable[[], object]:
    """A step on a batch of full texts."""
    ids, labels = _batch()
    return lambda: model.train_on_batch(ids, labels)


def answer(model: keras.Model) -> Callable[[], object]:
    """An answer to one full text."""
    ids, _ = _batch()
    return lambda: model.predict_on_batch(ids[:1])
