"""A run folder in memory (see `zoo.records`): a trained model with its tokenizer and record."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import records, run_parts, run_scores, sums, terminal
from zoo.files import replacing, write_text
from zoo.inference import Classifier
from zoo.kinds import Kind
from zoo.records import CONFIG, FIGURES, LABELS, MODEL, SAMPLES, VOCABULARY
from zoo.samples import Samples
from zoo.text import lengths
from zoo.tokenizers import AnyTokenizer

if TYPE_CHECKING:
    import keras

    from zoo.datasets import Dataset
    from zoo.scores import Scores

BATCH = 256


@dataclass(frozen=True)
class Bundle:
    """A run folder in memory.

    Attributes:
        model: int32 [batch, time] token ids to float32 [batch, labels]: logits, probabilities or
            numbers. A model that ends in one sigmoid may have two labels: the output is then the
            probability of the second.
        tokenizer: Texts to token ids.
        labels: Names of the labels or numbers, in the order of the scores.
        config: The record, which config.json holds (see `zoo.records`).
        samples: Token ids of some of its texts, for exports; None where there are none.
        figures: Accuracies and losses, which metrics.json holds; empty where there are none.

    Raises:
        RunError: If the record has no model name that can be a file name.
    """

    model: keras.Model
    tokenizer: AnyTokenizer
    labels: tuple[str, ...]
    config: dict
    samples: Samples | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    def __post_init__(self):
        records.check_name(self.config)

    @functools.cached_property
    def _meaning(self) -> tuple[Scores, Kind]:
        return run_scores.read(self.model, self.config, len(self.labels))

    @property
    def scores(self) -> Scores:
        """How the model's outputs become scores.

        Raises:
            RunError: If neither the model nor the record determines it, or they contradict.
        """
        return self._meaning[0]

    @property
    def kind(self) -> Kind:
        """What the scores mean, with the thresholds of several labels; raises as `scores`."""
        return self._meaning[1]

    def dataset(self) -> Dataset:
        """Reads the training data set again, with the same splits.

        Raises:
            zoo.datasets.DatasetError: If it is missing or has changed.
        """
        return records.dataset(self.config)

    @property
    def name(self) -> str:
        return self.config["model"]["name"]

    def save(self, folder: str | os.PathLike, parts: Mapping[str, str] | None = None) -> None:
        """Writes metrics.json, samples.npz, vocab.txt, labels.txt, config.json, SHA256SUMS and
        model.keras.

        model.keras is moved into place last; until then the folder is not a finished run. An
        existing model.keras is removed before any other file changes.

        Args:
            folder: Where to write.
            parts: Additional text files by name, which get a hash too.

        Raises:
            ValueError: If a label cannot be written as a line of labels.txt.
            OSError: If a file cannot be written.
        """
        folder = Path(folder)
        for label in self.labels:
            if not label or "\n" in label or "\r" in label:
                raise ValueError(f"The label {label!r} cannot be a line of labels.txt. Rename it.")
            if self.labels.count(label) > 1:
                raise ValueError(f"Two labels have the name {label!r}. Rename one.")
        texts = {
            **(parts or {}),
            **({FIGURES: records.dumps(self.figures)} if self.figures else {}),
            VOCABULARY: self.tokenizer.vocabulary.text,
            LABELS: "".join(f"{label}\n" for label in self.labels),
            CONFIG: records.dumps(self._record()),
        }
        with replacing(folder / MODEL) as partial:
            self.model.save(partial)
            (folder / MODEL).unlink(missing_ok=True)
            (folder / SAMPLES).unlink(missing_ok=True)
            if self.samples is not None:
                self.samples.save(folder / SAMPLES)
            for name, text in texts.items():
                write_text(folder / name, text)
            digests = {MODEL: sums.digest(partial)}
            for name in (*texts, *([SAMPLES] if self.samples else [])):
                digests[name] = sums.digest(folder / name)
            write_text(folder / sums.NAME, sums.text(digests))

    def _record(self) -> dict[str, Any]:
        """The record, with the kind of scores where model.keras alone may not say it."""
        own = self.kind.record()
        if self.scores.single:
            own = {"kind": "sigmoid"}
        return self.config if own is None else {**self.config, records.SCORES: own}

    def classifier(self) -> Classifier:
        """Returns a classifier of texts."""
        return Classifier(self.name, self.tokenizer, self.labels, self.probabilities, self.kind)

    def probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Scores, float32 [batch, labels], for token ids [batch, time]. Thread-safe.

        They are probabilities, or the numbers of a model that gives plain numbers.
        """
        # Sorted by length, so that batches need little padding.
        length = lengths(ids)
        order = np.argsort(length, kind="stable")
        result = np.empty((len(ids), len(self.labels)), np.float32)
        for start in range(0, len(ids), BATCH):
            rows = order[start : start + BATCH]
            longest = max(int(length[rows].max()), 1)
            with self._lock:  # not every backend's Keras model can be called by two threads
                outputs = self.model.predict_on_batch(ids[rows, :longest])
                result[rows] = self.scores.of(outputs)
            terminal.advance(len(rows))
        return result


def load(folder: str | os.PathLike) -> Bundle:
    """Reads a run folder.

    Raises:
        RunError: If it holds no finished run, or a file is damaged or belongs to another model.
    """
    return Bundle(*run_parts.read(Path(folder)))
