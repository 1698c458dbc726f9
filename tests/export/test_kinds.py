"""Each kind of scores, from a run folder to every form: Keras's outputs, plain NumPy on top."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import layers

import export
import zoo
from export.tflite.parts import NoLoweringError
from export.verification import PrecisionError, VerificationError, verify
from tests.export.models import WORDS, randomize
from zoo import bundle as bundles
from zoo import kinds, metadata
from zoo.bundle import Bundle
from zoo.records import RunError
from zoo.samples import Samples
from zoo.text import Tokenizer, Vocabulary

LENGTH = 12
TEXTS = ["", "Good film!", "a bad Book", "very dull cast, not great", "bad " * 40, "zzyzx"]
THRESHOLDS = (0.3, 0.5, 0.7)


def model_of(outputs, activation=None, cell=layers.LSTM, vocabulary=60, seed=1):
    """A model with loud weights, in Keras's own layers."""
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(vocabulary, 6, mask_zero=True, name="embedding")(tokens)
    x = layers.Bidirectional(cell(5))(x)
    return randomize(keras.Model(tokens, layers.Dense(outputs, activation)(x)), seed)


def source(outputs, activation, labels, record=None, compiled=None):
    """A bundle with some texts of its own."""
    tokenizer = Tokenizer(Vocabulary.from_texts([" ".join(WORDS)] * 2, size=60), LENGTH)
    model = model_of(outputs, activation, vocabulary=tokenizer.vocabulary.size)
    if compiled:
        model.compile("sgd", compiled)
    config = {
        "model": {"name": "own"},
        "tokenizer": {"max_length": LENGTH, "delimiter": tokenizer.delimiter},
    }
    return Bundle(model, tokenizer, labels, config | ({"scores": record} if record else {}))


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, np.float64)))


def pair(outputs):
    return np.concatenate([1 - outputs, outputs], axis=1)


BCE = keras.losses.BinaryCrossentropy(from_logits=True)
# The bundle, and from the outputs of Keras to the scores; labels and thresholds, or None.
CASES = {
    "softmax": (lambda: source(3, "softmax", ("a", "b", "c")), np.asarray, "softmax"),
    "one probability": (lambda: source(1, "sigmoid", ("no", "yes")), pair, "softmax"),
    "one logit": (
        lambda: source(1, None, ("no", "yes"), compiled=BCE),
        lambda outputs: pair(sigmoid(outputs)),
        "softmax",
    ),
    "several probabilities": (
        lambda: source(
            3, "sigmoid", ("a", "b", "c"), {"kind": "sigmoid", "thresholds": list(THRESHOLDS)}
        ),
        np.asarray,
        "sigmoid",
    ),
    "several logits": (
        lambda: source(2, None, ("a", "b"), {"kind": "sigmoid"}),
        sigmoid,
        "sigmoid",
    ),
    "one label of several": (lambda: source(1, "sigmoid", ("a",)), np.asarray, "sigmoid"),
    "numbers": (lambda: source(2, None, ("x", "y"), {"kind": "numbers"}), np.asarray, "numbers"),
    "one number": (lambda: source(1, None, ("x",), compiled="mse"), np.asarray, "numbers"),
}


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """A run folder with its float32 files and SavedModel, and the scores of `TEXTS`."""
    make, function, kind = CASES[request.param]
    made, folder = make(), tmp_path_factory.mktemp("kinds") / "run"
    made.save(folder)
    files = export.export_model(folder, precision="float32")
    saved_model = export.export_saved_model(folder)
    outputs = made.model.predict(made.tokenizer.encode(TEXTS), verbose=0)
    return made, folder, files, saved_model, function(outputs).astype(np.float64), kind


def answers(kind, scores, labels, thresholds):
    """What each text gets, by plain NumPy."""
    if kind == "softmax":
        return [(labels[row.argmax()],) for row in scores]
    if kind == "numbers":
        return [() for _ in scores]
    passed = scores >= np.array(thresholds)
    return [tuple(np.array(labels)[row]) for row in passed]


def thresholds_of(made):
    return THRESHOLDS if len(made.labels) == 3 else (0.5,) * len(made.labels)


def test_the_run_folder_answers_as_keras(case):
    made, folder, _, _, scores, kind = case
    for asked in (zoo.load(folder), made.classifier()):
        np.testing.assert_allclose(asked.scores(TEXTS), scores, atol=1e-6)
        found = [one.labels for one in asked.predict(TEXTS)]
        assert found == answers(kind, scores, made.labels, thresholds_of(made))
    assert len(set(map(tuple, scores.round(3)))) > 3


