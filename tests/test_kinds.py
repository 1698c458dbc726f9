"""The rules of each kind of scores, against scikit-learn and plain NumPy."""

import json
import warnings

import numpy as np
import pytest
from sklearn import metrics

from zoo import Classifier, kinds
from zoo.kinds import KINDS, Numbers, Sigmoid, Softmax
from zoo.text import Tokenizer, Vocabulary

NAMES = ("a", "b", "c")


def of_labels(seed, texts=40, labels=5, share=0.3):
    """Scores, truth and thresholds; the last label is right nowhere and is never predicted."""
    rng = np.random.default_rng(seed)
    scores = rng.random((texts, labels), np.float32)
    truth = (rng.random((texts, labels)) < share).astype(np.int32)
    thresholds = (*rng.uniform(0.2, 0.8, labels - 1), 1.0)
    truth[:, -1] = 0
    return scores, truth, thresholds


@pytest.mark.parametrize("seed", range(5))
def test_figures_of_several_labels_are_those_of_scikit_learn(seed):
    scores, truth, thresholds = of_labels(seed)
    found = Sigmoid(thresholds).figures(scores, truth)
    predicted = (scores >= np.array(thresholds)).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the label that is never predicted
        expected = {
            "micro_f1": metrics.f1_score(truth, predicted, average="micro"),
            "macro_f1": metrics.f1_score(truth, predicted, average="macro"),
            "exact_match": metrics.accuracy_score(truth, predicted),
            "loss": metrics.log_loss(
                truth.reshape(-1), scores.reshape(-1).astype(np.float64), labels=[0, 1]
            ),
        }
    assert found == pytest.approx(expected, rel=1e-9)
    assert found["exact_match"] == Sigmoid(thresholds).right(scores, truth)


def test_figures_where_no_label_is_right_or_predicted():
    found = Sigmoid().figures(np.zeros((3, 2), np.float32), np.zeros((3, 2), np.int32))
    assert found == {"micro_f1": 0.0, "macro_f1": 0.0, "exact_match": 1.0, "loss": 0.0}
    assert np.isfinite(Sigmoid().figures(np.ones((1, 1), np.float32), np.zeros((1, 1)))["loss"])


@pytest.mark.parametrize("outputs", [1, 3])
def test_figures_of_numbers_are_those_of_scikit_learn(outputs):
    rng = np.random.default_rng(outputs)
    truth = rng.normal(50, 20, (30, outputs))
    scores = (truth + rng.normal(0, 9, truth.shape)).astype(np.float32)
    found = Numbers().figures(scores, truth)
    assert found == pytest.approx(
        {
            "r2": metrics.r2_score(truth, scores),
            "mae": metrics.mean_absolute_error(truth, scores),
            "mse": metrics.mean_squared_error(truth, scores),
        }
    )


@pytest.mark.parametrize(("scores", "r2"), [([0.1, 0.1, 0.1], 1.0), ([0.1, 0.2, 0.1], 0.0)])
def test_r2_of_a_constant_is_as_in_scikit_learn(scores, r2):
    truth, scores = np.full((3, 1), 0.1), np.array(scores)[:, None]
    assert Numbers().figures(scores, truth)["r2"] == r2
    assert Numbers().figures(scores[:1], truth[:1])["r2"] == 1.0  # of one text


def test_figures_of_one_label():
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.2, 0.2, 0.6]], np.float32)
    found = Softmax().figures(scores, np.array([0, 2, 2]))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["loss"] == pytest.approx(-np.mean(np.log([0.7, 0.4, 0.6])), rel=1e-6)


def classifier(kind, *rows, names=NAMES):
    tokenizer = Tokenizer(Vocabulary({"<PAD>": 0, "<UNKNOWN>": 1, "film": 2}), 3)
    return Classifier("x", tokenizer, names, lambda ids: np.array(rows, np.float32), kind)


def test_a_text_gets_the_labels_that_reach_their_thresholds():
    kind = Sigmoid((0.5, 0.25, 0.9))
    asked = classifier(kind, [0.5, 0.2, 0.89], [0.4, 0.25, 0.95], [0.1, 0.1, 0.1])
    one, two, three = asked.predict(["film", "no", "film"])
    assert (one.labels, one.label) == (("a",), "c")
    assert (two.labels, two.label) == (("b", "c"), "c")
    assert three.labels == ()
    assert [" ".join([found, *more]) for found, more in map(kind.shown, (one, two, three))] == [
        "a 0.500",
        "c 0.950, b 0.250",
        "no label highest: a 0.100",
    ]
    said = json.loads(json.dumps(kind.json(two)))
    assert said == {"text": "no", "labels": ["b", "c"], "scores": two.scores, "known": 0.0}


