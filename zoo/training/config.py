"""All that decides what a run becomes."""

import math
from dataclasses import dataclass

from zoo import catalogue, sizes
from zoo.training import teachers

# What is minimised, see `zoo.training.objectives`: named here, where Keras is not imported.
OBJECTIVES = ("cross-entropy", "adversarial", "virtual-adversarial", "mixed")
SEMI_SUPERVISED = OBJECTIVES[2:]  # those that learn from texts without labels


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
        vectors: A file of word vectors (see `zoo.training.vectors`) that the embedding starts from,
            centred and scaled, their first principal components where it is narrower; words without
            one start small, at random. After the words of the training texts come theirs, up to
            `vocab_size`.
        pretrain: Passes over all texts, with labels or without, in which the embedding and the
            bottom layer learn as language models first.
        unlabelled: More texts, as `zoo.datasets.load_texts` takes them: to pretrain on, for
            objectives that need no labels, and to be labelled by teachers.
        objective: What is minimised, of `zoo.training.objectives.OBJECTIVES`. With teachers, texts
            without labels count as texts with labels.
        reach: How far an objective moves an embedding, as a share of the length of the text's own.
        teacher: Models with the same labels, as `zoo.load` takes them, `ngrams` or
            `transformer:FOLDER` (see `zoo.training.ngrams`, `zoo.training.transformer`), whose mean
            answer is what is learnt, on texts with labels together with those.
        augment: Variants of each training text, words exchanged for near ones by `vectors`, that
            the teachers answer too.
        embed_dim, hidden_dim, num_layers, dropout: As in `zoo.create_model`; None is the
            model's own.
        pooling: What the logits see of the top layer, of `zoo.sizes.POOLINGS`; None is that of
            `init`, or else the first of them.
        limit: Train on the first so many texts only.
        text_column, label_column: Where a data set has them under other names.
        data_dir, download_dir: Where TensorFlow Datasets keeps what it prepares and downloads.
        mixed_precision: Compute in 16 bits; None does so where there is a GPU.
        samples: Keep the token ids of some training and validation texts in the run folder, for
            its exports: they are verified with them, and `integer` files are calibrated by them.
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
    samples: bool = True

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
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1, not {getattr(self, name)}."
                )
