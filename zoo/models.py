"""Resolves the name of a model: a shipped model, a run folder or a .tflite file.

All commands and functions that take a model use this module.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo import imports, pretrained, records

if TYPE_CHECKING:
    import keras

    from zoo.bundle import Bundle
    from zoo.inference import Classifier

Kind = Literal["shipped", "run", "file", "keras"]
RUN = "a run folder, as train.py writes it"
FILE = "a .tflite file, as `python -m export` writes it"
KERAS = "a .keras or .h5 file of a Keras model"
ENDING = ".tflite"
KERAS_ENDINGS = (".keras", ".h5", ".hdf5")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")  # what no name of a file should have
SAVED_MODEL = ("saved_model.pb", "keras_metadata.pb")  # one of them is in the folder of one


class ModelNotFoundError(ValueError):
    """A name or path that is not a model, or not of the form that is needed."""


@dataclass(frozen=True)
class Reference:
    """A model that exists and has not been loaded.

    Attributes:
        kind: `shipped` for a model of the package, `run` for a run folder, `file` for a .tflite
            file, `keras` for a Keras model without tokenizer and labels: a .keras or .h5 file, or
            the folder of a SavedModel that Keras 2 wrote.
        path: The folder or the file.
        name: As it was given.
    """

    kind: Kind
    path: Path
    name: str

    def classifier(self) -> Classifier:
        """Loads it as a classifier of texts. Keras is imported for run folders only.

        Raises:
            ValueError: If it is damaged or not a text classifier.
        """
        self.require_tokenizer()
        if self.kind == "run":
            from zoo import bundle

            return bundle.load(self.path).classifier()
        from zoo import litert

        return litert.load(pretrained.file(self.name) if self.kind == "shipped" else self.path)

    def bundle(self) -> Bundle:
        """Loads it with its Keras model.

        Raises:
            ModelNotFoundError: If it is a .tflite file, which has none.
            ValueError: If it is damaged.
        """
        self.require_weights()
        self.require_tokenizer()
        if self.kind == "shipped":
            return pretrained.load(self.name)
        from zoo import bundle

        return bundle.load(self.path)

    def require_weights(self) -> None:
        """Raises `ModelNotFoundError` if it has no Keras model to train or export."""
        if self.kind == "file":
            raise ModelNotFoundError(
                f"{self.name} is a .tflite file, which holds no Keras model. Give "
                f"{_forms(weights=True)}."
            )

    def require_tokenizer(self) -> None:
        """Raises `ModelNotFoundError` if it has no tokenizer and no labels."""
        if self.kind == "keras":
            raise ModelNotFoundError(
                f"{self.name} is a Keras model without tokenizer and labels. Export it with them, "
                f"and give the .tflite file: python -m export {shlex.quote(self.name)} --vocab "
                "FILE --labels FILE."
            )

    def keras_model(self) -> keras.Model:
        """Loads the Keras model alone, of any kind that has one.

        Raises:
            ModelNotFoundError: If it is a .tflite file, which has none.
            ValueError: If it is damaged.
        """
        if self.kind != "keras":
            return self.bundle().model
        from zoo import keras_file

        return keras_file.load_any(self.path)

    def record(self) -> dict[str, Any] | None:
        """Its config.json; None for a file that is not in the export folder of a run, and for a
        Keras model.

        Raises:
            zoo.records.RunError: If it is damaged.
        """
        if self.kind == "keras":
            return None
        if self.kind != "file":
            return records.read(self.path)
        run = run_of(self.path)
        return records.read(run) if run else None

    def exports(self) -> Path:
        """The default folder of its exported files: in the run folder, or in runs/NAME."""
        if self.kind == "run":
            return self.path / records.EXPORTS
        name = self.name if self.kind == "shipped" else file_name(self.path)
        return Path("runs") / name / records.EXPORTS


def file_name(path: str | os.PathLike) -> str:
    """The name of a model's file without its ending, as it can begin the names of others."""
    path = Path(path)
    is_file = path.suffix.lower() in KERAS_ENDINGS
    return plain_name(path.stem if is_file else path.resolve().name)


def plain_name(name: str) -> str:
    """A name as it can begin the names of files."""
    return _ODD.sub("-", name).strip(".-_")[:100] or "model"


def resolve(
    model: str | os.PathLike, *, weights: bool = False, tokenizer: bool = True
) -> Reference:
    """Finds a model, without loading it or importing Keras.

    Args:
        model: The name of a shipped model, a run folder, a .tflite file, or a Keras model: a .keras
            or .h5 file, or the folder of a SavedModel of Keras 2. Pass `./NAME` or a `Path` for a
            folder that has the name of a shipped model.
        weights: Whether a Keras model is needed, which a .tflite file does not have.
        tokenizer: Whether tokenizer and labels are needed, which a Keras model does not have.

    Raises:
        ModelNotFoundError: If there is none; the message lists the possible forms.
        zoo.records.RunError: If it is a folder without a finished run.
        zoo.imports.ImportedModuleError: If it is a run whose cell is not registered.
    """
    name = os.fspath(model)
    if isinstance(model, str) and name in pretrained.names():
        return Reference("shipped", pretrained.FOLDER / name, name)
    path = Path(name)
    if path.is_dir() and not any((path / one).is_file() for one in SAVED_MODEL):
        records.require_finished(path)
        _require_registered(path)
        return Reference("run", path, name)
    if not path.exists():
        near = difflib.get_close_matches(name, pretrained.names(), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ModelNotFoundError(
            f"There is no model {name}.{hint} Give {_forms(weights, tokenizer)}."
        )
    if path.is_dir() or path.suffix.lower() in KERAS_ENDINGS:
        found = Reference("keras", path, name)
        if tokenizer:
            found.require_tokenizer()
        return found
    if path.suffix != ENDING:
        raise ModelNotFoundError(
            f"{name} is a file of another kind. Give {_forms(weights, tokenizer)}."
        )
    found = Reference("file", path, name)
    if weights:
        found.require_weights()
    return found


def _require_registered(run: Path) -> None:
    """Refuses a run whose cell is not registered, before Keras is imported."""
    try:
        record = records.read(run)
    except records.RunError:
        return  # loading the bundle gives a better error, since it checks the hashes
    imports.check_registered(record, run)


def run_of(file: Path) -> Path | None:
    """The run folder that a file was exported from, if the file is still in it."""
    folder = file.resolve().parent
    in_run = folder.name == records.EXPORTS and (folder.parent / records.CONFIG).is_file()
    return folder.parent if in_run else None


def _forms(weights: bool, tokenizer: bool = True) -> str:
    shipped = f"the name of a model that comes with the package ({', '.join(pretrained.names())})"
    forms = [shipped, RUN, *([] if weights else [FILE]), *([] if tokenizer else [KERAS])]
    return f"{', '.join(forms[:-1])}{',' if len(forms) > 2 else ''} or {forms[-1]}"
