"""The texts that exported files are verified with."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from export.architecture import Architecture, UnsupportedModelError
from zoo import model_graph
from zoo.kinds import Kind
from zoo.reasons import first_line
from zoo.samples import Samples, evenly_spaced, of_length
from zoo.scores import Scores
from zoo.tokenizers import AnyTokenizer
from zoo.wordpiece import WordPieceTokenizer

COUNT = 256  # minimum number of texts
EVERY_LENGTH = 512  # up to this maximum length, every length is asked
UNKNOWN_WORD = "qxzvqxzv"


@dataclass(frozen=True)
class Questions:
    """Texts and the model's outputs for them.

    Attributes:
        ids: Token ids, int32 [texts, L].
        real: bool [texts], whether a text is real, not made up.
        labels: The truth about each text, as of `zoo.kinds.Kind`: int32 [texts], the label ids, -1
            if unknown.
        outputs: The outputs of the Keras model, [texts, outputs].
        scores: The kind of scores.
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
        """The first texts, which include all edge cases."""
        first = slice(count)
        return Questions(
            self.ids[first],
            self.real[first],
            self.labels[first],
            self.outputs[first],
            self.scores,
        )

    def reference(self) -> Callable[[np.ndarray], np.ndarray]:
        """The reference function for `export.verify`, with the known outputs."""
        return lambda ids: self.expected


def of(
    model: keras.Model,
    read: Architecture,
    length: int,
    *,
    tokenizer: AnyTokenizer | None,
    texts: Sequence[str] | np.ndarray,
    samples: Samples | None,
    kind: Kind,
) -> Questions:
    """Collects made-up texts for edge cases, and real texts if there are any.

    Args:
        model: The Keras model.
        read: Its architecture.
        length: L.
        tokenizer: Its tokenizer, or None.
        texts: Real texts, or their ids [texts, L].
        samples: The samples of the run, or None.
        kind: The kind of scores.
    """
    rows = len(read.embedding)
    real, labels = _real(tokenizer, texts, samples, length, rows)
    if labels is None:
        labels = kind.unknown(len(real), len(read.bias))
    if tokenizer is None:
        made = random_ids(length, rows)
    else:
        made = tokenizer.encode(made_up(tokenizer, max(COUNT - len(real), 64)))
    if not read.right_padded or not read.masked:
        made = np.concatenate([made, scattered_zeros(length, rows)])
    ids = np.concatenate([made, real]).astype(np.int32)
    outputs = predicted(model, ids)
    finite = np.isfinite(outputs).all(axis=1)
    if not finite.all():
        _require_no_text(model, ids[~finite])
    is_real = (np.arange(len(ids)) >= len(made))[finite]
    labels = np.concatenate([kind.unknown(len(made), len(read.bias)), labels])[finite]
    ids, outputs = ids[finite], outputs[finite]
    return Questions(
        ids,
        is_real,
        labels,
        outputs,
        read.scores,
    )


def predicted(model: keras.Model, ids: np.ndarray) -> np.ndarray:
    """The outputs of the Keras model, float32 [texts, classes].

    Raises:
        UnsupportedModelError: If Keras cannot run it.
    """
    try:
        found = model.predict(ids, batch_size=model_graph.batch_of(model) or 64, verbose=0)
        (outputs,) = keras.tree.flatten(found)  # one may be in a list or a dict
        return np.asarray(outputs, np.float32)
    except Exception as error:  # Keras's and its backends' errors have no common class
        raise UnsupportedModelError(
            f"Keras cannot run model {model.name!r} on token ids, int32 {list(ids.shape)}: "
            f"{first_line(error)}. Make model.predict work on such ids first."
        ) from error


def _require_no_text(model: keras.Model, ids: np.ndarray) -> None:
    """Warns if an empty text gets NaN; refuses NaN for other texts.

    Raises:
        UnsupportedModelError: If a text with words gets NaN.
    """
    with_words = (ids != 0).any(axis=1)
    if with_words.any():
        first = _first_not_finite(model, ids[with_words][:1])
        raise UnsupportedModelError(
            f"Model {model.name!r} gives NaN or infinite scores for {int(with_words.sum())} of the "
            f"texts that it was asked, first in {first}. Its weights may be too large; train it "
            "again with a lower learning rate."
        )
    warnings.warn(
        f"Model {model.name!r} gives NaN for a text without a word: "
        f"{_first_not_finite(model, ids[:1])} does, as a mean over no steps. What its files give "
        "for such a text is not verified; do not give them one.",
        stacklevel=5,
    )


