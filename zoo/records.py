"""The files of a run folder: their names, and reading and writing of their JSON.

A finished run, which `zoo.bundle` reads:

    model.keras   the model: token ids to logits, probabilities or numbers
    vocab.txt     the vocabulary as the device reads it
    labels.txt    the names of the labels or numbers, one per line
    config.json   the record: model, tokenizer, data, training, versions; where the scores are no
                  softmax, under `scores` their kind and the threshold of each label (`zoo.kinds`)
    history.csv   a row per epoch
    metrics.json  figures on validation and test
    samples.npz   token ids of some training and validation texts, for exports; may be missing
    README.md     the model card
    SHA256SUMS    hashes of what `Bundle.save` writes, for `sha256sum -c`

An unfinished run, which `zoo.training` can resume, has a folder `checkpoint` instead, with the
files that are named below.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import platform
import re
import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from zoo import sums, tokenizers
from zoo.datasets import Dataset, DatasetError, Source
from zoo.kinds import KINDS
from zoo.tokenizers import AnyTokenizer

MODEL, VOCABULARY, LABELS, CONFIG = "model.keras", "vocab.txt", "labels.txt", "config.json"
HISTORY, FIGURES, CARD, SAMPLES = "history.csv", "metrics.json", "README.md", "samples.npz"
SCORES = "scores"  # of config.json, what `zoo.kinds.parse` reads
NEEDED = (MODEL, VOCABULARY, LABELS, CONFIG)
# All files, in the order in which they are written.
FILES = (HISTORY, FIGURES, CARD, SAMPLES, VOCABULARY, LABELS, CONFIG, sums.NAME, MODEL)
LOGS = "logs"  # a folder, for TensorBoard
EXPORTS = "export"  # a folder, of the files for devices

CHECKPOINT = "checkpoint"  # the folder of an unfinished run
SETTINGS = "config.json"  # of `TrainingConfig`
INPUTS = "data.json"  # digests of the training inputs
STATE = "state.npz"  # weights, optimizer, history
VALIDATED, BEST, PRETRAINED = (f"{name}.weights.h5" for name in ("validated", "best", "pretrained"))
ANSWERS = "answers-{}.npy"  # of each teacher, by its position

LARGEST = {VOCABULARY: 32_000_000, LABELS: 1_000_000, CONFIG: 16_000_000, FIGURES: 1_000_000}
# Exported files are named after the model, so its name must not be a path.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PACKAGES = ("birnn-zoo", "keras", "tensorflow", "jax", "torch", "numpy")


class RunError(ValueError):
    """A run folder that is missing, unfinished, damaged, or not free to write to."""


def dumps(value: Any) -> str:
    """Formats JSON for a run folder."""
    return json.dumps(value, indent=2) + "\n"


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a finished run."""
    return (folder / MODEL).is_file()


def is_unfinished(folder: Path) -> bool:
    """Whether the folder holds a run that can be resumed."""
    return (folder / CHECKPOINT / SETTINGS).is_file()


def require_finished(folder: Path) -> None:
    """Raises `RunError` if there is no finished run; the message says what is missing."""
    if not folder.is_dir():
        raise RunError(f"There is no folder {folder}.")
    absent = next((name for name in NEEDED if not (folder / name).is_file()), None)
    if absent is None:
        return
    if is_unfinished(folder):
        raise RunError(
            f"{folder} holds no {absent}: its training was interrupted. Resume it with: "
            f"python train.py --resume --output {shlex.quote(str(folder))}"
        )
    raise RunError(
        f"{folder} holds no {absent}, so it is not a finished run. Give another folder, or make "
        "the run again."
    )


