"""The files of a run folder, checked as they are read (see `zoo.bundle`)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo import imports, samples, sums
from zoo.samples import Samples
from zoo.text import Tokenizer, Vocabulary

if TYPE_CHECKING:
    import keras

MODEL, VOCABULARY, LABELS, CONFIG = "model.keras", "vocab.txt", "labels.txt", "config.json"
LARGEST = {VOCABULARY: 32_000_000, LABELS: 1_000_000, CONFIG: 16_000_000}  # bytes
LONGEST_TEXT = 2**20  # ids
# Exported files are called by the model's name, so it must be no path.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BundleError(ValueError):
    """A run folder that is not there, not finished, not whole or damaged."""


class RunParts(NamedTuple):
    """What the files hold, as `zoo.bundle.Bundle` takes it."""

    model: keras.Model
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    config: dict[str, Any]
    samples: Samples | None


def check_name(config: dict) -> None:
    """Raises `BundleError` if a run's configuration does not name its model as a file can be."""
    model = config.get("model") if isinstance(config, dict) else None
    name = model.get("name") if isinstance(model, dict) else None
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise BundleError(
            f"The model's name is {name!r:.60}; a name is at most 100 letters, digits, '.', '_' "
            f"and '-', and begins with a letter or digit. It stands in {CONFIG}, under model."
        )


def check_imports(folder: Path) -> None:
    """Raises `BundleError` if a run's cell is of a module that was not imported (`zoo.imports`)."""
    try:
        config = _settings(folder / CONFIG, _part(folder, CONFIG, None))
    except BundleError:
        return  # `read` says what is wrong with it, once it knows whether the file is damaged
    _check_imports(config, folder)


def _check_imports(config: dict[str, Any], folder: Path) -> None:
    try:
        imports.check_registered(config, folder)
    except imports.ImportedModuleError as error:
        raise BundleError(str(error)) from error


def read(folder: Path) -> RunParts:
    """Reads the files of a finished run.

    Raises:
        BundleError: If one is damaged, too large, or of another model.
    """
    try:
        return _read(folder, sums.read(folder))
    except BundleError:
        raise
    except ValueError as error:
        raise BundleError(str(error)) from error
    except MemoryError:
        raise BundleError(f"{folder} holds more than the memory does, or is damaged.") from None


def _read(folder: Path, digests: Mapping[str, str] | None) -> RunParts:
    content = {name: _part(folder, name, digests) for name in LARGEST}
    with_samples = (folder / samples.FILE).is_file()
    for name in (MODEL, *([samples.FILE] if with_samples else [])):
        if digests is not None:
            _check_digest(folder, name, digests, sums.digest(folder / name))
    vocabulary = Vocabulary.parse(content[VOCABULARY], source=str(folder / VOCABULARY))
    labels = tuple(_lines(folder / LABELS, content[LABELS]))
    config = _settings(folder / CONFIG, content[CONFIG])
    _check_imports(config, folder)
    options = config["tokenizer"]
    try:
        check_name(config)
        tokenizer = Tokenizer(vocabulary, options["max_length"], options["delimiter"])
    except ValueError as error:
        raise BundleError(f"{folder / CONFIG}: {error}") from error
    import zoo.cells
    import zoo.layers  # noqa: F401  registers what model.keras may hold
    from zoo import keras_file

    model = keras_file.load(folder / MODEL)
    classes, rows = _sizes(folder / MODEL, model)
    if classes != len(labels):
        raise BundleError(
            f"{folder}: {MODEL} has {classes} classes and {LABELS} {len(labels)} lines; they "
            "belong to different models, or one was cut."
        )
    # A model that was trained here has a row for each id of its vocabulary.
    if vocabulary.size > rows or ("training" in config and vocabulary.size < rows):
        raise BundleError(
            f"{folder}: {MODEL} knows {rows} token ids and {VOCABULARY} has {vocabulary.size}; "
            "they belong to different models, or one was cut."
        )
    kept = samples.load(folder / samples.FILE, len(labels), rows) if with_samples else None
    return RunParts(model, tokenizer, labels, config, kept)


def _part(folder: Path, name: str, digests: Mapping[str, str] | None) -> bytes:
    """The content of a file that is as large as it may be, and as it was written."""
    path = folder / name
    size = path.stat().st_size
    if size > LARGEST[name]:
        raise BundleError(f"{path} has {size:,} bytes; {LARGEST[name]:,} are allowed.")
    content = path.read_bytes()
    if digests is not None:
        _check_digest(folder, name, digests, hashlib.sha256(content).hexdigest())
    elif name != CONFIG and content and not content.endswith(b"\n"):
        raise BundleError(f"{path} does not end with a line end, so it may have been cut; add one.")
    return content


def _check_digest(folder: Path, name: str, digests: Mapping[str, str], found: str) -> None:
    if digests.get(name) != found:
        raise BundleError(
            f"{folder / name} is damaged or was changed: its SHA-256 is not that in {sums.NAME}. "
            f"If it was changed on purpose, remove {sums.NAME}; otherwise copy the run again."
        )


def _lines(path: Path, content: bytes) -> list[str]:
    try:
        text = content.decode()
    except ValueError as error:
        raise BundleError(f"{path} is damaged: {error}.") from error
    # Not splitlines, which also splits at characters that a label may hold.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _settings(path: Path, content: bytes) -> dict[str, Any]:
    """The configuration, with what is read of it here in the types that it was written in."""
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is damaged: {error!r:.200}.") from error
    if not isinstance(config, dict):
        raise BundleError(f"{path} is damaged: it holds a {type(config).__name__}, no object.")
    for name in ("model", "tokenizer", "training", "data"):
        needed = name in ("model", "tokenizer")
        if not isinstance(config.get(name, None if needed else {}), dict):
            raise BundleError(f"{path} is damaged: {name!r} is missing or no object.")
    length, delimiter = (config["tokenizer"].get(name) for name in ("max_length", "delimiter"))
    if type(length) is not int or not 1 <= length <= LONGEST_TEXT:
        raise BundleError(
            f"{path}: max_length is {length!r:.60}; it must be an integer from 1 to "
            f"{LONGEST_TEXT:,}."
        )
    if not isinstance(delimiter, str):
        raise BundleError(f"{path}: delimiter is {delimiter!r:.60}; it must be a string.")
    return config


def _sizes(path: Path, model: keras.Model) -> tuple[int, int]:
    """The classes and the rows of the embedding."""
    try:
        classes, rows = model.output_shape[-1], model.get_layer("embedding").input_dim
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise BundleError(f"{path} is no classifier of this project: {error}") from error
    if not (type(classes) is type(rows) is int):
        raise BundleError(f"{path} is no classifier of this project: it has several outputs.")
    return classes, rows
