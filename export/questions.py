"""What an exported file is asked before it counts as right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from export.architecture import Architecture
from zoo.samples import Samples, evenly_spaced, of_length
from zoo.scores import Scores
from zoo.text import Tokenizer

COUNT = 256  # texts at the least
UNKNOWN_WORD = "qxzvqxzv"


@dataclass(frozen=True)
class Questions:
    """What a file is held against.

    Attributes:
        ids: Texts, int32 [texts, L].
        real: bool [texts], which of them people wrote.
        labels: int32 [texts], the number of the right label; -1 where it is not known.
        outputs: What the Keras model gives, [texts, classes].
        scores: What these outputs are.
    """

    ids: np.ndarray
    real: np.ndarray
    labels: np.ndarray
    outputs: np.ndarray
    scores: Scores

    @property
    def expected(self) -> np.ndarray:
        """The scores of Keras, float32 [texts, classes]."""
        return self.scores.of(self.outputs)

    def some(self, count: int) -> "Questions":
        """The first so many, those of every bound among them."""
        first = slice(count)
        return Questions(
            self.ids[first],
            self.real[first],
            self.labels[first],
            self.outputs[first],
            self.scores,
        )

    def reference(self) -> Callable[[np.ndarray], np.ndarray]:
        """Keras as `export.verify` asks it: it has answered these texts already."""
        return lambda ids: self.expected


def of(
    model: keras.Model,
    read: Architecture,
    length: int,
    *,
    tokenizer: Tokenizer | None,
    texts: Sequence[str] | np.ndarray,
    samples: Samples | None,
) -> Questions:
    """Made-up texts that find a wrong export, and real ones where there are any.

    Args:
        model: Whose answers count.
        read: What was read of it.
        length: L.
        tokenizer: The model's, or None.
        texts: Real texts, or their ids [texts, L].
        samples: What the run kept of its own texts.
    """
    rows = len(read.embedding)
    real, labels = _real(tokenizer, texts, samples, length, rows)
    if tokenizer is None:
        made = random_ids(length, rows)
    else:
        made = tokenizer.encode(made_up(tokenizer, max(COUNT - len(real), 64)))
    if not read.right_padded or not read.masked:
        made = np.concatenate([made, scattered_zeros(length, rows)])
    ids = np.concatenate([made, real]).astype(np.int32)
    outputs = np.asarray(model.predict(ids, batch_size=64, verbose=0), np.float32)
    return Questions(
        ids,
        np.arange(len(ids)) >= len(made),
        np.concatenate([np.full(len(made), -1), labels]).astype(np.int32),
        outputs,
        read.scores,
    )


def _real(tokenizer, texts, samples, length, rows) -> tuple[np.ndarray, np.ndarray]:
    """Ids of real texts and their labels, as far as they are known."""
    if len(texts):
        if isinstance(texts, np.ndarray) and texts.dtype.kind in "iu":
            ids = texts[evenly_spaced(len(texts), COUNT)]
            if ids.ndim != 2 or ids.min() < 0 or ids.max() >= rows:
                raise ValueError(
                    f"texts as ids have to be [texts, L] from 0 to {rows - 1}, not "
                    f"{list(texts.shape)} from {texts.min()} to {texts.max()}."
                )
            ids = of_length(ids, length)
        elif tokenizer is None:
            raise ValueError("texts have to be ids [texts, L]: a Keras model has no tokenizer.")
        else:
            ids = tokenizer.encode(sample(list(texts)))
        return ids, np.full(len(ids), -1)
    if samples is None:
        return np.zeros((0, length), np.int32), np.zeros(0, np.int32)
    # Texts that the model has not learnt from, filled up with those that it has.
    more = evenly_spaced(len(samples.train), max(COUNT - len(samples.valid), 0))
    ids = np.concatenate([of_length(samples.valid, length), of_length(samples.train[more], length)])
    return ids, np.concatenate([samples.valid_labels, samples.train_labels[more]])


def sample(real: Sequence[str]) -> list[str]:
    """At most `COUNT` of the texts that the model was made for, from all over."""
    return [real[place] for place in evenly_spaced(len(real), COUNT)]


def made_up(tokenizer: Tokenizer, count: int = COUNT, seed: int = 0) -> list[str]:
    """Texts that find a wrong export.

    What goes wrong first: no text, blanks, one word, only unknown words, and lengths about every
    bound that an export has: one step, a block, the longest text and beyond. Then texts of random
    words, the frequent ones oftener.

    Args:
        tokenizer: The model's.
        count: Texts at the least.
        seed: Decides the random texts.
    """
    rng = np.random.default_rng(seed)
    words = _words(tokenizer)
    limit = tokenizer.max_length
    lengths = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, limit - 2, limit - 1, limit, limit + 1}
    texts = ["", "   ", "?!", UNKNOWN_WORD, " ".join([UNKNOWN_WORD] * limit)]
    texts += [_random_text(rng, words, length) for length in sorted(lengths) if length > 0]
    texts += [_random_text(rng, words, 2 * limit)]
    while len(texts) < count:
        texts.append(_random_text(rng, words, int(rng.integers(1, limit + 2))))
    return texts


def _words(tokenizer: Tokenizer) -> list[str]:
    """One word for each id, in the order of the ids: the frequent ones first."""
    vocabulary = tokenizer.vocabulary
    special = {vocabulary.pad, vocabulary.unknown, vocabulary.start}
    words: dict[int, str] = {}
    for word, number in vocabulary.items():
        if number not in special:
            words.setdefault(number, word)
    return [words[number] for number in sorted(words)] or [UNKNOWN_WORD]


def _random_text(rng: np.random.Generator, words: list[str], length: int) -> str:
    # Uniform in the logarithm of the rank: about as often as words of that rank are in texts.
    ranks = np.exp(rng.uniform(0, np.log(len(words) + 1), length)).astype(int) - 1
    return " ".join(words[min(rank, len(words) - 1)] for rank in ranks)


def random_ids(length: int, vocab_size: int, seed: int = 0) -> np.ndarray:
    """int32 [COUNT, length] of random ids, padded on the right: for a model without tokenizer."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, length + 1, COUNT)
    lengths[:4] = 0, 1, length - 1, length
    ids = rng.integers(1, vocab_size, (COUNT, length), dtype=np.int32)
    return np.where(np.arange(length) < lengths[:, None], ids, 0).astype(np.int32)


def scattered_zeros(length: int, vocab_size: int, seed: int = 1) -> np.ndarray:
    """int32 [64, length] of random ids with zeros before, behind and among them."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, vocab_size, (64, length), dtype=np.int32)
    ids[rng.random(ids.shape) < rng.uniform(0, 0.9, (64, 1))] = 0
    # Padded on the left, as keras.utils.pad_sequences does by itself.
    starts = rng.integers(0, length + 1, 32)
    ids[:32] = np.where(np.arange(length) < starts[:, None], 0, ids[:32])
    return ids
