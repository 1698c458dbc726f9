"""The folder of an unfinished run: its settings, inputs and checkpoint."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import lock, records
from zoo.catalogue import UnknownModelError
from zoo.datasets import Dataset
from zoo.digest import DamagedFileError
from zoo.files import remove_partial, write_text
from zoo.imports import ImportedModuleError
from zoo.records import RunError
from zoo.tokenizers import AnyTokenizer
from zoo.training.config import TrainingConfig
from zoo.training.defaults import CHOSEN

if TYPE_CHECKING:
    import keras

    from zoo.training.checkpoint import Checkpoint

# Settings that older versions did not have, with their behaviour.
BEFORE_THERE_WAS = {"keep": "best"}

CHOSEN_BEFORE = "chosen from the data"


def read_config(output: Path, imports: Sequence[str] | None = None) -> TrainingConfig:
    """Reads the settings of an interrupted run.

    Args:
        output: The run folder.
        imports: Modules to import instead of the recorded ones.

    Raises:
        RunError: If there is none at `output`, or its settings cannot be read.
        zoo.imports.ImportedModuleError: If a module cannot be imported.
        zoo.catalogue.UnknownModelError: If its model is not in the catalogue.
    """
    path = output / records.CHECKPOINT / records.SETTINGS
    if not records.is_unfinished(output):
        state = "is finished" if records.is_finished(output) else "holds no run"
        raise RunError(f"There is nothing to resume: {output} {state}.")
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        changed = {} if imports is None else {"imports": imports}
        if imports is None:
            _require_outside(recorded.get("imports", ()), output)
        return TrainingConfig(**BEFORE_THERE_WAS | recorded | changed)
    except (ImportedModuleError, UnknownModelError):
        raise
    except (TypeError, ValueError) as error:
        raise RunError(
            f"{path} is damaged, or is not the settings of a training run ({error}). Begin again "
            "in another --output."
        ) from error


def _require_outside(specs: Sequence[str], output: Path) -> None:
    """Refuses to import a module from inside the run folder, which may come from anybody."""
    inside = output.resolve()
    for spec in specs:
        place = Path(spec).resolve() if spec.endswith(".py") else Path.cwd()
        if place.is_relative_to(inside):
            raise ImportedModuleError(
                f"{output} would run {spec}, which lies in it. If you trust it, give --import "
                f"{spec}."
            )


def check_place(output: Path) -> None:
    """Raises `RunError` if `output` is not free for a new run."""
    if output.exists() and not output.is_dir():
        raise RunError(f"{output} is a file. Choose another --output.")
    if not output.exists():
        return
    if records.is_finished(output):
        raise RunError(f"{output} holds a finished run. Choose another --output, or remove it.")
    if records.is_unfinished(output):
        raise RunError(
            f"{output} holds an interrupted run. Go on with --resume --output {output}, choose "
            "another --output, or remove it."
        )
    foreign = sorted(path.name for path in output.iterdir() if not _is_of_a_run(path))
    if foreign:
        raise RunError(
            f"{output} holds other files ({', '.join(foreign[:4])}"
            f"{', …' if len(foreign) > 4 else ''}), and a run could overwrite them. Choose an "
            "empty or a new folder as --output."
        )


def _is_of_a_run(path: Path) -> bool:
    """Whether a path may be left from a run that was refused or killed early."""
    if path.name == lock.NAME or any(path.name.startswith(f".{name}-") for name in records.FILES):
        return True
    if path.name == records.LOGS:
        return path.is_dir() and all(one.name in ("train", "validation") for one in path.iterdir())
    if path.name != records.CHECKPOINT or not path.is_dir():
        return False
    return all(map(_is_of_a_checkpoint, path.iterdir()))


def _is_of_a_checkpoint(path: Path) -> bool:
    name = path.name.lstrip(".")
    answers = records.ANSWERS.partition("{")[0]
    known = (answers, records.INPUTS, records.SETTINGS, records.HISTORY, records.STATE)
    return name.startswith(known) or ".weights.h5" in name


def begin(config: TrainingConfig, output: Path, resume: bool) -> TrainingConfig:
    """The settings of a run that starts or is resumed at `output`.

    A resumed run keeps the settings that were chosen from the data when it started.

    Raises:
        RunError: If a run cannot be started or resumed there.
    """
    if resume:
        before = read_config(output, config.imports)
        chosen = {name: getattr(before, name) for name in CHOSEN if getattr(config, name) is None}
        config = dataclasses.replace(config, **chosen)
        changed = [
            field.name
            for field in dataclasses.fields(TrainingConfig)
            if getattr(before, field.name) != getattr(config, field.name)
        ]
        if changed:
            raise RunError(
                f"{output} was started with other settings ({', '.join(changed)}). Resume with the "
                "same ones, or choose another --output."
            )
        remove_partial(output, records.FILES)
        return config
    check_place(output)
    return config


def check_checkpoint(checkpoint: Checkpoint) -> None:
    """Raises `RunError` if a file of the checkpoint is damaged."""
    try:
        checkpoint.check()
    except DamagedFileError as error:
        raise RunError(
            f"{error} The run cannot be resumed; start again in another --output."
        ) from error


def check_data(now: dict[str, Any], output: Path, checkpoint: Checkpoint) -> None:
    """Raises `RunError` if the inputs of an interrupted run have changed."""
    try:
        before = json.loads(checkpoint.data.read_text(encoding="utf-8"))
        if not isinstance(before, dict):
            raise ValueError("it holds no JSON object")
    except (OSError, ValueError) as error:
        raise RunError(
            f"{checkpoint.data} is missing or damaged ({error}). The run cannot be resumed; start "
            "again in another --output."
        ) from error
    now = json.loads(records.dumps(now))  # tuples as lists
    changed = [name for name, value in now.items() if before.get(name) != value]
    if changed:
        raise RunError(
            f"{output} was started with other inputs ({', '.join(changed)}). Resume with the same, "
            "or choose another --output."
        )


def check_kept_weights(checkpoint: Checkpoint, figure: float, mixed: bool) -> None:
    """Compares the watched figure of the kept weights with the history.

    Args:
        checkpoint: The run's checkpoint.
        figure: The watched figure of the kept weights on the validation texts.
        mixed: Whether the run used mixed precision, whose rounding may change a label.

    Raises:
        RunError: If they differ.
    """
    watch = checkpoint.watch
    noted = checkpoint.kept[watch.figure]
    if not watch.is_same(figure, noted, mixed):
        raise RunError(
            f"{checkpoint.best_weights} is not of this run: its {watch.title} on the validation "
            f"texts is {figure:.4f}, and the history says {noted:.4f}. Begin again in another "
            "--output."
        )


def note(
    output: Path, config: TrainingConfig, inputs: dict[str, Any], chosen: Sequence[str]
) -> None:
    """Writes the settings and inputs of a run, which make it an unfinished run.

    Args:
        output: The run folder.
        config: The settings, with what was chosen from the data.
        inputs: Digests of the inputs, for `check_data`.
        chosen: Names of the settings that were chosen from the data.
    """
    folder = output / records.CHECKPOINT
    write_text(folder / records.INPUTS, records.dumps(inputs | {CHOSEN_BEFORE: chosen}))
    write_text(folder / records.SETTINGS, records.dumps(dataclasses.asdict(config)))


def chosen_before(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names of the settings that were chosen from the data when the run started."""
    before = json.loads(checkpoint.data.read_text(encoding="utf-8"))
    return tuple(before.get(CHOSEN_BEFORE, ()))


def record(
    config: TrainingConfig,
    model: keras.Model,
    tokenizer: AnyTokenizer,
    dataset: Dataset,
    mixed: bool,
    chosen: Sequence[str] = (),
    scores: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The record of a run, its config.json.

    Args:
        config: The settings, with what was chosen from the data.
        model: The trained model.
        tokenizer: Its tokenizer.
        dataset: The training data.
        mixed: Whether it was trained in mixed precision.
        chosen: Names of the settings that were chosen from the data.
        scores: The kind of its scores, `zoo.kinds.Kind.record`.
    """
    import keras

    from zoo import devices
    from zoo.training.model import sizes

    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    return records.make(
        model={
            "name": config.model,
            "vocab_size": model.get_layer("embedding").input_dim,
            "num_classes": len(dataset.labels),
            **sizes(model),
            "dropout": dropouts[0].rate,
            "parameters": model.count_params(),
        },
        tokenizer=tokenizer,
        dataset=dataset,
        training={**dataclasses.asdict(config), "mixed_precision": mixed},
        chosen=chosen,
        device=devices.describe(),
        backend=keras.backend.backend(),
        scores=scores,
    )
