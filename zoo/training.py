"""Training: from a data set's name to a run folder."""

import dataclasses
import datetime
import hashlib
import importlib.util
import json
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import bundle as bundles
from zoo import card, catalogue, devices, language_model, teachers
from zoo.batches import Batches, WithUnlabelled
from zoo.bundle import Bundle
from zoo.checkpoint import Checkpoint
from zoo.classifier import POOLINGS
from zoo.datasets import Dataset, load_dataset, load_texts
from zoo.files import remove_partial, replacing, write_text
from zoo.layers import MeanOverTime
from zoo.objectives import OBJECTIVES, Regularized
from zoo.text import DELIMITER, Tokenizer, Vocabulary
from zoo.vectors import WordVectors, variants

MANY_UNKNOWN = 0.4  # share of the validation texts' words that is warned of
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


@dataclass(frozen=True)
class TrainingConfig:
    """All that decides what a run becomes.

    Attributes:
        model: A name of the catalogue.
        dataset: What `zoo.datasets.load_dataset` takes.
        epochs: Most passes over the training texts.
        patience: Epochs without a better validation accuracy after which training stops.
        batch_size: Texts in a step.
        max_length: Token ids of a text; what is longer is cut.
        vocab_size: Most token ids, the special ones included.
        seed: Decides initial weights, order of texts and dropout.
        learning_rate: Of Adam, at the start; it falls to zero over all epochs, along a cosine.
        clip_norm: Largest norm of all gradients together.
        word_dropout: Share of the words that are replaced by the unknown word in training.
        average: Momentum of an exponential moving average (EMA) of the weights, for example 0.999,
            which is then validated and kept in their place (after Polyak & Juditsky, "Acceleration
            of stochastic approximation by averaging", 1992, whose mean is uniform). 0 is none.
        init: A model to start from, the name of one that is shipped or a run folder: its sizes,
            its weights, with the same labels its last layer too, and after the words of the
            training texts its own, up to `vocab_size`. The model has to be the same.
        vectors: A file of word vectors (see `zoo.vectors`) that the embedding starts from, centred
            and scaled, their first principal components where it is narrower; words without one
            start small, at random. After the words of the training texts come theirs, up to
            `vocab_size`.
        pretrain: Passes over all texts, with labels or without, in which the embedding and the
            bottom layer learn as language models first.
        unlabelled: More texts, as `zoo.datasets.load_texts` takes them: to pretrain on, for
            objectives that need no labels, and to be labelled by teachers.
        objective: What is minimised, of `zoo.objectives.OBJECTIVES`.
        reach: How far an objective moves an embedding, as a share of the length of the text's own.
        teacher: Models with the same labels, as `zoo.load` takes them, `ngrams` (see `zoo.ngrams`)
            or `transformer:FOLDER` (see `zoo.transformer`), whose mean answer is what is learnt,
            on texts with labels together with those.
        augment: Variants of each training text, words exchanged for near ones by `vectors`, that
            the teachers answer too.
        embed_dim, hidden_dim, num_layers, dropout: As in `zoo.create_model`; None is the
            model's own.
        pooling: What the logits see of the top layer, of `zoo.classifier.POOLINGS`; None is that of
            `init`, or else the first of them.
        limit: Train on the first so many texts only.
        text_column, label_column: Where a data set has them under other names.
        data_dir, download_dir: Where TensorFlow Datasets keeps what it prepares and downloads.
        mixed_precision: Compute in 16 bits; None does so where there is a GPU.
    """

    model: str
    dataset: str
    epochs: int = 10
    patience: int = 3
    batch_size: int = 32
    max_length: int = 256
    vocab_size: int = 20_000
    seed: int = 0
    learning_rate: float = 1e-3
    clip_norm: float = 1.0
    word_dropout: float = 0.1
    average: float = 0.0
    init: str | None = None
    vectors: str | None = None
    pretrain: int = 0
    unlabelled: tuple[str, ...] = ()
    objective: str = OBJECTIVES[0]
    reach: float = 0.1
    teacher: tuple[str, ...] = ()
    augment: int = 0
    embed_dim: int | None = None
    hidden_dim: int | None = None
    num_layers: int | None = None
    dropout: float | None = None
    pooling: str | None = None
    limit: int | None = None
    text_column: str = "text"
    label_column: str = "label"
    data_dir: str | None = None
    download_dir: str | None = None
    mixed_precision: bool | None = None

    def __post_init__(self):
        catalogue.find(self.model)
        for name in ("epochs", "patience", "batch_size", "max_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.vocab_size < 4:
            raise ValueError(
                f"vocab_size must be at least 4 (padding, start, unknown and one word), "
                f"not {self.vocab_size}."
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be 0 or more and below 2**32, not {self.seed}.")
        for name in ("learning_rate", "clip_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above 0 and finite, not {getattr(self, name)}.")
        for name in ("unlabelled", "teacher"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON has lists
        teachers.check(self.teacher)
        if self.pretrain < 0:
            raise ValueError(f"pretrain must be 0 or more passes, not {self.pretrain}.")
        if self.augment < 0:
            raise ValueError(f"augment must be 0 or more variants, not {self.augment}.")
        if self.augment and not (self.vectors and self.teacher):
            raise ValueError(
                "augment exchanges words for near ones and has teachers answer: give vectors and a "
                "teacher with it."
            )
        if self.init and self.vectors:
            raise ValueError("A model starts from init or from vectors; give one of them.")
        if self.objective not in OBJECTIVES:
            raise ValueError(
                f"objective must be one of {', '.join(OBJECTIVES)}, not {self.objective!r}."
            )
        if self.pooling not in (None, *POOLINGS):
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}.")
        if not 0 < self.reach < math.inf:
            raise ValueError(f"reach must be above 0 and finite, not {self.reach}.")
        semi_supervised = self.objective not in ("cross-entropy", "adversarial")
        if self.unlabelled and not (self.pretrain or self.teacher or semi_supervised):
            raise ValueError(
                "unlabelled texts are for pretrain, a teacher, or the objectives "
                "virtual-adversarial and mixed; give one of them."
            )
        for name in ("word_dropout", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1, not {getattr(self, name)}."
                )


class RunError(ValueError):
    """A run folder that cannot be written to or gone on with."""


def train(
    config: TrainingConfig,
    output: Path,
    *,
    resume: bool = False,
    tensorboard: bool = True,
    verbose: bool = True,
) -> Bundle:
    """Trains a model and writes its run folder (see `zoo.bundle`).

    The vocabulary comes from the training texts alone. The weights kept are those of the epoch
    with the best validation accuracy, and of equal ones the lowest loss. The test texts are read
    once, at the end, with those weights.

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
    checkpoint = Checkpoint(output / "checkpoint", config.patience, config.seed)
    _check_folder(config, output, checkpoint, resume)

    say(f"Device: {devices.describe()}; Keras {keras.__version__} on {keras.backend.backend()}")
    started = time.monotonic()
    sources = (config.dataset, *config.unlabelled)
    by_tfds = any(source == "reviews" or source.startswith("tfds:") for source in sources)
    if keras.backend.backend() != "tensorflow" and by_tfds:
        devices.keep_tensorflow_off()
    dataset = load_dataset(
        config.dataset,
        data_dir=config.data_dir,
        download_dir=config.download_dir,
        limit=config.limit,
        seed=config.seed,
        text_column=config.text_column,
        label_column=config.label_column,
    )
    _set_seed(config.seed)
    start = bundles.load(config.init) if config.init else None
    vectors = _vectors(config)
    delimiter = start.tokenizer.delimiter if start else DELIMITER
    vocabulary = Vocabulary.from_texts(
        dataset.train.texts, size=config.vocab_size, delimiter=delimiter
    )
    asked = config
    if start:
        config = _of_the_same_sizes(config, start)
        vocabulary = vocabulary.extended(start.tokenizer.vocabulary, size=config.vocab_size)
    if vectors:
        known = Vocabulary.from_words(vectors.places, size=config.vocab_size, delimiter=delimiter)
        vocabulary = vocabulary.extended(known, size=config.vocab_size)
    tokenizer = Tokenizer(vocabulary, config.max_length, delimiter)
    say(
        f"Data: {dataset.name}, {len(dataset.labels)} labels; {len(dataset.train.texts):,} texts "
        f"to train, {len(dataset.valid.texts):,} to validate, {len(dataset.test.texts):,} to test; "
        f"{vocabulary.size:,} token ids"
    )
    mixed = config.mixed_precision
    mixed = bool(devices.accelerators()) if mixed is None else mixed

    train_ids = tokenizer.encode(dataset.train.texts)
    more = _unlabelled(config)
    if more:
        say(f"Without labels: {len(more):,} texts")
    if vectors and config.augment:
        more += variants(dataset.train.texts, vectors, config.augment, config.seed)
    begun_with = {
        "data set": dataset.source,
        "vocabulary": _digest(vocabulary.text.encode("utf-8", "surrogatepass")),
        "word vectors": vectors and _digest(vectors.content),
        "texts without labels": _digest(json.dumps(more).encode()),
        "backend": keras.backend.backend(),
        "16 bits": mixed,
    }
    if resume:
        _check_data(begun_with, output, checkpoint)
    more_ids = tokenizer.encode(more)
    valid_targets = np.eye(len(dataset.labels), dtype=np.float32)[dataset.valid.labels]
    valid_ids = tokenizer.encode(dataset.valid.texts)
    _warn_of_unknown_words(valid_ids, vocabulary, say)
    valid = Batches(valid_ids, valid_targets, 256)
    given = np.concatenate([train_ids, more_ids]) if config.teacher else train_ids
    if config.teacher:
        say(f"Teachers: {', '.join(config.teacher)}")
    targets = _targets(config, dataset, more, checkpoint, resume, say)
    _set_seed(config.seed)  # again: loading a model draws, and a resumed run loads no teachers
    model = _create(config, vocabulary.size, len(dataset.labels), mixed=mixed)
    if start:
        _take_weights(model, vocabulary, start, dataset.labels)
    if vectors:
        (rows,) = model.get_layer("embedding").get_weights()
        count = vectors.fill(rows, vocabulary)
        model.get_layer("embedding").set_weights([rows])
        say(f"Word vectors: of {count:,} token ids")
    trained = model
    if config.objective != OBJECTIVES[0]:
        trained = Regularized(model, config.objective, config.reach)
    steps = -(-len(given) // config.batch_size)
    _compile(config, trained, steps)
    epoch = checkpoint.restore(trained) if resume else 0
    if resume:
        say(f"Resuming after epoch {epoch} of {config.epochs}")
    arguments: dict[str, Any] = {
        "seed": config.seed,
        "epoch": epoch,
        "word_dropout": config.word_dropout,
        "unknown": vocabulary.unknown,
    }
    if config.objective in ("virtual-adversarial", "mixed") and more and not config.teacher:
        batches = WithUnlabelled(more_ids, given, targets, config.batch_size, **arguments)
    else:
        batches = Batches(given, targets, config.batch_size, **arguments)
    write_text(checkpoint.folder / "data.json", _dumps(begun_with))
    write_text(checkpoint.folder / "config.json", _dumps(dataclasses.asdict(asked)))
    say(f"Model: {config.model}, {model.count_params():,} parameters")
    if config.pretrain and epoch == 0:
        _pretrain(config, model, np.concatenate([train_ids, more_ids]), checkpoint, verbose, say)
    if not checkpoint.is_over:
        trained.fit(
            batches,
            validation_data=valid,
            initial_epoch=epoch,
            epochs=config.epochs,
            shuffle=False,  # the batches shuffle themselves, the same in each run
            callbacks=[
                checkpoint,
                *([keras.callbacks.SwapEMAWeights()] if config.average else []),
                _Forecast(say),
                *_tensorboard(output / "logs", tensorboard, say),
            ],
            verbose="auto" if verbose else 0,
        )

    # Trained in 16 bits or not, the model that is kept computes in 32.
    final = _create(config, vocabulary.size, len(dataset.labels), mixed=False)
    final.load_weights(checkpoint.best_weights)
    bundle = Bundle(
        final, tokenizer, dataset.labels, _record(config, final, tokenizer, dataset, mixed)
    )
    classifier = bundle.classifier()
    figures: dict[str, Any] = {
        "best_epoch": checkpoint.best["epoch"],
        "validation": classifier.evaluate(dataset.valid.texts, dataset.valid.labels),
        "test": classifier.evaluate(dataset.test.texts, dataset.test.labels),
        "seconds": round(time.monotonic() - started, 1),
    }
    write_text(output / "history.csv", checkpoint.table)
    write_text(output / "metrics.json", _dumps(figures))
    write_text(output / "README.md", card.render(bundle, figures))
    bundle.save(output)
    checkpoint.remove()
    for split in ("validation", "test"):
        say(f"{split.capitalize()}: accuracy {figures[split]['accuracy']:.4f}")
    say(f"Written: {output}")
    return bundle


def _of_the_same_sizes(config: TrainingConfig, start: Bundle) -> TrainingConfig:
    """The settings with the sizes of the run that is started from."""
    if config.model != start.name:
        raise ValueError(f"{config.init} is a {start.name}, not a {config.model}; take its model.")
    sizes: dict[str, Any] = _sizes(start.model)
    for name, size in sizes.items():
        if getattr(config, name) not in (None, size):
            raise ValueError(f"{config.init} has the {name} {size}, not {getattr(config, name)}.")
    return dataclasses.replace(config, **sizes)


def _vectors(config: TrainingConfig) -> WordVectors | None:
    """The word vectors; refused at once where they are too narrow."""
    if not config.vectors:
        return None
    vectors = WordVectors.read(config.vectors)
    vectors.check_width(config.embed_dim or catalogue.find(config.model)[1].embed_dim)
    return vectors


def _take_weights(model: keras.Model, vocabulary, start: Bundle, labels: Sequence[str]) -> None:
    """Gives a new model another's weights: of the words that both know, and of the same labels.

    A word that is new to it keeps the row that it was given at random.
    """
    for layer in model.layers:
        weights = start.model.get_layer(layer.name).get_weights()
        if layer.name == "embedding":
            (rows,), (known,) = layer.get_weights(), weights
            known_ids = start.tokenizer.vocabulary
            # The first form of a word last: it is the one that counts.
            for token in reversed(list(vocabulary)):
                if token in known_ids:
                    rows[vocabulary[token]] = known[known_ids[token]]
            weights = [rows]
        if layer.name != "logits" or start.labels == tuple(labels):
            layer.set_weights(weights)


def _unlabelled(config: TrainingConfig) -> list[str]:
    """The texts of all sources without labels."""
    names = ("text_column", "label_column", "data_dir", "download_dir")
    options = {name: getattr(config, name) for name in names}
    return [text for source in config.unlabelled for text in load_texts(source, **options)]


def _targets(
    config: TrainingConfig, dataset: Dataset, more, checkpoint: Checkpoint, resume: bool, say
) -> np.ndarray:
    """What is to be learnt: labels, or with teachers their answers and labels half and half.

    Teachers may take long, so what they said before the run was killed is taken again.
    """
    one_hot = np.eye(len(dataset.labels), dtype=np.float32)[dataset.train.labels]
    if not config.teacher:
        return one_hot
    if resume and checkpoint.targets.is_file():  # else they are of other settings
        return np.load(checkpoint.targets)
    train = dataset.train
    taught = teachers.answers(
        config.teacher, train.texts, train.labels, dataset.labels, more, config.seed, say
    )
    taught[: len(one_hot)] = (taught[: len(one_hot)] + one_hot) / 2
    with replacing(checkpoint.targets) as partial:
        np.save(partial, taught)
    return taught


def _pretrain(config: TrainingConfig, model, ids, checkpoint: Checkpoint, verbose, say) -> None:
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


def read_config(output: Path) -> TrainingConfig:
    """The settings of an interrupted run.

    Raises:
        RunError: If there is none at `output`.
    """
    path = output / "checkpoint" / "config.json"
    if not path.is_file():
        state = "is finished" if (output / "model.keras").is_file() else "holds no run"
        raise RunError(f"There is nothing to resume: {output} {state}.")
    return TrainingConfig(**json.loads(path.read_text(encoding="utf-8")))


def _check_folder(config, output, checkpoint, resume):
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
    if (checkpoint.folder / "config.json").exists():
        raise RunError(
            f"{output} holds an interrupted run. Go on with --resume --output {output}, choose "
            "another --output, or remove it."
        )


def _warn_of_unknown_words(ids: np.ndarray, vocabulary: Vocabulary, say) -> None:
    words = ids[(ids != vocabulary.pad) & (ids != vocabulary.start)]
    unknown = float(np.mean(words == vocabulary.unknown)) if words.size else 0.0
    if unknown > MANY_UNKNOWN:
        say(
            f"Warning: the vocabulary lacks {unknown:.0%} of the validation texts' words. Give "
            "more texts, word vectors (--vectors), or a larger --vocab-size; texts in a script "
            "without spaces have to be split into words first, in training and on the device."
        )


def _check_data(now: dict[str, Any], output: Path, checkpoint: Checkpoint) -> None:
    """Raises `RunError` if a run was begun with something else that it cannot go on without."""
    before = json.loads((checkpoint.folder / "data.json").read_text(encoding="utf-8"))
    now = json.loads(_dumps(now))  # tuples as lists
    changed = [name for name, value in now.items() if before.get(name) != value]
    if changed:
        raise RunError(
            f"{output} was begun with something else ({', '.join(changed)}). Resume with the same, "
            "or choose another --output."
        )


def _set_seed(seed):
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _create(config, vocab_size, num_classes, *, mixed) -> keras.Model:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(devices.mixed_policy() if mixed else "float32")
    try:
        return catalogue.create_model(
            config.model,
            vocab_size=vocab_size,
            num_classes=num_classes,
            embed_dim=config.embed_dim,
            hidden_dim=config.hidden_dim,
            num_layers=config.num_layers,
            dropout=config.dropout,
            pooling=config.pooling or POOLINGS[0],
        )
    finally:
        keras.config.set_dtype_policy(before)


def _compile(config, model, steps):
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    model.compile(
        keras.optimizers.Adam(
            rate,
            global_clipnorm=config.clip_norm,
            use_ema=config.average > 0,
            ema_momentum=config.average,
        ),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        # TensorFlow's loops are faster without XLA; JAX compiles always.
        jit_compile=keras.backend.backend() == "jax",
    )
    # Else it is built in the first step, and TensorFlow traces that step twice.
    model.optimizer.build(model.trainable_variables)


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


def _record(config: TrainingConfig, model, tokenizer: Tokenizer, dataset: Dataset, mixed) -> dict:
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    packages = ("birnn-zoo", "keras", "tensorflow", "jax", "torch", "numpy")
    return {
        "model": {
            "name": config.model,
            "vocab_size": model.get_layer("embedding").input_dim,
            "num_classes": len(dataset.labels),
            **_sizes(model),
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


def _sizes(model: keras.Model) -> dict[str, Any]:
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Bidirectional)]
    return {
        "embed_dim": model.get_layer("embedding").output_dim,
        "hidden_dim": layers[0].forward_layer.cell.units,
        "num_layers": len(layers),
        "pooling": "mean" if any(isinstance(one, MeanOverTime) for one in model.layers) else "last",
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _dumps(value) -> str:
    return json.dumps(value, indent=2) + "\n"
