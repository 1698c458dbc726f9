"""Options of a run, and what is refused."""

import contextlib
import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests import conftest
from tests.training.runs import (
    FILES,
    assert_same_run,
    flags,
    metrics,
    names,
    run,
    run_until,
    running_eagerly,
    status,
)
from zoo import bundle
from zoo.datasets import load_dataset
from zoo.training import TrainingConfig, train

# Options


def test_words_that_no_training_text_has_are_warned_of(quick, tmp_path, eager, capsys):
    """Without spaces, a text is one word, that no other text has."""
    for spaces in ("", " "):
        table = tmp_path / f"reviews{len(spaces)}.tsv"
        lines = [f"{spaces.join('我喜欢这部电影啊哦嗯'[n % 4 :])}{n}\tyes" for n in range(40)]
        lines += [f"{spaces.join('这很无聊不好看极了'[n % 4 :])}{n}\tno" for n in range(40)]
        table.write_text("text\tlabel\n" + "\n".join(lines) + "\n", encoding="utf-8")
        settings = quick | {"dataset": str(table), "epochs": 1}
        train(TrainingConfig(**settings), tmp_path / f"run{len(spaces)}", tensorboard=False)
        warned = "Warning: the vocabulary lacks 100% of" in capsys.readouterr().out
        assert warned == (spaces == "")


def test_limits_hold_for_training_texts_and_vocabulary_and_nothing_is_said(
    quick, tmp_path, eager, capsys
):
    folder = run(quick | {"limit": 20, "vocab_size": 10, "epochs": 1}, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    data = config["data"]
    assert (data["train"], data["validation"], data["test"]) == (20, 16, 20)
    assert config["training"]["limit"] == 20
    assert bundle.load(folder).tokenizer.vocabulary.size == 10
    assert bundle.load(folder).model.get_layer("embedding").input_dim == 10
    assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def mixed(quick):
    return quick | {"mixed_precision": True}


@pytest.fixture(scope="module")
def mixed_run(mixed, tmp_path_factory):
    """A run in 16 bits whose first steps overflow: the optimizer leaves them out, uncounted."""
    with running_eagerly(), scaled_to_overflow():
        return run(mixed, tmp_path_factory.mktemp("mixed") / "run")


@contextlib.contextmanager
def scaled_to_overflow():
    original = keras.optimizers.LossScaleOptimizer.__init__

    def init(self, inner_optimizer, initial_scale=2.0**21, **options):
        original(self, inner_optimizer, initial_scale=initial_scale, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.optimizers.LossScaleOptimizer, "__init__", init)
        yield


def test_a_model_trained_in_16_bits_computes_in_32(mixed_run, tiny_data):
    model = bundle.load(mixed_run).model
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype("float32")}
    assert keras.config.dtype_policy().name == "float32"
    config = json.loads((mixed_run / "config.json").read_text(encoding="utf-8"))
    assert config["training"]["mixed_precision"] is True
    dataset = load_dataset(tiny_data)
    again = zoo.load(mixed_run).evaluate(dataset.test.texts, dataset.test.labels)
    assert metrics(mixed_run)["test"] == again


@pytest.mark.slow
def test_an_interrupted_run_in_16_bits_goes_on(mixed, mixed_run, tmp_path, eager):
    with scaled_to_overflow():
        folder = run_until(mixed, tmp_path / "run", 2, "history.csv")
        run(mixed, folder, resume=True)
    assert_same_run(folder, mixed_run)


def test_texts_that_a_start_has_seen_are_warned_of(quick, tiny_data, tmp_path, eager, capsys):
    """Another seed holds out other texts: the start has learnt some of them."""
    rows = (tiny_data / "train.tsv").read_text(encoding="utf-8")
    (tmp_path / "texts.tsv").write_text(rows, encoding="utf-8")
    (tmp_path / "moved").mkdir()
    moved = Path(shutil.copy(tmp_path / "texts.tsv", tmp_path / "moved" / "others.tsv"))
    given = quick | {"dataset": str(tmp_path / "texts.tsv"), "epochs": 1, "seed": 1}
    first = run(given, tmp_path / "first")
    for number, (data, seed, warned) in enumerate(
        [
            (tmp_path / "texts.tsv", 1, False),
            (tmp_path / "texts.tsv", 2, True),
            (moved, 2, True),  # the same texts, wherever they lie
            (tiny_data, 2, False),  # others, and its validation texts are its own
        ]
    ):
        config = TrainingConfig(**given | {"dataset": str(data), "seed": seed, "init": str(first)})
        train(config, tmp_path / str(number), tensorboard=False)
        said = capsys.readouterr().out
        assert ("Take --seed 1." in said) == warned
        assert "the last layer too" in said


def test_a_teacher_that_cannot_learn_leaves_no_run_behind(quick, tmp_path, eager):
    rows = "".join(f"{chr(97 + n) * 3}\t{n % 2}\n" for n in range(26))
    for part in ("train", "valid", "test"):
        (tmp_path / f"{part}.tsv").write_text("text\tlabel\n" + rows, encoding="utf-8")
    given = quick | {"dataset": str(tmp_path), "epochs": 1}
    with pytest.raises(ValueError, match="no word that two"):
        run(given | {"teacher": ("ngrams",)}, tmp_path / "run")
    run(given, tmp_path / "run")


