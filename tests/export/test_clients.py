"""The whole catalogue, every lowering and precision, in the runtimes that people ship."""

import functools
import re
from pathlib import Path

import numpy as np
import pytest

import export
from export.tflite import LOWERINGS
from export.tflite.quantize import PRECISIONS
from export.verification import LARGEST_DIFFERENCE
from tests.export.models import every_file
from tests.export.test_mediapipe import classifier, scores
from zoo import litert
from zoo.bundle import softmax
from zoo.datasets import load_dataset
from zoo.training import TrainingConfig, train

pytestmark = pytest.mark.slow
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "trec"
TEXTS = 500


@pytest.fixture(scope="module")
def dataset():
    if not REAL.is_dir():
        pytest.skip("the real data is not here")
    return load_dataset(REAL)


@pytest.fixture(scope="module")
def exported(dataset, tmp_path_factory):
    """`exported(family)`: a briefly trained model and its files, made once."""

    @functools.cache
    def make(family):
        folder = tmp_path_factory.mktemp(family)
        config = TrainingConfig(
            f"{family}-tiny", str(REAL), epochs=3, max_length=24, learning_rate=5e-3, seed=1
        )
        run = train(config, folder / "run", tensorboard=False, verbose=False)
        texts = dataset.valid.texts
        files = export.export_model(
            run, folder / "export", lowering="all", precision="all", texts=texts
        )
        if family == "bilstm":
            files += export.export_model(
                run,
                folder / "export",
                precision="integer",
                texts=texts,
                calibration=dataset.train.texts[::10],
            )
        paths = {(f.lowering, f.precision): folder / "export" / f.path for f in files}
        return run, paths

    return make


every_precision = pytest.mark.parametrize("precision", PRECISIONS)


def every(*lowerings):
    return pytest.mark.parametrize(("family", "lowering"), every_file(*lowerings))


def agrees(got, expected, precision):
    np.testing.assert_allclose(got, expected, atol=LARGEST_DIFFERENCE[precision])
    assert np.mean(got.argmax(1) == expected.argmax(1)) >= 0.99


@every_precision
@every("fused", "unrolled", "parallel")
def test_mediapipe(exported, dataset, family, lowering, precision):
    run, paths = exported(family)
    path = paths[lowering, precision]
    texts = [dataset.test.texts[i] for i in np.random.default_rng(0).permutation(TEXTS)]
    texts += ["", "   ", "zzyzx " * 100]
    with classifier(path.read_bytes()) as client:
        got = scores(client, texts, run.labels)
        agrees(got, run.classifier().scores(texts), precision)
        for _ in range(3):  # again, and with others between
            np.testing.assert_array_equal(scores(client, texts[:9], run.labels), got[:9])
            np.testing.assert_array_equal(scores(client, texts[:3] * 2, run.labels)[3:], got[:3])


@every_precision
@every(*LOWERINGS)
def test_litert_interpreter(exported, dataset, family, lowering, precision):
    run, paths = exported(family)
    path = paths[lowering, precision]
    texts = dataset.test.texts[:TEXTS]
    got = litert.load(path).scores(texts)
    agrees(got, run.classifier().scores(texts), precision)
    np.testing.assert_array_equal(litert.load(path, threads=2).scores(texts[::-1])[::-1], got)


@every_precision
@every(*LOWERINGS)
def test_tensorflows_interpreter(exported, dataset, family, lowering, precision):
    import tensorflow as tf

    run, paths = exported(family)
    path = paths[lowering, precision]
    interpreter = tf.lite.Interpreter(model_path=str(path))
    call = interpreter.get_signature_runner("serving_default")
    texts = dataset.test.texts[:TEXTS]
    ids = run.tokenizer.encode(texts)
    got = np.concatenate([call(tokens=row[None])["probabilities"] for row in ids])
    agrees(got, run.classifier().scores(texts), precision)
    operators = {detail["op_name"] for detail in interpreter._get_ops_details()}
    assert not any(re.match("Flex|CUSTOM", name) for name in operators)


@every_precision
@every("loop", "unrolled", "parallel")
def test_litert_compiled_model(exported, dataset, family, lowering, precision):
    """Not the fused files: it knows no variables."""
    from ai_edge_litert.compiled_model import CompiledModel

    run, paths = exported(family)
    path = paths[lowering, precision]
    model = CompiledModel.from_file(str(path))
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    ids = run.tokenizer.encode(dataset.test.texts[:100])
    rows = []
    for row in ids:
        inputs[0].write(row[None])
        model.run_by_index(0, inputs, outputs)
        rows.append(np.array(outputs[0].read(len(run.labels), np.float32)))
    expected = softmax(run.model.predict(ids, verbose=0))
    np.testing.assert_allclose(np.stack(rows), expected, atol=LARGEST_DIFFERENCE[precision])


@pytest.mark.parametrize("precision", ["float32", "integer"])
def test_tflite_micro(exported, dataset, precision):
    """The plain LSTM, which is what microcontrollers know."""
    micro = pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    run, paths = exported("bilstm")
    interpreter = micro.runtime.Interpreter.from_file(str(paths["fused", precision]))
    ids = run.tokenizer.encode(dataset.test.texts[:TEXTS])
    rows = []
    for row in [*ids, *ids[::-1]]:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        rows.append(interpreter.get_output(0)[0].copy())
    np.testing.assert_array_equal(rows[: len(ids)], rows[len(ids) :][::-1])
    scores = np.array(rows[: len(ids)], np.float32)
    if precision == "integer":
        scores = (scores + 128) / 256
    agrees(scores, softmax(run.model.predict(ids, verbose=0)), precision)


def test_integers_in_litert(exported, dataset):
    run, paths = exported("bilstm")
    texts = dataset.test.texts[:TEXTS]
    agrees(
        litert.load(paths["fused", "integer"]).scores(texts),
        run.classifier().scores(texts),
        "integer",
    )
