"""The run folder while a run goes on: begun, gone on with, recorded."""

from __future__ import annotations

import dataclasses
import datetime
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.datasets import Dataset
from zoo.files import remove_partial
from zoo.text import Tokenizer
from zoo.training.config import TrainingConfig

if TYPE_CHECKING:
    import keras

    from zoo.training.checkpoint import Checkpoint

CHECKPOINT = "checkpoint"  # the folder in a run's that an interrupted run goes on from
# Of a run folder, in the order that they are written.
FILES = (
    "history.csv",
    "metrics.json",
    "README.md",
    "vocab.txt",
    "labels.txt",
    "config.json",
    "model.keras",
)


class RunError(ValueError):
    """A run folder that cannot be written to or gone on with."""


def is_interrupted(output: Path) -> bool:
    """Whether there is a run in that folder that can be resumed."""
    return (output / CHECKPOINT / "config.json").is_file()


def read_config(output: Path) -> TrainingConfig:
    """The settings of an interrupted run.

    Raises:
        RunError: If there is none at `output`.
    """
    if not is_interrupted(output):
        state = "is finished" if (output / "model.keras").is_file() else "holds no run"
        raise RunError(f"There is nothing to resume: {output} {state}.")
    path = output / CHECKPOINT / "config.json"
    return TrainingConfig(**json.loads(path.read_text(encoding="utf-8")))


def check_folder(config: TrainingConfig, output: Path, resume: bool) -> None:
    """Raises `RunError` if a run cannot begin or go on at `output`."""
    if resume:
        before = read_config(output)
        changed = [
            field.name
            for field in dataclasses.fields(TrainingConfig)
            if getattr(before, field.name) != getattr(config, field.name)
        ]
        if changed:
            raise RunError(
                f"{output} was begun with other settings ({', '.join(changed)}). Resume with the "
                "same ones, or choose another --output."
            )
        remove_partial(output, FILES)
        return
    if output.exists() and not output.is_dir():
        raise RunError(f"{output} is a file. Choose another --output.")
    if (output / "model.keras").exists():
        raise RunError(f"{output} holds a finished run. Choose another --output, or remove it.")
    if is_interrupted(output):
        raise RunError(
            f"{output} holds an interrupted run. Go on with --resume --output {output}, choose "
            "another --output, or remove it."
        )


def check_data(now: dict[str, Any], output: Path, checkpoint: Checkpoint) -> None:
    """Raises `RunError` if a run was begun with something else that it cannot go on without."""
    before = json.loads((checkpoint.folder / "data.json").read_text(encoding="utf-8"))
    now = json.loads(dumps(now))  # tuples as lists
    changed = [name for name, value in now.items() if before.get(name) != value]
    if changed:
        raise RunError(
            f"{output} was begun with something else ({', '.join(changed)}). Resume with the same, "
            "or choose another --output."
        )


def record(
    config: TrainingConfig,
    model: keras.Model,
    tokenizer: Tokenizer,
    dataset: Dataset,
    mixed: bool,
) -> dict[str, Any]:
    """All that made a run: its config.json."""
    import keras

    from zoo import devices
    from zoo.training.model import sizes

    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    packages = ("birnn-zoo", "keras", "tensorflow", "jax", "torch", "numpy")
    return {
        "model": {
            "name": config.model,
            "vocab_size": model.get_layer("embedding").input_dim,
            "num_classes": len(dataset.labels),
            **sizes(model),
            "dropout": dropouts[0].rate,
            "parameters": model.count_params(),
        },
        "tokenizer": {"max_length": tokenizer.max_length, "delimiter": tokenizer.delimiter},
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "train": len(dataset.train.texts),
            "validation": len(dataset.valid.texts),
            "test": len(dataset.test.texts),
        },
        "training": {**dataclasses.asdict(config), "mixed_precision": mixed},
        "device": devices.describe(),
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
        "date": datetime.date.today().isoformat(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def dumps(value: Any) -> str:
    """JSON as the run folder has it."""
    return json.dumps(value, indent=2) + "\n"
