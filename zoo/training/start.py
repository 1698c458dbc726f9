"""Starts a training run: checks what it can before Keras is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import lock, models, pieces, records, terminal
from zoo.datasets import Dataset
from zoo.training import folder, vectors
from zoo.training.config import TrainingConfig
from zoo.wordpiece import WordPieceTokenizer

if TYPE_CHECKING:
    from zoo.bundle import Bundle


def train(
    config: TrainingConfig,
    output: str | os.PathLike,
    *,
    resume: bool = False,
    tensorboard: bool = True,
    verbose: bool = True,
) -> Bundle:
    """Trains a model and writes its run folder (see `zoo.records`).

    The vocabulary comes from the training texts alone. The weights kept are those of one epoch,
    chosen by validation accuracy or what takes its place (see `TrainingConfig.keep`). The test
    texts are read once, at the end, with those weights. Settings that are None are chosen from the
    data.

    Args:
        config: The settings.
        output: The run folder. During training it contains `checkpoint/`.
        resume: Resume an interrupted run from its last checkpoint.
        tensorboard: Write logs for TensorBoard to `output/logs`, if TensorFlow is installed.
        verbose: Show progress.

    Returns:
        The trained model, with its figures on validation and test.

    Raises:
        zoo.records.RunError: If `output` holds anything already, or with `resume` no run that can
            be resumed.
        zoo.lock.LockedError: If another process trains in `output`.
        zoo.training.checkpoint.DivergedError: If the loss became NaN or overflowed. The run folder
            then has the best weights before that; none is written if no epoch was complete.
        zoo.datasets.DatasetError: If the data set cannot be read.
    """
    output = Path(output)
    folder.begin(config, output, resume)
    with lock.locked(output):
        # Again: the previous holder of the lock may have written.
        config = folder.begin(config, output, resume)
        _check_files(config)
        dataset = _read_dataset(config)
        _check_scores(config, dataset)
        with terminal.progress("Loading Keras"):
            from zoo.training import loop
        return loop.train(
            config, dataset, output, resume=resume, tensorboard=tensorboard, verbose=verbose
        )


def _check_files(config: TrainingConfig) -> None:
    """Raises `ValueError` if an input other than the data set is missing."""
    if config.tokenizer == WordPieceTokenizer.kind:
        pieces.require()
    if config.init:
        models.resolve(config.init, weights=True)
    if config.vectors:
        vectors.check(config.vectors)
    for source in config.unlabelled_sources:
        source.check_unlabelled()


def _check_scores(config: TrainingConfig, dataset: Dataset) -> None:
    """Raises `ValueError` if a setting or the initial model is for another kind of scores."""
    config.check_scores(dataset.scores)
    if not config.init:
        return
    record = models.resolve(config.init, weights=True).record() or {}
    before = records.kind(record) or "softmax"
    if before != dataset.scores:
        raise ValueError(
            f"--init starts from a model of the same --scores, and those of {config.init} are "
            f"{before} while the data set is for {dataset.scores}; leave --init out, or take "
            "another model."
        )


def _read_dataset(config: TrainingConfig) -> Dataset:
    """Reads the data set."""
    if any(source.is_tfds for source in (config.source, *config.unlabelled_sources)):
        with terminal.progress("Loading Keras"):
            from zoo import devices
        devices.keep_tensorflow_off()
    return config.source.dataset(seed=config.seed, limit=config.limit)
