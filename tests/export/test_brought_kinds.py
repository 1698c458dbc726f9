"""Every kind of model of `studies.brought.cases`: exported as Keras answers, or refused."""

import keras
import numpy as np
import pytest

import export
from studies.brought import cases, makers
from studies.brought.cases import CASES, TEXTS
from zoo import litert
from zoo.text import PAD, UNKNOWN, Tokenizer, Vocabulary

EXPORTED = [case for case in CASES if not case.says]
REFUSED = [case for case in CASES if case.says]
LABELS = ["a", "b", "c"]


def named(case):
    return case.what.replace("`", "")


def answers(model, case):
    """The scores of Keras itself."""
    model = case.reference(keras) if case.reference else model
    given = cases.column(keras, TEXTS) if case.of_texts else cases.ids()
    (outputs,) = keras.tree.flatten(model.predict(given, batch_size=1, verbose=0))
    if case.what == "logits":
        outputs = keras.ops.convert_to_numpy(keras.ops.softmax(outputs))
    return outputs


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")
@pytest.mark.filterwarnings("ignore:.*float16")
@pytest.mark.parametrize("case", EXPORTED, ids=named)
def test_a_kind_that_is_exported_answers_as_keras(tmp_path, case, recwarn):
    model = case.model()
    more = {"labels": LABELS} if case.of_texts else {}
    files = export.export_model(
        model, tmp_path, lowering="all", precision="float32", **case.options, **more
    )
    assert {file.lowering for file in files} == set(case.lowerings)
    told = [str(one.message) for one in recwarn if one.category is UserWarning]
    assert not case.warns or any(case.warns in one for one in told)
    expected = answers(model, case)
    for file in files:
        assert file.is_bare is not case.of_texts
        content = (tmp_path / file.path).read_bytes()
        if case.of_texts:
            got = litert.load(tmp_path / file.path).scores(TEXTS)
        else:
            forward, *_ = litert.runner(content)
            got = forward(cases.ids())
        finite = np.isfinite(expected).all(axis=1)
        assert finite.sum() >= len(finite) - 1
        tolerance = 5e-3 if "float16" in case.what else 2e-5
        np.testing.assert_allclose(got[finite], expected[finite], atol=tolerance, rtol=1e-4)


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_a_kind_that_is_not_is_told_why_and_what_to_do(tmp_path, case):
    model = case.model()
    with pytest.raises(ValueError, match=r"\.$") as error:
        export.export_model(
            model, tmp_path, lowering="loop", precision="float32", max_length=None, **case.options
        )
    message = str(error.value)
    assert case.says in message
    assert len(message.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_lowering_that_a_returned_state_lacks_is_named(tmp_path):
    with pytest.raises(ValueError, match="of LSTMCell has no lowering 'fused'"):
        export.export_model(brought(makers.memory), tmp_path, lowering="fused")


def brought(part=makers.two_ways, **options):
    return makers.model_of(part, **options)(keras)


def tokenizer(pad=0, words=30):
    ids = {PAD: pad, UNKNOWN: 1 - pad}
    ids.update((f"w{number}", number) for number in range(2, words))
    return Tokenizer(Vocabulary(ids), makers.LENGTH)


def test_with_tokenizer_and_labels_it_is_a_classifier_of_texts(tmp_path):
    model = brought()
    files = export.export_model(
        model, tmp_path, tokenizer=tokenizer(), labels=LABELS, precision="float32"
    )
    assert [file.path for file in files] == [
        "brought-fused-float32.tflite", "brought-loop-float32.tflite",
    ]  # fmt: skip
    expected = model.predict(tokenizer().encode(TEXTS), verbose=0)
    for file in files:
        got = litert.load(tmp_path / file.path).scores(TEXTS)
        np.testing.assert_allclose(got, expected, atol=2e-5)
    np.testing.assert_allclose(in_mediapipe(tmp_path / files[0].path), expected, atol=2e-5)


def in_mediapipe(path):
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    from studies import clients

    return clients.in_mediapipe(path, TEXTS)


@pytest.mark.parametrize("standardize", [None, "lower"])
def test_texts_go_into_the_real_mediapipe(tmp_path, standardize):
    model = makers.vectorized(standardize=standardize)(keras)
    (file,) = export.export_model(
        model, tmp_path, labels=LABELS, lowering="fused", precision="float32"
    )
    expected = model.predict(cases.column(keras, TEXTS), verbose=0)
    np.testing.assert_allclose(in_mediapipe(tmp_path / file.path), expected, atol=2e-5)


@pytest.mark.parametrize("labels", [["no", "yes"], ["yes"]])
def test_one_sigmoid_takes_one_label_or_two(tmp_path, labels):

    def part(k, tokens, x):
        return k.layers.Dense(1, activation="sigmoid")(makers.two_ways(k, tokens, x))

    model = brought(part, end=False)
    files = export.export_model(
        model, tmp_path, tokenizer=tokenizer(), labels=labels, lowering="all", precision="all"
    )
    p = model.predict(tokenizer().encode(TEXTS), verbose=0)
    expected = np.hstack([1 - p, p]) if len(labels) == 2 else p
    for file in files:
        if file.precision == "float32":
            got = litert.load(tmp_path / file.path).scores(TEXTS)
            np.testing.assert_allclose(got, expected, atol=2e-5)
            assert file.scores == ("softmax" if len(labels) == 2 else "sigmoid")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": LABELS}, "give tokenizer= too"),
        ({"tokenizer": {"a": 1}}, "must be a zoo.text.Tokenizer, not a dict"),
        ({"tokenizer": tokenizer(), "labels": ["a", "b"]}, "2 labels, and the model 3 classes"),
        ({"tokenizer": tokenizer(), "labels": ["a", "b", "b"]}, "each line must name one class"),
        ({"tokenizer": tokenizer(), "labels": "abc"}, "must be a list of strings"),
        ({"tokenizer": tokenizer(words=299), "labels": LABELS}, "ids up to 298, .* has 200 rows"),
        ({"tokenizer": tokenizer(pad=1), "labels": LABELS}, "masks id 0"),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export.export_model(brought(), tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_without_labels_it_is_bare(tmp_path):
    for options in ({"tokenizer": tokenizer()}, {"metadata": False}):
        (file,) = export.export_model(
            brought(), tmp_path, lowering="loop", precision="float32", **options
        )
        assert file.path == "brought-loop-float32-bare.tflite"
        with pytest.raises(ValueError, match="metadata"):
            litert.load(tmp_path / file.path)