# What is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "bilstmm"}, "bilstm"),
        ({"dataset": "no/such/file.tsv"}, "no/such/file.tsv"),
        ({"epochs": 0}, "epochs"),
        ({"patience": 0}, "patience"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_length": 0}, "max_length"),
        ({"vocab_size": 3}, "vocab_size"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"limit": 0}, "limit"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": "nan"}, "learning_rate"),
        ({"learning_rate": "inf"}, "learning_rate"),
        ({"clip_norm": -1}, "clip_norm"),
        ({"clip_norm": "nan"}, "clip_norm"),
        ({"word_dropout": 1}, "word_dropout"),
        ({"word_dropout": "nan"}, "word_dropout"),
        ({"average": 1}, "average"),
        ({"embed_dim": 0}, "embed_dim"),
        ({"hidden_dim": -4}, "hidden_dim"),
        ({"num_layers": 0}, "num_layers"),
        ({"dropout": 1}, "dropout"),
        ({"dropout": "nan"}, "dropout"),
        ({"text_column": "words"}, "words"),
        ({"epochs": "many"}, "many"),
        ({"no_such_flag": 1}, "no-such-flag"),
    ],
)
def test_a_bad_setting_is_refused_before_anything_is_written(
    quick, tmp_path, monkeypatch, capsys, changes, message
):
    monkeypatch.chdir(tmp_path)
    assert status(*flags(quick | changes)) == 2
    assert message in capsys.readouterr().err.lower()
    assert names(tmp_path) == set()


@pytest.mark.parametrize("missing", ["model", "dataset"])
def test_model_and_dataset_are_needed(quick, capsys, missing):
    assert status(*flags({k: v for k, v in quick.items() if k != missing})) == 2
    assert f"--{missing}" in capsys.readouterr().err


def test_an_output_that_is_a_file_is_refused(quick, tmp_path, capsys):
    output = tmp_path / "notes.txt"
    output.write_text("mine")
    assert status(*flags(quick), "--output", output) == 2
    assert str(output) in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_a_label_in_test_that_train_lacks_leaves_nothing_behind(quick, tiny_data, tmp_path, capsys):
    data = Path(shutil.copytree(tiny_data, tmp_path / "films"))
    with (data / "test.tsv").open("a") as file:
        file.write("odd\tthe film\n")
    assert status(*flags(quick | {"dataset": str(data)}), "--output", tmp_path / "run") == 2
    assert "odd" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_folder_is_named_after_model_and_data(quick, tiny_data, tmp_path, monkeypatch, eager):
    monkeypatch.chdir(tmp_path)
    assert status(*flags(quick | {"epochs": 1}), "--no-tensorboard") == 0
    assert names(tmp_path / "runs" / f"peephole-bilstm-tiny-{tiny_data.name}") == FILES


def test_a_run_starts_from_another(tmp_path, tiny_data):
    small = {"max_length": 12, "epochs": 1}
    config = TrainingConfig(
        "bilstm-tiny", str(tiny_data), embed_dim=6, hidden_dim=5, pooling="mean", **small
    )
    first = train(config, tmp_path / "first", tensorboard=False, verbose=False)
    more = tmp_path / "more"
    for part, seed in (("train", 7), ("valid", 8), ("test", 9)):
        conftest.write_rows(
            more / f"{part}.tsv", 24, seed, labels=("no", "yes"), extra=f"new{part}"
        )
    given = {"init": str(tmp_path / "first"), "learning_rate": 1e-9, **small}
    for data, same_labels in ((tiny_data, True), (more, False)):
        config = TrainingConfig("bilstm-tiny", str(data), **given)
        second = train(config, tmp_path / f"on-{data.name}", tensorboard=False, verbose=False)
        old, new = (run.tokenizer.vocabulary for run in (first, second))
        (known, *before), (rows, *after) = (run.model.get_weights() for run in (first, second))
        assert second.config["model"] | {"vocab_size": 0, "parameters": 0} == (
            first.config["model"] | {"vocab_size": 0, "parameters": 0}
        )
        if same_labels:
            assert new == old
        # Its own words come first, those of the other run after them, and both keep their rows.
        assert set(old) <= set(new) and (new == old or len(new) > len(old))
        assert len(rows) == new.size
        for word in old:
            np.testing.assert_allclose(rows[new[word]], known[old[word]], atol=1e-6)
        same = [np.allclose(a, b, atol=1e-6) for a, b in zip(before, after, strict=True)]
        assert all(same[:-2]) and same[-2] == same_labels  # the last ones are the head's


def test_a_start_of_another_shape_is_refused(tmp_path, tiny_data):
    small = {"max_length": 12, "epochs": 1, "embed_dim": 6, "hidden_dim": 5}
    config = TrainingConfig("bilstm-tiny", str(tiny_data), **small)
    train(config, tmp_path / "first", tensorboard=False, verbose=False)
    for changed, message in (
        ({"model": "bigru-tiny"}, "is a bilstm-tiny, not a bigru-tiny"),
        ({"hidden_dim": 7}, "hidden_dim 5, not 7"),
    ):
        other = dataclasses.replace(config, init=str(tmp_path / "first"), **changed)
        with pytest.raises(ValueError, match=message):
            train(other, tmp_path / "second", tensorboard=False, verbose=False)
    assert not (tmp_path / "second" / "model.keras").exists()
