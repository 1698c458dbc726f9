"""Reads and checks the files of a run folder (see `zoo.records`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo import imports, records, run_scores, samples, sums, tokenizers
from zoo.records import CONFIG, FIGURES, LABELS, LARGEST, MODEL, SAMPLES, VOCABULARY, RunError
from zoo.samples import Samples
from zoo.text import PAD, PAD_ID
from zoo.tokenizers import AnyTokenizer

if TYPE_CHECKING:
    import keras


class RunParts(NamedTuple):
    """The content of the files: the arguments of `zoo.bundle.Bundle`."""

    model: keras.Model
    tokenizer: AnyTokenizer
    labels: tuple[str, ...]
    config: dict[str, Any]
    samples: Samples | None
    figures: dict[str, Any]


def _check_imports(config: dict[str, Any], folder: Path) -> None:
    try:
        imports.check_registered(config, folder)
    except imports.ImportedModuleError as error:
        raise RunError(str(error)) from error


def read(folder: Path) -> RunParts:
    """Reads the files of a finished run.

    Raises:
        RunError: If one is missing, damaged or too large, or belongs to another model.
    """
    records.require_finished(folder)
    try:
        return _read(folder, sums.read(folder))
    except RunError:
        raise
    except ValueError as error:
        raise RunError(str(error)) from error
    except MemoryError:
        raise RunError(f"{folder} holds more than the memory does, or is damaged.") from None


def _read(folder: Path, digests: Mapping[str, str] | None) -> RunParts:
    names = [name for name in LARGEST if name != FIGURES or (folder / name).is_file()]
    content = {name: _part(folder, name, digests) for name in names}
    with_samples = (folder / SAMPLES).is_file()
    for name in (MODEL, *([SAMPLES] if with_samples else [])):
        if digests is not None:
            _check_digest(folder, name, digests, sums.digest(folder / name))
    labels = tuple(_lines(folder / LABELS, content[LABELS]))
    config = records.parse(content[CONFIG], folder / CONFIG)
    _check_imports(config, folder)
    try:
        records.check_name(config)
        tokenizer = tokenizers.load(
            config["tokenizer"], content[VOCABULARY], source=str(folder / VOCABULARY)
        )
    except tokenizers.VocabularyError as error:
        raise RunError(str(error)) from error
    except ValueError as error:
        raise RunError(f"{folder / CONFIG}: {error}") from error
    vocabulary = tokenizer.vocabulary
    import zoo.cells
    import zoo.layers  # noqa: F401  registers what model.keras may hold
    from zoo import keras_file, model_graph

    model = keras_file.load(folder / MODEL)
    if vocabulary.pad != PAD_ID and model_graph.masks_padding(model):
        raise RunError(
            f"{folder / VOCABULARY}: {PAD} has the id {vocabulary.pad}, but {MODEL} masks id "
            f"{PAD_ID}; they belong to different models."
        )
    classes, rows = _sizes(folder / MODEL, model)
    if classes != len(labels) and (classes, len(labels)) != (1, 2):
        raise RunError(
            f"{folder}: {MODEL} gives {classes} scores and {LABELS} has {len(labels)} lines; they "
            "belong to different models, or one was cut."
        )
    try:
        _, kind = run_scores.read(model, config, len(labels))
    except RunError as error:
        raise RunError(f"{folder}: {error}") from error
    # Models that were trained here have exactly one row for each token id.
    if vocabulary.size > rows or ("training" in config and vocabulary.size < rows):
        raise RunError(
            f"{folder}: {MODEL} knows {rows} token ids and {VOCABULARY} has {vocabulary.size}; "
            "they belong to different models, or one was cut."
        )
    kept = samples.load(folder / SAMPLES, kind, len(labels), rows) if with_samples else None
    figures: dict[str, Any] = {}
    if FIGURES in content:
        figures = records.parse_figures(content[FIGURES], folder / FIGURES)
    return RunParts(model, tokenizer, labels, config, kept, figures)


def _part(folder: Path, name: str, digests: Mapping[str, str] | None) -> bytes:
    """Reads a file, with checks of its size and hash."""
    path = folder / name
    size = path.stat().st_size
    if size > LARGEST[name]:
        raise RunError(f"{path} has {size:,} bytes; {LARGEST[name]:,} are allowed.")
    content = path.read_bytes()
    if digests is not None and (name in digests or name in records.NEEDED):
        _check_digest(folder, name, digests, hashlib.sha256(content).hexdigest())
    elif name in (VOCABULARY, LABELS) and content and not content.endswith(b"\n"):
        raise RunError(f"{path} does not end with a line end, so it may have been cut; add one.")
    return content


def _check_digest(folder: Path, name: str, digests: Mapping[str, str], found: str) -> None:
    if digests.get(name) != found:
        raise RunError(
            f"{folder / name} is damaged or was changed: its SHA-256 is not that in {sums.NAME}. "
            f"If it was changed on purpose, remove {sums.NAME}; otherwise copy the run again."
        )


def _lines(path: Path, content: bytes) -> list[str]:
    try:
        text = content.decode()
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}.") from error
    # Not splitlines, which also splits at characters that are allowed in labels.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _sizes(path: Path, model: keras.Model) -> tuple[int, int]:
    """The numbers of classes and of rows of the embedding."""
    try:
        classes, rows = model.output_shape[-1], model.get_layer("embedding").input_dim
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise RunError(f"{path} is not a classifier of this project: {error}") from error
    if not (type(classes) is type(rows) is int):
        raise RunError(f"{path} is not a classifier of this project: it has several outputs.")
    return classes, rows
