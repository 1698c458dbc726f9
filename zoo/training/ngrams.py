"""A teacher that needs no training to speak of: n-grams, weighed by how they tell classes apart.

Each n-gram that a text holds counts by the logarithm of the ratio of its shares in the class and
outside of it, as naive Bayes has it; a logistic regression then learns how much of that to believe
(Wang & Manning, "Baselines and bigrams: simple, good sentiment and topic classification", ACL
2012). It knows far more word pairs than a small recurrent model sees often enough to learn.
"""

import re
from collections.abc import Sequence

import numpy as np

from zoo.datasets.split import text_key

ORDER = 3  # words of the longest n-gram
FOLDS = 5
SMOOTHING = 1.0  # what each n-gram is counted beside its texts
_WORD = re.compile(r"\w+|[^\w\s]")


def answers(
    texts: Sequence[str], labels: np.ndarray, num_classes: int, others: Sequence[str], seed: int
) -> np.ndarray:
    """Probabilities for the texts that it learns from, and for others.

    What it says of a text that it learnt from is next to that text's own label and teaches
    nothing, so each such text is answered by one that has learnt from the other folds only; equal
    texts are in one fold.

    Args:
        texts: What it learns from.
        labels: int32 [texts].
        num_classes: Number of labels.
        others: More texts to answer.
        seed: Decides the folds, and the order in which the regressions see the texts.

    Returns:
        float32 [texts and others, classes].

    Raises:
        ValueError: If no two texts have a word in common.
    """
    vectorizer = _vectorizer()
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise ValueError(
            f"The teacher 'ngrams' finds no word that two of the {len(texts):,} texts have in "
            "common. Give it more texts, or do without it."
        ) from error
    numbers: dict[bytes, int] = {}
    group = [numbers.setdefault(text_key(text), len(numbers)) for text in texts]
    fold = (np.random.default_rng(seed).permutation(len(numbers)) % FOLDS)[group]
    result = np.zeros((len(texts) + len(others), num_classes), np.float32)
    for held_out in range(FOLDS):
        rows = np.flatnonzero(fold == held_out)
        rest = np.flatnonzero(fold != held_out)
        if not len(rows):  # fewer texts than folds
            continue
        result[rows] = _fit_and_answer(counts[rest], labels[rest], num_classes, counts[rows], seed)
    if others:
        seen = vectorizer.transform(others)
        result[len(texts) :] = _fit_and_answer(counts, labels, num_classes, seen, seed)
    return result


def _vectorizer():
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(
        tokenizer=lambda text: _WORD.findall(text.lower()),
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, ORDER),
        binary=True,
        min_df=2,  # one that a single text holds tells of that text only
        dtype=np.float32,
    )


def _fit_and_answer(counts, labels, num_classes, asked, seed) -> np.ndarray:
    """Probabilities for the rows of `asked`, by one classifier for each class against the rest."""
    from scipy.sparse import diags_array
    from sklearn.linear_model import LogisticRegression

    scores = np.zeros((asked.shape[0], num_classes), np.float64)
    classes = range(1, 2) if num_classes == 2 else range(num_classes)
    for label in classes:
        inside = labels == label
        if inside.all() or not inside.any():  # a rare label that is in another fold
            scores[:, label] = inside.all()
            continue
        share_inside = SMOOTHING + np.asarray(counts[inside].sum(axis=0)).ravel()
        share_outside = SMOOTHING + np.asarray(counts[~inside].sum(axis=0)).ravel()
        ratio = np.log(share_inside / share_inside.sum() * share_outside.sum() / share_outside)
        weigh = diags_array(ratio.astype(np.float32))
        regression = LogisticRegression(
            solver="liblinear", dual=True, max_iter=1000, random_state=seed
        )
        regression.fit(counts @ weigh, inside)
        scores[:, label] = regression.predict_proba(asked @ weigh)[:, 1]
    if num_classes == 2:
        scores[:, 0] = 1 - scores[:, 1]
    return (scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
