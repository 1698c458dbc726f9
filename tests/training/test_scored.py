"""Runs for several labels and for numbers."""

import json
import shutil

import keras
import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

import zoo
from tests.training import scored
from tests.training.runs import (
    FILES,
    Killed,
    assert_same_run,
    flags,
    metrics,
    names,
    rows,
    run,
    running_eagerly,
    status,
)
from zoo import bundle, scores
from zoo.datasets import load_dataset
from zoo.training import RunError, TrainingConfig, baseline, train
from zoo.training.checkpoint import Checkpoint
from zoo.training.tasks.labels import MicroF1
from zoo.training.tasks.numbers import NumbersTask

WRITERS = {"labels": scored.write_labels, "numbers": scored.write_numbers}
SETTINGS = {"labels": scored.LABELS, "numbers": scored.NUMBERS}
READ = {
    "labels": {"label_separator": "|"},
    "numbers": {"scores": "numbers", "label_column": "price"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    return {kind: write(folder / f"{kind}.csv") for kind, write in WRITERS.items()}


@pytest.fixture(scope="module")
def settings(data):
    return {kind: given | {"dataset": str(data[kind])} for kind, given in SETTINGS.items()}


@pytest.fixture(scope="module")
def runs(settings, tmp_path_factory):
    """Finished runs."""
    folder = tmp_path_factory.mktemp("scored")
    with running_eagerly():
        return {kind: run(settings[kind], folder / kind) for kind in SETTINGS}


KINDS = pytest.mark.parametrize("kind", SETTINGS)


def outputs(folder, texts):
    """What the Keras model of a run gives, by Keras alone."""
    loaded = keras.models.load_model(folder / "model.keras")
    return loaded.predict(bundle.load(folder).tokenizer.encode(texts), verbose=0)


# Figures


def test_figures_of_several_labels_are_those_of_scikit_learn(runs, data):
    folder, read = runs["labels"], load_dataset(data["labels"], **READ["labels"], seed=3)
    record = json.loads((folder / "config.json").read_text())["scores"]
    assert record["kind"] == "sigmoid" and len(record["thresholds"]) == 3
    for name, part in (("validation", read.valid), ("test", read.test)):
        predicted = outputs(folder, part.texts) >= np.array(record["thresholds"])
        found = metrics(folder)[name]
        assert found["examples"] == len(part)
        for average in ("micro", "macro"):
            expected = sklearn_metrics.f1_score(
                part.labels, predicted, average=average, zero_division=0
            )
            assert found[f"{average}_f1"] == pytest.approx(expected)
        assert found["exact_match"] == pytest.approx(
            np.mean((predicted == part.labels).all(axis=1))
        )


def test_thresholds_are_the_best_on_validation(runs, data):
    read = load_dataset(data["labels"], **READ["labels"], seed=3)
    record = json.loads((runs["labels"] / "config.json").read_text())["scores"]
    given = outputs(runs["labels"], read.valid.texts)
    for own, true, threshold in zip(
        given.T, read.valid.labels.T, record["thresholds"], strict=True
    ):
        f1 = [sklearn_metrics.f1_score(true, own >= one, zero_division=0) for one in own]
        chosen = sklearn_metrics.f1_score(true, own >= threshold, zero_division=0)
        assert chosen == pytest.approx(max(f1))


def test_figures_of_numbers_are_those_of_scikit_learn(runs, data):
    folder, read = runs["numbers"], load_dataset(data["numbers"], **READ["numbers"], seed=3)
    assert json.loads((folder / "config.json").read_text())["scores"] == {"kind": "numbers"}
    assert bundle.load(folder).labels == ("price",)
    for name, part in (("validation", read.valid), ("test", read.test)):
        given, found = outputs(folder, part.texts), metrics(folder)[name]
        assert found["r2"] == pytest.approx(sklearn_metrics.r2_score(part.labels, given), abs=1e-4)
        assert found["mse"] == pytest.approx(
            sklearn_metrics.mean_squared_error(part.labels, given), rel=1e-4
        )
        assert found["mae"] == pytest.approx(
            sklearn_metrics.mean_absolute_error(part.labels, given), rel=1e-4
        )


def test_numbers_come_in_their_unit(runs):
    found = zoo.load(runs["numbers"]).predict(["a funny film", "a film of murder"])
    assert all(400 < one.scores["price"] < 600 for one in found)
    loaded = keras.models.load_model(runs["numbers"] / "model.keras")
    assert scores.read(loaded).kind == "numbers"  # a bare Keras model says it, too


def test_what_is_learnt_is_right(data, settings, tmp_path):
    """With enough steps, the model answers as the words of a text say."""
    texts = ["a funny heist", "the grief of a film", "it was a story"]
    longer = {"epochs": 40, "keep": "best"}
    asked = zoo.load(run(settings["labels"] | longer, tmp_path / "labels")).predict(texts)
    assert [one.labels for one in asked] == [("comedy", "crime"), ("drama",), ()]
    found = zoo.load(run(settings["numbers"] | longer, tmp_path / "numbers")).predict(texts)
    numbers = [one.scores["price"] for one in found]
    np.testing.assert_allclose(numbers, [515, 500, 500], atol=8)
    assert metrics(tmp_path / "labels")["test"]["micro_f1"] > 0.9
    assert metrics(tmp_path / "numbers")["test"]["r2"] > 0.5


def test_lists_of_json_train_the_same_model(runs, settings, tmp_path):
    given = settings["labels"] | {
        "dataset": str(scored.write_lists(tmp_path / "labels.jsonl")),
        "label_separator": None,
    }
    with running_eagerly():
        folder = run(given, tmp_path / "run")
    assert_same_run(folder, runs["labels"])


def test_the_watched_figures_are_those_of_the_epochs(runs):
    first = rows(runs["labels"])[0]
    assert list(first) == [
        "epoch", "loss", "micro_f1", "val_loss", "val_micro_f1", "seconds",
    ]  # fmt: skip
    assert list(rows(runs["numbers"])[0]) == ["epoch", "loss", "val_loss", "seconds"]


def test_a_metric_of_logits_is_the_micro_f1_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth, logits = rng.integers(0, 2, (50, 4)), rng.normal(size=(50, 4))
    metric = MicroF1()
    for part in (slice(0, 20), slice(20, 50)):
        metric.update_state(truth[part], logits[part])
    expected = sklearn_metrics.f1_score(truth, logits >= 0, average="micro")
    assert float(metric.result()) == pytest.approx(expected)
    metric.reset_state()
    assert float(metric.result()) == 0


# Baselines


def test_baselines_of_several_labels(runs, data):
    read = load_dataset(data["labels"], **READ["labels"], seed=3)
    found = metrics(runs["labels"])["baselines"]
    assert found == baseline.measure(read)
    best = max(
        (subset for subset in np.ndindex(2, 2, 2)),
        key=lambda subset: sklearn_metrics.f1_score(
            read.train.labels, np.tile(subset, (len(read.train), 1)), average="micro",
            zero_division=0,
        ),
    )  # fmt: skip
    same = found["most_frequent_labels"]
    assert same["labels"] == [name for name, one in zip(read.labels, best, strict=True) if one]
    assert same["test"] == pytest.approx(
        sklearn_metrics.f1_score(
            read.test.labels, np.tile(best, (len(read.test), 1)), average="micro"
        )
    )
    assert found["tfidf"]["test"] > same["test"] and found["tfidf"]["texts"] == len(read.train)


def test_baselines_of_numbers(runs, data):
    read = load_dataset(data["numbers"], **READ["numbers"], seed=3)
    found = metrics(runs["numbers"])["baselines"]
    assert found == baseline.measure(read)
    mean = np.full(read.test.labels.shape, read.train.labels.mean())
    assert found["mean"]["test"] == pytest.approx(sklearn_metrics.r2_score(read.test.labels, mean))
    assert found["tfidf"]["test"] > 0.5


@KINDS
def test_baselines_of_texts_without_words_are_no_error(tmp_path, kind):
    cells = {"labels": ["a", "a|b", ""], "numbers": ["1", "2", "3"]}[kind]
    path = tmp_path / "t.csv"
    column = READ[kind].get("label_column", "label")
    path.write_text(f"text,{column}\n" + "".join(f"{'!' * n},{cells[n % 3]}\n" for n in range(12)))
    found = baseline.measure(load_dataset(path, **READ[kind]))
    assert found["tfidf"]["texts"] == 0 and np.isfinite(found["tfidf"]["test"])


# The card and the commands


def test_cards_have_the_figures_of_their_kind(runs):
    card = (runs["labels"] / "README.md").read_text(encoding="utf-8")
    found = metrics(runs["labels"])
    assert (
        "| split | texts | micro F1 | macro F1 | exact match | mean binary cross-entropy |" in card
    )
    row = [found["test"][name] for name in ("micro_f1", "macro_f1", "exact_match", "loss")]
    assert f"| test | 10 | {' | '.join(f'{one:.4f}' for one in row)} |" in card
    for title, validation, test in baseline.compared(found, bundle.load(runs["labels"]).kind):
        assert f"| {title} | {validation:.4f} | {test:.4f} |" in card
    threshold = bundle.load(runs["labels"]).kind.thresholds[0]
    assert f"| labels | comedy (from {threshold:.3f}), crime" in card
    card = (runs["numbers"] / "README.md").read_text(encoding="utf-8")
    assert "| numbers | price |" in card and "mean absolute error" in card
    assert "accuracy" not in card


def test_a_run_prints_the_figures_of_its_kind(settings, tmp_path, capsys):
    config = TrainingConfig(**settings["labels"] | {"epochs": 1})
    with running_eagerly():
        train(config, tmp_path / "run", tensorboard=False)
    said = capsys.readouterr().out
    assert "3 labels, 0.97 for a text" in said and "validation micro F1" in said
    assert "This model: micro F1 " in said and "accuracy" not in said


def test_a_separator_that_no_cell_has_is_hinted_at(settings, tmp_path, capsys):
    config = TrainingConfig(**settings["labels"] | {"epochs": 1, "label_separator": ";"})
    with running_eagerly():
        train(config, tmp_path / "run", tensorboard=False)
    assert "Hint: no text has several labels. Is ';' the" in capsys.readouterr().out


# Resuming


@KINDS
@pytest.mark.parametrize("step", [1, 4])
def test_a_run_is_resumed_within_an_epoch_to_the_bit(runs, settings, tmp_path, kind, step):
    folder = tmp_path / "run"

    def interrupt(self, batch, logs=None, original=Checkpoint.on_train_batch_end):
        if (self._epoch, batch) == (1, step):
            self._signal = 15
        return original(self, batch, logs)

    with running_eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "on_train_batch_end", interrupt)
        patch.setattr("os.kill", lambda *_: raise_killed())
        with pytest.raises(Killed):
            run(settings[kind], folder)
    assert not (folder / "model.keras").exists()
    with running_eagerly():
        run(settings[kind], folder, resume=True)
    assert_same_run(folder, runs[kind])
    assert (
        json.loads((folder / "config.json").read_text())["scores"]
        == (json.loads((runs[kind] / "config.json").read_text())["scores"])
    )
    assert names(folder) == FILES


def raise_killed():
    raise Killed


def test_resume_with_other_scores_is_refused(settings, killed_run, tmp_path, capsys):
    killed_run(TrainingConfig(**settings["labels"]), tmp_path / "run")
    assert status("--resume", "--output", tmp_path / "run", "--label-separator", ";") == 2
    assert "label_separator" in capsys.readouterr().err
    assert status("--resume", "--output", tmp_path / "run", "--scores", "softmax") == 2
    assert "--label-separator is for several labels" in capsys.readouterr().err


# Starting from a trained model


def test_a_run_starts_from_the_head_of_its_own_kind(runs, settings, tmp_path):
    """With no step worth mentioning, the model stays what it was."""
    for kind in SETTINGS:
        given = settings[kind] | {"init": str(runs[kind]), "learning_rate": 1e-12, "epochs": 1}
        with running_eagerly():
            folder = run(given, tmp_path / kind)
        texts = ["a funny heist", "the grief of a film"]
        np.testing.assert_allclose(
            zoo.load(folder).scores(texts), zoo.load(runs[kind]).scores(texts), rtol=1e-4, atol=1e-5
        )


# Refusals


@KINDS
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"teacher": ["tfidf"]}, "--teacher answers with one right label"),
        ({"augment": 2}, "--augment makes texts that a teacher labels"),
        ({"objective": "adversarial"}, "--objective is defined for one right label"),
        ({"init": "sms-spam"}, "--init starts from a model of the same --scores"),
    ],
)
def test_what_is_for_one_label_is_refused(settings, tmp_path, capsys, kind, more, message):
    arguments = flags(settings[kind])
    for name, value in more.items():
        arguments += [f"--{name}", *(value if isinstance(value, list) else [str(value)])]
    assert status(*arguments, "--output", tmp_path / "run") == 2
    said = capsys.readouterr()
    assert message in said.err and "leave --" in said.err and said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert not (tmp_path / "run" / "checkpoint").exists()


