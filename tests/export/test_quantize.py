"""Smaller weights."""

import numpy as np
import pytest

import export
from export import architecture
from export.tflite import loop
from export.tflite.quantize import BeyondFloat16Error, quantize
from tests.export.models import classifier, probabilities, texts_of_every_length
from zoo import litert

SIZES = {"vocab_size": 3000, "embed_dim": 24, "hidden_dim": 32}


def build(model, precision, max_length=12):
    result = loop.build(architecture.read(model), max_length)
    quantize(result, precision)
    return result


def constants(model, dtype):
    tensors = [t for g in model.graphs for o in g.operators for t in o.inputs if t is not None]
    return {id(t): t for t in tensors if t.data is not None and t.dtype == dtype}.values()


@pytest.mark.parametrize(
    ("precision", "dtype", "share"), [("float16", "f2", 0.52), ("int8", "i1", 0.32)]
)
@pytest.mark.parametrize(
    "name", ["bigru", *(pytest.param(n, marks=pytest.mark.slow) for n in ("bilstm", "binas"))]
)
def test_weights_shrink_and_answers_stay(name, precision, dtype, share):
    model = classifier(name, **SIZES)
    # Weights of a trained model's size: those of the other tests saturate every gate.
    model.set_weights([w * 0.2 for w in model.get_weights()])
    ids = texts_of_every_length(12, 3000)
    small = build(model, precision)
    content = small.pack()
    weights = sum(t.data.size for t in constants(small, np.dtype(dtype)))
    assert weights > 0.95 * sum(w.size for w in model.get_weights() if w.ndim == 2)
    assert len(content) < share * len(build(model, "float32").pack()) + 25_000
    scores = litert.runner(content)[0](ids)
    np.testing.assert_allclose(
        scores, probabilities(model, ids), atol={"f2": 1e-3, "i1": 3e-2}[dtype]
    )


def test_each_row_has_a_scale_of_its_own():
    model = classifier("bilstm", **SIZES)
    embedding = model.get_layer("embedding")
    table = np.asarray(embedding.embeddings) * 0.01
    table[7] = 50.0 * np.sign(table[7])  # one loud word must not drown the others
    embedding.embeddings.assign(table)
    small = build(model, "int8")
    integers = next(t for t in constants(small, np.dtype("i1")) if t.shape == table.shape)
    scales = next(t for t in constants(small, np.dtype("f4")) if t.shape == (len(table), 1))
    np.testing.assert_allclose(
        integers.data * scales.data, table, atol=1e-12, rtol=1, equal_nan=False
    )
    error = np.abs(integers.data * scales.data - table).max(axis=1)
    assert (error <= np.abs(table).max(axis=1) / 253).all()


def test_weights_that_many_steps_share_are_stored_once():
    small = build(classifier("bilstm", **SIZES), "int8")
    shapes = [t.shape for t in constants(small, np.dtype("i1"))]
    # Two layers of two directions: kernel and recurrent kernel each; and the embedding.
    assert len(shapes) == 2 * 2 * 2 + 1


def test_weight_beyond_float16_is_refused():
    model = classifier("bilstm", **SIZES)
    table = np.asarray(model.get_layer("embedding").embeddings).copy()
    table[3, 3] = 1e6
    model.get_layer("embedding").embeddings.assign(table)
    with pytest.raises(BeyondFloat16Error, match="beyond float16"):
        build(model, "float16")


def test_float32_is_written_where_float16_cannot_hold_a_weight(tmp_path):
    model = classifier("bilstm", **SIZES)
    table = np.asarray(model.get_layer("embedding").embeddings).copy()
    table[59, 3] = 1e6
    model.get_layer("embedding").embeddings.assign(table)
    with pytest.warns(UserWarning, match="beyond float16.* Written as float32 instead"):
        (file,) = export.export_model(
            model, tmp_path, lowering="loop", precision="float16", max_length=9
        )
    assert file.path.endswith("float32-bare.tflite") and (tmp_path / file.path).is_file()


def test_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="float32, float16, int8, not 'int4'"):
        build(classifier("bilstm", **SIZES), "int4")
