"""Keras models from files: .keras, .h5 and the SavedModels of Keras 2, loaded and exported."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import export
from export.__main__ import main
from studies.brought import cases, makers
from zoo import keras_config, keras_file, litert, models
from zoo.__main__ import main as zoo_main
from zoo.keras_config import KerasFileError

KERAS_2 = Path(__file__).parents[1] / "keras_2"
LABELS = "a\nb\nc\n"
VOCABULARY = "\n".join(["", "[UNK]", *(f"w{number}" for number in range(2, 200))])


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with a model, a vocabulary and labels."""
    monkeypatch.chdir(tmp_path)
    model = makers.model_of(makers.two_ways)(keras)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save("mine.keras")
    model.save("mine.h5")
    Path("vocab.txt").write_text(VOCABULARY)
    Path("labels.txt").write_text(LABELS)
    return model


def run(capsys, *arguments):
    status = main([str(one) for one in arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_the_command_makes_a_file_with_tokenizer_and_labels(files, capsys, name):
    status, out, _ = run(
        capsys, name, "--vocab", "vocab.txt", "--labels", "labels.txt", "--precision", "float32"
    )
    assert status == 0 and "Written: runs/mine/export" in out
    assert "case is folded" in out
    path = "runs/mine/export/mine-fused-float32.tflite"
    texts = ["w3 W4 unseen w5", "", "w6, w7; w8!"]
    ids = [[3, 4, 1, 5, 0, 0, 0], [0] * 7, [6, 7, 8, 0, 0, 0, 0]]
    expected = files.predict(np.array(ids, "int32"), verbose=0)
    np.testing.assert_allclose(litert.load(path).scores(texts), expected, atol=1e-5)
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    from studies import clients

    np.testing.assert_allclose(clients.in_mediapipe(Path(path), texts), expected, atol=1e-5)


def test_without_them_the_files_are_bare_and_the_command_says_who_refuses_them(files, capsys):
    status, out, _ = run(capsys, "mine.keras", "--lowering", "loop", "--output", "out")
    assert status == 0
    assert "MediaPipe and zoo.load refuse them" in out
    assert [path.name for path in Path("out").glob("*.tflite")] == ["mine-loop-int8-bare.tflite"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vocab", "no.txt", "--labels", "labels.txt"], "--vocab: there is no file no.txt"),
        (["--vocab", "vocab.txt", "--labels", "no.txt"], "--labels: there is no file no.txt"),
        (["--vocab", "vocab.txt"], "--vocab needs --labels"),
        (["--labels", "labels.txt"], "--labels needs --vocab FILE"),
        (["--delimiter", " "], "--delimiter is for the texts of a --vocab FILE"),
        (["--vocab", "long.txt", "--labels", "labels.txt"], "ids up to 249, .* 200 rows"),
        (["--vocab", "vocab.txt", "--labels", "two.txt"], "two.txt has 2 labels, and the model 3"),
        (["--vocab", "vocab.txt", "--labels", "twice.txt"], "each line must name one class"),
        (["--vocab", "counts.txt", "--labels", "labels.txt"], "are these counts"),
        (["--vocab", "vocab.txt", "--labels", "labels.txt", "--delimiter", "("], "RE2"),
        (["--saved-model"], "--saved-model is for run folders"),
        (["--max-length", "9"], "texts of 7 ids, not 9"),
    ],
)
def test_what_does_not_fit_is_refused(files, capsys, arguments, message, monkeypatch):
    Path("long.txt").write_text("<pad>\n<unk>\n" + "\n".join(f"w{n}" for n in range(248)))
    Path("two.txt").write_text("a\nb\n")
    Path("twice.txt").write_text("a\nb\nb\n")
    Path("counts.txt").write_text("<pad> 0\n<unk> 1\na 7\nb 7\n")
    if arguments != ["--max-length", "9"]:  # the others are refused before Keras loads the model
        monkeypatch.setattr(keras_file, "load_any", None)
    status, _, told = run(capsys, "mine.keras", *arguments)
    assert status == 2 and len(told.strip().splitlines()) == 1
    assert re.search(message, told)
    assert not Path("runs").exists()


def test_start_and_delimiter_are_those_that_are_given(files, capsys):
    ids = {"<PAD>": 0, "<START>": 1, "<UNKNOWN>": 2, "w3!": 3, "W4": 4}
    Path("vocab.txt").write_text("".join(f"{token} {n}\n" for token, n in ids.items()))
    status, out, _ = run(
        capsys, "mine.keras", "--vocab", "vocab.txt", "--labels", "labels.txt", "--delimiter",
        "[ ]+", "--lowering", "loop", "--precision", "float32", "--output", "out",
    )  # fmt: skip
    assert status == 0 and "every text begins with <START>, id 1" in out
    expected = files.predict(np.array([[1, 3, 4, 2, 0, 0, 0]], "int32"), verbose=0)
    got = litert.load("out/mine-loop-float32.tflite").scores(["w3! W4  w4"])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_vocabulary_of_word_pieces_becomes_bert_tokens(files, capsys):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "play", "##ing", "game", "!"]
    Path("vocab.txt").write_text("\n".join(pieces) + "\n")
    status, out, _ = run(
        capsys, "mine.keras", "--vocab", "vocab.txt", "--labels", "labels.txt", "--precision",
        "float32", "--output", "out",
    )  # fmt: skip
    assert status == 0 and "ends with [SEP], id 3" in out
    texts = ["Playing! x", "", "play " * 20]
    ids = [[2, 4, 5, 7, 1, 3, 0], [2, 3, 0, 0, 0, 0, 0], [2, 4, 4, 4, 4, 4, 3]]
    expected = files.predict(np.array(ids, "int32"), verbose=0)
    path = Path("out/mine-fused-float32.tflite")
    np.testing.assert_allclose(litert.load(path).scores(texts), expected, atol=1e-5)
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    from studies import clients

    np.testing.assert_allclose(clients.in_mediapipe(path, texts), expected, atol=1e-5)
    status, _, told = run(
        capsys, "mine.keras", "--vocab", "vocab.txt", "--labels", "labels.txt", "--delimiter", " "
    )
    assert status == 2 and "--delimiter is for words" in told


