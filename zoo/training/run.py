"""The run folder while a run goes on: begun, gone on with, recorded."""

import dataclasses
import datetime
import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from zoo import devices
from zoo.datasets import Dataset
from zoo.files import remove_partial
from zoo.text import Tokenizer
from zoo.training.checkpoint import Checkpoint
from zoo.training.config import TrainingConfig
from zoo.training.defaults import CHOSEN
from zoo.training.model import sizes

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


# Settings that runs did without before they were added, and what those runs did.
BEFORE_THERE_WAS = {"keep": "best"}

CHOSEN_BEFORE = "chosen from the data"


class RunError(ValueError):
    """A run folder that cannot be written to or gone on with."""


def read_config(output: Path) -> TrainingConfig:
    """The settings of an interrupted run.

    Raises:
        RunError: If there is none at `output`.
    """
    path = output / "checkpoint" / "config.json"
    if not path.is_file():
        state = "is finished" if (output / "model.keras").is_file() else "holds no run"
        raise RunError(f"There is nothing to resume: {output} {state}.")
    recorded = json.loads(path.read_text(encoding="utf-8"))
    return TrainingConfig(**BEFORE_THERE_WAS | recorded)


def begin(config: TrainingConfig, output: Path, resume: bool) -> TrainingConfig:
    """The settings of a run that begins or goes on at `output`.

    A run that goes on keeps what was chosen from the data when it began.

    Raises:
        RunError: If a run cannot begin or go on there.
    """
    if resume:
        before = read_config(output)
        chosen = {name: getattr(before, name) for name in CHOSEN if getattr(config, name) is None}
        config = dataclasses.replace(config, **chosen)
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
        return config
    if output.exists() and not output.is_dir():
        raise RunError(f"{output} is a file. Choose another --output.")
    if (output / "model.keras").exists():
        raise RunError(f"{output} holds a finished run. Choose another --output, or remove it.")
    if (output / "checkpoint" / "config.json").exists():
        raise RunError(
            f"{output} holds an interrupted run. Go on with --resume --output {output}, choose "
            "another --output, or remove it."
        )
    return config


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


def chosen_before(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names of the settings that were chosen from the data when a run began."""
    before = json.loads((checkpoint.folder / "data.json").read_text(encoding="utf-8"))
    return tuple(before.get(CHOSEN_BEFORE, ()))


def record(
    config: TrainingConfig,
    model: keras.Model,
    tokenizer: Tokenizer,
    dataset: Dataset,
    mixed: bool,
    chosen: Sequence[str] = (),
) -> dict[str, Any]:
    """All that made a run: its config.json.

    Args:
        config: The settings, with what was chosen from the data.
        model: What was trained.
        tokenizer: What splits its texts.
        dataset: What it learnt from.
        mixed: Whether it was trained in 16 bits.
        chosen: Names of the settings that were chosen from the data.
    """
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
        "chosen_from_data": list(chosen),
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