def test_the_files_answer_as_keras(case):
    made, folder, files, _, scores, kind = case
    assert {file.lowering for file in files} == {"fused", "loop"}
    for file in files:
        asked = zoo.load(folder / "export" / file.path)
        np.testing.assert_allclose(asked.scores(TEXTS), scores, atol=1e-5)
        found = [one.labels for one in asked.predict(TEXTS)]
        assert found == answers(kind, scores, made.labels, thresholds_of(made))
        assert asked.labels == made.labels and asked.kind.name == file.scores == kind


def test_litert_gives_the_scores_under_their_name(case):
    made, folder, files, _, scores, kind = case
    interpreter = Interpreter(str(folder / "export" / files[0].path))
    answer = interpreter.get_signature_runner("serving_default")
    name = "numbers" if kind == "numbers" else "probabilities"
    for ids, expected in zip(made.tokenizer.encode(TEXTS), scores, strict=True):
        np.testing.assert_allclose(answer(tokens=ids[None])[name][0], expected, atol=1e-5)


def test_mediapipe_shows_a_score_for_each_label(case):
    pytest.importorskip("mediapipe.tasks.python.text", reason="mediapipe is not installed")
    from mediapipe.tasks.python import BaseOptions, text

    made, folder, files, _, scores, _ = case
    path = folder / "export" / files[0].path
    options = text.TextClassifierOptions(
        base_options=BaseOptions(model_asset_buffer=path.read_bytes())
    )
    with text.TextClassifier.create_from_options(options) as client:
        for asked, expected in zip(TEXTS, scores, strict=True):
            (head,) = client.classify(asked).classifications
            found = {one.category_name: one.score for one in head.categories}
            assert found == pytest.approx(dict(zip(made.labels, expected, strict=True)), abs=1e-5)


def test_the_saved_model_answers_as_keras(case):
    made, _, _, folder, scores, kind = case
    loaded = tf.saved_model.load(str(folder))
    name = "numbers" if kind == "numbers" else "probabilities"
    by_text = loaded.signatures["texts"](texts=tf.constant(TEXTS))
    ids = tf.constant(made.tokenizer.encode(TEXTS))
    by_token = loaded.signatures["serving_default"](tokens=ids)
    np.testing.assert_allclose(by_text[name], scores, atol=1e-6)
    np.testing.assert_allclose(by_token[name], scores, atol=1e-6)
    expected = answers(kind, scores, made.labels, thresholds_of(made))
    rest = set(by_text) - {name, "tokens"}
    if kind == "softmax":
        assert [(one.decode(),) for one in by_text["label"].numpy()] == expected
        assert rest == {"label"}
    elif kind == "sigmoid":
        rows = by_text["labels"].numpy()
        assert [tuple(one.decode() for one in row if one) for row in rows] == expected
        assert rest == {"labels"} and rows.shape == scores.shape
    else:
        assert rest == set()


def test_the_file_of_softmax_does_not_mention_it_and_others_do(case):
    made, folder, files, _, _, kind = case
    content = (folder / "export" / files[0].path).read_bytes()
    assert (metadata.SCORES_FILE.encode() in content) == (kind != "softmax")
    found = metadata.read_metadata(content).kind
    assert found == made.kind
    assert found == kinds.Sigmoid(THRESHOLDS) or len(made.labels) != 3 or kind == "softmax"


def test_int8_files_keep_the_answers(case, tmp_path):
    made, folder, _, _, scores, _ = case
    for file in export.export_model(folder, tmp_path, precision="int8"):
        assert file.precision == "int8"
        asked = zoo.load(tmp_path / file.path)
        np.testing.assert_allclose(asked.scores(TEXTS), scores, atol=0.1)
        assert asked.kind == made.kind


def test_what_is_no_softmax_has_no_integer_file(tmp_path):
    for name, what in (
        ("several probabilities", "a sigmoid for each label"),
        ("numbers", "numbers"),
    ):
        made = CASES[name][0]()
        with pytest.raises(
            NoLoweringError, match=rf"of a softmax, and this model gives {what}\. Use"
        ):
            export.export_model(made, tmp_path, precision="integer", calibration=["good film"])
    assert list(tmp_path.iterdir()) == []