def test_the_flags_are_not_for_a_run(tiny_run, capsys):
    status, _, told = run(capsys, tiny_run, "--labels", "labels.txt")
    assert status == 2 and "has its own tokenizer and labels" in told


def test_a_text_of_any_length_needs_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.LSTM(3)(keras.layers.Embedding(9, 4)(tokens))
    keras.Model(tokens, keras.layers.Dense(2)(x)).save("any.keras")
    status, _, told = run(capsys, "any.keras")
    assert status == 2 and "give --max-length N" in told


def test_a_text_layer_is_the_tokenizer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = makers.vectorized(standardize="lower")(keras)
    model.save("texts.keras")
    Path("labels.txt").write_text(LABELS)
    with pytest.warns(UserWarning, match="other mixed case"):
        status, _, _ = run(
            capsys, "texts.keras", "--labels", "labels.txt", "--lowering", "loop",
            "--precision", "float32", "--output", "out",
        )  # fmt: skip
    assert status == 0
    expected = model.predict(cases.column(keras, cases.TEXTS), verbose=0)
    got = litert.load("out/texts-loop-float32.tflite").scores(cases.TEXTS)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_vocabulary_takes_the_place_of_a_text_layer_and_the_command_says_so(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    makers.vectorized()(keras).save("texts.keras")
    Path("vocab.txt").write_text(VOCABULARY)
    Path("labels.txt").write_text(LABELS)
    with pytest.warns(UserWarning, match="is left out. The device's tokenizer takes its place"):
        status, _, _ = run(
            capsys, "texts.keras", "--vocab", "vocab.txt", "--labels", "labels.txt",
            "--lowering", "loop", "--output", "out",
        )  # fmt: skip
    assert status == 0 and Path("out/texts-loop-int8.tflite").is_file()


def test_other_commands_say_what_they_need_instead(files, capsys):
    assert zoo_main(["predict", "mine.keras", "a text"]) == 2
    told = capsys.readouterr().err
    assert "python -m export mine.keras --vocab FILE --labels FILE" in told
    with pytest.raises(models.ModelNotFoundError, match="without tokenizer and labels"):
        models.resolve("mine.h5", weights=True)
    assert models.resolve("mine.h5", tokenizer=False).kind == "keras"


# Keras 2


@pytest.fixture(scope="module")
def answers():
    return np.load(KERAS_2 / "answers.npz")


def test_a_saved_model_is_rebuilt_as_its_own_signature_answers(answers, tmp_path):
    model = keras_file.load_any(KERAS_2 / "saved")
    np.testing.assert_allclose(
        model.predict(answers["ids"], verbose=0), answers["served"], atol=1e-6
    )
    (file,) = export.export_model(KERAS_2 / "saved", tmp_path, lowering="loop", precision="float32")
    forward, *_ = litert.runner((tmp_path / file.path).read_bytes())
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(answers["served"]))
    np.testing.assert_allclose(forward(answers["ids"]), expected, atol=1e-5)


@pytest.mark.parametrize("modules", [True, False])
def test_a_legacy_file_is_read(answers, tmp_path, modules):
    path = Path(shutil.copy(KERAS_2 / "model.h5", tmp_path / "model.h5"))
    if not modules:  # as Keras 2 wrote it before 2.13

        def older(value):
            if isinstance(value, dict):
                left = {k: older(v) for k, v in value.items()}
                return {k: v for k, v in left.items() if k not in ("module", "registered_name")}
            return [older(one) for one in value] if isinstance(value, list) else value

        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(older(json.loads(file.attrs["model_config"])))
    model = keras_file.load_any(path)
    np.testing.assert_allclose(
        model.predict(answers["ids"], verbose=0), answers["small"], atol=1e-6
    )
    assert export.architecture.read(model).scores.kind == "sigmoid"  # by its loss


