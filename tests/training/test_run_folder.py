"""What a run leaves behind, and what it prints."""

import json
import math

import keras
import pytest

import zoo
from tests.training.runs import FILES, flags, metrics, names, rows, run, status
from zoo import bundle
from zoo.datasets import load_dataset
from zoo.training import TrainingConfig, train


def test_a_run_leaves_the_files_of_a_run_folder_and_no_others(tiny_run):
    assert names(tiny_run) == FILES


def test_config_says_what_made_the_model(tiny_run, tiny_flags):
    config = json.loads((tiny_run / "config.json").read_text(encoding="utf-8"))
    assert tiny_flags.items() <= config["training"].items()
    model = bundle.load(tiny_run).model
    assert config["model"] == {
        "name": "peephole-bilstm-tiny",
        "vocab_size": model.get_layer("embedding").input_dim,
        "num_classes": 2,
        "embed_dim": 4,
        "hidden_dim": 4,
        "num_layers": 1,
        "pooling": "last",
        "dropout": 0.3,
        "parameters": model.count_params(),
    }
    assert config["tokenizer"]["max_length"] == 12
    data = config["data"]
    assert (data["train"], data["validation"], data["test"]) == (48, 16, 20)
    assert len(data["source"]["files"]["train"]["sha256"]) == 64
    assert config["backend"] == keras.backend.backend()
    assert config["versions"]["keras"] == keras.__version__


def test_config_makes_the_same_run_again(tiny_run, tiny_flags):
    config = json.loads((tiny_run / "config.json").read_text(encoding="utf-8"))
    # Without variants to answer, no teacher was chosen.
    assert TrainingConfig(**config["training"]) == TrainingConfig(**tiny_flags, teacher=())


def test_history_has_a_row_an_epoch(tiny_run):
    history = rows(tiny_run)
    assert [row["epoch"] for row in history] == [str(number) for number in range(1, 9)]
    assert list(history[0]) == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss", "seconds"]
    assert all(math.isfinite(float(value)) for row in history for value in row.values())


def test_the_model_has_learnt_something(tiny_run):
    assert metrics(tiny_run)["test"]["accuracy"] > 0.8


def test_metrics_are_those_of_the_loaded_model(tiny_run, tiny_data):
    dataset, classifier = load_dataset(tiny_data), zoo.load(tiny_run)
    found = metrics(tiny_run)
    assert found["validation"] == classifier.evaluate(dataset.valid.texts, dataset.valid.labels)
    assert found["test"] == classifier.evaluate(dataset.test.texts, dataset.test.labels)
    assert (found["validation"]["examples"], found["test"]["examples"]) == (16, 20)


def test_the_weights_kept_are_those_of_the_best_epoch(tiny_run):
    found, history = metrics(tiny_run), rows(tiny_run)
    best = max(history, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert found["best_epoch"] == int(best["epoch"])
    assert found["validation"]["loss"] == pytest.approx(float(best["val_loss"]), rel=1e-4)
    assert found["validation"]["accuracy"] == pytest.approx(float(best["val_accuracy"]))


def test_the_vocabulary_comes_from_train_alone(tiny_run):
    words = {line.split(" ")[0] for line in (tiny_run / "vocab.txt").read_text().splitlines()}
    assert "onlytrain" in words
    assert not words & {"onlyvalid", "onlytest"}


def test_the_card_has_the_figures(tiny_run):
    card = (tiny_run / "README.md").read_text(encoding="utf-8")
    for split, found in metrics(tiny_run).items():
        if split in ("validation", "test"):
            row = f"| {split} | {found['examples']} | {found['accuracy']:.4f} | {found['loss']:.4f}"
            assert row in card
    assert "seed | 7" in card


@pytest.mark.slow
def test_the_folder_is_named_after_model_and_data(quick, tiny_data, tmp_path, monkeypatch, eager):
    monkeypatch.chdir(tmp_path)
    assert status(*flags(quick | {"epochs": 1}), "--no-tensorboard") == 0
    assert names(tmp_path / "runs" / f"peephole-bilstm-tiny-{tiny_data.name}") == FILES


def test_limits_of_texts_and_vocabulary_hold_and_nothing_is_printed(quick, tmp_path, eager, capsys):
    folder = run(quick | {"limit": 20, "vocab_size": 10, "epochs": 1}, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    data = config["data"]
    assert (data["train"], data["validation"], data["test"]) == (20, 16, 20)
    assert config["training"]["limit"] == 20
    assert bundle.load(folder).tokenizer.vocabulary.size == 10
    assert bundle.load(folder).model.get_layer("embedding").input_dim == 10
    assert capsys.readouterr().out == ""


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
