"""Whose answers a model learns."""

import dataclasses

import numpy as np
import pytest

from zoo.datasets import load_dataset
from zoo.training import TrainingConfig, ngrams, teachers, tfidf, train
from zoo.training.checkpoint import Checkpoint
from zoo.training.material import gather, targets

WORDS = ["film", "plot", "cast", "scene", "sound", "light"]


def negated(count, seed):
    """Texts whose label hangs on a pair of words: "not good" is bad, "good" alone is not."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count).astype(np.int32)
    texts = []
    for label in labels:
        good = bool(rng.integers(2))
        core = ("" if good == label else "not ") + ("good" if good else "bad")
        if label == good:  # a "not" elsewhere, so that the word alone tells nothing
            core += " not dear"
        texts.append(f"{rng.choice(WORDS)} {core} {rng.choice(WORDS)}")
    return texts, labels


def test_ngrams_tell_word_pairs():
    texts, labels = negated(400, 0)
    others, truth = negated(200, 1)
    found = ngrams.answers(texts, labels, 2, others, seed=0)
    assert found.shape == (600, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.mean(found[400:].argmax(axis=1) == truth) > 0.95


def test_ngrams_weigh_as_naive_bayes_has_it(monkeypatch):
    """With the regression left out, the counts of three texts, by hand."""
    from sklearn import linear_model

    seen = []

    class Spy:
        def __init__(self, **_):
            pass

        def fit(self, features, inside):
            seen.append(features.toarray())
            return self

        def predict_proba(self, features):
            return np.full((features.shape[0], 2), 0.5)

    monkeypatch.setattr(linear_model, "LogisticRegression", Spy)
    monkeypatch.setattr(ngrams, "ORDER", 1)
    texts = ["a b", "a", "b c", "c"]
    ngrams.answers(texts, np.array([1, 1, 0, 0]), 2, ["a"], seed=0)
    # Counts with smoothing 1: inside a 3, b 2, c 1; outside a 1, b 2, c 3.
    a, b, c = np.log([3 / 6 / (1 / 6), 2 / 6 / (2 / 6), 1 / 6 / (3 / 6)])
    expected = [[a, b, 0], [a, 0, 0], [0, b, c], [0, 0, c]]
    np.testing.assert_allclose(seen[-1], expected, atol=1e-6)


def test_no_text_is_answered_by_who_learnt_it():
    """Labels that are pure chance cannot be told, unless a text's own label was seen."""
    rng = np.random.default_rng(0)
    texts = [f"{' '.join(rng.choice(WORDS, 5))} {number // 2}" for number in range(400)]
    labels = rng.integers(0, 2, 400).astype(np.int32)
    found = ngrams.answers(texts, labels, 2, [], seed=0)
    assert np.mean(found.argmax(axis=1) == labels) < 0.6


def test_equal_texts_are_in_one_fold():
    """Or each would be answered by who learnt another's label."""
    rng = np.random.default_rng(0)
    unique = [f"{' '.join(rng.choice(WORDS, 5))} {number}" for number in range(100)]
    texts = [*unique, *(text.upper() + "." for text in unique)] * 2
    labels = np.tile(rng.integers(0, 2, 100), 4).astype(np.int32)
    found = ngrams.answers(texts, labels, 2, [], seed=0)
    assert np.mean(found.argmax(axis=1) == labels) < 0.65


def test_a_class_that_a_fold_lacks_is_no_error():
    texts = ["one film"] * 20 + ["two plots"] * 20 + ["three"]
    labels = np.array([0] * 20 + [1] * 20 + [2], np.int32)
    found = ngrams.answers(texts, labels, 3, ["one film", "two plots"], seed=0)
    assert np.isfinite(found).all()
    assert found[-2:].argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("rare", [0, 1])
def test_one_of_two_classes_may_be_rare(rare):
    """A fold then learns from texts of the other class alone."""
    labels = np.array([rare] + [1 - rare] * 40, np.int32)
    found = ngrams.answers(["two plots"] + ["one film"] * 40, labels, 2, ["one film"], seed=0)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found[0, 1 - rare] == 1 and found[-1].argmax() == 1 - rare


def test_there_may_be_fewer_texts_than_folds():
    labels = np.array([0, 1, 0, 1], np.int32)
    found = ngrams.answers(["good", "bad", "good", "bad"], labels, 2, ["bad"], seed=0)
    assert found.shape == (5, 2) and found[-1].argmax() == 1


def test_texts_without_a_word_in_common_are_refused():
    with pytest.raises(ValueError, match="no word that two of the 2 texts have in common"):
        ngrams.answers(["good", "bad"], np.array([0, 1], np.int32), 2, [], seed=0)


def test_tfidf_answers_as_it_is_fitted():
    texts, labels = negated(400, 0)
    found = teachers.answers(["tfidf"], texts, labels, ("bad", "good"), ["good film"], 0)
    own = tfidf.TfidfClassifier(2).fit(texts, labels).probabilities([*texts, "good film"])
    np.testing.assert_array_equal(found, own)


