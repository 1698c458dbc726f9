"""Labels as files have them: one, several, or numbers."""

import json
import random

import numpy as np
import pytest

from zoo.datasets import DatasetError, Source, load_dataset
from zoo.datasets.split import text_key


def table(tmp_path, cells, name="t.csv"):
    """A .csv of different texts with these labels."""
    path = tmp_path / name
    rows = "".join(f'text {n},"{cell}"\n' for n, cell in enumerate(cells))
    path.write_text(f"text,label\n{rows}")
    return path


def lines(tmp_path, labels, name="t.jsonl"):
    path = tmp_path / name
    rows = [json.dumps({"text": f"text {n}", "label": label}) for n, label in enumerate(labels)]
    path.write_text("\n".join(rows) + "\n")
    return path


def by_text(dataset):
    """The labels of every text, of all splits."""
    parts = (dataset.train, dataset.valid, dataset.test)
    kind = dataset.kind
    return {
        text: label
        for part in parts
        for text, label in zip(part.texts, kind.decode(part.labels, dataset.labels), strict=True)
    }


CELLS = ["b|a", " a | b ", "", "a", "a|a", "|b|"] * 2
SEVERAL = [("a", "b"), ("a", "b"), (), ("a",), ("a",), ("b",)] * 2


def test_a_cell_has_labels_with_a_separator_between(tmp_path):
    found = load_dataset(table(tmp_path, CELLS), label_separator="|")
    assert (found.scores, found.labels) == ("sigmoid", ("a", "b"))
    assert found.train.labels.dtype == np.int32 and found.train.labels.shape[1:] == (2,)
    assert by_text(found) == {f"text {n}": own for n, own in enumerate(SEVERAL)}
    assert found.source["scores"] == "sigmoid"


def test_lists_of_json_are_several_labels_without_a_flag(tmp_path):
    labels = [list(own) for own in SEVERAL]
    found = load_dataset(lines(tmp_path, labels))
    assert (found.scores, found.labels) == ("sigmoid", ("a", "b"))
    assert by_text(found) == {f"text {n}": own for n, own in enumerate(SEVERAL)}
    ids = load_dataset(lines(tmp_path, [[1, 2], [True], []] * 3))
    assert ids.labels == ("1", "2", "true")


def test_without_a_separator_a_cell_is_one_label_or_none(tmp_path):
    found = load_dataset(table(tmp_path, ["a|b", "", "c"] * 3), scores="sigmoid")
    assert found.labels == ("a|b", "c")
    assert list(by_text(found).values()).count(()) == 3


def test_one_label_may_be_all_that_there_is(tmp_path):
    found = load_dataset(lines(tmp_path, [["a"], []] * 4))
    assert found.labels == ("a",)
    with pytest.raises(DatasetError, match="no text of train has a label"):
        load_dataset(lines(tmp_path, [[]] * 8))


def test_cells_are_numbers(tmp_path):
    cells = ["1", "-2.5", "+.5", "1e3", "7.", "0"] * 2
    found = load_dataset(table(tmp_path, cells), scores="numbers")
    assert (found.scores, found.labels) == ("numbers", ("label",))
    assert found.train.labels.dtype == np.float64
    expected = [(float(cell),) for cell in cells]
    assert by_text(found) == {f"text {n}": own for n, own in enumerate(expected)}


def test_lists_of_json_are_numbers_if_asked(tmp_path):
    found = load_dataset(lines(tmp_path, [[1, 2.5], [0, -3]] * 4), scores="numbers")
    assert found.labels == ("label 1", "label 2")
    assert by_text(found)["text 1"] == (0.0, -3.0)
    one = load_dataset(lines(tmp_path, [1, 2.5, "3"] * 3), scores="numbers")
    assert one.labels == ("label",) and by_text(one)["text 2"] == (3.0,)


def test_folders_of_texts_may_be_named_after_numbers(tmp_path):
    for part in ("train", "valid", "test"):
        for label in ("1", "2", "10"):
            path = tmp_path / part / label / f"{part}.txt"
            path.parent.mkdir(parents=True)
            path.write_text(f"{part} {label}")
    found = load_dataset(tmp_path, scores="numbers")
    assert sorted(found.train.labels[:, 0]) == [1, 2, 10]


