"""The trained models that come with the package."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import pretrained
from zoo.__main__ import main
from zoo.metadata import read_metadata

ROOT = Path(__file__).parents[1]
every_model = pytest.mark.parametrize("name", pretrained.names())
TEXTS = ["what a fine day", "", "zzyzx " * 500, "Call now to win a FREE prize!!! Txt WIN to 80082"]


def test_models_are_shipped():
    assert len(pretrained.names()) >= 6
    for name in pretrained.names():
        assert (ROOT / "recipes" / f"{name}.mk").is_file()


def test_they_are_small():
    sizes = [pretrained.file(name).stat().st_size for name in pretrained.names()]
    assert max(sizes) <= 2_000_000
    assert sum(path.stat().st_size for path in pretrained.FOLDER.glob("*/*")) <= 20_000_000


@every_model
def test_files_are_those_that_the_card_names(name):
    folder = pretrained.FOLDER / name
    card = (folder / pretrained.CARD).read_text(encoding="utf-8")
    for file, digest in pretrained.config(name)["measured"]["sha256"].items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
        assert digest in card


@every_model
def test_weights_and_file_are_the_same_model(name):
    classifier, weights = zoo.load(name), pretrained.load(name)
    assert weights.labels == classifier.labels
    expected = weights.classifier().scores(TEXTS)
    np.testing.assert_allclose(classifier.scores(TEXTS), expected, atol=0.03)


@every_model
def test_mediapipe_takes_the_file(name):
    from studies.clients import in_mediapipe

    labels = read_metadata(pretrained.file(name).read_bytes()).labels
    assert labels == zoo.load(name).labels
    found = in_mediapipe(pretrained.file(name), TEXTS)
    np.testing.assert_allclose(found, zoo.load(name).scores(TEXTS), atol=1e-5)


@every_model
def test_an_apostrophe_is_one_however_it_is_typed(name):
    """Phones type the curly one; Keras and MediaPipe read it as the straight one."""
    from studies.clients import in_mediapipe

    plain = ["I don't like it", "It doesn't work", "What's my bank's number?"]
    typed = [text.replace("'", "\u2019") for text in plain]
    for answers in (zoo.load(name).scores, pretrained.load(name).classifier().scores):
        np.testing.assert_array_equal(answers(typed), answers(plain))
    found = in_mediapipe(pretrained.file(name), typed)
    np.testing.assert_allclose(found, zoo.load(name).scores(plain), atol=1e-5)


@every_model
def test_no_path_of_a_machine_is_shipped(name):
    for file in (pretrained.CARD, pretrained.CONFIG):
        text = (pretrained.FOLDER / name / file).read_text(encoding="utf-8")
        assert not any(place in text for place in ("/tmp", "/home", "/root", "/work", "shared"))


def test_the_command_lists_them(capsys):
    assert main(["list", "--pretrained"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(pretrained.names())]] == (
        pretrained.names()
    )
    assert main(["list", "--pretrained", "*lstm*"]) == 2


def test_the_command_shows_a_card(capsys):
    name = pretrained.names()[0]
    assert main(["show", name]) == 0
    assert "## What it gets wrong" in capsys.readouterr().out


def test_the_command_answers(capsys):
    assert main(["predict", "sms-spam", TEXTS[-1]]) == 0
    assert capsys.readouterr().out.startswith("spam")


def test_a_name_that_is_unknown_says_what_there_is(capsys):
    for arguments in (["predict", "sms-spma", "a text"], ["show", "sms-spma"]):
        assert main(arguments) == 2
        assert "sms-spam" in capsys.readouterr().err


def test_a_folder_of_that_name_is_meant_with_a_dot(tmp_path, monkeypatch, tiny_run):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sms-spam").symlink_to(tiny_run)
    assert zoo.load("./sms-spam").labels == ("bad", "good")
    assert zoo.load("sms-spam").labels == ("ham", "spam")


def test_one_is_the_start_of_a_run(tmp_path, tiny_data):
    from zoo.training import TrainingConfig, train

    start = pretrained.load("sms-spam")
    config = TrainingConfig(
        start.name, str(tiny_data), init="sms-spam", epochs=1, max_length=12, learning_rate=1e-9
    )
    run = train(config, tmp_path / "run", tensorboard=False, verbose=False)
    assert run.labels == ("bad", "good")
    own, theirs = run.tokenizer.vocabulary, start.tokenizer.vocabulary
    rows, known = (b.model.get_layer("embedding").get_weights()[0] for b in (run, start))
    for word in ("free", "the", "call"):
        np.testing.assert_allclose(rows[own[word]], known[theirs[word]], atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if n == "sms-spam" else pytest.mark.slow)
        for n in pretrained.names()
    ],
)
def test_it_is_exported_anew(name, tmp_path, monkeypatch, capsys):
    from export.__main__ import main

    monkeypatch.chdir(tmp_path)
    assert main([name, "--lowering", "loop"]) == 0, capsys.readouterr().err
    (file,) = Path("runs", name, "export").glob("*-loop-int8.tflite")
    scores = zoo.load(file).scores(TEXTS)
    np.testing.assert_allclose(scores, zoo.load(name).scores(TEXTS), atol=0.1)


def test_a_folder_with_such_a_name_is_told_from_it(tmp_path, monkeypatch, capsys):
    from export.__main__ import main

    monkeypatch.chdir(tmp_path)
    Path("sms-spam").mkdir()
    assert main(["./sms-spam"]) == 2
    assert "sms-spam holds no model.keras" in capsys.readouterr().err
    for folder in ("./sms-spam", Path("sms-spam")):
        with pytest.raises(ValueError, match="holds no model"):
            zoo.load(folder)


def test_asking_one_imports_no_keras():
    program = (
        "import sys, zoo; zoo.load('sms-spam').predict(['hello']); "
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_weights_are_packed_as_the_file_has_them(tmp_path):
    from export.tflite.rounding import to_int8

    rng = np.random.default_rng(0)
    embedding, kernel = rng.normal(size=(50, 8)), rng.normal(size=(8, 3)).astype(np.float16)
    integers, scales = to_int8(embedding.astype(np.float32), axis=1)
    np.savez_compressed(tmp_path / "weights.npz", integers, scales, kernel)
    found = pretrained.read_weights(tmp_path / "weights.npz")
    assert [weight.dtype for weight in found] == [np.float32] * 2
    np.testing.assert_array_equal(found[0], integers * scales)
    np.testing.assert_allclose(found[0], embedding, atol=scales.max() / 2 + 1e-6)
    np.testing.assert_array_equal(found[1], kernel.astype(np.float32))


def test_records_hold_no_place_of_a_machine(tmp_path):
    from recipes.ship import portable

    run, encoder = tmp_path / "recipe" / "student", tmp_path / "encoder"
    run.mkdir(parents=True)
    encoder.mkdir()
    (run / "model.keras").touch()
    given = {"teacher": [str(run), f"transformer:{encoder}", "ngrams"], "x": "", "y": "a:", "z": 1}
    assert portable(given) == {
        "teacher": ["recipe/student", "transformer:encoder", "ngrams"],
        "x": "",
        "y": "a:",
        "z": 1,
    }
