"""A trained model with the content of its run folder (see `zoo.records`)."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import records, run_parts, sums, terminal
from zoo.files import replacing, write_text
from zoo.inference import Classifier
from zoo.records import CONFIG, FIGURES, LABELS, MODEL, SAMPLES, VOCABULARY, RunError
from zoo.samples import Samples
from zoo.text import Tokenizer, lengths

if TYPE_CHECKING:
    import keras

    from zoo.datasets import Dataset
    from zoo.scores import Scores

BATCH = 256


@dataclass(frozen=True)
class Bundle:
    """A run folder in memory.

    Attributes:
        model: Maps int32 [batch, time] token ids to float32 [batch, classes] logits or
            probabilities.
        tokenizer: Maps texts to token ids.
        labels: Names of the classes, by id.
        config: The record in config.json (see `zoo.records`).
        samples: Token ids of some of its texts, for exports, or None.
        figures: The metrics in metrics.json; may be empty.

    Raises:
        RunError: If the model's name in the record cannot be used as a file name.
    """

    model: keras.Model
    tokenizer: Tokenizer
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
    def scores(self) -> Scores:
        """How the model's outputs become scores: they are logits or probabilities of a softmax.

        Raises:
            RunError: If they are anything else.
        """
        from zoo import scores
        from zoo.model_graph import UnsupportedModelError

        try:
            result = scores.read(self.model)
        except UnsupportedModelError as error:
            raise RunError(str(error)) from error
        if result.kind != "softmax":
            raise RunError(
                f"The model of {self.name} gives {result.kind} scores; a run folder holds a "
                "classifier that chooses one of its labels, by a softmax."
            )
        return result

    def dataset(self) -> Dataset:
        """Reads the data set of the run again, with the same split.

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

        The folder is a finished run only once model.keras exists. It is written last, and an old
        one is removed before any other file changes.

        Args:
            folder: The run folder.
            parts: Additional text files, by name, to write and hash.

        Raises:
            ValueError: If a label cannot be a line of labels.txt.
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
            CONFIG: records.dumps(self.config),
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

    def classifier(self) -> Classifier:
        """The model as a classifier of texts."""
        return Classifier(self.name, self.tokenizer, self.labels, self.probabilities)

    def probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Probabilities, float32 [batch, classes], for token ids [batch, time].

        It is safe to call from several threads; their calls run in turn.
        """
        # Sorted by length, so that most of the padding can be removed.
        length = lengths(ids)
        order = np.argsort(length, kind="stable")
        result = np.empty((len(ids), len(self.labels)), np.float32)
        for start in range(0, len(ids), BATCH):
            rows = order[start : start + BATCH]
            longest = max(int(length[rows].max()), 1)
            with self._lock:  # Keras models are not safe to call from two threads on every backend
                outputs = self.model.predict_on_batch(ids[rows, :longest])
                result[rows] = self.scores.of(outputs)
            terminal.advance(len(rows))
        return result


def load(folder: str | os.PathLike) -> Bundle:
    """Reads a run folder.

    Raises:
        RunError: If it is not a finished run, or its files are damaged or do not fit each other.
    """
    return Bundle(*run_parts.read(Path(folder)))
