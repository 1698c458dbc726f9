"""The training loop: from settings and a data set to a run folder."""

import dataclasses
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import card, devices, digest, records, terminal
from zoo.bundle import Bundle
from zoo.datasets import Dataset
from zoo.files import write_text
from zoo.samples import Samples
from zoo.text import DELIMITER
from zoo.training import baseline, epochs, folder, language_model, material, tasks, teachers
from zoo.training import model as models
from zoo.training.batches import Batches, Rest, WithUnlabelled
from zoo.training.checkpoint import Checkpoint, DivergedError
from zoo.training.config import SettledConfig, TrainingConfig
from zoo.training.defaults import CHOSEN
from zoo.training.objectives import SEMI_SUPERVISED
from zoo.training.tasks import Task


def train(
    config: TrainingConfig,
    dataset: Dataset,
    output: Path,
    *,
    resume: bool,
    tensorboard: bool,
    verbose: bool,
) -> Bundle:
    """Trains on a loaded data set; see `zoo.training.train`."""
    say: Callable[..., None] = terminal.say if verbose else lambda *_: None
    say(f"Device: {devices.describe()}; Keras {keras.__version__} on {keras.backend.backend()}")
    started = time.monotonic()
    models.set_seed(config.seed)
    given = material.gather(config, dataset, say)
    task = tasks.of(dataset)
    mixed = config.mixed_precision
    mixed = bool(devices.accelerators()) if mixed is None else mixed
    checkpoint = _checkpoint(given, output, task)
    if resume:
        folder.check_checkpoint(checkpoint)
    inputs = given.digests() | {"backend": keras.backend.backend(), "16 bits": mixed}
    if resume:
        folder.check_data(inputs, output, checkpoint)
        given = dataclasses.replace(given, chosen=folder.chosen_before(checkpoint))
    else:
        teachers.forget(checkpoint.folder)
    settings = {name: getattr(given.config, name) for name in CHOSEN}
    asked = dataclasses.replace(config, **settings)
    folder.note(output, asked, inputs, given.chosen)
    settled = given.config  # with the sizes of the initial model

    with terminal.progress("Splitting the texts into words"):
        ids = _Ids.of(given)
    material.warn_of_unknown_words(ids.valid, given.tokenizer, say)
    try:
        targets = material.targets(given, checkpoint, say)
        model = _begin(given, mixed, task, say)
        steps_per_epoch = -(-len(targets) // settled.batch_size)
        trained = models.compiled(settled, model, steps_per_epoch, task)
    except Exception:  # any error, also out of memory
        if not resume:  # a refused run must not look like one that can be resumed
            checkpoint.config.unlink()
        raise
    epoch = checkpoint.restore(trained) if resume else 0
    if resume:
        steps = f" and {checkpoint.step} steps" if checkpoint.step else ""
        say(f"Resuming after epoch {epoch} of {settled.epochs}{steps}")
    say(f"Model: {settled.model}, {model.count_params():,} parameters")
    if settled.pretrain and epoch == 0:
        _pretrain(settled, model, np.concatenate([ids.train, ids.others]), checkpoint, verbose, say)
    if not checkpoint.is_over:
        bar, lines = epochs.shown(verbose, say, settled.epochs)
        logs = _tensorboard(output / records.LOGS, tensorboard, say)
        callbacks = [*lines, _Forecast(say, settled.epochs), *logs]
        valid = Batches(ids.valid, task.targets(dataset.valid.labels), 256)
        _fit(given, ids, targets, valid, trained, epoch, checkpoint, callbacks, bar)
    return _finish(given, task, output, checkpoint, mixed, started, say)


@dataclasses.dataclass(frozen=True)
class _Ids:
    """Token ids of the texts, int32 [texts, L] each."""

    train: np.ndarray
    others: np.ndarray
    variants: np.ndarray
    valid: np.ndarray

    @classmethod
    def of(cls, given: material.Material) -> "_Ids":
        dataset = given.dataset
        texts = (dataset.train.texts, given.others, given.variants, dataset.valid.texts)
        return cls(*map(given.tokenizer.encode, texts))


def _fit(
    given: material.Material,
    ids: _Ids,
    targets: np.ndarray,
    valid: Batches,
    trained: keras.Model,
    epoch: int,
    checkpoint: Checkpoint,
    callbacks: list[keras.callbacks.Callback],
    bar: int,
) -> None:
    """Trains from an epoch on; first the rest of it, if a run was interrupted in it."""
    config = given.config
    averaged = [keras.callbacks.SwapEMAWeights()] if config.average else []
    options: dict[str, Any] = {
        "validation_data": valid,
        "shuffle": False,  # the batches are shuffled, in the same way in each run
        "callbacks": [checkpoint, *averaged, *callbacks],
        "verbose": bar,
    }
    unknown = given.tokenizer.vocabulary.unknown
    with checkpoint.saving_when_interrupted(), checkpoint.stopping_where_it_diverges():
        if checkpoint.step:
            rest = Rest(_batches(config, ids, targets, epoch, unknown), checkpoint.step)
            epoch += 1
            trained.fit(rest, initial_epoch=epoch - 1, epochs=epoch, **options)
        if epoch < config.epochs and not checkpoint.is_over:
            batches = _batches(config, ids, targets, epoch, unknown)
            trained.fit(batches, initial_epoch=epoch, epochs=config.epochs, **options)


def _checkpoint(given: material.Material, output: Path, task: Task) -> Checkpoint:
    config = given.config
    return Checkpoint(
        output / records.CHECKPOINT,
        config.patience,
        config.seed,
        keep=config.keep,
        validation=len(given.dataset.valid),
        watch=task.watch,
    )


def _begin(given: material.Material, mixed: bool, task: Task, say) -> keras.Model:
    """Creates the model with its initial weights."""
    config, labels = given.config, given.dataset.labels
    vocabulary = given.tokenizer.vocabulary
    # Again: loading models draws random numbers, and a resumed run loads fewer.
    models.set_seed(config.seed)
    model = models.create(config, vocabulary.size, len(labels), mixed=mixed)
    if given.start:
        taken = models.take_weights(model, vocabulary, given.start, labels, task)
        say(f"From {config.init}: {taken}")
    if given.vectors:
        count = models.take_vectors(model, vocabulary, given.vectors)
        say(f"Word vectors: of {count:,} token ids")
    return model


def _batches(
    config: SettledConfig, ids: _Ids, targets: np.ndarray, epoch: int, unknown: int
) -> Batches:
    """The training batches. With teachers, unlabelled texts have targets too."""
    options: dict[str, Any] = {
        "seed": config.seed,
        "epoch": epoch,
        "word_dropout": config.word_dropout,
        "unknown": unknown,
    }
    size = config.batch_size
    if config.teacher:
        everything = np.concatenate([ids.train, ids.others, ids.variants])
        return Batches(everything, targets, size, **options)
    if config.objective in SEMI_SUPERVISED and len(ids.others):
        return WithUnlabelled(ids.others, ids.train, targets, size, **options)
    return Batches(ids.train, targets, size, **options)


def _finish(
    given: material.Material,
    task: Task,
    output: Path,
    checkpoint: Checkpoint,
    mixed: bool,
    started: float,
    say,
) -> Bundle:
    """Evaluates the kept weights and writes the run folder."""
    config, dataset, tokenizer = given.config, given.dataset, given.tokenizer
    # The saved model computes in float32, however it was trained.
    model = models.create(config, tokenizer.vocabulary.size, len(dataset.labels), mixed=False)
    model.load_weights(checkpoint.best_weights)
    model = task.finished(model)
    made_by = folder.record(
        config, model, tokenizer, dataset, mixed, given.chosen, dataset.kind.record()
    )
    kept = None
    if config.samples:
        ids = [tokenizer.encode(part.texts) for part in (dataset.train, dataset.valid)]
        kept = Samples.of(ids[0], dataset.train.labels, ids[1], dataset.valid.labels)
    figures: dict[str, Any] = {"best_epoch": checkpoint.kept["epoch"]}
    bundle = Bundle(model, tokenizer, dataset.labels, made_by, kept, figures)
    kind = task.settled(bundle.classifier().scores, dataset.valid)
    if kind != bundle.kind:
        bundle = dataclasses.replace(bundle, config={**made_by, records.SCORES: kind.record()})
    classifier = bundle.classifier()
    for split, part in (("validation", dataset.valid), ("test", dataset.test)):
        with terminal.progress(f"Answering the {split} texts", len(part)):
            scores = classifier.scores(part.texts)
        figures[split] = {**kind.figures(scores, part.labels), "examples": len(part)}
        if split == "validation":
            folder.check_kept_weights(checkpoint, task.watched(scores, part.labels), mixed)
    with terminal.progress("Fitting the baselines, to compare"):
        figures["baselines"] = baseline.measure(
            dataset, tokenizer.options.get("delimiter", DELIMITER)
        )
    figures["seconds"] = round(time.monotonic() - started, 1)
    if checkpoint.diverged:
        figures["diverged"] = checkpoint.diverged
    compared = baseline.compared(figures, kind)
    warning = baseline.warning(figures, kind)
    write_text(output / records.HISTORY, checkpoint.table)
    write_text(output / records.CARD, card.render(bundle, figures, compared, warning))
    bundle.save(output)
    checkpoint.remove()
    headline = kind.titles[kind.headline]
    for title, on_validation, on_test in compared:
        what = f"{title[0].upper()}{title[1:]}"
        say(f"{what}: {headline} {on_validation:.4f} on validation, {on_test:.4f} on test")
    if warning:
        say(warning)
    say(f"Written: {output}")
    if checkpoint.diverged:
        raise DivergedError(
            f"The loss became NaN or overflowed {checkpoint.diverged}. {output} holds the weights "
            f"of epoch {checkpoint.kept['epoch']}, the best before that. Train with a lower "
            "--learning-rate or --clip-norm for better ones."
        )
    return bundle


def _pretrain(config: SettledConfig, model, ids, checkpoint: Checkpoint, verbose, say) -> None:
    """Pretrains, or loads the pretrained weights of an interrupted run."""
    if checkpoint.pretrained.is_file():
        model.load_weights(checkpoint.pretrained)
        return
    language_model.pretrain(
        model,
        ids,
        epochs=config.pretrain,
        batch_size=config.batch_size,
        seed=config.seed,
        verbose=verbose,
        say=say,
    )
    with digest.writing(checkpoint.pretrained) as partial:
        model.save_weights(partial)


class _Forecast(keras.callbacks.Callback):
    """Prints an upper bound of the remaining time.

    The first epoch includes compilation, so the second one is measured, unless the first takes so
    long that compilation does not matter.
    """

    LONG = 60  # seconds

    def __init__(self, say, total: int):
        super().__init__()
        self.say, self.total, self.done, self.said = say, total, 0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.started
        self.done += 1
        left = self.total - epoch - 1
        if left and not self.said and (self.done > 1 or seconds > self.LONG):
            self.said = True
            self.say(f"At most {left * seconds / 60:.1f} minutes left for {left} epochs")


def _tensorboard(folder, wanted, say):
    if not wanted:
        return []
    # Keras imports them only when it writes the first line.
    missing = [name for name in ("tensorflow", "tensorboard") if not importlib.util.find_spec(name)]
    if missing:
        say(f"No logs for TensorBoard: {' and '.join(missing)} not installed.")
        return []
    return [keras.callbacks.TensorBoard(str(folder), write_graph=False)]
