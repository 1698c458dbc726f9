"""Loads model.keras files, after checks of what Keras would build."""

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from zoo import archive
from zoo.reasons import first_line

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
ENTRIES = {CONFIG, WEIGHTS, METADATA}
LARGEST = 4_000_000_000  # bytes
LARGEST_CONFIG = 1_000_000  # bytes
BUILT_IN = ("keras", "builtins")  # packages of the classes that need no registration
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
STATE_RATIO = 64  # largest ratio of a layer's units² to the bytes of all weights


class KerasFileError(ValueError):
    """A model.keras that is damaged, or that would allocate far more memory than its weights."""


def load(path: str | os.PathLike) -> keras.Model:
    """Loads a model without running code in the file.

    Raises:
        KerasFileError: If the file is damaged or too large, or has unknown layers.
    """
    path = Path(path)
    try:
        _check(path)
    except KerasFileError:
        raise
    except archive.DAMAGE as error:
        raise KerasFileError(f"{path} is damaged ({first_line(error)}).") from None
    except ValueError as error:
        raise KerasFileError(f"{path} is damaged: {first_line(error)}.") from None
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras's errors for a bad file have no common class
        newer = _newer_version(path)
        if newer:
            raise KerasFileError(
                f"{path} was saved by Keras {newer}, and Keras {keras.__version__} cannot load it. "
                f"Install keras>={newer}."
            ) from error
        raise KerasFileError(f"Keras cannot load {path}: {first_line(error)}") from error
    if not isinstance(model, keras.Model):
        raise KerasFileError(f"{path} holds a {type(model).__name__}, not a model.")
    return model


def _newer_version(path: Path) -> str | None:
    """The version of Keras that saved a file, if it is newer than the installed one."""
    with archive.opened(str(path), largest=LARGEST) as files:
        if METADATA not in files.namelist():
            return None
        try:
            saved = json.loads(files.read(METADATA)).get("keras_version")
        except (ValueError, AttributeError):
            return None
    numbers = [_VERSION.match(str(version)) for version in (saved, keras.__version__)]
    if not all(numbers):
        return None
    theirs, ours = (tuple(map(int, found.groups())) for found in numbers if found)
    return saved if theirs > ours else None


def _check(path: Path) -> None:
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"it has {size:,} bytes; {LARGEST:,} are allowed")
    with archive.opened(str(path), largest=LARGEST) as files:
        names = set(files.namelist())
        if not {CONFIG, WEIGHTS} <= names <= ENTRIES:
            raise ValueError(f"it holds {sorted(names)[:5]}, not {sorted(ENTRIES)}")
        if files.getinfo(CONFIG).file_size > LARGEST_CONFIG:
            raise ValueError(f"its {CONFIG} is larger than {LARGEST_CONFIG:,} bytes")
        # Reading an entry completely checks its checksum, which Keras does not always do.
        content = {name: files.read(name) for name in sorted(names)}
    _check_weights(content[WEIGHTS])
    try:
        config = json.loads(content[CONFIG])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its {CONFIG} is not JSON ({first_line(error)})") from None
    _check_sizes(config, len(content[WEIGHTS]))
    _check_classes(path, config)


def _check_weights(content: bytes) -> None:
    """Checks that the arrays fit the file: Keras does not compress, so larger ones are a bomb."""
    sizes = []

    def look(_, item):
        if isinstance(item, h5py.Dataset):
            sizes.append(item.nbytes)

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visititems(look)
    except Exception as error:  # HDF5's errors for a bad file have no common class
        raise ValueError(f"its {WEIGHTS} cannot be read ({first_line(error)})") from None
    if sum(sizes) > len(content):
        raise ValueError(
            f"its {WEIGHTS} would take {sum(sizes):,} bytes of memory, but has {len(content):,}"
        )


def _check_sizes(config: Any, weights: int) -> None:
    """Checks the layers' sizes, since building layers that are too large would fill the memory."""
    for value in _dicts(config):
        units, rows, width = (_size(value, key) for key in ("units", "input_dim", "output_dim"))
        # Each unit has a weight of at least two bytes. Most recurrent layers have units × units
        # weights, which are built before a mismatch is detected.
        recurrent = "kernel_initializer" not in value or "recurrent_initializer" in value
        if max(units, rows * width) * 2 > weights or (
            recurrent and units**2 > STATE_RATIO * weights
        ):
            raise ValueError(f"its {CONFIG} describes a larger layer than its weights")


def _check_classes(path: Path, config: Any) -> None:
    """Checks that foreign classes are registered already; none is imported for the file."""
    for value in _dicts(config):
        kind, module, name = (value.get(key) for key in ("class_name", "module", "registered_name"))
        foreign = isinstance(module, str) and module.partition(".")[0] not in BUILT_IN
        custom = isinstance(name, str) and ">" in name
        if (foreign or custom) and keras.saving.get_registered_object(name) is None:
            raise KerasFileError(
                f"{path} holds a {kind!r:.60} of the module {module!r:.60}, which is not "
                "registered. Import the module that registers it first (--import MODULE), if "
                "you trust it."
            )


def _dicts(config: Any) -> Iterator[dict]:
    """Yields every dict in a JSON value."""
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
            yield value
        elif isinstance(value, list):
            left += value


def _size(config: dict, key: str) -> int:
    value = config.get(key)
    return value if isinstance(value, int) else 0