def test_what_is_for_one_label_is_refused_for_lists(settings, tmp_path, capsys):
    """Where only the data say the kind."""
    path = scored.write_lists(tmp_path / "labels.jsonl")
    given = scored.SMALL | {"dataset": str(path), "augment": 2}
    assert status(*flags(given), "--output", tmp_path / "run") == 2
    assert "this data set has several labels (--scores sigmoid)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--label-separator", "|", "--scores", "softmax"], "with --scores softmax a text has one"),
        (["--label-separator", ""], "--label-separator is empty"),
        (["--scores", "numbers"], "--scores is for files, and of reviews a text has one label"),
        (["--label-separator", "|"], "--label-separator is for files"),
    ],
)
def test_flags_that_do_not_fit_are_refused_before_any_work(tmp_path, capsys, given, message):
    data = "reviews" if "is for files" in message else str(scored.write_labels(tmp_path / "t.csv"))
    arguments = ["--model", "bilstm-tiny", "--dataset", data, "--output", tmp_path / "run"]
    assert status(*arguments, *given) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_of_softmax_does_not_start_from_several_labels(tiny_flags, runs, tmp_path, capsys):
    given = tiny_flags | {"init": str(runs["labels"]), "model": "bilstm-tiny"}
    assert status(*flags(given), "--output", tmp_path / "run") == 2
    said = capsys.readouterr().err
    assert "are sigmoid while the data set is for softmax; leave --init out" in said