def test_one_probability_has_an_integer_file(tmp_path):
    network = zoo.create_model("bilstm", vocab_size=14, num_classes=1, embed_dim=6, hidden_dim=5)
    tokenizer = Tokenizer(Vocabulary.from_texts([" ".join(WORDS)] * 2, size=60), LENGTH)
    network = randomize(network)
    ended = keras.Model(network.input, layers.Activation("sigmoid")(network.output))
    config = {
        "model": {"name": "bilstm"},
        "tokenizer": {"max_length": LENGTH, "delimiter": tokenizer.delimiter},
    }
    made = Bundle(ended, tokenizer, ("no", "yes"), config)
    ids = tokenizer.encode([" ".join(WORDS[n:]) for n in range(len(WORDS))])
    (file,) = export.export_model(made, tmp_path, precision="integer", calibration=ids, force=True)
    found = zoo.load(tmp_path / file.path).scores(TEXTS)
    expected = pair(ended.predict(tokenizer.encode(TEXTS), verbose=0))
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_a_bare_model_keeps_its_one_output(tmp_path):
    (file,) = export.export_model(
        model_of(1, "sigmoid"), tmp_path, max_length=LENGTH, lowering="loop", precision="float32"
    )
    (details,) = Interpreter(str(tmp_path / file.path)).get_output_details()
    assert details["shape"].tolist() == [1, 1] and file.scores == "sigmoid"


