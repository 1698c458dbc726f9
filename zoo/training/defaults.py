"""Settings that follow from the data, where none are given.

A small data set needs more passes than a large one, a few thousand steps of training being what a
recurrent model takes to learn anything. It also needs help: from 200 texts a model that reads words
in order learns less than one that only counts them. So below `LARGE` texts the default is to learn
from variants of the texts as well (see `zoo.training.augment`), answered by a teacher that counts
words (`zoo.training.tfidf`). The numbers were chosen by validation on parts of public data sets
with 2 to 150 labels and 10 to 250 words a text.
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
LARGE = 20_000  # training texts from which a model needs no help
BATCH = 32
VARIANTS = 6_000  # in all, about
MOST_VARIANTS = 10  # of a text
# Steps of training, at least: some, and more the more labels there are to tell apart, if there are
# texts enough to tell them by.
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
        config: What was given; it always wins.
        dataset: Its numbers of texts count, not the texts.
        others: Number of texts without labels.
        lengths: Token ids of each training text, uncut, int [texts].

    Returns:
        The settings, with none of `CHOSEN` left to choose.
    """
    texts = len(dataset.train)
    small = texts < LARGE

    def given_or(name: str, value: Any) -> Any:
        given = getattr(config, name)
        return value if given is None else given

    length = given_or("max_length", max_length(lengths))
    scale = min(1.0, LONG / max(float(np.minimum(lengths, length).mean()), 1.0))
    helped = small and _is_plain(config)
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
        # The learning rate falls to zero over all epochs: on few texts, stopping early costs more
        # than it saves.
        "patience": epochs if small else 3,
        "keep": "latest" if small else "best",
        "batch_size": batch_size,
        "max_length": length,
        # A model that is trained already needs small steps.
        "learning_rate": RATE if small and not config.init else RATE_OF_LARGE,
        "word_dropout": 0.1,
        "average": 0.0,
    }
    return SettledConfig(**given | {name: given_or(name, chosen[name]) for name in CHOSEN})


def max_length(lengths: np.ndarray) -> int:
    """Token ids that nearly all texts fit into, a multiple of `LENGTH_STEP`."""
    most = float(np.percentile(lengths, LENGTH_PERCENTILE)) if len(lengths) else 0
    return min(max(LENGTH_STEP * math.ceil(most / LENGTH_STEP), SHORTEST), LONGEST)


def describe(config: TrainingConfig, chosen: Sequence[str]) -> str:
    """A line that says which values were chosen for the settings of these names."""
    parts = []
    for name in chosen:
        value = getattr(config, name)
        shown = ", ".join(value) or "none" if isinstance(value, tuple) else value
        parts.append(f"{name.replace('_', '-')} {shown}")
    return f"Chosen from the data: {', '.join(parts)}"


def _is_plain(config: TrainingConfig) -> bool:
    """Whether the model learns from its labels alone, and has no other help."""
    others = (config.init, config.vectors, config.unlabelled, config.pretrain)
    return not any(others) and config.teacher is None and config.objective == OBJECTIVES[0]