def test_weights_of_another_run_are_not_kept(settings, tmp_path, monkeypatch):
    """The figure of the kept weights is compared with the history, in its own unit."""
    right = NumbersTask.watched
    monkeypatch.setattr(NumbersTask, "watched", lambda self, *given: right(self, *given) + 0.1)
    message = "its mean squared error of standardised numbers on the validation texts is"
    with running_eagerly(), pytest.raises(ValueError, match=message):
        run(settings["numbers"], tmp_path / "run")


def test_numbers_that_hardly_differ_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"text {n},{1e6 + n % 3}\n" for n in range(30))
    path.write_text(f"text,label\n{rows}")
    config = TrainingConfig(**scored.SMALL | {"dataset": str(path), "scores": "numbers"})
    with pytest.raises(ValueError, match=r"times as large .* Subtract a constant"):
        train(config, tmp_path / "run", tensorboard=False, verbose=False)
    assert not (tmp_path / "run" / "checkpoint").exists()


# The commands on run folders


def ask(capsys, *arguments):
    from zoo.__main__ import main

    capsys.readouterr()
    assert main([str(one) for one in arguments]) == 0
    return capsys.readouterr().out


def test_predict_prints_the_answer_of_each_kind(runs, capsys):
    (one,) = zoo.load(runs["labels"]).predict(["a funny heist"])
    found = json.loads(ask(capsys, "predict", "--json", runs["labels"], "a funny heist"))
    assert found == [
        {
            "text": "a funny heist",
            "labels": list(one.labels),
            "scores": one.scores,
            "known": one.known,
        }
    ]
    said = ask(capsys, "predict", runs["labels"], "a funny heist")
    assert said.endswith("  a funny heist\n")
    assert all(f"{label} {one.scores[label]:.3f}" in said for label in one.labels)
    (number,) = zoo.load(runs["numbers"]).predict(["zzz"])
    said = ask(capsys, "predict", runs["numbers"], "zzz")
    assert said == f"{number.scores['price']:.4g} (no known word)  zzz\n"
    found = json.loads(ask(capsys, "predict", "--json", runs["numbers"], "zzz"))
    assert found == [{"text": "zzz", "numbers": number.scores, "known": 0.0}]


