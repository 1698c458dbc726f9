"""Default settings that depend on the size of the data.

A small data set needs more epochs than a large one, since a recurrent model takes some thousand
steps to learn anything. It also needs help: from 200 texts, a recurrent model learns less than one
that counts words. So below `LARGE` texts, the default is augmentation (see `zoo.training.augment`)
with labels by a teacher that counts words (`zoo.training.tfidf`), where a text has one label. The
numbers were chosen on
validation texts, on parts of public data sets with 2 to 150 labels and 10 to 250 words per text.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.datasets import Dataset
from zoo.training.config import OBJECTIVES, SettledConfig, TrainingConfig

CHOSEN = (
    "teacher",
    "augment",
    "epochs",
    "patience",
    "keep",
    "batch_size",
    "max_length",
    "learning_rate",
    "word_dropout",
    "average",
)
LARGE = 20_000  # number of training texts from which augmentation is off
BATCH = 32
VARIANTS = 6_000  # in total, about
MOST_VARIANTS = 10  # per text
# Minimum number of training steps: a base, and more for more labels if there are enough texts.
STEPS, STEPS_PER_LABEL, MOST_PER_TEXT = 600, 50, 2
LONG = 100  # token ids; longer texts, which take longer, get fewer variants and steps
LEAST_EPOCHS, MOST_EPOCHS = 6, 100
RATE, RATE_OF_LARGE = 5e-3, 1e-3
LENGTH_PERCENTILE = 99
LENGTH_STEP, SHORTEST, LONGEST = 8, 16, 256  # token ids


def choose(
    config: TrainingConfig, dataset: Dataset, others: int, lengths: np.ndarray
) -> SettledConfig:
    """Fills in the settings that are None.

    Args:
        config: The given settings, which take precedence.
        dataset: The data set; only its size matters.
        others: Number of unlabelled texts.
        lengths: Token ids of each training text, not truncated, int [texts].

    Returns:
        The settings, with all of `CHOSEN` set.
    """
    texts = len(dataset.train)
    small = texts < LARGE

    def given_or(name: str, value: Any) -> Any:
        given = getattr(config, name)
        return value if given is None else given

    length = given_or("max_length", max_length(lengths))
    scale = min(1.0, LONG / max(float(np.minimum(lengths, length).mean()), 1.0))
    helped = small and _is_plain(config) and dataset.scores == "softmax"
    variants = min(round(scale * VARIANTS / texts), MOST_VARIANTS)
    augment = given_or("augment", variants if helped else 0)
    teacher = given_or("teacher", ("tfidf",) if augment else ())
    examples = texts * (1 + augment) + (others if teacher else 0)
    batch_size = given_or("batch_size", BATCH)
    steps = STEPS + min(STEPS_PER_LABEL * len(dataset.labels), MOST_PER_TEXT * texts)
    passes = math.ceil(scale * steps / math.ceil(examples / batch_size))
    passes = min(max(passes, LEAST_EPOCHS), MOST_EPOCHS)
    epochs = given_or("epochs", passes if small else 10)
    given = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    chosen = {
        "teacher": teacher,
        "augment": augment,
        "epochs": epochs,
        # The learning rate decays to zero over all epochs: on few texts, stopping early costs
        # accuracy.
        "patience": epochs if small else 3,
        "keep": "latest" if small else "best",
        "batch_size": batch_size,
        "max_length": length,
        # A trained model needs a small learning rate.
        "learning_rate": RATE if small and not config.init else RATE_OF_LARGE,
        "word_dropout": 0.1,
        "average": 0.0,
    }
    return SettledConfig(**given | {name: given_or(name, chosen[name]) for name in CHOSEN})


def max_length(lengths: np.ndarray) -> int:
    """A length that nearly all texts fit into, a multiple of `LENGTH_STEP`."""
    most = float(np.percentile(lengths, LENGTH_PERCENTILE)) if len(lengths) else 0
    return min(max(LENGTH_STEP * math.ceil(most / LENGTH_STEP), SHORTEST), LONGEST)


def describe(config: TrainingConfig, chosen: Sequence[str]) -> str:
    """Formats the values that were chosen for these settings."""
    parts = []
    for name in chosen:
        value = getattr(config, name)
        shown = ", ".join(value) or "none" if isinstance(value, tuple) else value
        parts.append(f"{name.replace('_', '-')} {shown}")
    return f"Chosen from the data: {', '.join(parts)}"


def _is_plain(config: TrainingConfig) -> bool:
    """Whether nothing but labelled texts and cross-entropy is asked for."""
    others = (config.init, config.vectors, config.unlabelled, config.pretrain)
    return not any(others) and config.teacher is None and config.objective == OBJECTIVES[0]
