"""Whose answers a model learns: other classifiers, n-grams, pretrained transformers."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import zoo
from zoo import pretrained
from zoo.training import ngrams, transformer

NGRAMS = "ngrams"


def check(teachers: Sequence[str]) -> None:
    """Raises `ValueError` if a teacher lacks what it needs, before any work is done."""
    if NGRAMS in teachers and importlib.util.find_spec("sklearn") is None:
        raise ValueError(
            "The teacher 'ngrams' needs scikit-learn: pip install 'birnn-zoo[ngrams]'."
        )
    for name in teachers:
        if name.startswith(transformer.PREFIX):
            transformer.check(name.removeprefix(transformer.PREFIX))
        elif not (_is_trained_here(name) or pretrained.is_name(name) or Path(name).exists()):
            raise ValueError(
                f"There is no teacher {name}. Give a run folder, a .tflite file, a name of "
                f"`python -m zoo list --pretrained`, {NGRAMS!r}, or '{transformer.PREFIX}FOLDER'."
            )


def answers(
    teachers: Sequence[str],
    texts: Sequence[str],
    targets: np.ndarray,
    labels: Sequence[str],
    others: Sequence[str],
    seed: int,
    say: Callable[..., None] = print,
) -> np.ndarray:
    """The mean of the teachers' probabilities.

    Args:
        teachers: `ngrams`, `transformer:FOLDER`, or what `zoo.load` takes.
        texts: Texts with labels.
        targets: int32 [texts], their labels, by number.
        labels: Names of the labels.
        others: Texts without.
        seed: Decides what teachers draw that are trained here.
        say: Takes lines about how far they are.

    Returns:
        float32 [texts and others, labels].

    Raises:
        ValueError: If a teacher is missing, or knows other labels.
    """
    trained = {name: _load(name, labels) for name in teachers if not _is_trained_here(name)}
    total = np.zeros((len(texts) + len(others), len(labels)), np.float32)
    for name in teachers:
        if name == NGRAMS:
            total += ngrams.answers(texts, targets, len(labels), others, seed)
        elif name in trained:
            order = [trained[name].labels.index(label) for label in labels]
            total += trained[name].scores([*texts, *others])[:, order]
        else:
            folder = name.removeprefix(transformer.PREFIX)
            total += transformer.answers(folder, texts, targets, len(labels), others, seed, say)
    return total / len(teachers)


def _is_trained_here(name: str) -> bool:
    return name == NGRAMS or name.startswith(transformer.PREFIX)


def _load(name: str, labels: Sequence[str]):
    """A classifier with these labels."""
    teacher = zoo.load(name)
    if sorted(teacher.labels) != sorted(labels):
        raise ValueError(
            f"The teacher {name} knows the labels {', '.join(teacher.labels)}; the data set "
            f"has {', '.join(labels)}. A teacher has to know the same."
        )
    return teacher
