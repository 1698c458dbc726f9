"""The inputs of a run: texts, targets, the vocabulary and initial weights."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo import catalogue, models, records, terminal
from zoo.bundle import Bundle
from zoo.datasets import Dataset
from zoo.datasets.split import text_key
from zoo.text import DELIMITER, Tokenizer
from zoo.tokenizers import AnyTokenizer
from zoo.training import defaults, remarks, tasks, teachers, vocabulary
from zoo.training.augment import exchanged
from zoo.training.checkpoint import Checkpoint
from zoo.training.config import SettledConfig, TrainingConfig
from zoo.training.model import sizes
from zoo.training.vectors import WordVectors, variants

MANY_UNKNOWN = 0.4  # share of unknown words in validation texts that triggers a warning


@dataclass(frozen=True)
class Material:
    """The inputs of a run.

    Attributes:
        config: The settings, with those that were chosen from the data and the sizes of `start`.
        dataset: Labelled texts.
        others: Unlabelled texts.
        variants: Augmented training texts, for teachers to label.
        start: The initial model, or None.
        vectors: Initial word vectors, or None.
        tokenizer: The tokenizer. The words of the training texts come first, then those of `start`
            or of `vectors`.
        chosen: Names of the settings that were chosen from the data.
    """

    config: SettledConfig
    dataset: Dataset
    others: list[str]
    variants: list[str]
    start: Bundle | None
    vectors: WordVectors | None
    tokenizer: AnyTokenizer
    chosen: tuple[str, ...] = ()

    def digests(self) -> dict[str, Any]:
        """Digests of the inputs, which a resumed run compares."""
        words = self.tokenizer.vocabulary.text.encode("utf-8", "surrogatepass")
        return {
            "data set": self.dataset.source,
            "vocabulary": _digest(words),
            "word vectors": self.vectors and _digest(self.vectors.content),
            "texts without labels": _digest(json.dumps(self.others + self.variants).encode()),
        }


def gather(config: TrainingConfig, dataset: Dataset, say) -> Material:
    """Reads the other inputs, and prints a summary.

    Raises:
        ValueError: If the initial model or vectors do not fit.
    """
    start = models.resolve(config.init).bundle() if config.init else None
    vectors = _vectors(config)
    if start:
        config = _of_the_same_sizes(config, start)
    fitted = vocabulary.fit(config, dataset.train.texts, start, vectors)
    delimiter = fitted.options.get("delimiter", DELIMITER)  # what a word is, where words are asked
    say(
        f"Data: {dataset.name}, {remarks.size(dataset)}; {len(dataset.train.texts):,} texts "
        f"to train, {len(dataset.valid.texts):,} to validate, {len(dataset.test.texts):,} to test; "
        f"{fitted.vocabulary.size:,} token ids"
    )
    remarks.say_doubts(config, dataset, say)
    others = _unlabelled(config, dataset, say)
    if others:
        say(f"Without labels: {len(others):,} texts")
    lengths = np.array([fitted.added + len(fitted.split(text)) for text in dataset.train.texts])
    settled = defaults.choose(config, dataset, len(others), lengths)
    chosen = tuple(name for name in defaults.CHOSEN if getattr(config, name) is None)
    if chosen:
        say(defaults.describe(settled, chosen))
    varied = _varied(settled, dataset, vectors, delimiter)
    if varied:
        changed = len(set(varied) - set(dataset.train.texts))
        say(f"Augmentation: {len(varied):,} texts, {changed:,} of them new")
    if start:
        _warn_of_texts_seen(start, dataset, config, say)
    tokenizer = fitted.resized(settled.max_length)
    return Material(settled, dataset, others, varied, start, vectors, tokenizer, chosen)


def _varied(
    config: SettledConfig, dataset: Dataset, vectors: WordVectors | None, delimiter: str
) -> list[str]:
    """Augmented training texts, by near neighbours if there are vectors."""
    if vectors and config.augment:
        return variants(dataset.train.texts, vectors, config.augment, config.seed)
    return exchanged(dataset.train.texts, config.augment, config.seed, delimiter)


def _of_the_same_sizes(config: TrainingConfig, start: Bundle) -> TrainingConfig:
    """The settings with the sizes of the initial model."""
    if config.model != start.name:
        raise ValueError(f"{config.init} is a {start.name}, not a {config.model}; take its model.")
    of_start = sizes(start.model)
    for name, size in of_start.items():
        if getattr(config, name) not in (None, size):
            raise ValueError(f"{config.init} has the {name} {size}, not {getattr(config, name)}.")
    return dataclasses.replace(config, **of_start)


def _vectors(config: TrainingConfig) -> WordVectors | None:
    """Reads the word vectors, and refuses them if they are too narrow."""
    if not config.vectors:
        return None
    with terminal.progress(f"Reading {config.vectors}"):
        vectors = WordVectors.read(config.vectors)
    vectors.check_width(config.embed_dim or catalogue.find(config.model)[1].embed_dim)
    return vectors


def _unlabelled(config: TrainingConfig, dataset: Dataset, say) -> list[str]:
    """The unlabelled texts, without validation and test texts."""
    found = []
    for source in config.unlabelled_sources:
        with terminal.progress(f"Reading {source.path}"):
            found += source.texts()
    if not found:
        return []
    judges = {text_key(text) for part in (dataset.valid, dataset.test) for text in part.texts}
    kept = [text for text in found if text_key(text) not in judges]
    if len(kept) < len(found):
        count = len(found) - len(kept)
        say(f"Left out of those without labels: {count:,} that are validation or test texts")
    return kept


def _warn_of_texts_seen(start: Bundle, dataset: Dataset, config: TrainingConfig, say) -> None:
    """Warns if the initial model was trained on texts that are validation texts now."""
    before, now = start.config.get("data", {}).get("source", {}), dataset.source
    # Only validation texts are drawn by the seed.
    drawn = all("valid" in source.get("held_out", ()) for source in (before, now))
    if drawn and records.content(before) == records.content(now) and before["seed"] != now["seed"]:
        say(
            f"Warning: {config.init} learnt from this data set with validation texts drawn by the "
            f"seed {before['seed']}, so it knows some of those that are drawn now. "
            f"Take --seed {before['seed']}."
        )


def targets(material: Material, checkpoint: Checkpoint, say) -> np.ndarray:
    """The training targets: labels, or with teachers the mean of their predictions and the labels.

    Predictions of teachers may take long, so they are kept for resuming.

    Returns:
        float32 [texts, outputs]; with teachers, those of `others` and of `variants` come after
        those with labels.
    """
    config, dataset = material.config, material.dataset
    train = dataset.train
    plain = tasks.of(dataset).targets(train.labels)
    if not config.teacher:
        return plain
    say(f"Teachers: {', '.join(config.teacher)}")
    taught = teachers.answers(
        config.teacher,
        train.texts,
        train.labels,
        dataset.labels,
        material.others + material.variants,
        config.seed,
        say,
        kept=checkpoint.folder,
    )
    taught[: len(plain)] = (taught[: len(plain)] + plain) / 2
    return taught


def warn_of_unknown_words(ids: np.ndarray, tokenizer: AnyTokenizer, say) -> None:
    """Warns if many words of the validation texts [texts, L] are unknown."""
    words = ids[tokenizer.read(ids)]
    unknown = float(np.mean(words == tokenizer.vocabulary.unknown)) if words.size else 0.0
    if unknown > MANY_UNKNOWN:
        more = "more texts, word vectors (--vectors), or a larger --vocab-size"
        if tokenizer.kind == Tokenizer.kind:
            more = f"--tokenizer wordpiece, {more}"
        say(
            f"Warning: the vocabulary lacks {unknown:.0%} of the validation texts' words. Give "
            f"{more}. Scripts without spaces need word pieces."
        )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
