"""Finds a model by name or path: a shipped model, a run folder or a .tflite file.

All commands and functions that take a model use this module.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo import imports, pretrained, records

if TYPE_CHECKING:
    from zoo.bundle import Bundle
    from zoo.inference import Classifier

Kind = Literal["shipped", "run", "file"]
RUN = "a run folder written by train.py"
FILE = "a .tflite file written by `python -m export`"
ENDING = ".tflite"


class ModelNotFoundError(ValueError):
    """A name or path of no model, or of one without the Keras model that is needed."""


@dataclass(frozen=True)
class Reference:
    """An existing model that is not loaded yet.

    Attributes:
        kind: `shipped` for a model of the package, `run` for a run folder, or `file` for a .tflite
            file.
        path: The folder or the file.
        name: The name or path as the user gave it.
    """

    kind: Kind
    path: Path
    name: str

    def classifier(self) -> Classifier:
        """Loads the model as a classifier; only a run folder needs Keras.

        Raises:
            ValueError: If it is damaged, or not a text classifier.
        """
        if self.kind == "run":
            from zoo import bundle

            return bundle.load(self.path).classifier()
        from zoo import litert

        return litert.load(pretrained.file(self.name) if self.kind == "shipped" else self.path)

    def bundle(self) -> Bundle:
        """Loads the model with its Keras model.

        Raises:
            ModelNotFoundError: If it is a .tflite file.
            ValueError: If it is damaged.
        """
        self.require_weights()
        if self.kind == "shipped":
            return pretrained.load(self.name)
        from zoo import bundle

        return bundle.load(self.path)

    def require_weights(self) -> None:
        """Raises `ModelNotFoundError` if there is no Keras model to train or export."""
        if self.kind == "file":
            raise ModelNotFoundError(
                f"{self.name} is a .tflite file, which holds no Keras model. Give "
                f"{_forms(weights=True)}."
            )

    def record(self) -> dict[str, Any] | None:
        """The content of config.json; None for a file that is not in its run folder.

        Raises:
            zoo.records.RunError: If it is damaged.
        """
        if self.kind != "file":
            return records.read(self.path)
        run = run_of(self.path)
        return records.read(run) if run else None

    def exports(self) -> Path:
        """The folder for exported files; for a shipped model, it is in runs/NAME."""
        return (Path("runs") / self.name if self.kind == "shipped" else self.path) / records.EXPORTS


def resolve(model: str | os.PathLike, *, weights: bool = False) -> Reference:
    """Finds a model, without reading its weights or importing Keras.

    Args:
        model: The name of a shipped model, a run folder or a .tflite file. For a folder with the
            name of a shipped model, give `./NAME` or a `Path`.
        weights: Whether a Keras model is needed, which a .tflite file does not have.

    Raises:
        ModelNotFoundError: If there is no such model; the message lists the valid forms.
        zoo.records.RunError: If it is a folder without a finished run.
        zoo.imports.ImportedModuleError: If it is a run with a cell that is not registered.
    """
    name = os.fspath(model)
    if isinstance(model, str) and name in pretrained.names():
        return Reference("shipped", pretrained.FOLDER / name, name)
    path = Path(name)
    if path.is_dir():
        records.require_finished(path)
        _require_registered(path)
        return Reference("run", path, name)
    if not path.is_file():
        near = difflib.get_close_matches(name, pretrained.names(), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ModelNotFoundError(f"There is no model {name}.{hint} Give {_forms(weights)}.")
    if path.suffix != ENDING:
        raise ModelNotFoundError(f"{name} is not a .tflite file. Give {_forms(weights)}.")
    reference = Reference("file", path, name)
    if weights:
        reference.require_weights()
    return reference


def _require_registered(run: Path) -> None:
    """Refuses a run with a cell that is not registered, before Keras is imported."""
    try:
        record = records.read(run)
    except records.RunError:
        return  # loading the bundle raises the full error
    imports.check_registered(record, run)


def run_of(file: Path) -> Path | None:
    """The run folder that a file was exported from, if the file is still in it."""
    folder = file.resolve().parent
    in_run = folder.name == records.EXPORTS and (folder.parent / records.CONFIG).is_file()
    return folder.parent if in_run else None


def _forms(weights: bool) -> str:
    shipped = f"the name of a model that comes with the package ({', '.join(pretrained.names())})"
    forms = [shipped, RUN, *([] if weights else [FILE])]
    return f"{', '.join(forms[:-1])}{',' if len(forms) > 2 else ''} or {forms[-1]}"
