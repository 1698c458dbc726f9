"""The embedded reviews: the same everywhere, clean, and impossible to judge by counting words."""

import collections
import hashlib
import itertools
import re

import numpy as np
import pytest

from zoo.datasets import grammar, lexicon
from zoo.datasets.grammar import words

LISTS = (lexicon.FEELINGS, lexicon.EFFECTS, lexicon.KINDS, lexicon.VERDICTS)
FINGERPRINT = "8852949e012344fc7afee29d01a20a778b462a7e08349d844f2fd16054b78f5f"


@pytest.fixture(scope="module")
def splits():
    return {split: list(grammar.generate(split)) for split in grammar.SIZES}


def phrases(split):
    """The wordings in the lists that `split` has to itself."""
    pairs = itertools.chain.from_iterable(getattr(phrases, split) for phrases in LISTS)
    plain = itertools.chain.from_iterable(pairs)
    return [" ".join(words(phrase)) for phrase in plain if "{" not in phrase and "'" not in phrase]


def joined(rows):
    return "\n".join(" ".join(words(text)) for text, _ in rows)


def test_texts_are_the_same_everywhere(splits):
    rows = [f"{split}\t{label}\t{text}\n" for split in splits for text, label in splits[split]]
    assert hashlib.sha256("".join(rows).encode()).hexdigest() == FINGERPRINT


def test_sizes_and_balance(splits):
    for split, rows in splits.items():
        assert len(rows) == grammar.SIZES[split]
        assert collections.Counter(label for _, label in rows) == dict.fromkeys(
            grammar.LABELS, len(rows) // 2
        )


def test_no_text_occurs_twice(splits):
    texts = [tuple(words(text)) for rows in splits.values() for text, _ in rows]
    assert len(texts) == len(set(texts))


def test_length(splits):
    lengths = [len(words(text)) for rows in splits.values() for text, _ in rows]
    assert min(lengths) >= grammar.SHORTEST
    assert max(lengths) <= grammar.LONGEST


def test_every_topic_occurs_in_every_split(splits):
    for rows in splits.values():
        known = set(joined(rows).split())
        for topic in lexicon.TOPICS:
            assert known.issuperset(topic.singular.split(", "))


def test_texts_are_well_formed(splits):
    for rows in splits.values():
        for text, _ in rows:
            assert not re.search(r"[{}]|\s\s|^\s|\s$|\s[.,;:!?]", text), text
            assert not re.search(r"\b[Aa] (?!one\b|use)[aeiou]", text), text
            assert not re.search(r"\b[Aa]n [^aeiouh]", text), text
            if text != text.lower():
                assert not re.search(r"^[a-z]|[.!?] [a-z]|\bi\b", text), text


def test_words_of_test_are_known(splits):
    known = set(joined(splits["train"]).split())
    tokens = joined(splits["test"]).split()
    assert sum(token not in known for token in tokens) / len(tokens) < 0.01


@pytest.mark.parametrize(("owner", "other"), [("train", "test"), ("test", "train")])
def test_train_and_test_have_phrases_of_their_own(splits, owner, other):
    own, foreign = joined(splits[owner]), joined(splits[other])
    assert len(phrases(owner)) >= 10
    for phrase in phrases(owner):
        assert re.search(rf"\b{phrase}\b", own), phrase
        assert not re.search(rf"\b{phrase}\b", foreign), phrase


def test_same_words_carry_either_verdict(splits):
    for rows in splits.values():
        labels = collections.defaultdict(set)
        for text, label in rows:
            labels[tuple(sorted(words(text)))].add(label)
        ambiguous = sum(len(labels[tuple(sorted(words(text)))]) == 2 for text, _ in rows)
        assert ambiguous / len(rows) > 0.25


def test_counting_words_is_not_enough(splits):
    index = {word: i for i, word in enumerate(sorted(set(joined(splits["train"]).split())))}
    accuracy = logistic_regression(
        *counts(splits["train"], index), *counts(splits["test"], index), features=len(index)
    )
    assert 0.6 < accuracy < 0.8


def counts(rows, index):
    """The known words of all rows as (row, word) numbers, and the labels."""
    pairs = [(i, index[w]) for i, (text, _) in enumerate(rows) for w in words(text) if w in index]
    labels = np.array([label == "positive" for _, label in rows], float)
    return np.array(pairs).T, labels


def logistic_regression(train, targets, test, answers, *, features, decay=1e-4):
    """Test accuracy of a bag of words, fitted with Adam on the whole of train."""
    row, word = train
    weights, mean, square = np.zeros((3, features))
    for step in range(1, 201):
        scores = np.bincount(row, weights[word], len(targets))
        errors = (1 / (1 + np.exp(-scores)) - targets) / len(targets)
        gradient = np.bincount(word, errors[row], features) + decay * weights
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        direction = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        weights = weights - 0.05 * direction
    row, word = test
    return np.mean((np.bincount(row, weights[word], len(answers)) > 0) == answers)


def test_unknown_split():
    with pytest.raises(ValueError, match="no split 'dev'; choose one of train, validation, test"):
        next(grammar.generate("dev"))


@pytest.mark.slow
def test_builder_gives_the_same_rows(splits, tmp_path):
    import tensorflow_datasets as tfds

    from zoo.datasets.reviews import Reviews

    builder = Reviews(data_dir=tmp_path)
    assert builder.name == "reviews"
    builder.download_and_prepare()
    names = builder.info.features["label"].names
    assert names == ["negative", "positive"]
    for split, rows in splits.items():
        read = tfds.as_numpy(builder.as_dataset(split=split))
        assert sorted((row["text"].decode(), names[row["label"]]) for row in read) == sorted(rows)
