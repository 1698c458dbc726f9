"""What an exported file is asked before it counts as right."""

from collections.abc import Sequence

import numpy as np

from zoo.text import Tokenizer

COUNT = 256  # texts at the least
UNKNOWN_WORD = "qxzvqxzv"


def sample(real: Sequence[str]) -> list[str]:
    """At most `COUNT` of the texts that the model was made for, from all over."""
    return list(real[:: max(len(real) // COUNT, 1)][:COUNT])


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
