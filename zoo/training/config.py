"""The settings of a training run."""

import dataclasses
import math
from dataclasses import dataclass

from zoo import catalogue, imports, sizes
from zoo.datasets import Source
from zoo.pieces import LEAST as LEAST_PIECES
from zoo.tokenizers import KINDS
from zoo.training import teachers
from zoo.wordpiece import WordPieceTokenizer

# The objectives of `zoo.training.objectives`, named here since that module imports Keras.
OBJECTIVES = ("cross-entropy", "adversarial", "virtual-adversarial", "mixed")
SEMI_SUPERVISED = OBJECTIVES[2:]  # those that use unlabelled texts

KEEP = ("best", "latest")


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training run.

    A setting that says "chosen from the data" is None until `zoo.training.defaults` has chosen it.

    Attributes:
        model: A name of the catalogue.
        dataset: The path of a `zoo.datasets.Source`.
        epochs: Maximum number of epochs; chosen from the data.
        patience: Epochs without a better validation accuracy after which training stops; chosen
            from the data. In place of the accuracy stands the micro F1 at the threshold 0.5 of
            several labels, and the mean squared error of numbers.
        keep: Which epoch's weights are kept, of `KEEP`; chosen from the data. `best` is the epoch
            with the highest validation accuracy, then the lowest validation loss. `latest` is the
            last epoch whose validation accuracy is within one standard error of the highest: with
            few validation texts the differences between epochs are mostly chance, and a later
            epoch, trained at a lower learning rate, is usually better.
        batch_size: Texts per step; chosen from the data.
        max_length: Token ids per text; longer texts are truncated. Chosen from the data.
        tokenizer: Of `zoo.tokenizers.KINDS`; None for that of `init`, or the first one.
        vocab_size: Maximum number of token ids, including special ones.
        seed: Seed of the initial weights, the order of texts and dropout.
        learning_rate: Initial learning rate of Adam, with cosine decay to zero over all epochs.
            Chosen from the data.
        clip_norm: Maximum global norm of the gradients.
        word_dropout: Share of the words that are replaced by the unknown word in training; chosen
            from the data.
        average: Momentum of an exponential moving average (EMA) of the weights, for example 0.999,
            which is then validated and kept in their place (after Polyak & Juditsky, "Acceleration
            of stochastic approximation by averaging", 1992, whose mean is uniform). 0 is none.
            Chosen from the data.
        init: A shipped model or run folder to start from: its sizes and weights, including the last
            layer if the labels are the same. Its words come after those of the training texts, up
            to `vocab_size`. It must be the same model.
        vectors: A file of word vectors (see `zoo.training.vectors`) that the embedding starts from,
            centred and scaled, reduced to principal components if it is narrower. Words without a
            vector start small, at random. The words of the file come after those of the training
            texts, up to `vocab_size`.
        pretrain: Epochs of language-model pretraining of the embedding and the bottom layer, on all
            texts, labelled or not.
        unlabelled: Paths of unlabelled texts (see `zoo.datasets.Source.texts`), for pretraining,
            for objectives that need no labels, and to be labelled by teachers.
        objective: The loss, of `OBJECTIVES` (see `zoo.training.objectives`). With teachers,
            unlabelled texts count as labelled.
        reach: Norm of the perturbations of an objective, relative to that of the text's embedding.
        teacher: Models with the same labels, as `zoo.load` takes them, `tfidf`, `ngrams` or
            `transformer:FOLDER` (see `zoo.training.tfidf`, `zoo.training.ngrams`,
            `zoo.training.transformer`), whose mean prediction is the target, on labelled texts
            averaged with the label; chosen from the data. The empty tuple is none.
        augment: Augmented variants of each training text, which the teachers label; chosen from the
            data. Words are replaced by near neighbours with `vectors`, else by words of other
            training texts.
        embed_dim, hidden_dim, num_layers, dropout: As in `zoo.create_model`; None for the defaults
            of the model.
        pooling: What the logits take from the top layer, of `zoo.sizes.POOLINGS`; None for that of
            `init`, or the first one.
        limit: Train on the first `limit` texts only.
        text_column, label_column: Names of the columns, if they are others.
        scores: What is predicted, of `zoo.kinds.KINDS`: `softmax`, the one label of a text;
            `sigmoid`, any number of labels; `numbers`. By default, `sigmoid` with a separator or
            where labels are JSON lists, else `softmax`. See `zoo.datasets.Source`.
        label_separator: What stands between the labels of a text in a cell, for example `|`.
        data_dir, download_dir: Folders of TensorFlow Datasets.
        mixed_precision: Compute in 16 bits; None for yes if there is a GPU.
        samples: Keep the token ids of some training and validation texts in the run folder, to
            verify its exports and to calibrate `integer` files.
        imports: Modules that register cells (see `zoo.register`), by name or as paths that end in
            .py. They are imported before the model is looked up.
    """

    model: str
    dataset: str
    epochs: int | None = None
    patience: int | None = None
    keep: str | None = None
    batch_size: int | None = None
    max_length: int | None = None
    tokenizer: str | None = None
    vocab_size: int = 20_000
    seed: int = 0
    learning_rate: float | None = None
    clip_norm: float = 1.0
    word_dropout: float | None = None
    average: float | None = None
    init: str | None = None
    vectors: str | None = None
    pretrain: int = 0
    unlabelled: tuple[str, ...] = ()
    objective: str = OBJECTIVES[0]
    reach: float = 0.1
    teacher: tuple[str, ...] | None = None
    augment: int | None = None
    embed_dim: int | None = None
    hidden_dim: int | None = None
    num_layers: int | None = None
    dropout: float | None = None
    pooling: str | None = None
    limit: int | None = None
    text_column: str = "text"
    label_column: str = "label"
    scores: str | None = None
    label_separator: str | None = None
    data_dir: str | None = None
    download_dir: str | None = None
    mixed_precision: bool | None = None
    samples: bool = True
    imports: tuple[str, ...] = ()

    def __post_init__(self):
        imports.load(self.imports)
        catalogue.find(self.model)
        for name in ("epochs", "patience", "batch_size", "max_length"):
            if self._given(name, 1) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self._given("keep", KEEP[0]) not in KEEP:
            raise ValueError(f"keep must be one of {', '.join(KEEP)}, not {self.keep!r}.")
        if self._given("tokenizer", KINDS[0]) not in KINDS:
            raise ValueError(
                f"tokenizer must be one of {', '.join(KINDS)}, not {self.tokenizer!r}."
            )
        least = {"vocab_size": LEAST_PIECES, "max_length": 2}
        if self.tokenizer == WordPieceTokenizer.kind:
            for name, size in least.items():
                if self._given(name, size) < size:
                    raise ValueError(
                        f"{name} must be at least {size} with word pieces, not "
                        f"{getattr(self, name)}."
                    )
        if self.vocab_size < 4:
            raise ValueError(
                f"vocab_size must be at least 4 (padding, start, unknown and one word), "
                f"not {self.vocab_size}."
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be 0 or more and below 2**32, not {self.seed}.")
        for name in ("learning_rate", "clip_norm"):
            if not 0 < self._given(name, 1) < math.inf:
                raise ValueError(f"{name} must be above 0 and finite, not {getattr(self, name)}.")
        for name in ("unlabelled", "teacher", "imports"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON has lists
        teachers.check(self._given("teacher", ()))
        if self.pretrain < 0:
            raise ValueError(f"pretrain must be 0 or more passes, not {self.pretrain}.")
        if self._given("augment", 0) < 0:
            raise ValueError(f"augment must be 0 or more variants, not {self.augment}.")
        if self.augment and self.teacher == ():
            raise ValueError(
                "augment makes texts whose labels nobody knows: give a teacher that answers them, "
                "for example 'tfidf'."
            )
        if self.init and self.vectors:
            raise ValueError("A model starts from init or from vectors; give one of them.")
        if self.objective not in OBJECTIVES:
            raise ValueError(
                f"objective must be one of {', '.join(OBJECTIVES)}, not {self.objective!r}."
            )
        names = ("embed_dim", "hidden_dim", "num_layers", "dropout", "pooling")
        given = {name: getattr(self, name) for name in names}
        sizes.check(**{name: value for name, value in given.items() if value is not None})
        if not 0 < self.reach < math.inf:
            raise ValueError(f"reach must be above 0 and finite, not {self.reach}.")
        used = self.pretrain or self.teacher or self.objective in SEMI_SUPERVISED
        if self.unlabelled and not used:
            raise ValueError(
                "unlabelled texts are for pretrain, a teacher, or the objectives "
                "virtual-adversarial and mixed; give one of them."
            )
        for name in ("word_dropout", "average"):
            if not 0 <= self._given(name, 0) < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1, not {getattr(self, name)}."
                )

        self.source.check()
        if self.scores or self.label_separator:
            self.check_scores(self.scores or "sigmoid")

    def check_scores(self, scores: str) -> None:
        """Raises `ValueError` if a setting is for another kind of scores, of `zoo.kinds.KINDS`."""
        if scores == "softmax":
            return
        rules = {
            "--teacher": (self.teacher, "answers with one right label for each text"),
            "--augment": (self.augment, "makes texts that a teacher labels"),
            "--objective": (
                self.objective != OBJECTIVES[0],
                "is defined for one right label of each text",
            ),
        }
        for flag, (given, rule) in rules.items():
            if given:
                what = "several labels" if scores == "sigmoid" else "numbers"
                raise ValueError(
                    f"{flag} {rule}, and this data set has {what} (--scores {scores}); leave "
                    f"{flag} out."
                )

    @property
    def source(self) -> Source:
        """The labelled texts."""
        return dataclasses.replace(
            self._source(self.dataset), scores=self.scores, label_separator=self.label_separator
        )

    @property
    def unlabelled_sources(self) -> list[Source]:
        """The unlabelled texts."""
        return [self._source(path) for path in self.unlabelled]

    def _source(self, path: str) -> Source:
        return Source(path, self.text_column, self.label_column, self.data_dir, self.download_dir)

    def _given(self, name: str, otherwise):
        """A setting, or another value if it is None."""
        value = getattr(self, name)
        return otherwise if value is None else value


class SettledConfig(TrainingConfig):
    """Settings with nothing left to be chosen from the data."""

    epochs: int
    patience: int
    keep: str
    batch_size: int
    max_length: int
    learning_rate: float
    word_dropout: float
    average: float
    teacher: tuple[str, ...]
    augment: int
