"""What the name of a model stands for, and a run's data set read again."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_rows
from zoo import bundle, models, pretrained, records
from zoo.datasets import DatasetError, Source
from zoo.training import TrainingConfig, train


def test_each_form_is_told_apart(tiny_run, tiny_tflite):
    kinds = [models.resolve(one).kind for one in ("sms-spam", str(tiny_run), tiny_tflite)]
    assert kinds == ["shipped", "run", "file"]
    for one in ("sms-spam", tiny_run, tiny_tflite):
        assert len(models.resolve(one).classifier().predict(["a film"])) == 1


@pytest.mark.parametrize("weights", [False, True])
def test_the_error_lists_the_forms(weights):
    with pytest.raises(models.ModelNotFoundError, match="There is no model no/run") as caught:
        models.resolve("no/run", weights=weights)
    message = str(caught.value)
    assert "train.py" in message and all(name in message for name in pretrained.names())
    assert (".tflite" in message) is not weights


def test_a_near_name_is_suggested():
    with pytest.raises(models.ModelNotFoundError, match="Did you mean sms-spam"):
        models.resolve("sms-spma")


def test_a_file_has_no_weights_to_train_on(tiny_tflite):
    with pytest.raises(models.ModelNotFoundError, match="holds no Keras model"):
        models.resolve(tiny_tflite, weights=True)
    with pytest.raises(models.ModelNotFoundError, match="holds no Keras model"):
        models.resolve(tiny_tflite).bundle()


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(models.ModelNotFoundError, match="another kind"):
        models.resolve(tmp_path / "notes.txt")


def test_a_path_is_no_shipped_name():
    with pytest.raises(models.ModelNotFoundError):
        models.resolve(Path("sms-spam-that-is-not-there"))
    assert models.resolve("sms-spam").exports() == Path("runs/sms-spam/export")


def test_training_returns_the_run_with_its_figures(tiny_data, tmp_path):
    config = TrainingConfig("bilstm-tiny", str(tiny_data), epochs=1, max_length=12)
    made = train(config, str(tmp_path / "run"), tensorboard=False, verbose=False)
    read = bundle.load(tmp_path / "run")
    assert made.figures == read.figures
    assert made.figures["test"]["examples"] == len(made.dataset().test)
    # The figures are those of the model that the folder holds.
    test = read.dataset().test
    again = read.classifier().evaluate(test.texts, test.labels)
    assert again["accuracy"] == made.figures["test"]["accuracy"]


def test_a_run_finds_its_data_again_and_sees_that_they_changed(tmp_path):
    data = write_rows(tmp_path / "mine.tsv", 120, seed=4)
    data.write_text(data.read_text().replace("label\ttext", "label\twords", 1))
    config = TrainingConfig(
        "bilstm-tiny", str(data), epochs=1, max_length=12, seed=3, limit=40, text_column="words"
    )
    made = train(config, tmp_path / "run", tensorboard=False, verbose=False)
    expected = Source(str(data), text_column="words").dataset(seed=3, limit=40)
    found = made.dataset()
    assert found.train.texts == expected.train.texts
    np.testing.assert_array_equal(found.valid.labels, expected.valid.labels)
    with data.open("a") as file:
        file.write("good\tone more text\n")
    with pytest.raises(DatasetError, match="has changed"):
        made.dataset()
    data.unlink()
    with pytest.raises(DatasetError, match="no such file"):
        made.dataset()


def test_damaged_figures_are_refused(tiny_run, tmp_path):
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    content = (run / records.FIGURES).read_bytes()
    (run / records.FIGURES).write_bytes(content.replace(b"0", b"1", 1))
    with pytest.raises(records.RunError, match=r"metrics\.json is damaged or was changed"):
        bundle.load(run)
    (run / "SHA256SUMS").unlink()
    (run / records.FIGURES).write_text("[")
    with pytest.raises(records.RunError, match=r"metrics\.json is damaged"):
        bundle.load(run)
    (run / records.FIGURES).unlink()
    assert bundle.load(run).figures == {}
