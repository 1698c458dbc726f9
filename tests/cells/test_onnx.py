"""Peepholes, coupled gates and the GRU's two forms against ONNX Runtime's own."""

import keras
import numpy as np
import pytest

from zoo import cells
from zoo.layers import Recurrent

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

TIME, BATCH, FEATURES, UNITS = 7, 3, 4, 5


def run(kind, x, weights, **attributes):
    """All outputs [batch, time, units] of an ONNX operator with weights by its inputs' names."""
    from onnx import TensorProto, helper, numpy_helper

    names = [name if name in weights else "" for name in ("W", "R", "B", "lengths", "h", "c", "P")]
    while not names[-1]:
        names.pop()
    node = helper.make_node(kind, ["X", *names], ["Y"], hidden_size=UNITS, **attributes)
    graph = helper.make_graph(
        [node],
        "cell",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [TIME, BATCH, FEATURES])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [TIME, 1, BATCH, UNITS])],
        [
            numpy_helper.from_array(np.ascontiguousarray(value[None], np.float32), name)
            for name, value in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 8
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"X": x.transpose(1, 0, 2)})
    return y[:, 0].transpose(1, 0, 2)


def made(cell):
    rng = np.random.default_rng(0)
    cell.build((None, FEATURES))
    cell.set_weights([rng.normal(size=w.shape) for w in cell.weights])
    x = rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
    got = keras.ops.convert_to_numpy(Recurrent(cell, return_sequences=True)(x))
    return x, got, [keras.ops.convert_to_numpy(w) for w in cell.weights]


def rows(weight, gates, order):
    """The gates of a weight [.., gates · units] as rows, in another order."""
    parts = dict(zip(gates, np.split(weight.T, len(gates)), strict=True))
    return np.concatenate([parts[gate] for gate in order])


def bias(weight, gates, order):
    shift = rows(weight, gates, order)
    return np.concatenate([shift, np.zeros_like(shift)])


def test_lstm_with_peepholes():
    x, got, (w, u, b, p) = made(cells.PeepholeLSTMCell(UNITS))
    p_i, p_f, p_o = p
    weights = {
        "W": rows(w, "ifgo", "iofg"),
        "R": rows(u, "ifgo", "iofg"),
        "B": bias(b, "ifgo", "iofg"),
        "P": np.concatenate([p_i, p_o, p_f]),
    }
    np.testing.assert_allclose(got, run("LSTM", x, weights), atol=1e-5)


@pytest.mark.parametrize("peephole", [False, True])
def test_coupled_gates(peephole):
    """ONNX keeps the input gate, and forgets the rest: 1 − σ(a) = σ(−a)."""
    x, got, (w, u, b, *p) = made(cells.CoupledLSTMCell(UNITS, peephole=peephole))
    flip = np.repeat([-1, 1, 1], UNITS)

    def all_rows(weight):
        f, g, o = np.split((weight * flip).T, 3)
        return np.concatenate([f, o, np.zeros_like(f), g])

    weights = {"W": all_rows(w), "R": all_rows(u)}
    weights["B"] = np.concatenate([all_rows(b), np.zeros(4 * UNITS)])
    if p:
        p_f, p_o = p[0]
        weights["P"] = np.concatenate([-p_f, p_o, np.zeros(UNITS)])
    np.testing.assert_allclose(got, run("LSTM", x, weights, input_forget=1), atol=1e-5)


def test_gru_with_the_reset_gate_after():
    x, got, (w, u, b, d) = made(cells.GRUCell(UNITS))
    weights = {
        "W": rows(w, "zrg", "zrg"),
        "R": rows(u, "zrg", "zrg"),
        "B": np.concatenate([b, np.zeros(2 * UNITS), d]),
    }
    np.testing.assert_allclose(got, run("GRU", x, weights, linear_before_reset=1), atol=1e-5)


def test_gru_of_the_lessons():
    """ONNX's z, as Keras's, is the complement of the lessons'."""
    x, got, (w, u, b) = made(cells.ResetBeforeGRUCell(UNITS))
    flip = np.repeat([-1, 1, 1], UNITS)
    weights = {
        "W": (w * flip).T,
        "R": (u * flip).T,
        "B": np.concatenate([b * flip, np.zeros(3 * UNITS)]),
    }
    np.testing.assert_allclose(got, run("GRU", x, weights), atol=1e-5)


def test_simple_cell():
    x, got, (w, u, b) = made(cells.SimpleRNNCell(UNITS))
    weights = {"W": w.T, "R": u.T, "B": np.concatenate([b, np.zeros(UNITS)])}
    np.testing.assert_allclose(got, run("RNN", x, weights), atol=1e-5)
