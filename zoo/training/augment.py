"""Augmentation: replaces words of training texts at random, for a teacher to label.

A variant may no longer have the label of its text, so the teacher labels it. From few texts, a
model can thus learn how the teacher weighs words, in many orders and combinations (Jiao et al.,
"TinyBERT: distilling BERT for natural language understanding", Findings of EMNLP 2020, use near
neighbours instead).
"""

from collections.abc import Sequence

import numpy as np

from zoo.text import DELIMITER, PAD, UNKNOWN, Tokenizer, Vocabulary

LEAST, MOST = 0.1, 0.7  # share of the words of a text that are replaced, one for each variant


def exchanged(texts: Sequence[str], count: int, seed: int, delimiter: str = DELIMITER) -> list[str]:
    """Replaces some of the words of each text by words of another text.

    Args:
        texts: The texts to augment, which the words are also taken from.
        count: Variants of each text.
        seed: Seed of the random choices.
        delimiter: The RE2 regex that splits texts into words, as of `zoo.text.Tokenizer`.

    Returns:
        `count` variants of each text, their words joined by spaces.
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