# What does not fit


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: source(1, "sigmoid", ("a", "b", "c")), "1 score and has 3 labels"),
        (lambda: source(3, "sigmoid", ("a", "b")), "3 scores and has 2 labels"),
        (lambda: source(1, None, ("x",)), "does not say whether they are logits or numbers"),
        (lambda: source(1, None, ("a", "b"), compiled="mse"), "1 score and has 2 labels"),
        (lambda: source(2, "sigmoid", ("a", "b"), {"kind": "numbers"}), "not 'numbers'"),
        (lambda: source(2, "softmax", ("a", "b"), {"kind": "sigmoid"}), "not 'sigmoid'"),
        (
            lambda: source(2, "sigmoid", ("a", "b"), {"kind": "sigmoid", "thresholds": [0.5]}),
            "a list of 2 numbers",
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused(made, message, tmp_path):
    made = made()
    for act in (lambda: made.scores, lambda: made.save(tmp_path), lambda: made.classifier()):
        with pytest.raises(RunError, match=message):
            act()
    assert list(tmp_path.iterdir()) == []


def test_one_output_that_is_no_sigmoid_has_no_two_labels(tmp_path):
    folder = tmp_path / "run"
    source(1, "sigmoid", ("no", "yes")).save(folder)
    (folder / "SHA256SUMS").unlink()
    model_of(1, "tanh", vocabulary=14).save(folder / "model.keras")
    with pytest.raises(RunError, match="ends in 'tanh'"):
        bundles.load(folder)


def test_a_run_says_its_kind_itself(tmp_path):
    made = source(3, "sigmoid", ("a", "b", "c"))
    with pytest.raises(ValueError, match=r"own gives sigmoid scores, .* not 'numbers'"):
        export.export_model(made, tmp_path, scores="numbers")
    assert list(tmp_path.iterdir()) == []


def test_damaged_scores_of_a_file_are_refused(tmp_path, monkeypatch):
    made = source(3, "sigmoid", ("a", "b", "c"))
    for record, message in (
        ({"kind": "sigmoid", "thresholds": [0.5]}, "a list of 3 numbers"),
        ({"kind": "hinge"}, "must be one of"),
        ([], "must be an object"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(kinds.Sigmoid, "record", lambda self, record=record: record)
            (file,) = export.export_model(made, tmp_path, lowering="loop", precision="float32")
        with pytest.raises(ValueError, match=rf"scores\.json is damaged \(.*{message}"):
            zoo.load(tmp_path / file.path)


def test_samples_of_each_kind_are_saved_and_those_of_another_are_refused(case, tmp_path):
    made, *_, kind = case
    ids = made.tokenizer.encode(TEXTS)
    labels = {
        "softmax": [("no" if "no" in made.labels else "a")] * len(TEXTS),
        "sigmoid": [()] * len(TEXTS),
        "numbers": [(0.5,) * len(made.labels)] * len(TEXTS),
    }[kind]
    truth = made.kind.encode(labels, made.labels)
    kept = Samples.of(ids, truth, ids, truth)
    dataclasses.replace(made, samples=kept).save(tmp_path)
    loaded = bundles.load(tmp_path).samples
    np.testing.assert_array_equal(loaded.train_labels, truth)
    assert loaded.train_labels.dtype == truth.dtype
    wrong = Samples.of(ids, np.full((len(ids), 7), 2), ids, np.full((len(ids), 7), 2))
    dataclasses.replace(made, samples=wrong).save(tmp_path)
    with pytest.raises(RunError, match="belongs to another model, or is damaged"):
        bundles.load(tmp_path)


# Verification


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An int8 file of several labels and one of numbers, and what `verify` is given of each."""
    found = {}
    for name in ("several probabilities", "numbers"):
        made, folder = CASES[name][0](), tmp_path_factory.mktemp("verified")
        (file,) = export.export_model(made, folder, lowering="loop", precision="float32")
        rng = np.random.default_rng(0)
        texts = [" ".join(rng.choice(WORDS, rng.integers(1, 9))) for _ in range(200)]
        ids = made.tokenizer.encode(texts)
        scores = made.probabilities(ids).astype(np.float64)
        found[name] = ((folder / file.path).read_bytes(), ids, scores, made.kind)
    return found


def check(files, name, expected, monkeypatch, precision="int8", **more):
    """Verifies a float32 file as if it were int8, against other scores of Keras."""
    content, ids, _, kind = files[name]
    monkeypatch.setattr("export.verification.wrong_constants", lambda *_: [])
    return verify(
        content, lambda ids: expected, ids, precision=precision, constants={}, kind=kind, **more
    )


def test_other_labels_by_the_thresholds_are_found(files, monkeypatch):
    name = "several probabilities"
    _, _, scores, _ = files[name]
    assert check(files, name, scores, monkeypatch).label_agreement == 1.0
    moved = scores.copy()
    # Across the threshold of one label, in every tenth text; nowhere across 0.5.
    moved[::10, 0] = np.where(scores[::10, 0] >= 0.3, 0.2, 0.4)
    changed = np.arange(200) % 10 == 0
    with pytest.raises(PrecisionError, match=r"90.0% of 200 real texts keep their labels"):
        check(files, name, moved, monkeypatch)
    # Where Keras's labels are wrong and the file's are right, the file is no worse.
    truth = (scores >= np.array(THRESHOLDS)).astype(np.int32)
    found = check(files, name, moved, monkeypatch, labels=truth)
    assert (found.accuracy, found.keras_accuracy) == (1.0, pytest.approx(0.9))
    truth[changed] = moved[changed] >= np.array(THRESHOLDS)
    with pytest.raises(PrecisionError, match=r"accuracy falls from 100.0% to 90.0%"):
        check(files, name, moved, monkeypatch, labels=truth)
    near = scores.copy()
    near[::10, 0] = 0.3 + 0.04 * np.where(scores[::10, 0] >= 0.3, -1, 1)
    check(files, name, near, monkeypatch)  # Keras itself is undecided


def test_other_numbers_are_found(files, monkeypatch):
    _, _, scores, _ = files["numbers"]
    span = np.ptp(scores, axis=0)
    found = check(files, "numbers", scores + 0.03 * span, monkeypatch)
    assert found.label_agreement == 1.0 and found.accuracy is None
    moved = scores.copy()
    moved[::10, 1] += 0.08 * span[1]
    with pytest.raises(PrecisionError, match=r"90.0% of 200 real texts keep their numbers"):
        check(files, "numbers", moved, monkeypatch)
    forced = check(files, "numbers", moved, monkeypatch, force=True)
    assert (
        forced.label_agreement == pytest.approx(0.9) and "keep their numbers" in forced.warnings[0]
    )


def test_a_small_number_beside_a_large_one_is_compared_by_its_own_scale(files, monkeypatch):
    _, _, scores, _ = files["numbers"]
    moved = scores.copy()
    moved[:, 0] += 2e-4 * np.abs(scores[:, 0]).max()
    with pytest.raises(VerificationError, match="off by"):
        check(files, "numbers", moved, monkeypatch, precision="float32")


def test_the_command_names_what_it_compared(tmp_path, capsys):
    from export.__main__ import main

    for name, answer in (("several probabilities", "labels"), ("numbers", "numbers")):
        folder = tmp_path / answer
        CASES[name][0]().save(folder)
        assert main([str(folder), "--lowering", "loop"]) == 0
        assert f"same {answer} 100.0%" in capsys.readouterr().out
        rows = json.loads((folder / "export" / "manifest.json").read_text())["files"]
        assert rows[0]["scores"] == ("sigmoid" if answer == "labels" else "numbers")


def test_a_copied_run_needs_no_hint(tmp_path):
    """What config.json says is what the files say, without the process that trained."""
    made = source(1, None, ("no", "yes"), compiled=BCE)
    made.save(tmp_path / "run")
    folder = shutil.copytree(tmp_path / "run", tmp_path / "copy")
    assert not bundles.load(folder).model.compiled
    np.testing.assert_array_equal(zoo.load(folder).scores(TEXTS), made.classifier().scores(TEXTS))