def make(
    *,
    model: Mapping[str, Any],
    tokenizer: AnyTokenizer,
    dataset: Dataset,
    training: Mapping[str, Any],
    chosen: Sequence[str],
    device: str,
    backend: str,
    scores: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Creates the record of a trained model, for config.json.

    Args:
        model: Its `name` and the arguments of `zoo.create_model`.
        tokenizer: Its tokenizer.
        dataset: The training data.
        training: All settings.
        chosen: Names of the settings that were chosen from the data.
        device, backend: What it was trained on.
        scores: The kind of its scores, `zoo.kinds.Kind.record`.
    """
    return {
        "model": dict(model),
        **({SCORES: dict(scores)} if scores else {}),
        "tokenizer": tokenizer.options,
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "train": len(dataset.train.texts),
            "validation": len(dataset.valid.texts),
            "test": len(dataset.test.texts),
        },
        "training": dict(training),
        "chosen_from_data": list(chosen),
        "device": device,
        "backend": backend,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "date": datetime.date.today().isoformat(),
    }


def imported(
    *, model: Mapping[str, Any], tokenizer: AnyTokenizer, origin: Mapping[str, Any]
) -> dict[str, Any]:
    """Creates the record of an imported model; `origin` says how it was imported."""
    return {
        "model": dict(model),
        "tokenizer": tokenizer.options,
        "imported": dict(origin),
    }


def read(folder: Path) -> dict[str, Any]:
    """Reads the record of a run folder or of a shipped model's folder.

    Raises:
        RunError: If it is missing or damaged.
    """
    path = folder / CONFIG
    try:
        if path.stat().st_size > LARGEST[CONFIG]:
            raise RunError(f"{path} has more than {LARGEST[CONFIG]:,} bytes.")
        return parse(path.read_bytes(), path)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error


def parse(content: bytes, path: Path) -> dict[str, Any]:
    """Parses the content of a config.json and checks its types.

    Args:
        content: The file's content.
        path: The file's path, for errors.

    Raises:
        RunError: If it is damaged.
    """
    record = _object(content, path)
    for name in ("model", "tokenizer", "training", "data"):
        needed = name in ("model", "tokenizer")
        if not isinstance(record.get(name, None if needed else {}), dict):
            raise RunError(f"{path} is damaged: {name!r} is missing or not an object.")
    try:
        tokenizers.check_options(record["tokenizer"])
    except ValueError as error:
        raise RunError(f"{path}: {error}.") from error
    scores(record)
    return record


def check_name(record: Any) -> None:
    """Raises `RunError` if the model's name cannot be a file name."""
    model = record.get("model") if isinstance(record, dict) else None
    name = model.get("name") if isinstance(model, dict) else None
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise RunError(
            f"The model's name is {name!r:.60}; a name is at most 100 letters, digits, '.', '_' "
            f"and '-', and begins with a letter or digit. It stands in {CONFIG}, under model."
        )


def read_figures(folder: Path) -> dict[str, Any]:
    """Reads the figures of a finished run.

    Raises:
        RunError: If they are missing or damaged.
    """
    path = folder / FIGURES
    try:
        return parse_figures(path.read_bytes(), path)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error


def parse_figures(content: bytes, path: Path) -> dict[str, Any]:
    """Parses the content of a metrics.json.

    Raises:
        RunError: If it is damaged.
    """
    return _object(content, path)


def scores(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a record says about the scores, for `zoo.kinds.parse`; None for a softmax.

    Raises:
        RunError: If it is damaged.
    """
    found = record.get(SCORES)
    if found is None:
        return None
    if not isinstance(found, dict) or found.get("kind") not in KINDS:
        raise RunError(
            f"{CONFIG}: {SCORES} is {found!r:.60}; it must be an object whose kind is one of "
            f"{', '.join(KINDS)}."
        )
    return found


def kind(record: Mapping[str, Any]) -> str | None:
    """The name of the kind of scores in a record; None for a softmax.

    Raises:
        RunError: If it is damaged.
    """
    found = scores(record)
    return None if found is None else found["kind"]


def seed(record: Mapping[str, Any]) -> int | None:
    """The seed that drew a run's validation texts; None for other models."""
    found = record.get("training", {}).get("seed")
    return found if type(found) is int else None


def source(record: Mapping[str, Any]) -> Source | None:
    """The data set of a run; None for a model that was not trained here."""
    training = record.get("training", {})
    if not isinstance(training.get("dataset"), str):
        return None
    names = [field.name for field in dataclasses.fields(Source) if field.name != "path"]
    options = {name: training[name] for name in names if training.get(name) is not None}
    return Source(training["dataset"], **options)


def dataset(record: Mapping[str, Any]) -> Dataset:
    """Reads the data set of a run again, with the same splits.

    Raises:
        DatasetError: If the record names none, or the data set is missing or has changed.
    """
    where, drawn = source(record), seed(record)
    if where is None or drawn is None:
        raise DatasetError(
            f"The model {record['model']['name']} was not trained here, so its data set is unknown."
        )
    read = where.dataset(seed=drawn, limit=record["training"].get("limit"))
    before = record.get("data", {}).get("source", {})
    if content(before) != content(read.source):
        raise DatasetError(
            f"{where.path} has changed since {record['model']['name']} learnt from it; its figures "
            "would be for other texts. Restore the files, or train again."
        )
    return read


def content(source: Mapping[str, Any]) -> Any:
    """Identifies the content of a data set: the hashes of its files, or its name.

    Args:
        source: `zoo.datasets.Dataset.source`.
    """
    files = source.get("files")
    if not files:
        return source.get("path")
    return {part: file["sha256"] for part, file in files.items()}


def _object(content: bytes, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error!r:.200}.") from error
    if not isinstance(found, dict):
        raise RunError(f"{path} is damaged: it holds a {type(found).__name__}, not an object.")
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
