"""Settings that follow from the data."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import train as command
from tests import conftest
from zoo.datasets import Dataset, Split
from zoo.training import TrainingConfig, defaults, read_config, train
from zoo.training.augment import exchanged
from zoo.training.checkpoint import Checkpoint

QUIET = {"tensorboard": False, "verbose": False}


def chosen(texts, *, labels=2, words=10, others=0, **given):
    """What is chosen for so many texts of so many words."""
    part = Split([""] * texts, np.zeros(texts, np.int32))
    data = Dataset("x", tuple(map(str, range(labels))), part, part, part, {})
    config = TrainingConfig("bilstm-small", "x", **given)
    return defaults.choose(config, data, others, np.full(texts, words + 1))


@pytest.mark.parametrize("texts", [1, 20, 200, 2_000, 6_000, 19_999, 20_000, 200_000])
def test_nothing_is_left_to_choose(texts):
    found = chosen(texts)
    assert all(getattr(found, name) is not None for name in defaults.CHOSEN)
    # And what was chosen can be given.
    assert chosen(texts, **{name: getattr(found, name) for name in defaults.CHOSEN}) == found


def steps(config, texts):
    return config.epochs * -(-texts * (1 + config.augment) // config.batch_size)


@pytest.mark.parametrize("texts", [20, 200, 2_000, 6_000, 19_999])
def test_small_data_sets_get_steps_enough(texts):
    assert steps(chosen(texts), texts) >= defaults.STEPS


@pytest.mark.parametrize("texts", [20, 200, 2_000, 6_000])
def test_more_texts_are_not_worth_fewer_steps(texts):
    assert steps(chosen(texts), texts) <= 1.2 * steps(chosen(2 * texts), 2 * texts)


def test_large_data_sets_are_trained_plainly():
    found = chosen(20_000)
    assert (found.epochs, found.patience, found.keep) == (10, 3, "best")
    assert (found.batch_size, found.learning_rate) == (32, 1e-3)
    assert (found.word_dropout, found.average) == (0.1, 0)
    assert (found.teacher, found.augment) == ((), 0)


GIVEN = {
    "teacher": ("ngrams",),
    "augment": 1,
    "epochs": 3,
    "patience": 2,
    "keep": "best",
    "batch_size": 7,
    "max_length": 5,
    "learning_rate": 0.5,
    "word_dropout": 0.0,
    "average": 0.5,
}


@pytest.mark.parametrize("name", defaults.CHOSEN)
@pytest.mark.parametrize("texts", [200, 20_000])
def test_what_is_given_wins(texts, name):
    assert getattr(chosen(texts, **{name: GIVEN[name]}), name) == GIVEN[name]


@pytest.mark.parametrize(
    "given",
    [
        {"augment": 0},
        {"teacher": ()},
        {"init": "sms-spam"},
        {"vectors": "v.txt"},
        {"pretrain": 1, "unlabelled": ("t.txt",)},
        {"objective": "mixed"},
    ],
)
def test_no_teacher_is_chosen_beside_other_help(given):
    assert chosen(200).teacher == ("tfidf",)
    found = chosen(200, **given)
    assert (found.teacher, found.augment) == ((), 0)


def test_variants_without_a_teacher_are_answered_by_tfidf():
    assert chosen(50_000, augment=2).teacher == ("tfidf",)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([2] * 100, 16),  # one word, and the start
        ([17] * 100, 24),
        ([24] * 100, 24),
        ([25] * 100, 32),
        ([20] * 995 + [9_000] * 5, 24),  # a few huge texts
        ([9_000] * 100, 256),
        ([0], 16),
    ],
)
def test_the_length_follows_from_the_texts(lengths, expected):
    assert defaults.max_length(np.array(lengths)) == expected


def test_what_was_chosen_is_said_in_a_line():
    said = defaults.describe(chosen(200), ("teacher", "epochs", "learning_rate"))
    assert said == f"Chosen from the data: teacher tfidf, epochs {chosen(200).epochs}, " + (
        "learning-rate 0.005"
    )


# Variants


def test_variants_keep_the_number_of_words_and_exchange_some():
    texts = ["one two three four five six seven eight"] * 50 + ["A, b; c! d e f g h"] * 50
    found = exchanged(texts, 3, seed=0)
    assert len(found) == 300
    assert {len(text.split()) for text in found} == {8}
    words = {word for text in texts for word in text.replace(",", "").split()}
    assert {word for text in found for word in text.split()} <= words | {"b", "c"}
    mixed = [text for text in found if "one" in text.split() and "g" in text.split()]
    assert mixed
    share = np.mean([w in texts[0].split() for text in found[:150] for w in text.split()])
    # 40 % are exchanged, half of those for a word of the other kind.
    assert 0.75 < share < 0.85
    assert exchanged(texts, 3, seed=0) == found != exchanged(texts, 3, seed=1)


@pytest.mark.parametrize("texts", [["", "!"], ["一", "二"], ["a"]])
def test_variants_of_odd_texts(texts):
    assert len(exchanged(texts, 2, seed=0)) == 2 * len(texts)
    assert exchanged(texts, 0, seed=0) == []


# The epoch that is kept


def kept(tmp_path, accuracies, texts):
    checkpoint = Checkpoint(tmp_path, 10, keep="latest", validation=texts)
    for epoch, accuracy in enumerate(accuracies, 1):
        checkpoint.history.append({"epoch": epoch, "val_accuracy": accuracy, "val_loss": 1})
    return checkpoint.kept["epoch"]


def test_the_latest_epoch_is_kept_within_a_standard_error(tmp_path):
    accuracies = [0.5, 0.9, 0.85, 0.84, 0.6]
    # Of 20 texts, 0.9 ± 0.08; of 2,000, 0.9 ± 0.007.
    assert kept(tmp_path, accuracies, 20) == 4
    assert kept(tmp_path, accuracies, 2_000) == 2
    assert kept(tmp_path, [1.0, 1.0, 0.5], 20) == 2
    assert kept(tmp_path, [0.1, 0.2, 0.3], 20) == 3


# Runs


@pytest.fixture(scope="module")
def small_run(tiny_data, tmp_path_factory):
    """A run with nothing given but its size."""
    folder = tmp_path_factory.mktemp("small") / "run"
    config = TrainingConfig("bilstm-tiny", str(tiny_data), epochs=3, embed_dim=4, hidden_dim=4)
    train(config, folder, **QUIET)
    return folder, config


def test_a_run_records_what_was_chosen(small_run):
    folder, _ = small_run
    recorded = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    training = recorded["training"]
    assert recorded["chosen_from_data"] == [name for name in defaults.CHOSEN if name != "epochs"]
    assert (training["teacher"], training["max_length"]) == (["tfidf"], 16)
    assert training["augment"] == defaults.MOST_VARIANTS
    assert recorded["tokenizer"]["max_length"] == 16
    assert "standard error" in (folder / "README.md").read_text(encoding="utf-8")


def test_passing_the_chosen_settings_gives_the_same_run(small_run, tmp_path):
    folder, _ = small_run
    recorded = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    train(TrainingConfig(**recorded["training"]), tmp_path / "run", **QUIET)
    again = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    before = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert again | {"seconds": 0} == before | {"seconds": 0}


def test_a_resumed_run_keeps_what_was_chosen(small_run, tmp_path, killed_run, monkeypatch):
    """Also when another version would choose otherwise, and without the flags."""
    folder, config = small_run
    killed_run(config, tmp_path / "run")
    monkeypatch.setattr(defaults, "BATCH", 5)
    monkeypatch.setattr(defaults, "MOST_VARIANTS", 1)
    train(config, tmp_path / "run", resume=True, **QUIET)
    for name in ("config.json", "metrics.json"):
        before, after = (
            json.loads((run / name).read_text(encoding="utf-8"))
            for run in (folder, tmp_path / "run")
        )
        assert after | {"seconds": 0} == before | {"seconds": 0}


def test_a_run_begun_by_an_older_version_resumes_unchanged(
    tiny_flags, tiny_run, tmp_path, killed_run
):
    folder = tmp_path / "run"
    killed_run(TrainingConfig(**tiny_flags), folder)
    path = folder / "checkpoint" / "config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    del settings["keep"]
    path.write_text(json.dumps(settings), encoding="utf-8")
    data = folder / "checkpoint" / "data.json"
    found = json.loads(data.read_text(encoding="utf-8"))
    del found["chosen from the data"]
    data.write_text(json.dumps(found), encoding="utf-8")
    assert read_config(folder) == TrainingConfig(**settings | {"keep": "best"})
    train(read_config(folder), folder, resume=True, **QUIET)
    before, after = (
        json.loads((run / "metrics.json").read_text(encoding="utf-8")) for run in (tiny_run, folder)
    )
    assert after | {"seconds": 0} == before | {"seconds": 0}


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bilstm-small", "bigru-tiny", "birnn-tiny"])
def test_two_hundred_texts_are_enough_to_learn_something(model, tmp_path, capsys):
    """With no flags at all. A model that stays at chance says so beside TF-IDF."""
    folder: Path = tmp_path / "data"
    for part, count in (("train", 200), ("test", 200)):
        conftest.write_rows(folder / f"{part}.tsv", count, seed=len(part))
    given = ["--model", model, "--dataset", str(folder), "--output", str(tmp_path / "run")]
    assert command.main(given) == 0
    said = capsys.readouterr().out
    assert "Chosen from the data: teacher tfidf, augment" in said
    found = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert found["test"]["accuracy"] > 0.95
    for title in ("most frequent label", "TF-IDF with logistic regression", "this model"):
        assert said.count(title) >= 1


def test_settings_may_be_left_to_choose():
    config = TrainingConfig("bilstm-tiny", "x")
    assert [name for name in defaults.CHOSEN if getattr(config, name) is not None] == []
    assert dataclasses.replace(config, epochs=2).epochs == 2