REFUSED = {
    "a list among labels": (lines, ["a", ["b"]], {}, r"line 2: 'label' is a list, and those"),
    "a label among lists": (lines, [["a"], "b"], {}, r"line 2: 'label' is no list, and those"),
    "lists for one label": (lines, [["a"], ["b"]], {"scores": "softmax"}, "is a list; with --sc"),
    "an empty label": (lines, [["a", ""]], {}, "line 1: 'label' holds an empty label"),
    "null in a list": (lines, [["a", None]], {}, "'label' is null; a label must be a string"),
    "a fraction": (lines, [1.5], {}, "'label' is a number; a label must .* --scores numbers"),
    "a word": (table, ["1", "two"], {"scores": "numbers"}, "line 3: the label is 'two'; with"),
    "a comma": (table, ["1,5"], {"scores": "numbers"}, "'1,5'; with .* a point for decimals"),
    "no number": (table, ["1", ""], {"scores": "numbers"}, "line 3: the label is ''; with"),
    "not a number": (table, ["nan"], {"scores": "numbers"}, "'nan'; with --scores numbers"),
    "an infinite one": (table, ["1e999"], {"scores": "numbers"}, "must be finite"),
    "a boolean": (lines, [True], {"scores": "numbers"}, "'label' is a boolean; with"),
    "fewer numbers": (lines, [[1, 2], [3]], {"scores": "numbers"}, "line 2: .* has 1 numbers, and"),
    "an empty list": (lines, [[]], {"scores": "numbers"}, "line 1: 'label' has 0 numbers"),
    "a line break": (lines, [["a\nb"]], {}, "contains a line break"),
    "too few rows": (lines, [["a"], ["b"]], {}, "train needs at least 3 different texts .* has 2"),
    "an empty separator": (table, ["a"], {"label_separator": ""}, "--label-separator is empty"),
    "a separator of one label": (
        table,
        ["a"],
        {"label_separator": "|", "scores": "softmax"},
        "--scores softmax a text has one label; leave out",
    ),
    "a separator of numbers": (
        table,
        ["1"],
        {"label_separator": "|", "scores": "numbers"},
        "--scores numbers a text has one number in a cell",
    ),
    "another kind": (table, ["a"], {"scores": "hinge"}, "--scores must be one of softmax, sigmoid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_labels_are_refused(tmp_path, name):
    write, labels, options, message = REFUSED[name]
    with pytest.raises(DatasetError, match=message):
        load_dataset(write(tmp_path, labels), **options)


@pytest.mark.parametrize("options", [{"scores": "numbers"}, {"label_separator": "|"}])
def test_sets_with_one_label_are_refused(options):
    flag = "--" + next(iter(options)).replace("_", "-")
    with pytest.raises(DatasetError, match=f"{flag} is for files, and of reviews a text has one"):
        Source("reviews", **options).dataset()


def test_a_label_that_train_lacks_is_refused(tmp_path):
    lines(tmp_path, [["a"], ["b"]] * 3, "train.jsonl")
    lines(tmp_path, [["a"], ["a", "x"]], "test.jsonl")
    with pytest.raises(DatasetError, match=r"test\.jsonl, line 2: the label 'x' of test does not"):
        load_dataset(tmp_path)


def test_parts_of_other_kinds_are_refused(tmp_path):
    lines(tmp_path, [["a"], ["b"]] * 3, "train.jsonl")
    lines(tmp_path, ["a", "b"], "valid.jsonl")
    with pytest.raises(DatasetError, match=r"valid\.jsonl, line 1: 'label' is no list"):
        load_dataset(tmp_path)


# Numbers that nobody said are labels


@pytest.mark.parametrize(
    ("cells", "refused"),
    [
        ([f"{n}.5" for n in range(40)], True),
        ([str(n) for n in range(40)] * 2, True),  # two texts for a label
        ([str(n) for n in range(40)] * 6, False),  # the ids of labels
        (["0", "1"] * 20, False),
        ([f"{n / 2}" for n in range(2, 12)] * 3, False),  # stars, in halves
        ([f"id{n}" for n in range(40)] * 3, False),
    ],
)
def test_numbers_of_a_regression_are_not_taken_for_labels(tmp_path, cells, refused):
    path = table(tmp_path, cells)
    if not refused:
        assert load_dataset(path).scores == "softmax"
        return
    with pytest.raises(DatasetError, match=r"different numbers\. Give --scores numbers to predict"):
        load_dataset(path)
    assert load_dataset(path, scores="numbers").scores == "numbers"


def test_numbers_are_labels_if_that_is_said(tmp_path):
    found = load_dataset(table(tmp_path, [f"{n}.5" for n in range(40)] * 3), scores="softmax")
    assert len(found.labels) == 40


# Splits


def test_splits_are_drawn_by_the_texts_alone(tmp_path):
    rng = random.Random(0)
    texts = [f"Text {n}" for n in range(100)] + [f"text {n}!" for n in range(0, 100, 10)]
    rows = [{"text": text, "label": rng.sample("abc", rng.randint(0, 3))} for text in texts]
    path = tmp_path / "t.jsonl"
    splits = []
    for seed in (0, 1, 1):
        rng.shuffle(rows)
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")
        found = load_dataset(path, seed=seed)
        parts = [frozenset(map(text_key, part.texts)) for part in (found.valid, found.test)]
        assert [len(part.texts) for part in (found.valid, found.test)] == [11, 11]
        assert not (parts[0] | parts[1]) & set(map(text_key, found.train.texts))
        splits.append(parts)
    assert splits[1] == splits[2] != splits[0] and splits[0][1] == splits[1][1]


def test_labels_do_not_move_the_draw(tmp_path):
    labels = [["a"], []] * 30
    one = load_dataset(lines(tmp_path, labels))
    other = load_dataset(lines(tmp_path, labels[::-1]))
    numbers = load_dataset(lines(tmp_path, list(range(60))), scores="numbers")
    assert one.test.texts == other.test.texts == numbers.test.texts
    assert one.valid.texts == numbers.valid.texts
