"""Batches: what an epoch holds, and in what order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.training.batches import POOL, ROUND_TO, Batches


def padded(lengths, width):
    """Row n holds n + 1, as often as it is long, so that a row tells its number."""
    ids = np.zeros((len(lengths), width), np.int32)
    for row, length in enumerate(lengths):
        ids[row, :length] = row + 1
    return ids


def make(lengths, width=None, **options):
    ids = padded(lengths, width or max(lengths))
    return Batches(ids, np.arange(len(lengths), dtype=np.int32), **({"batch_size": 4} | options))


def epoch_of(batches):
    return [batches[index] for index in range(len(batches))]


def same(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a, b)
        for x, y in zip(one, other, strict=True)
        for a, b in zip(x, y, strict=True)
    )


@st.composite
def arguments(draw):
    width = draw(st.integers(1, 80))
    lengths = draw(st.lists(st.integers(1, width), min_size=1, max_size=60))
    return {
        "lengths": lengths,
        "width": width,
        "batch_size": draw(st.integers(1, 9)),
        "seed": draw(st.none() | st.integers(0, 5)),
        "epoch": draw(st.integers(0, 3)),
    }


@settings(max_examples=150, deadline=None)
@given(arguments())
def test_an_epoch_holds_each_text_once_and_whole(given):
    batches = make(**given)
    seen = []
    for ids, labels in epoch_of(batches):
        assert ids.dtype == labels.dtype == np.int32
        for row, label in zip(ids, labels, strict=True):
            assert row[row != 0].tolist() == [label + 1] * given["lengths"][label]
            seen.append(label)
    assert sorted(seen) == list(range(len(given["lengths"])))


@settings(max_examples=150, deadline=None)
@given(arguments())
def test_all_batches_are_full_but_one(given):
    size, texts = given["batch_size"], len(given["lengths"])
    sizes = sorted(len(labels) for _, labels in epoch_of(make(**given)))
    assert sizes[1:] == [size] * (len(sizes) - 1)
    assert sizes[0] == (texts % size or size)


@settings(max_examples=150, deadline=None)
@given(arguments())
def test_the_first_batch_has_the_longest_text_and_a_width_of_its_own(given):
    first, *rest = epoch_of(make(**given))
    longest = max(given["lengths"])
    assert max(given["lengths"][label] for label in first[1]) == longest
    assert first[0].shape[1] == rounded(longest, given["width"]) + 1
    assert not first[0][:, -1].any()
    assert all(ids.shape[1] < first[0].shape[1] for ids, _ in rest)


@settings(max_examples=150, deadline=None)
@given(arguments())
def test_other_batches_are_as_wide_as_their_longest_text_rounded_up(given):
    for ids, labels in epoch_of(make(**given))[1:]:
        longest = max(given["lengths"][label] for label in labels)
        assert ids.shape[1] == rounded(longest, given["width"])


def rounded(length, width):
    return min(-(-length // ROUND_TO) * ROUND_TO, width)


LENGTHS = np.random.default_rng(0).integers(1, 100, 97).tolist()


def test_the_same_seed_and_epoch_give_the_same_batches():
    assert same(epoch_of(make(LENGTHS, seed=3, epoch=2)), epoch_of(make(LENGTHS, seed=3, epoch=2)))


@pytest.mark.parametrize("other", [{"seed": 3, "epoch": 1}, {"seed": 4, "epoch": 0}])
def test_another_epoch_or_seed_gives_others(other):
    first = {frozenset(labels) for _, labels in epoch_of(make(LENGTHS, seed=3))}
    second = {frozenset(labels) for _, labels in epoch_of(make(LENGTHS, **other))}
    assert len(first & second) < len(first) / 2


def test_reading_goes_on_as_if_it_had_begun_at_that_epoch():
    batches = make(LENGTHS, seed=3)
    for epoch in range(3):
        assert same(epoch_of(batches), epoch_of(make(LENGTHS, seed=3, epoch=epoch)))
        batches.on_epoch_end()


def test_without_a_seed_every_epoch_is_the_same():
    batches = make(LENGTHS)
    before = epoch_of(batches)
    batches.on_epoch_end()
    assert same(before, epoch_of(batches))


def test_reading_out_of_order_changes_nothing():
    one, other = make(LENGTHS, seed=3), make(LENGTHS, seed=3)
    backwards = [other[index] for index in reversed(range(len(other)))]
    assert same(epoch_of(one), backwards[::-1])


def test_texts_of_like_length_share_a_batch():
    lengths = [5, 60] * (4 * POOL)  # two pools
    kinds = [{lengths[label] for label in labels} for _, labels in epoch_of(make(lengths, seed=0))]
    assert sum(len(kind) > 1 for kind in kinds) <= 2


def test_short_and_long_batches_are_mixed():
    lengths = list(range(1, 4 * POOL + 1))
    widest = [lengths[labels.max()] for _, labels in epoch_of(make(lengths, seed=0))][1:]
    assert widest != sorted(widest)
    assert widest != sorted(widest, reverse=True)


def test_a_text_without_ids_still_has_a_column():
    batches = Batches(np.zeros((3, 8), np.int32), np.zeros(3, np.int32), 2)
    assert all(ids.shape[1] >= 1 for ids, _ in epoch_of(batches))


def test_the_given_arrays_stay_as_they_are():
    ids, labels = padded(LENGTHS, 100), np.arange(len(LENGTHS), dtype=np.int32)
    copies = ids.copy(), labels.copy()
    batches = Batches(ids, labels, 4, seed=0)
    epoch_of(batches)
    batches.on_epoch_end()
    assert np.array_equal(ids, copies[0])
    assert np.array_equal(labels, copies[1])


# Word dropout

UNKNOWN = 2


def with_words(seed=0, **options):
    """200 texts of up to 40 ids: <START>, then known words and unknown ones."""
    rng = np.random.default_rng(1)
    ids = rng.integers(UNKNOWN, 50, (200, 40), dtype=np.int32)
    ids[:, 0] = 1
    ids[np.arange(40) >= rng.integers(1, 41, 200)[:, None]] = 0
    labels = np.arange(200, dtype=np.int32)
    return Batches(ids, labels, 16, seed=seed, unknown=UNKNOWN, **options), ids


def dropped(word_dropout, **options):
    """Which words of an epoch are replaced, bool [texts, time], and which could be."""
    batches, ids = with_words(word_dropout=word_dropout, **options)
    found = np.zeros(ids.shape, bool)
    for rows, labels in epoch_of(batches):
        width = min(rows.shape[1], ids.shape[1])
        changed = rows[:, :width] != ids[labels, :width]
        assert (rows[:, :width][changed] == UNKNOWN).all()
        found[labels, :width] = changed
    return found, ids > UNKNOWN


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_word_dropout_hides_about_that_share_of_the_words_and_nothing_else(share):
    found, words = dropped(share)
    assert not found[~words].any()
    assert found[words].mean() == pytest.approx(share, abs=0.03)


def test_no_word_becomes_unknown_unless_asked():
    assert not dropped(0.0)[0].any()
    batches, ids = with_words()
    assert all(np.isin(rows, ids).all() for rows, _ in epoch_of(batches))


def test_other_words_become_unknown_in_each_epoch_and_the_same_in_each_run():
    first = dropped(0.3)[0]
    assert np.array_equal(first, dropped(0.3)[0])
    second = dropped(0.3, epoch=1)[0]
    assert 0 < (first & second).sum() < 0.5 * first.sum()
