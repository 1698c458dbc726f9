"""Held-out rows, label ids and the limit."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.datasets import DatasetError, load_dataset
from zoo.datasets.split import Parts, Rows, Split, assemble, hold_out, text_key


def rows(pairs):
    texts, labels = zip(*pairs, strict=True)
    return Rows(list(texts), list(labels), lambda i: f"row {i}")


def make(train, *, seed=0, valid_fraction=0.1, limit=None, labels=None, **others):
    parts = {"train": rows(train)} | {part: rows(pairs) for part, pairs in others.items()}
    found = Parts("set", parts, labels, {"path": "set.tsv"})
    return assemble(found, seed=seed, valid_fraction=valid_fraction, limit=limit)


def numbered(counts):
    return [(f"{label} text {i}", label) for label, n in counts.items() for i in range(n)]


def test_one_part_gives_three_with_ten_percent_of_each_label():
    dataset = make(numbered({"b": 200, "a": 100}))
    assert dataset.labels == ("a", "b")
    for split, sizes in ((dataset.train, [80, 160]), (dataset.valid, [10, 20])):
        assert np.bincount(split.labels).tolist() == sizes
    assert np.bincount(dataset.test.labels).tolist() == [10, 20]
    everything = dataset.train.texts + dataset.valid.texts + dataset.test.texts
    assert sorted(everything) == sorted(text for text, _ in numbered({"b": 200, "a": 100}))
    assert all(
        dataset.labels[label] == text[0]
        for split in (dataset.train, dataset.valid, dataset.test)
        for text, label in zip(split.texts, split.labels, strict=True)
    )


def test_labels_are_int32_and_the_source_is_json():
    dataset = make(numbered({"b": 20, "a": 20}))
    assert dataset.train.labels.dtype == np.int32
    source = json.loads(json.dumps(dataset.source))
    assert source["rows"] == {"train": 32, "valid": 4, "test": 4}
    assert source["held_out"] == {"test": 0.1, "valid": 0.1}


def test_the_given_parts_stay_whole_and_in_order():
    valid, test = numbered({"a": 3})[::-1], numbered({"b": 4})
    dataset = make(numbered({"b": 20, "a": 20}), valid=valid, test=test)
    assert dataset.valid.texts == [text for text, _ in valid]
    assert dataset.test.texts == [text for text, _ in test]
    assert dataset.train.texts == [text for text, _ in numbered({"b": 20, "a": 20})]
    assert dataset.source["held_out"] == {}


@pytest.mark.parametrize("given_part, missing", [("test", "valid"), ("valid", "test")])
def test_only_the_missing_part_is_held_out(given_part, missing):
    dataset = make(numbered({"b": 40, "a": 40}), **{given_part: [("one", "a"), ("two", "b")]})
    assert len(getattr(dataset, given_part)) == 2
    assert len(getattr(dataset, missing)) == 8
    assert len(dataset.train) == 72


def test_texts_of_a_given_part_are_not_held_out():
    train = numbered({"b": 30, "a": 30})
    given_part = numbered({"b": 25, "a": 25})
    dataset = make(train, test=given_part)
    shared = {text for text, _ in given_part}
    assert not shared & set(dataset.valid.texts)
    assert shared < set(dataset.train.texts)


def test_the_draw_depends_on_the_seed_but_not_that_of_test():
    train = numbered({"b": 300, "a": 300})
    one, again, other = make(train), make(train), make(train, seed=1)
    assert one.valid.texts == again.valid.texts
    assert set(one.valid.texts) != set(other.valid.texts)
    assert one.test.texts == other.test.texts
    assert make(train, valid_fraction=0.3).test.texts == one.test.texts


def test_the_order_of_the_rows_plays_no_role():
    train = numbered({"b": 100, "a": 100})
    one, other = make(train), make(train[::-1])
    assert set(one.valid.texts) == set(other.valid.texts)
    assert set(one.test.texts) == set(other.test.texts)


def test_equal_texts_stay_together():
    train = [
        (variant.format(i), "ab"[i % 2])
        for i in range(60)
        for variant in ("Film no. {}!", "film NO {}", "film, no {} ...")
    ]
    dataset = make(train)
    keys = [
        {text_key(text) for text in split.texts}
        for split in (dataset.train, dataset.valid, dataset.test)
    ]
    assert not (keys[0] & keys[1] or keys[0] & keys[2] or keys[1] & keys[2])
    assert all(keys)


def test_texts_without_letters_are_not_all_equal():
    assert text_key("?!") != text_key(":-)")
    assert text_key(" ?! ") == text_key("?!")
    assert text_key("ΣΑΣ 9") == text_key("σας9")


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=120),
    fraction=st.sampled_from([0.01, 0.1, 0.5]),
    seed=st.integers(0, 3),
)
def test_hold_out_keeps_its_promises_or_refuses(pairs, fraction, seed):
    train = Split(
        [f"text {n}" for n, _ in pairs], np.array([label for _, label in pairs], np.int32)
    )
    try:
        parts = hold_out(
            train, {"test": 0.1, "valid": fraction}, names="abcd", seed=seed, where="set"
        )
    except DatasetError:
        return
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(pairs)))
    texts = {part: {train.texts[i] for i in chosen} for part, chosen in parts.items()}
    assert not texts["train"] & texts["valid"] | texts["train"] & texts["test"]
    assert not texts["valid"] & texts["test"]
    for chosen in parts.values():
        assert set(train.labels[chosen]) == set(train.labels)


def test_a_frequent_text_does_not_swallow_a_part():
    train = [("same", "a")] * 80 + numbered({"a": 20, "b": 20})
    dataset = make(train)
    assert np.bincount(dataset.valid.labels).tolist() == [10, 2]
    assert "same" not in dataset.valid.texts + dataset.test.texts


def test_every_part_gets_a_text_of_every_label():
    dataset = make(numbered({"a": 3, "b": 3}), valid_fraction=0.5)
    for split in (dataset.train, dataset.valid, dataset.test):
        assert np.bincount(split.labels).tolist() == [1, 1]


def test_a_greedy_part_leaves_texts_to_the_next():
    train = Split([f"text {i}" for i in range(8)], np.zeros(8, np.int32))
    avoid = train.texts[:5]
    parts = hold_out(
        train, {"test": 0.5, "valid": 0.1}, names="a", seed=0, where="set", avoid=avoid
    )
    assert [len(parts[part]) for part in ("train", "valid", "test")] == [5, 1, 2]


def test_a_text_with_two_labels_counts_for_the_more_frequent_one():
    train = [*numbered({"a": 2, "b": 9}), ("both", "a"), ("both", "b"), ("both", "b")]
    with pytest.raises(DatasetError, match=r"but 'a' has 2\."):
        make(train)
    assert len(make([*train, ("both", "a"), ("both", "a")]).labels) == 2


def test_too_few_texts_of_a_label_are_refused():
    train = [*numbered({"a": 30, "b": 2}), ("B, TEXT 1", "b")]
    with pytest.raises(
        DatasetError, match=r"set\.tsv: too few rows.*at least 3 different.*'b' has 2\. Add"
    ):
        make(train)
    dataset = make(train, test=[("new", "a")])  # validation alone needs only two
    assert np.bincount(dataset.valid.labels).tolist() == [3, 1]


def test_many_short_labels_are_counted():
    with pytest.raises(DatasetError, match=r"'c4' has 1 \(and 3 more labels\)"):
        make(numbered({f"c{i}": 1 for i in range(8)}))


def test_limit_takes_a_shuffled_start_of_train_only():
    train = numbered({"b": 100, "a": 100})
    whole, ten, twenty = make(train), make(train, limit=10), make(train, limit=20)
    assert len(ten.train) == 10
    assert ten.train.texts == twenty.train.texts[:10]
    assert set(ten.train.texts) < set(whole.train.texts)
    assert set(twenty.train.labels) == {0, 1}  # sorted by label, the first rows are all "b"
    assert ten.valid.texts == whole.valid.texts
    assert ten.test.texts == whole.test.texts
    assert make(train, limit=10_000).train.texts == whole.train.texts
    assert make(train, limit=10, seed=1).train.texts != ten.train.texts


def test_limit_keeps_the_labels():
    train = numbered({f"c{i}": 5 for i in range(9)})
    dataset = make(train, limit=2)
    assert len(dataset.train) == 2
    assert len(dataset.labels) == 9


def test_one_label_is_refused():
    with pytest.raises(DatasetError, match=r"set\.tsv: train has only one label, 'a'.*two"):
        make(numbered({"a": 30}))


@pytest.mark.parametrize("part", ["valid", "test"])
def test_a_label_that_train_lacks_is_refused(part):
    with pytest.raises(DatasetError, match=rf"row 1: the label 'c' of {part} .*train"):
        make(numbered({"a": 30, "b": 30}), **{part: [("x", "a"), ("y", "c")]})


def test_labels_of_the_source_keep_their_ids():
    dataset = make(numbered({"a": 30, "b": 30}), labels=("b", "unused", "a"))
    assert dataset.labels == ("b", "unused", "a")
    assert set(dataset.train.labels) == {0, 2}


@pytest.mark.parametrize(
    "option, rule",
    [
        ({"limit": 0}, "limit is 0"),
        ({"valid_fraction": 0}, "valid_fraction is 0"),
        ({"valid_fraction": 0.6}, "valid_fraction is 0.6"),
        ({"seed": -1}, "seed is -1"),
        ({"text_column": "label"}, "have to differ"),
    ],
)
def test_options_are_checked_before_anything_is_read(option, rule):
    with pytest.raises(DatasetError, match=rule):
        load_dataset("not/there", **option)