def test_answers_are_the_mean_in_the_order_of_the_labels(tiny_run):
    import zoo

    texts, targets = ["a lovely film", "an awful film"] * 5, np.array([0, 1] * 5, np.int32)
    own = zoo.load(tiny_run).scores([*texts, "great"])
    taught = teachers.answers([str(tiny_run)], texts, targets, ("good", "bad"), ["great"], 0)
    np.testing.assert_allclose(taught, own[:, ::-1], atol=1e-6)
    grams = ngrams.answers(texts, targets, 2, ["great"], 0)
    both = teachers.answers(
        ["ngrams", str(tiny_run)], texts, targets, ("good", "bad"), ["great"], 0
    )
    np.testing.assert_allclose(both, (taught + grams) / 2, atol=1e-6)


def test_a_teacher_of_other_labels_is_refused(tiny_run):
    with pytest.raises(ValueError, match="knows the labels bad, good; the data set has no, yes"):
        teachers.answers([str(tiny_run)], ["a"], np.array([0]), ("no", "yes"), [], 0)


def test_other_labels_are_refused_before_a_teacher_is_asked(tiny_run, monkeypatch):
    monkeypatch.setattr(ngrams, "answers", lambda *_: pytest.fail("asked"))
    with pytest.raises(ValueError, match="has to know the same"):
        teachers.answers(["ngrams", str(tiny_run)], ["a"], np.array([0]), ("no", "yes"), [], 0)


def test_a_teacher_that_is_not_there_is_refused_at_once():
    with pytest.raises(ValueError, match="There is no teacher no/such"):
        TrainingConfig("bilstm-tiny", "reviews", teacher=("ngrams", "no/such"))


def test_what_teachers_said_is_kept_for_resuming(
    tiny_flags, tiny_run, tmp_path, killed_run, monkeypatch
):
    """A run that is killed after its teachers have answered does not ask them again."""
    given = {"epochs": 1, "teacher": ("ngrams", str(tiny_run)), "init": str(tiny_run)}
    config = TrainingConfig(**tiny_flags | given)
    asked = []
    real = ngrams.answers
    monkeypatch.setattr(ngrams, "answers", lambda *args: asked.append(1) or real(*args))

    quiet = {"tensorboard": False, "verbose": False}
    killed_run(config, tmp_path / "run")
    resumed = train(config, tmp_path / "run", resume=True, **quiet)
    assert asked == [1]
    whole = train(config, tmp_path / "whole", **quiet)
    for a, b in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_killed_between_two_teachers_resumes_with_the_next(
    tiny_flags, tiny_run, tmp_path, monkeypatch
):
    given = {"epochs": 1, "teacher": ("ngrams", str(tiny_run), "ngrams")}
    config = TrainingConfig(**tiny_flags | given)
    quiet = {"tensorboard": False, "verbose": False}
    whole = train(config, tmp_path / "whole", **quiet)
    real, asked = ngrams.answers, []

    def answers(*arguments):
        asked.append(arguments)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(ngrams, "answers", answers)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run", **quiet)
    resumed = train(config, tmp_path / "run", resume=True, **quiet)
    assert len(asked) == 3
    for a, b in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_refused_teacher_leaves_no_run_behind(tiny_flags, tiny_run, tmp_path):
    data = tmp_path / "texts.tsv"
    rows = "".join(f"good film {n}\tyes\nbad plot {n}\tno\n" for n in range(40))
    data.write_text("text\tlabel\n" + rows, encoding="utf-8")
    given = {"dataset": str(data), "teacher": ("ngrams", str(tiny_run))}
    with pytest.raises(ValueError, match="has to know the same"):
        train(TrainingConfig(**tiny_flags | given), tmp_path / "run", verbose=False)
    assert not (tmp_path / "run" / "checkpoint" / "config.json").exists()


def test_targets_are_half_labels_and_half_teachers(tiny_data, tmp_path, monkeypatch):
    dataset = load_dataset(str(tiny_data))
    count = len(dataset.train.texts)
    said = np.tile(np.float32([0.2, 0.8]), (count + 1, 1))
    monkeypatch.setattr(ngrams, "answers", lambda *_: said)
    config = TrainingConfig("bilstm-tiny", str(tiny_data), teacher=("ngrams",))
    given = dataclasses.replace(gather(config, dataset, print), others=["one more"])
    found = targets(given, Checkpoint(tmp_path, 3), print)
    np.testing.assert_allclose(found[-1], [0.2, 0.8])
    one_hot = np.eye(2)[dataset.train.labels]
    np.testing.assert_allclose(found[:-1], np.add(one_hot, [0.2, 0.8]) / 2, atol=1e-6)


def test_answers_of_other_settings_are_not_taken(tiny_flags, tmp_path):
    """A run that was killed before its settings were written leaves answers that say not whose."""
    config = TrainingConfig(**tiny_flags | {"epochs": 1, "teacher": ("ngrams",)})
    quiet = {"tensorboard": False, "verbose": False}
    fresh = train(config, tmp_path / "fresh", **quiet)
    left = tmp_path / "run" / "checkpoint" / "answers-0.npy"
    left.parent.mkdir(parents=True)
    np.save(left, np.full((1000, 2), 0.5, np.float32))
    found = train(config, tmp_path / "run", **quiet)
    for a, b in zip(fresh.model.get_weights(), found.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
