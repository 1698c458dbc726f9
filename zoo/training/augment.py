"""Variants of training texts, words exchanged at random, for a teacher to answer.

What a variant is about nobody knows: the teacher labels it. So a model learns from few texts how
the teacher weighs words, in many orders and combinations (Jiao et al., "TinyBERT: distilling BERT
for natural language understanding", Findings of EMNLP 2020, exchange words for near ones instead).
"""

from collections.abc import Sequence

import numpy as np

from zoo.text import DELIMITER, PAD, UNKNOWN, Tokenizer, Vocabulary

LEAST, MOST = 0.1, 0.7  # share of a text's words that is exchanged; another one for each variant


def exchanged(texts: Sequence[str], count: int, seed: int, delimiter: str = DELIMITER) -> list[str]:
    """Texts with some of their words exchanged for words of another text.

    Args:
        texts: What is varied, and what words are taken from.
        count: Variants of each text.
        seed: Decides which words.
        delimiter: The RE2 regex that splits texts into words, as of `zoo.text.Tokenizer`.

    Returns:
        `count` texts for each, their words with a space between.
    """
    split = Tokenizer(Vocabulary({PAD: 0, UNKNOWN: 1}), 1, delimiter).split
    rng = np.random.default_rng(seed)
    words = [split(text) for text in texts]
    found = []
    for own in words:
        for _ in range(count):
            others = words[rng.integers(len(words))]
            if not others:
                found.append(" ".join(own))
                continue
            taken = rng.random(len(own)) < rng.uniform(LEAST, MOST)
            drawn = rng.integers(len(others), size=len(own))
            pairs = zip(own, taken, drawn, strict=True)
            found.append(" ".join(others[place] if other else word for word, other, place in pairs))
    return found
