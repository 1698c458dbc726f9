"""Teachers for distillation: other classifiers, TF-IDF, n-grams, pretrained transformers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from zoo import digest, models, records, terminal
from zoo.training import ngrams, tfidf, transformer

NGRAMS, TFIDF = "ngrams", "tfidf"


def check(teachers: Sequence[str]) -> None:
    """Raises `ValueError` if a teacher is missing or lacks something it needs."""
    for name in teachers:
        if name.startswith(transformer.PREFIX):
            transformer.check(name.removeprefix(transformer.PREFIX))
        elif not _is_trained_here(name):
            try:
                models.resolve(name)
            except models.ModelNotFoundError as error:
                raise ValueError(
                    f"There is no teacher {name}. Give {TFIDF!r}, {NGRAMS!r}, "
                    f"'{transformer.PREFIX}FOLDER', or a model. {error}"
                ) from error


def answers(
    teachers: Sequence[str],
    texts: Sequence[str],
    targets: np.ndarray,
    labels: Sequence[str],
    others: Sequence[str],
    seed: int,
    say: Callable[..., None] = print,
    kept: Path | None = None,
) -> np.ndarray:
    """The mean of the teachers' probabilities.

    Args:
        teachers: `tfidf`, `ngrams`, `transformer:FOLDER`, or what `zoo.load` takes.
        texts: Texts with labels.
        targets: int32 [texts], their label ids.
        labels: Names of the labels.
        others: Unlabelled texts.
        seed: Seed of teachers that are trained here.
        say: Receives lines of progress.
        kept: A folder that keeps their predictions, for resuming.

    Returns:
        float32 [texts and others, labels].

    Raises:
        ValueError: If a teacher is missing or has other labels.
    """
    files = [kept / records.ANSWERS.format(n) if kept else None for n in range(len(teachers))]
    todo = {name for name, file in zip(teachers, files, strict=True) if not _is_there(file)}
    # All are loaded first, so that one that does not fit is refused at once.
    loaded = {name: _load(name, labels) for name in todo if not _is_trained_here(name)}

    def answer(name: str) -> np.ndarray:
        if name == TFIDF:
            return tfidf.answers(texts, targets, len(labels), others)
        if name == NGRAMS:
            return ngrams.answers(texts, targets, len(labels), others, seed)
        if name.startswith(transformer.PREFIX):
            folder = name.removeprefix(transformer.PREFIX)
            return transformer.answers(folder, texts, targets, len(labels), others, seed, say)
        teacher = loaded[name]
        order = [teacher.labels.index(label) for label in labels]
        return teacher.scores([*texts, *others])[:, order]

    total = np.zeros((len(texts) + len(others), len(labels)), np.float32)
    for name, file in zip(teachers, files, strict=True):
        if file and _is_there(file):
            total += np.load(file)
            continue
        counted = None if _is_trained_here(name) else len(total)
        with terminal.progress(f"Teacher {name}", counted):
            said = answer(name)
        if file:
            with digest.writing(file) as partial:
                np.save(partial, said)
        total += said
    return total / len(teachers)


def forget(kept: Path) -> None:
    """Removes predictions that other settings left in a folder."""
    for path in kept.glob(records.ANSWERS.format("*")):
        path.unlink()


def _is_there(file: Path | None) -> bool:
    return file is not None and file.is_file()


def _is_trained_here(name: str) -> bool:
    return name in (NGRAMS, TFIDF) or name.startswith(transformer.PREFIX)


def _load(name: str, labels: Sequence[str]):
    """Loads a classifier and checks its labels."""
    teacher = models.resolve(name).classifier()
    if sorted(teacher.labels) != sorted(labels):
        raise ValueError(
            f"The teacher {name} knows the labels {', '.join(teacher.labels)}; the data set "
            f"has {', '.join(labels)}. A teacher has to know the same."
        )
    return teacher
