"""From settings to a run folder."""

import dataclasses
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import card, devices
from zoo.bundle import Bundle
from zoo.files import replacing, write_text
from zoo.training import baseline, language_model, material, run, teachers
from zoo.training import model as models
from zoo.training.batches import Batches, WithUnlabelled
from zoo.training.checkpoint import Checkpoint
from zoo.training.config import SettledConfig, TrainingConfig
from zoo.training.defaults import CHOSEN
from zoo.training.objectives import SEMI_SUPERVISED


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
        resume: Go on after the last whole epoch of an interrupted run.
        tensorboard: Write logs for TensorBoard to `output/logs`, where TensorFlow is installed.
        verbose: Show progress.

    Returns:
        The trained model.

    Raises:
        RunError: If `output` holds a run already, or with `resume` none that can go on.
        zoo.datasets.DatasetError: If the data set cannot be read.
    """
    say: Callable[..., None] = print if verbose else lambda *_: None
    config = run.begin(config, output, resume)

    say(f"Device: {devices.describe()}; Keras {keras.__version__} on {keras.backend.backend()}")
    started = time.monotonic()
    dataset = material.read_dataset(config)
    models.set_seed(config.seed)
    given = material.gather(config, dataset, say)
    mixed = config.mixed_precision
    mixed = bool(devices.accelerators()) if mixed is None else mixed
    checkpoint = _checkpoint(given, output)
    begun_with = given.digests() | {"backend": keras.backend.backend(), "16 bits": mixed}
    if resume:
        run.check_data(begun_with, output, checkpoint)
        given = dataclasses.replace(given, chosen=run.chosen_before(checkpoint))
    else:
        teachers.forget(checkpoint.folder)
    begun_with[run.CHOSEN_BEFORE] = given.chosen
    write_text(checkpoint.folder / "data.json", run.dumps(begun_with))
    settings = {name: getattr(given.config, name) for name in CHOSEN}
    asked = dataclasses.asdict(dataclasses.replace(config, **settings))
    write_text(checkpoint.folder / "config.json", run.dumps(asked))
    settled = given.config  # also with the sizes of the model that is started from

    vocabulary, encode = given.tokenizer.vocabulary, given.tokenizer.encode
    train_ids, other_ids = encode(dataset.train.texts), encode(given.others)
    varied_ids, valid_ids = encode(given.variants), encode(dataset.valid.texts)
    material.warn_of_unknown_words(valid_ids, vocabulary, say)
    try:
        targets = material.targets(given, checkpoint, say)
        model = _begin(given, mixed, say)
    except ValueError:
        if not resume:  # what is refused is no run that could be gone on with
            (checkpoint.folder / "config.json").unlink()
        raise
    trained = models.compiled(settled, model, -(-len(targets) // settled.batch_size))
    epoch = checkpoint.restore(trained) if resume else 0
    if resume:
        say(f"Resuming after epoch {epoch} of {settled.epochs}")
    say(f"Model: {settled.model}, {model.count_params():,} parameters")
    if settled.pretrain and epoch == 0:
        _pretrain(settled, model, np.concatenate([train_ids, other_ids]), checkpoint, verbose, say)
    if not checkpoint.is_over:
        valid_targets = np.eye(len(dataset.labels), dtype=np.float32)[dataset.valid.labels]
        trained.fit(
            _batches(settled, train_ids, other_ids, varied_ids, targets, epoch, vocabulary.unknown),
            validation_data=Batches(valid_ids, valid_targets, 256),
            initial_epoch=epoch,
            epochs=settled.epochs,
            shuffle=False,  # the batches shuffle themselves, the same in each run
            callbacks=[
                checkpoint,
                *([keras.callbacks.SwapEMAWeights()] if settled.average else []),
                _Forecast(say),
                *_tensorboard(output / "logs", tensorboard, say),
            ],
            verbose="auto" if verbose else 0,
        )
    return _finish(given, output, checkpoint, mixed, started, say)


def _checkpoint(given: material.Material, output: Path) -> Checkpoint:
    config = given.config
    return Checkpoint(
        output / "checkpoint",
        config.patience,
        config.seed,
        keep=config.keep,
        validation=len(given.dataset.valid),
    )


def _begin(given: material.Material, mixed: bool, say) -> keras.Model:
    """The model, with the weights that it starts from."""
    config, labels = given.config, given.dataset.labels
    vocabulary = given.tokenizer.vocabulary
    # Again: loading a model draws, and a resumed run loads fewer.
    models.set_seed(config.seed)
    model = models.create(config, vocabulary.size, len(labels), mixed=mixed)
    if given.start:
        taken = models.take_weights(model, vocabulary, given.start, labels)
        say(f"From {config.init}: {taken}")
    if given.vectors:
        count = models.take_vectors(model, vocabulary, given.vectors)
        say(f"Word vectors: of {count:,} token ids")
    return model


def _batches(
    config: SettledConfig,
    train_ids: np.ndarray,
    other_ids: np.ndarray,
    varied_ids: np.ndarray,
    targets: np.ndarray,
    epoch: int,
    unknown: int,
) -> Batches:
    """What training reads: teachers have answers for texts without labels, too."""
    options: dict[str, Any] = {
        "seed": config.seed,
        "epoch": epoch,
        "word_dropout": config.word_dropout,
        "unknown": unknown,
    }
    size = config.batch_size
    if config.teacher:
        ids = np.concatenate([train_ids, other_ids, varied_ids])
        return Batches(ids, targets, size, **options)
    if config.objective in SEMI_SUPERVISED and len(other_ids):
        return WithUnlabelled(other_ids, train_ids, targets, size, **options)
    return Batches(train_ids, targets, size, **options)


def _finish(
    given: material.Material, output: Path, checkpoint: Checkpoint, mixed: bool, started: float, say
) -> Bundle:
    """The best epoch's model, asked the validation and test texts, and its folder."""
    config, dataset, tokenizer = given.config, given.dataset, given.tokenizer
    # Trained in 16 bits or not, the model that is kept computes in 32.
    model = models.create(config, tokenizer.vocabulary.size, len(dataset.labels), mixed=False)
    model.load_weights(checkpoint.best_weights)
    made_by = run.record(config, model, tokenizer, dataset, mixed, given.chosen)
    bundle = Bundle(model, tokenizer, dataset.labels, made_by)
    classifier = bundle.classifier()
    figures: dict[str, Any] = {
        "best_epoch": checkpoint.kept["epoch"],
        "validation": classifier.evaluate(dataset.valid.texts, dataset.valid.labels),
        "test": classifier.evaluate(dataset.test.texts, dataset.test.labels),
        "baselines": baseline.measure(dataset, tokenizer.delimiter),
        "seconds": round(time.monotonic() - started, 1),
    }
    compared, warning = baseline.compared(figures), baseline.warning(figures)
    write_text(output / "history.csv", checkpoint.table)
    write_text(output / "metrics.json", run.dumps(figures))
    write_text(output / "README.md", card.render(bundle, figures, compared, warning))
    bundle.save(output)
    checkpoint.remove()
    for split in ("validation", "test"):
        say(f"{split.capitalize()}: accuracy {figures[split]['accuracy']:.4f}")
    for title, on_validation, on_test in compared:
        say(f"Accuracy on validation {on_validation:.4f}, on test {on_test:.4f}: {title}")
    if warning:
        say(warning)
    say(f"Written: {output}")
    return bundle


