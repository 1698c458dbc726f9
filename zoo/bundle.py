"""The folder that holds one trained model.

model.keras   the model: token ids to logits
vocab.txt     the vocabulary as the device reads it
labels.txt    the names of the classes, one a line
config.json   all that made it: model, data, training, versions
history.csv   a row an epoch
metrics.json  figures on validation and test
samples.npz   token ids of some training and validation texts, for exports; may be missing
README.md     the model card
SHA256SUMS    hashes of what `Bundle.save` writes, for `sha256sum -c`

A folder without SHA256SUMS, as older versions wrote it, is read too.
"""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo import pretrained, run_parts, samples, sums, terminal
from zoo.files import replacing, write_text
from zoo.inference import Classifier
from zoo.run_parts import CONFIG, LABELS, MODEL, VOCABULARY, BundleError
from zoo.samples import Samples
from zoo.text import Tokenizer

if TYPE_CHECKING:
    import keras

    from zoo.scores import Scores

BATCH = 256


@dataclass(frozen=True)
class Bundle:
    """A run folder in memory.

    Attributes:
        model: int32 [batch, time] token ids to float32 [batch, classes], logits or probabilities.
        tokenizer: Texts to token ids.
        labels: Names of the classes, by id.
        config: What config.json holds.
        samples: Token ids of some of its texts, for exports; None where there are none.

    Raises:
        BundleError: If the configuration has no name for the model that a file can have.
    """

    model: keras.Model
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    config: dict
    samples: Samples | None = None
    _lock: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    def __post_init__(self):
        run_parts.check_name(self.config)

    @functools.cached_property
    def scores(self) -> Scores:
        """What the model's outputs are: logits or probabilities of labels of which one is right.

        Raises:
            BundleError: If they are something else.
        """
        from zoo import scores
        from zoo.model_graph import UnsupportedModelError

        try:
            found = scores.read(self.model)
        except UnsupportedModelError as error:
            raise BundleError(str(error)) from error
        if found.kind != "softmax":
            raise BundleError(
                f"The model of {self.name} gives {found.kind} scores; a run folder holds a "
                "classifier that chooses one of its labels, by a softmax."
            )
        return found

    @property
    def name(self) -> str:
        return self.config["model"]["name"]

    def save(self, folder: str | os.PathLike, parts: Mapping[str, str] | None = None) -> None:
        """Writes samples.npz, vocab.txt, labels.txt, config.json, SHA256SUMS and model.keras.

        The folder is a finished run only when model.keras is in its place, which is the last step:
        one that is there already is removed before the first other file changes.

        Args:
            folder: Where to write.
            parts: More text files, by name, that belong to the run and get a hash too.

        Raises:
            ValueError: If a label cannot be a line of labels.txt.
            OSError: If a file cannot be written.
        """
        folder = Path(folder)
        for label in self.labels:
            if not label or "\n" in label or "\r" in label:
                raise ValueError(f"The label {label!r} is no line of labels.txt. Rename it.")
            if self.labels.count(label) > 1:
                raise ValueError(f"Two labels have the name {label!r}. Rename one.")
        texts = {
            **(parts or {}),
            VOCABULARY: self.tokenizer.vocabulary.text,
            LABELS: "".join(f"{label}\n" for label in self.labels),
            CONFIG: json.dumps(self.config, indent=2) + "\n",
        }
        with replacing(folder / MODEL) as partial:
            self.model.save(partial)
            (folder / MODEL).unlink(missing_ok=True)
            (folder / samples.FILE).unlink(missing_ok=True)
            if self.samples is not None:
                self.samples.save(folder / samples.FILE)
            for name, text in texts.items():
                write_text(folder / name, text)
            digests = {MODEL: sums.digest(partial)}
            for name in (*texts, *([samples.FILE] if self.samples else [])):
                digests[name] = sums.digest(folder / name)
            write_text(folder / sums.NAME, sums.text(digests))

    def classifier(self) -> Classifier:
        """The model as texts in, labels out."""
        return Classifier(self.name, self.tokenizer, self.labels, self.probabilities)

    def probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Probabilities, float32 [batch, classes], for token ids [batch, time].

        Threads may call it at the same time; it answers them in turn.
        """
        # Without the padding that no text of a batch needs, in an order that leaves little.
        lengths = np.count_nonzero(ids, axis=1)
        order = np.argsort(lengths, kind="stable")
        result = np.empty((len(ids), len(self.labels)), np.float32)
        for start in range(0, len(ids), BATCH):
            rows = order[start : start + BATCH]
            longest = max(int(lengths[rows].max()), 1)
            with self._lock:  # not every backend's Keras model can be called by two threads
                outputs = self.model.predict_on_batch(ids[rows, :longest])
                result[rows] = self.scores.of(outputs)
            terminal.advance(len(rows))
        return result


def load(folder: str | os.PathLike) -> Bundle:
    """Reads a run folder, or a model that comes with the package, by its name.

    Raises:
        BundleError: If the folder or a file of it is missing or damaged, or they do not fit each
            other.
    """
    check(folder)
    if pretrained.is_name(folder):
        return pretrained.load(os.fspath(folder))
    found = run_parts.read(Path(folder))
    return Bundle(*found)


def check(folder: str | os.PathLike) -> None:
    """Raises `BundleError` if there is no whole run folder and no model of that name.

    Keras is not imported: a wrong path is answered at once.
    """
    if pretrained.is_name(folder):
        return
    folder = Path(folder)
    if folder.is_file():
        raise BundleError(
            f"{folder} is a file. What is trained or exported is a run folder, which holds "
            "model.keras, or the name of a model that comes with the package; give that."
        )
    if not folder.is_dir():
        raise BundleError(
            f"There is no folder {folder}, and no model of that name comes with the package "
            f"({', '.join(pretrained.names())}). Train a model first: python train.py."
        )
    for name in (MODEL, VOCABULARY, LABELS, CONFIG):
        if not (folder / name).is_file():
            raise BundleError(
                f"{folder} holds no {name}, so it is no finished run. If its training was "
                f"interrupted, go on with: python train.py --resume --output {folder}\n"
                "If it was not, make it again."
            )
    run_parts.check_imports(folder)
