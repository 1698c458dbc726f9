"""Imports of the user's modules that register cells: `--import MODULE`."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shlex
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo import catalogue, terminal


class ImportedModuleError(ValueError):
    """A module that does not exist or cannot be run."""


def add_flag(parser: argparse.ArgumentParser) -> None:
    """Adds the flag `--import`, as `imports`."""
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        metavar="MODULE",
        help="import a module of yours first, which registers a cell: its name, or a path that "
        "ends in .py; may be repeated",
    )


def load_for_command(prog: str, specs: Iterable[str]) -> None:
    """Imports the modules of `--import`, and warns of modules that register nothing."""
    idle = []
    for spec in specs:
        with terminal.progress(f"Importing {spec}"):
            idle += load([spec])
    for spec in idle:
        print(
            f"{prog}: warning: --import {spec} registers no cell (see zoo.register).",
            file=sys.stderr,
        )


def load(specs: Iterable[str]) -> list[str]:
    """Imports modules, with the current folder first on the path.

    A module that is already imported is not run again.

    Args:
        specs: Names of modules, or paths that end in .py.

    Returns:
        The modules that were run and registered no cell.

    Raises:
        ImportedModuleError: If a module does not exist or raises an error.
    """
    idle = []
    for spec in specs:
        before = dict(catalogue.REGISTERED)
        if _load(spec) and before == catalogue.REGISTERED:
            idle.append(spec)
    return idle


def _load(spec: str) -> bool:
    """Imports a module, and returns whether it was run."""
    path = Path(spec) if spec.endswith(".py") else None
    name = path.stem if path else spec
    if path and not path.is_file():
        raise ImportedModuleError(f"--import {spec}: no such file.")
    if not path and not all(part.isidentifier() for part in name.split(".")):
        raise ImportedModuleError(
            f"--import {spec}: this is neither a module name nor a path that ends in .py."
        )
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        if path and (file is None or Path(file).resolve() != path.resolve()):
            raise ImportedModuleError(
                f"--import {spec}: another module {name!r} is already imported"
                f"{f' from {file}' if file else ''}. Rename the file."
            )
        return False
    with _on_path(path.resolve().parent if path else Path.cwd()):
        try:
            _run_file(name, path) if path else importlib.import_module(name)
        except (Exception, SystemExit) as error:  # a user's module may raise anything
            raise _refusal(spec, name, error) from error
    return True


def _run_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _refusal(spec: str, name: str, error: BaseException) -> ImportedModuleError:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and (name == missing or name.startswith(f"{missing}.")):
        return ImportedModuleError(
            f"--import {spec}: no module {missing!r}, neither in {Path.cwd()} nor on Python's "
            "path. Give the name of a module in this folder, or a path that ends in .py."
        )
    what = type(error).__name__ + (f": {error}" if str(error) else "")
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).stem == name.rpartition(".")[2]
    ]
    line = f"line {frames[-1].lineno} " if frames else "it "
    return ImportedModuleError(f"--import {spec}: {line}raises {what}")


def check_registered(config: Mapping[str, Any], folder: Path) -> None:
    """Refuses a run with a cell that is not registered.

    Its module is not imported automatically: a run folder may come from anyone, and importing the
    module that it names would run their code.

    Args:
        config: The content of the run's config.json.
        folder: The run folder.

    Raises:
        ImportedModuleError: If the model is not in the catalogue and the run names modules.
    """
    training, model = config.get("training"), config.get("model")
    imports = training.get("imports") if isinstance(training, dict) else None
    name = model.get("name") if isinstance(model, dict) else None
    if not isinstance(imports, list) or not imports or not isinstance(name, str):
        return
    if name in catalogue.list_models():
        return
    flags = " ".join(f"--import {shlex.quote(str(spec))}" for spec in imports)
    raise ImportedModuleError(
        f"{folder} was trained with a cell that is not in the catalogue ({name}). Give {flags}, "
        "if you trust that module; in Python, import it first."
    )
