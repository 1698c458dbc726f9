"""What runs are compared with."""

import json

import numpy as np
import pytest

from zoo.datasets import Dataset, Split, load_dataset
from zoo.training import baseline, tfidf
from zoo.training.tfidf import TfidfClassifier


def data_of(train, labels, names, *, asked=None, truth=None):
    asked = train if asked is None else asked
    truth = labels if truth is None else truth
    part = Split(asked, np.array(truth, np.int32))
    return Dataset("x", names, Split(train, np.array(labels, np.int32)), part, part, {})


def test_tfidf_tells_texts_by_their_words():
    texts = ["A good film", "a fine plot", "A bad film", "a dull plot"]
    found = TfidfClassifier(2).fit(texts, np.array([1, 1, 0, 0], np.int32))
    scores = found.probabilities(["GOOD!", "dull", "unheard-of"])
    assert scores.shape == (3, 2) and scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)
    assert scores.argmax(axis=1).tolist()[:2] == [1, 0]
    assert found.texts == 4


def test_baselines_of_a_data_set():
    names = ("bad", "good")
    data = data_of(
        ["good a", "fine a", "good b", "bad a", "dull b"],
        [1, 1, 1, 0, 0],
        names,
        asked=["good", "fine", "bad", "dull"],
        truth=[1, 1, 0, 1],
    )
    found = baseline.measure(data)
    assert found["most_frequent_label"] == {"label": "good", "validation": 0.75, "test": 0.75}
    assert found["tfidf"] == {"texts": 5, "validation": 0.75, "test": 0.75}
    assert json.loads(json.dumps(found)) == found


def test_baselines_learn_from_train_alone():
    """Validation and test texts have one word, which train lacks and which tells the label."""
    train = [f"word{n}" for n in range(20)]
    data = data_of(train, [0, 1] * 10, ("a", "b"), asked=["x"] * 9 + ["y"], truth=[0] * 9 + [1])
    answers = TfidfClassifier(2).fit(train, data.train.labels).probabilities(["x", "y"])
    np.testing.assert_array_equal(answers[0], answers[1])
    assert baseline.measure(data)["tfidf"]["test"] in (0.1, 0.9)


def test_baselines_are_the_same_on_each_run(tiny_data):
    data = load_dataset(tiny_data)
    assert baseline.measure(data) == baseline.measure(data)


@pytest.mark.parametrize(
    "texts",
    [
        ["!!!", "...", "?", ""],  # no words
        ["yes", "no", "maybe", "never"],
        ["我喜欢这部电影", "很无聊", "不好看", "极了"],
        ["\ud800", "a\0b", "\u2028", "é"],
    ],
)
def test_odd_texts_are_no_error(texts):
    data = data_of(texts, [0, 1, 1, 1], ("a", "b"))
    found = baseline.measure(data)
    assert 0.5 <= found["tfidf"]["test"] <= 1
    assert found["most_frequent_label"]["test"] == 0.75


def test_without_words_tfidf_answers_by_frequency():
    found = TfidfClassifier(3).fit(["!", "?", "."], np.array([2, 2, 0], np.int32))
    np.testing.assert_allclose(found.probabilities(["?", "word"]), [[1 / 3, 0, 2 / 3]] * 2)
    assert found.texts == 0


def test_labels_that_train_lacks_get_no_probability():
    one = TfidfClassifier(3).fit(["a", "b"], np.array([1, 1], np.int32))
    np.testing.assert_array_equal(one.probabilities(["a"]), [[0, 1, 0]])
    two = TfidfClassifier(4).fit(["a", "b"], np.array([3, 1], np.int32))
    assert two.probabilities(["a"])[0, [0, 2]].tolist() == [0, 0]


def test_many_labels():
    texts = [f"word{n % 150} the" for n in range(600)]
    labels = np.arange(600, dtype=np.int32) % 150
    found = TfidfClassifier(150).fit(texts, labels).probabilities(texts[:150])
    assert np.mean(found.argmax(axis=1) == labels[:150]) == 1


def test_what_is_too_much_is_fitted_in_part(monkeypatch):
    texts = [f"{'good' if n % 2 else 'bad'} film" for n in range(1000)]
    labels = np.arange(1000, dtype=np.int32) % 2
    monkeypatch.setattr(tfidf, "MOST_CHARACTERS", 1000)
    by_characters = TfidfClassifier(2).fit(texts, labels)
    assert 100 < by_characters.texts < 130  # of 8 or 9 characters
    monkeypatch.setattr(tfidf, "MOST_PRODUCTS", 40)
    by_products = TfidfClassifier(2).fit(texts, labels)
    assert by_products.texts == 10  # two words a text, two labels
    assert by_products.probabilities(["good"]).argmax() == 1


def figures(accuracy, tfidf_accuracy):
    return {
        "validation": {"accuracy": 0.5},
        "test": {"accuracy": accuracy},
        "baselines": {
            "most_frequent_label": {"label": "good", "validation": 0.4, "test": 0.3},
            "tfidf": {"validation": 0.6, "test": tfidf_accuracy},
        },
    }


def test_a_model_that_is_worse_than_tfidf_is_warned_of():
    said = baseline.warning(figures(0.7, 0.8))
    assert "0.7000 against 0.8000" in said and "--init" in said and "\n" not in said
    assert baseline.warning(figures(0.8, 0.8)) is None
    assert baseline.compared(figures(0.7, 0.8)) == [
        ("most frequent label (good)", 0.4, 0.3),
        ("TF-IDF with logistic regression", 0.6, 0.8),
        ("this model", 0.5, 0.7),
    ]


def test_a_run_keeps_them_and_its_card_shows_them(tiny_run, tiny_data):
    found = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    assert found["baselines"] == baseline.measure(load_dataset(tiny_data))
    card = (tiny_run / "README.md").read_text(encoding="utf-8")
    for title, validation, test in baseline.compared(found):
        assert f"| {title} | {validation:.4f} | {test:.4f} |" in card
    assert ("Warning" in card) == (baseline.warning(found) is not None)