def _first_not_finite(model: keras.Model, ids: np.ndarray) -> str:
    """The name of the first layer whose output for a text is not finite."""
    graph = model_graph.functional(model)
    steps = [s for s in model_graph.steps(graph) if "float" in str(s.output.dtype)]
    outputs = keras.Model(graph.input, [step.output for step in steps])(ids, training=False)
    for step, output in zip(steps, outputs, strict=True):
        if not np.isfinite(keras.ops.convert_to_numpy(output)).all():
            return model_graph.named(step)
    return "its call"


def _real(tokenizer, texts, samples, length, rows) -> tuple[np.ndarray, np.ndarray | None]:
    """Ids of real texts, and the truth about them if it is known."""
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
        return ids, None
    if samples is None:
        return np.zeros((0, length), np.int32), None
    # Validation texts first, then training texts.
    more = evenly_spaced(len(samples.train), max(COUNT - len(samples.valid), 0))
    ids = np.concatenate([of_length(samples.valid, length), of_length(samples.train[more], length)])
    return ids, np.concatenate([samples.valid_labels, samples.train_labels[more]])


def sample(real: Sequence[str]) -> list[str]:
    """At most `COUNT` evenly spaced texts."""
    return [real[place] for place in evenly_spaced(len(real), COUNT)]


def made_up(tokenizer: AnyTokenizer, count: int = COUNT, seed: int = 0) -> list[str]:
    """Makes up texts that reveal a wrong export.

    The first ones are edge cases: empty and blank texts, one word, only unknown words, and lengths
    around every limit of an export (one step, a block, the maximum and beyond). The others are
    random words, frequent ones more often.

    Args:
        tokenizer: The model's tokenizer.
        count: Minimum number of texts.
        seed: Seed of the random texts.
    """
    rng = np.random.default_rng(seed)
    words = _words(tokenizer)
    limit = tokenizer.max_length
    lengths = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, limit - 2, limit - 1, limit, limit + 1}
    texts = ["", "   ", "?!", UNKNOWN_WORD, " ".join([UNKNOWN_WORD] * limit)]
    texts += [_random_text(rng, words, length) for length in sorted(lengths) if length > 0]
    texts += [_random_text(rng, words, 2 * limit)]
    if tokenizer.kind == WordPieceTokenizer.kind:  # its files are resized for each length
        every = range(1, limit + 1, -(-limit // EVERY_LENGTH))
        texts += [_random_text(rng, words, length) for length in every]
    while len(texts) < count:
        texts.append(_random_text(rng, words, int(rng.integers(1, limit + 2))))
    return texts


def _words(tokenizer: AnyTokenizer) -> list[str]:
    """One word per id, in the order of the ids, which is that of frequency."""
    words: dict[int, str] = {}
    special = tokenizer.vocabulary.special
    for word, number in tokenizer.vocabulary.items():
        if number not in special and tokenizer.split(word) == [word]:
            words.setdefault(number, word)
    return [words[number] for number in sorted(words)] or [UNKNOWN_WORD]


def _random_text(rng: np.random.Generator, words: list[str], length: int) -> str:
    # Uniform in the logarithm of the rank, which is close to Zipf's law.
    ranks = np.exp(rng.uniform(0, np.log(len(words) + 1), length)).astype(int) - 1
    return " ".join(words[min(rank, len(words) - 1)] for rank in ranks)


def random_ids(length: int, vocab_size: int, seed: int = 0) -> np.ndarray:
    """Random ids, padded on the right, for a model without tokenizer: int32 [COUNT, length]."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, length + 1, COUNT)
    lengths[:4] = 0, 1, length - 1, length
    ids = rng.integers(1, vocab_size, (COUNT, length), dtype=np.int32)
    return np.where(np.arange(length) < lengths[:, None], ids, 0).astype(np.int32)


def scattered_zeros(length: int, vocab_size: int, seed: int = 1) -> np.ndarray:
    """Random ids with zeros at any position: int32 [64, length]."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, vocab_size, (64, length), dtype=np.int32)
    ids[rng.random(ids.shape) < rng.uniform(0, 0.9, (64, 1))] = 0
    # Padded on the left, the default of keras.utils.pad_sequences.
    starts = rng.integers(0, length + 1, 32)
    ids[:32] = np.where(np.arange(length) < starts[:, None], 0, ids[:32])
    return ids