def test_a_text_gets_numbers():
    asked = classifier(Numbers(), [-2.5], names=("stars",))
    (found,) = asked.predict(["film"])
    assert (found.label, found.labels, found.scores) == ("", (), {"stars": -2.5})
    assert Numbers().shown(found) == ("-2.5", [])
    assert Numbers().json(found) == {"text": "film", "numbers": {"stars": -2.5}, "known": 1.0}
    two = classifier(Numbers(), [1234.5678, 2], names=("x", "y")).predict(["film"])[0]
    assert Numbers().shown(two) == ("x 1235, y 2", [])


def test_a_text_gets_one_label_as_ever():
    (found,) = classifier(Softmax(), [0.2, 0.7, 0.1]).predict(["film"])
    assert (found.label, found.labels) == ("b", ("b",))
    assert list(Softmax().json(found)) == ["text", "label", "scores", "known"]


LABELS = {
    "softmax": ["b", "a", "c"],
    "sigmoid": [("b", "c"), (), ("a",)],
    "numbers": [(1.0, 2.0, 3.0), (0.0, 0.0, 0.5), (4.0, -1.0, 2.0)],
}


@pytest.mark.parametrize("name", KINDS)
def test_labels_are_encoded_and_decoded(name):
    kind = kinds.find(name)
    truth = kind.encode(LABELS[name], NAMES)
    assert kind.decode(truth, NAMES) == LABELS[name]
    assert kind.is_truth(truth, 3) and not kind.is_truth(truth, 2)
    assert kind.is_known(truth).all() and not kind.is_known(kind.unknown(2, 3)).any()
    for other in set(KINDS) - {name}:
        assert not kinds.find(other).is_truth(truth, 3)
    assert kind.misfit(LABELS[name], NAMES) is None
    assert kind.misfit(LABELS[name], ("a", "b")) == {"numbers": "3 for a text"}.get(name, "c")
    assert not kind.is_truth(truth - 2, 3) or name == "numbers"
    assert not kind.is_truth(truth * np.nan, 3) or name != "numbers"


@pytest.mark.parametrize("kind", [Softmax(), Sigmoid(), Sigmoid((0.1, 1.0, 0.0)), Numbers()])
def test_a_record_is_read_back(kind):
    record = kind.record()
    assert (record is None) == (kind.name == "softmax")
    assert record is None or kinds.parse(json.loads(json.dumps(record)), 3) == kind


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "must be an object"),
        ({"thresholds": [0.5] * 3}, "must be an object"),
        ({"kind": "hinge"}, "must be one of softmax, sigmoid, numbers"),
        ({"kind": "sigmoid", "thresholds": [0.5] * 2}, "a list of 3 numbers"),
        ({"kind": "sigmoid", "thresholds": {"a": 0.5}}, "a list of 3 numbers"),
        ({"kind": "sigmoid", "thresholds": [0.5, 0.5, 1.5]}, "from 0 to 1, not 1.5"),
        ({"kind": "sigmoid", "thresholds": [0.5, 0.5, True]}, "from 0 to 1, not True"),
        ({"kind": "sigmoid", "thresholds": [0.5, 0.5, float("nan")]}, "from 0 to 1, not nan"),
    ],
)
def test_a_damaged_record_is_refused(record, message):
    with pytest.raises(ValueError, match=message):
        kinds.parse(record, 3)


# Files against their model


def test_labels_are_the_same_on_the_same_side_of_the_thresholds():
    kind = Sigmoid((0.5, 0.2))
    expected = np.array([[0.6, 0.1], [0.6, 0.1], [0.6, 0.1], [0.51, 0.1]])
    scores = np.array([[0.9, 0.19], [0.9, 0.2], [0.4, 0.1], [0.49, 0.1]])
    assert kind.same(scores, expected, 1e-4).tolist() == [True, False, False, False]
    assert kind.same(scores, expected, 0.05).tolist() == [True, False, False, True]


def test_numbers_are_the_same_within_a_share_of_the_range_of_each():
    expected = np.array([[0.0, 1000.0], [1.0, 1010.0], [0.5, 1005.0]])
    moved = np.array([[0.04, 1000.0], [1.06, 1010.0], [0.5, 1006.1]])
    assert Numbers().same(moved, expected, 0.05).tolist() == [True, False, False]
    constant = np.full((2, 1), 100.0)
    near = np.array([[100.09], [100.2]])
    assert Numbers().same(near, constant, 0.05).tolist() == [True, False]
    np.testing.assert_allclose(Numbers().spread(expected), [1.0, 1010.0])
