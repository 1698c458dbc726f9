"""Loads Keras models from files, after checks of what Keras would build."""

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from zoo import archive, keras_config
from zoo.keras_config import LARGEST, KerasFileError, Stored
from zoo.reasons import first_line

__all__ = ["KerasFileError", "load", "load_any"]

BUILT_IN = ("keras", "builtins")  # packages of the classes that need no registration
METADATA = "metadata.json"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def load(path: str | os.PathLike) -> keras.Model:
    """Loads a .keras file without running code in it.

    Raises:
        KerasFileError: If the file is damaged or too large, or has unknown layers.
    """
    path = Path(path)
    _check(path, keras_config.read(path))
    return _built(path, lambda: keras.models.load_model(path, compile=False))


def load_any(path: str | os.PathLike) -> keras.Model:
    """Loads a .keras file, a .h5 file or a SavedModel of Keras 2, without running code in it.

    The model is compiled with its loss, from which the kind of its scores may follow.

    Raises:
        KerasFileError: If it is damaged or too large, or has layers that cannot be rebuilt.
    """
    from zoo import keras_2  # imports TensorFlow for a SavedModel only

    path = Path(path)
    stored = keras_config.read(path)
    _check(path, stored)
    if path.is_dir():
        model = _built(path, lambda: keras_2.from_folder(path, stored))
    elif path.suffix.lower() in keras_config.HDF5_ENDINGS:
        model = _built(path, lambda: keras_2.from_hdf5(path, stored))
    else:
        model = _built(path, lambda: keras.models.load_model(path, compile=False))
    if stored.loss is not None:
        model.compile(loss=_loss(stored.loss))
    return model


def _built(path: Path, build: Callable[[], Any]) -> keras.Model:
    try:
        model = build()
    except KerasFileError:
        raise
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
    """The version of Keras that saved a .keras file, if it is newer than the installed one."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return None
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


def _check(path: Path, stored: Stored) -> None:
    """Checks that foreign classes are registered already; none is imported for the file."""
    for value in stored.dicts():
        kind, module, name = (value.get(key) for key in ("class_name", "module", "registered_name"))
        config = value.get("config")
        config = config if isinstance(config, dict) else {}
        if kind == "__lambda__" or config.get("function_type") == "lambda":
            raise KerasFileError(
                f"{path} holds a Lambda layer with Python code, which is not run. Write the layer "
                "with keras.ops in the code of the model, load its weights, and save it again."
            )
        if isinstance(config.get("vocabulary"), str):
            raise KerasFileError(
                f"{path} names a file as the vocabulary of a {kind!r:.60}, which is not read. Give "
                "the layer its vocabulary as a list, and save the model again."
            )
        foreign = isinstance(module, str) and module.partition(".")[0] not in BUILT_IN
        custom = isinstance(name, str) and ">" in name
        if (foreign or custom) and keras.saving.get_registered_object(name) is None:
            raise KerasFileError(
                f"{path} holds a {kind!r:.60} of the module {module!r:.60}, which is not "
                "registered. Import the module that registers it first (--import MODULE), if "
                "you trust it."
            )


def _loss(stored: Any) -> Any:
    """The loss as Keras stores it, or a function without known meaning."""
    while isinstance(stored, list) and len(stored) == 1:
        (stored,) = stored
    name, options = stored, {}
    if isinstance(stored, dict):
        name, config = stored.get("class_name"), stored.get("config")
        if isinstance(config, dict) and "from_logits" in config:
            options = {"from_logits": bool(config["from_logits"])}
        if name == "function":
            name = config
    known = getattr(keras.losses, name, None) if isinstance(name, str) else None
    if isinstance(known, type) and issubclass(known, keras.losses.Loss):
        return known(**options)
    try:
        return keras.losses.get(name) if isinstance(name, str) else loss_of_another_package
    except ValueError:
        return loss_of_another_package


def loss_of_another_package(expected, outputs):
    """Stands for a loss that is not Keras's. Models are not trained with it."""
    raise NotImplementedError("The loss of this model is not known here.")
