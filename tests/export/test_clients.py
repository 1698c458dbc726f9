"""The whole catalogue, every lowering and precision, in the runtimes that people ship."""

import functools
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import export
from export.choices import LOWERINGS, PRECISION, PRECISIONS
from studies import clients
from tests.export.models import every_file
from zoo import litert
from zoo.cells import as_cell
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
            f"{family}-tiny",
            str(REAL),
            epochs=3,
            augment=0,
            max_length=24,
            learning_rate=5e-3,
            seed=1,
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


@pytest.fixture(scope="module")
def asked(exported, dataset):
    """`asked(family)`: texts in random order, and what Keras says of them, once."""
    texts = [dataset.test.texts[i] for i in np.random.default_rng(0).permutation(TEXTS)]
    texts += ["", "   ", "zzyzx " * 100]
    return functools.cache(lambda family: (texts, exported(family)[0].classifier().scores(texts)))


every_precision = pytest.mark.parametrize("precision", PRECISIONS)


def every(*lowerings):
    return pytest.mark.parametrize(("family", "lowering"), every_file(*lowerings))


def cell_of(run):
    return type(as_cell(run.model.get_layer("bidirectional_1").forward_layer.cell)).__name__


def agrees(got, expected, precision):
    np.testing.assert_allclose(got, expected, atol=PRECISION[precision].largest_difference)
    assert np.mean(got.argmax(1) == expected.argmax(1)) >= 0.99


@every_precision
@every(*LOWERINGS)
def test_clients_answer_as_keras(exported, asked, family, lowering, precision):
    """Each client on texts of a real set, in random order; the others do not run it."""
    run, paths = exported(family)
    path = paths[lowering, precision]
    texts, expected = asked(family)
    runs = clients.expected_clients(lowering, precision, cell_of(run))
    for name, ask in clients.CLIENTS.items():
        if name == "micro":
            if importlib.util.find_spec("tflite_micro") is None:
                continue
            folder = path.parent.parent / "static"
            (file,) = export.export_model(
                run, folder, lowering=lowering, precision=precision, static_shapes=True
            )
            path = folder / file.path
        if name in runs:
            agrees(ask(path, texts), expected, precision)
        elif name != "micro":
            with pytest.raises(Exception):  # noqa: B017  each client has errors of its own
                ask(path, texts[:1])


@every_precision
@every("fused", "unrolled", "parallel")
def test_mediapipe_remembers_nothing(exported, dataset, family, lowering, precision):
    run, paths = exported(family)
    texts = dataset.test.texts[:12]
    with clients.mediapipe_classifier(paths[lowering, precision].read_bytes()) as client:
        first = clients.ask_mediapipe(client, texts, run.labels)
        for _ in range(3):  # again, and with others between
            again = clients.ask_mediapipe(client, texts[:9], run.labels)
            np.testing.assert_array_equal(again, first[:9])
            again = clients.ask_mediapipe(client, texts[:3] * 2, run.labels)
            np.testing.assert_array_equal(again[3:], first[:3])


@every_precision
@every(*LOWERINGS)
def test_order_and_threads_change_nothing(exported, dataset, family, lowering, precision):
    _, paths = exported(family)
    path, texts = paths[lowering, precision], dataset.test.texts[:100]
    one, two = litert.load(path), litert.load(path, threads=2)
    np.testing.assert_array_equal(two.scores(texts[::-1])[::-1], one.scores(texts))


@every_precision
@every(*LOWERINGS)
def test_operators_are_builtin(exported, family, lowering, precision):
    _, paths = exported(family)
    interpreter = tf.lite.Interpreter(model_path=str(paths[lowering, precision]))
    operators = {detail["op_name"] for detail in interpreter._get_ops_details()}
    assert not any(re.match("Flex|CUSTOM", name) for name in operators)


def test_integers(exported, dataset):
    run, paths = exported("bilstm")
    path, texts = paths["fused", "integer"], dataset.test.texts[:TEXTS]
    expected = run.classifier().scores(texts)
    for name in sorted(clients.expected_clients("fused", "integer", "LSTMCell")):
        got = clients.CLIENTS[name](path, texts)
        agrees(got, expected, "integer")
        np.testing.assert_array_equal(clients.CLIENTS[name](path, texts[::-1])[::-1], got)
