"""Files whose shapes follow the text, with words and with word pieces."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import export
from export.choices import PRECISION
from studies.clients import CLIENTS, ask_mediapipe, mediapipe_classifier
from tests.cells import reference
from tests.export.models import WORDS, bundle, every_file, piece_bundle
from zoo import litert
from zoo.metadata import BERT_INPUTS, read_metadata
from zoo.scores import softmax

BUNDLES = {"words": bundle, "wordpiece": piece_bundle}
TEXTS = [
    "",
    " \n",
    "Good film!",
    "unlikeable, unlikeableness",
    "日本 films",
    "a text that no piece reads",
    "not bad " * 40,
    *(" ".join(WORDS[place % len(WORDS)] for place in range(count)) for count in range(1, 25)),
]


def written(source, folder, lowering="fused", precision="float32", **options):
    (file,) = export.export_model(source, folder, lowering=lowering, precision=precision, **options)
    return (folder / file.path).read_bytes()


def steps_taken(content, text):
    """The number of rows of each sequence that the operators behind the embedding get."""
    tokenizer = read_metadata(content).tokenizer()
    interpreter = Interpreter(model_content=content, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    first, *_ = interpreter.get_input_details()
    interpreter.set_tensor(first["index"], tokenizer.encode([text]))
    interpreter.invoke()
    return {
        interpreter.get_tensor(operator["outputs"][0]).shape[1]
        for operator in interpreter._get_ops_details()
        if operator["op_name"] in ("UNIDIRECTIONAL_SEQUENCE_LSTM", "REVERSE_V2")
    }


@pytest.mark.parametrize("tokenizer", BUNDLES)
@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize(
    ("name", "lowering"), every_file("fused", "parallel", quick=[("bilstm", "fused"),
                        ("peephole-bilstm", "fused"), ("min-bigru", "parallel")])
)  # fmt: skip
def test_scores_are_those_of_keras(tmp_path, name, lowering, pooling, tokenizer):
    source = BUNDLES[tokenizer](name, num_layers=2, pooling=pooling)
    content = written(source, tmp_path, lowering)
    scores = litert.load_content(content, name).scores(TEXTS)
    np.testing.assert_allclose(scores, source.classifier().scores(TEXTS), atol=2e-5)


@pytest.mark.parametrize("tokenizer", BUNDLES)
def test_a_text_takes_its_own_steps(tmp_path, tokenizer):
    source = BUNDLES[tokenizer]("bilstm", num_layers=2)
    content = written(source, tmp_path)
    for text in ("good film", "not bad, not great", "dull"):
        ids = source.tokenizer.encode([text])
        assert steps_taken(content, text) == {int((ids != 0).sum())}
    fixed = written(source, tmp_path, static_shapes=True)
    assert steps_taken(fixed, "good film") == {20}
    both = [litert.load_content(one, "model").scores(TEXTS) for one in (content, fixed)]
    np.testing.assert_allclose(*both, atol=1e-6)


def test_scores_are_those_of_the_equations(tmp_path):
    """Of an LSTM in NumPy, which has never heard of padding."""
    source = piece_bundle("bilstm", max_length=9)
    embedding, *weights, kernel, bias = (np.float64(one) for one in source.model.get_weights())
    ways = weights[:3], weights[3:]
    expected = []
    for text in TEXTS:
        ids = [token.id for token in source.tokenizer.tokens(text)]
        ids = [*ids[:-1][:8], ids[-1]]  # nine at most, the last of them [SEP]
        x = embedding[ids][None]
        lasts = []
        for way, parts in zip((1, -1), ways, strict=True):
            states = [np.zeros((1, 5))] * 2
            for step in x[0][::way]:
                output, states = reference.lstm(step[None], states, parts)
            lasts.append(output)
        expected.append(softmax(np.concatenate(lasts, axis=1) @ kernel + bias)[0])
    scores = litert.load_content(written(source, tmp_path), "model").scores(TEXTS)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_a_text_without_tokens_scores_as_in_keras(tmp_path, pooling):
    """Without <START>, no step is left of it."""
    source = bundle("bilstm", start=False, pooling=pooling)
    content = written(source, tmp_path)
    assert not source.tokenizer.encode([""]).any()
    scores = litert.load_content(content, "model").scores(["", "good", ""])
    np.testing.assert_allclose(scores, source.classifier().scores(["", "good", ""]), atol=1e-6)


@pytest.mark.parametrize("tokenizer", BUNDLES)
@pytest.mark.parametrize(
    ("name", "lowering", "precision"),
    [
        ("bilstm", "fused", "float32"),
        ("peephole-bilstm", "fused", "int8"),
        ("layer-norm-bilstm", "unrolled", "float32"),
        ("min-bigru", "parallel", "float16"),
        ("min-bilstm", "parallel", "int8"),
    ],
)
def test_mediapipe_gives_the_same_in_any_order(tmp_path, name, lowering, precision, tokenizer):
    source = BUNDLES[tokenizer](name, num_layers=2)
    content = written(source, tmp_path, lowering, precision)
    with mediapipe_classifier(content) as client:
        first = ask_mediapipe(client, TEXTS, source.labels)
        again = ask_mediapipe(client, TEXTS[::-1] + TEXTS, source.labels)
    expected = source.classifier().scores(TEXTS)
    np.testing.assert_allclose(first, expected, atol=PRECISION[precision].largest_difference)
    np.testing.assert_array_equal(again[: len(TEXTS)][::-1], first)
    np.testing.assert_array_equal(again[len(TEXTS) :], first)


@pytest.mark.parametrize(
    ("client", "lowering"),
    [("tf.lite", "fused"), ("tf.lite", "loop"), ("compiled", "parallel"), ("compiled", "loop")],
)
def test_other_clients(tmp_path, client, lowering):
    source = piece_bundle("min-bigru" if lowering == "parallel" else "bilstm")
    path = tmp_path / "model.tflite"
    path.write_bytes(written(source, tmp_path, lowering))
    scores = CLIENTS[client](path, TEXTS)
    np.testing.assert_allclose(scores, source.classifier().scores(TEXTS), atol=2e-5)


@pytest.mark.parametrize("tokenizer", BUNDLES)
@pytest.mark.parametrize(
    ("name", "lowering", "precision"),
    [("bilstm", "fused", "float32"), ("min-bigru", "parallel", "int8"),
     ("bilstm", "fused", "integer"), ("bilstm", "loop", "float32")],
)  # fmt: skip
def test_static_shapes_run_on_microcontrollers(tmp_path, name, lowering, precision, tokenizer):
    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    source = BUNDLES[tokenizer](name)
    path = tmp_path / "model.tflite"
    ids = source.tokenizer.encode(TEXTS * 5)
    content = written(source, tmp_path, lowering, precision, static_shapes=True, calibration=ids)
    path.write_bytes(content)
    expected = litert.load(path).scores(TEXTS)
    tolerance = 0.02 if precision == "integer" else 1e-5
    np.testing.assert_allclose(CLIENTS["micro"](path, TEXTS), expected, atol=tolerance)


@pytest.mark.parametrize("lowering", ["fused", "loop", "unrolled"])
def test_the_file_holds_its_tokenizer(tmp_path, lowering):
    source = piece_bundle()
    metadata = read_metadata(written(source, tmp_path, lowering))
    assert metadata.inputs == BERT_INPUTS
    assert metadata.max_length == 20
    assert metadata.vocabulary == source.tokenizer.vocabulary
    again = metadata.tokenizer().encode(TEXTS)
    np.testing.assert_array_equal(again, source.tokenizer.encode(TEXTS))


def test_an_integer_file_of_word_pieces(tmp_path):
    source = piece_bundle("bilstm")
    ids = source.tokenizer.encode(TEXTS * 5)
    content = written(source, tmp_path, precision="integer", calibration=ids)
    scores = litert.load_content(content, "model").scores(TEXTS)
    assert np.abs(scores - source.classifier().scores(TEXTS)).max() < 0.1


def test_another_length_can_be_asked_for(tmp_path):
    source = piece_bundle(max_length=20)
    classifier = litert.load_content(written(source, tmp_path, max_length=6), "model")
    assert classifier.tokenizer.max_length == 6
    cut = source.tokenizer.resized(6).encode(TEXTS)
    expected = source.probabilities(cut)
    np.testing.assert_allclose(classifier.scores(TEXTS), expected, atol=1e-5)
