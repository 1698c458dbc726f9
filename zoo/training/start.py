"""The beginning of a training run: all that can be refused is refused before Keras is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo import bundle as bundles
from zoo import lock, terminal
from zoo.datasets import Dataset, is_tfds, load_dataset, unlabelled
from zoo.training import run, vectors
from zoo.training.config import TrainingConfig

if TYPE_CHECKING:
    from zoo.bundle import Bundle


def train(
    config: TrainingConfig,
    output: Path,
    *,
    resume: bool = False,
    tensorboard: bool = True,
    verbose: bool = True,
) -> Bundle:
    """Trains a model and writes its run folder (see `zoo.bundle`).

    The vocabulary comes from the training texts alone. The weights kept are those of one epoch,
    chosen by validation accuracy (see `TrainingConfig.keep`). The test texts are read once, at the
    end, with those weights. Settings that are None are chosen from the data.

    Args:
        config: What to train on what, and how.
        output: The run folder. While a run goes on it holds `checkpoint/`.
        resume: Go on with an interrupted run, from what it saved last.
        tensorboard: Write logs for TensorBoard to `output/logs`, where TensorFlow is installed.
        verbose: Show progress.

    Returns:
        The trained model.

    Raises:
        RunError: If `output` holds anything already, or with `resume` no run that can go on.
        zoo.lock.LockedError: If another process trains in `output`.
        zoo.training.checkpoint.DivergedError: If the loss became NaN or overflowed. The run folder
            then holds the best weights before that; none is written if no epoch was whole.
        zoo.datasets.DatasetError: If the data set cannot be read.
    """
    run.begin(config, output, resume)
    with lock.locked(output):
        config = run.begin(config, output, resume)  # the last holder of the lock may have written
        _check_files(config)
        dataset = _read_dataset(config)
        with terminal.progress("Loading Keras"):
            from zoo.training import loop
        return loop.train(
            config, dataset, output, resume=resume, tensorboard=tensorboard, verbose=verbose
        )


def _check_files(config: TrainingConfig) -> None:
    """Raises `ValueError` if something else than the data set is not there."""
    if config.init:
        bundles.check(config.init)
    if config.vectors:
        vectors.check(config.vectors)
    for source in config.unlabelled:
        unlabelled.check(source)


def _read_dataset(config: TrainingConfig) -> Dataset:
    """The texts with labels."""
    if any(map(is_tfds, (config.dataset, *config.unlabelled))):
        with terminal.progress("Loading Keras"):
            from zoo import devices
        devices.keep_tensorflow_off()
    return load_dataset(
        config.dataset,
        data_dir=config.data_dir,
        download_dir=config.download_dir,
        limit=config.limit,
        seed=config.seed,
        text_column=config.text_column,
        label_column=config.label_column,
    )