def _pretrain(config: SettledConfig, model, ids, checkpoint: Checkpoint, verbose, say) -> None:
    """Pretrains, or takes what was pretrained before the run was killed."""
    if checkpoint.pretrained.is_file():
        model.load_weights(checkpoint.pretrained)
        return
    language_model.pretrain(
        model,
        ids,
        epochs=config.pretrain,
        batch_size=config.batch_size,
        seed=config.seed,
        verbose="auto" if verbose else 0,
        say=say,
    )
    with replacing(checkpoint.pretrained) as partial:
        model.save_weights(partial)


class _Forecast(keras.callbacks.Callback):
    """Says after the first epoch how long the others take at most."""

    def __init__(self, say):
        super().__init__()
        self.say, self.started = say, None

    def on_epoch_begin(self, epoch, logs=None):
        if self.started is None:
            self.started, self.first = time.monotonic(), epoch

    def on_epoch_end(self, epoch, logs=None):
        left = self.params["epochs"] - epoch - 1
        if epoch == self.first and left:
            minutes = left * (time.monotonic() - self.started) / 60
            self.say(f"At most {minutes:.1f} minutes to go, of {left} epochs")


def _tensorboard(folder, wanted, say):
    if not wanted:
        return []
    # Keras asks for them no sooner than it writes the first line.
    missing = [name for name in ("tensorflow", "tensorboard") if not importlib.util.find_spec(name)]
    if missing:
        say(f"No logs for TensorBoard: {' and '.join(missing)} not installed.")
        return []
    return [keras.callbacks.TensorBoard(str(folder), write_graph=False)]