def test_evaluate_prints_the_figures_of_each_kind(runs, data, capsys):
    for kind, more in (("labels", []), ("numbers", ["--label-column", "price"])):
        expected = metrics(runs[kind])["test"]
        given = ["evaluate", runs[kind], "--dataset", data[kind], *more]
        found = json.loads(ask(capsys, *given, "--json"))
        assert {name: found[name] for name in expected} == pytest.approx(expected)
    said = ask(capsys, *given)
    assert said.startswith(f"numbers on numbers, test: R² {expected['r2']:.4f}, mean absolute")
    said = ask(capsys, "evaluate", runs["labels"], "--dataset", data["labels"], "--split", "all")
    assert "micro F1" in said and "exact match" in said and "on 96 texts" in said


def test_evaluate_refuses_labels_that_the_model_lacks(runs, tmp_path, capsys):
    from zoo.__main__ import main

    path = tmp_path / "t.csv"
    path.write_text("text,label\na,comedy|horror\nb,drama\n")
    arguments = ["evaluate", str(runs["labels"]), "--dataset", str(path), "--split", "all"]
    assert main(arguments) == 2
    assert "the data set has horror too" in capsys.readouterr().err


def test_a_damaged_record_is_refused(runs, tmp_path):
    folder = shutil.copytree(runs["labels"], tmp_path / "run")
    (folder / "SHA256SUMS").unlink()
    record = json.loads((folder / "config.json").read_text())
    for wrong, message in (
        ({"kind": "sigmoid", "thresholds": [0.5]}, "thresholds must be a list of 3"),
        ({"kind": "hinge"}, "whose kind is one of softmax, sigmoid, numbers"),
        ({"kind": "softmax"}, "ends in a sigmoid, so its scores are not 'softmax'"),
        ("sigmoid", "must be an object"),
    ):
        (folder / "config.json").write_text(json.dumps(record | {"scores": wrong}))
        with pytest.raises(RunError, match=message):
            bundle.load(folder)
