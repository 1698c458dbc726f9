"""A teacher of n-grams with naive Bayes features and logistic regression.

Each n-gram of a text is weighted by its log-count ratio between a class and the others; a logistic
regression is fitted to these features (Wang & Manning, "Baselines and bigrams: simple, good
sentiment and topic classification", ACL 2012). It knows far more word pairs than a small recurrent
model can learn.
"""

import re
from collections.abc import Sequence

import numpy as np

from zoo.datasets.split import text_key

ORDER = 3  # longest n-gram, in words
FOLDS = 5
SMOOTHING = 1.0  # smoothing count
_WORD = re.compile(r"\w+|[^\w\s]")


def answers(
    texts: Sequence[str], labels: np.ndarray, num_classes: int, others: Sequence[str], seed: int
) -> np.ndarray:
    """Probabilities for the training texts and for others.

    Predictions for texts that a classifier was fitted to are close to the labels and teach nothing.
    So each training text is predicted by a classifier that was fitted to the other folds; equal
    texts are in one fold.

    Args:
        texts: Training texts.
        labels: int32 [texts].
        num_classes: Number of labels.
        others: More texts to predict.
        seed: Seed of the folds and of the order of the texts.

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
        min_df=2,  # n-grams of a single text do not generalise
        dtype=np.float32,
    )


def _fit_and_answer(counts, labels, num_classes, asked, seed) -> np.ndarray:
    """Probabilities for the rows of `asked`, by one-vs-rest classifiers."""
    from scipy.sparse import diags_array
    from sklearn.linear_model import LogisticRegression

    scores = np.zeros((asked.shape[0], num_classes), np.float64)
    classes = range(1, 2) if num_classes == 2 else range(num_classes)
    for label in classes:
        inside = labels == label
        if inside.all() or not inside.any():  # a rare label that is only in the other fold
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