def test_a_saved_model_without_layers_is_refused(tmp_path):
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(
        KerasFileError, match=r"from which no layers can be read.*\.h5 with Keras 2"
    ):
        export.export_model(tmp_path / "graph", tmp_path / "out")


def test_a_saved_model_that_lacks_a_variable_is_refused(tmp_path):
    folder = Path(shutil.copytree(KERAS_2 / "saved", tmp_path / "saved"))
    metadata = (folder / "keras_metadata.pb").read_bytes()
    other = metadata.replace(b'"units": 4', b'"units": 5')
    assert other != metadata
    (folder / "keras_metadata.pb").write_bytes(other)
    with pytest.raises(KerasFileError, match=r"the variable .* is \[.*\], but head.* is \[.*5.*\]"):
        keras_file.load_any(folder)


@pytest.mark.parametrize("place", [0, 7, 100, 5000])
def test_damaged_metadata_is_refused(tmp_path, place):
    folder = Path(shutil.copytree(KERAS_2 / "saved", tmp_path / "saved"))
    content = (folder / "keras_metadata.pb").read_bytes()
    (folder / "keras_metadata.pb").write_bytes(content[:place] + b"\xff" * 20 + content[place:])
    with pytest.raises(KerasFileError) as error:
        keras_file.load_any(folder)
    assert len(str(error.value).splitlines()) == 1


# Safety


def with_config(path, target, change):
    """A copy of a .keras file with another configuration."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == "config.json" else content)
    return target


def test_python_code_in_a_file_is_not_run(tmp_path):
    ran = tmp_path / "ran"
    place = str(ran)
    tokens = keras.Input((5,), dtype="int32")
    x = keras.layers.LSTM(3)(keras.layers.Embedding(9, 4)(tokens))
    x = keras.layers.Lambda(lambda h: open(place, "w") and h, output_shape=(3,))(x)  # noqa: PTH123, SIM115
    ran.unlink(missing_ok=True)
    for name in ("lambda.keras", "lambda.h5"):
        keras.Model(tokens, keras.layers.Dense(2)(x)).save(tmp_path / name)
        ran.unlink(missing_ok=True)
        with pytest.raises(KerasFileError, match="holds a Lambda layer with Python code") as error:
            keras_file.load_any(tmp_path / name)
        assert "safe_mode" not in str(error.value) and not ran.exists()


def test_a_vocabulary_that_is_a_path_is_not_read(tmp_path):
    makers.vectorized(standardize=None)(keras).save(tmp_path / "texts.keras")
    path = with_config(
        tmp_path / "texts.keras",
        tmp_path / "path.keras",
        lambda content: content.replace(b'"vocabulary": null', b'"vocabulary": "/etc/passwd"'),
    )
    with pytest.raises(KerasFileError, match="names a file as the vocabulary"):
        keras_file.load_any(path)


@pytest.mark.parametrize("name", ["assets/../../evil.txt", "assets/run.py", "other.txt"])
def test_other_entries_are_refused(tmp_path, name):
    makers.vectorized(standardize=None)(keras).save(tmp_path / "texts.keras")
    with zipfile.ZipFile(tmp_path / "texts.keras", "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(KerasFileError, match="it holds"):
        keras_file.load_any(tmp_path / "texts.keras")


def test_hdf5_that_reaches_outside_or_grows_is_refused(tmp_path):
    def changed(name, change):
        path = Path(shutil.copy(KERAS_2 / "model.h5", tmp_path / name))
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    def link(file):
        file["model_weights"]["more"] = h5py.ExternalLink("other.h5", "/")

    def bomb(file):
        file.create_dataset("big", (10**9,), "f4", compression="gzip")

    def larger(file):
        config = file.attrs["model_config"].replace('"units": 3', '"units": 300000')
        file.attrs["model_config"] = config

    for change, message in (
        (link, "links to other"),
        (bomb, "bytes of memory"),
        (larger, "larger layer"),
    ):
        with pytest.raises(KerasFileError, match=message):
            keras_file.load_any(changed(f"{change.__name__}.h5", change))


def test_weights_alone_are_refused(tmp_path):
    model = makers.model_of(makers.two_ways)(keras)
    model.save_weights(tmp_path / "mine.weights.h5")
    with pytest.raises(KerasFileError, match="holds weights without a model"):
        keras_file.load_any(tmp_path / "mine.weights.h5")
    (tmp_path / "cut.h5").write_bytes((KERAS_2 / "model.h5").read_bytes()[:5000])
    with pytest.raises(KerasFileError, match="is damaged"):
        keras_file.load_any(tmp_path / "cut.h5")


def test_a_keras_file_of_keras_2_is_refused_with_the_way_out(tmp_path, files):
    path = tmp_path / "two.keras"
    with zipfile.ZipFile("mine.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "metadata.json":
                content = b'{"keras_version": "2.15.0"}'
            new.writestr(name, content)
    with pytest.raises(KerasFileError, match=r"written by Keras 2\.15\.0.*save\('model\.h5'\)"):
        keras_config.read(path)
