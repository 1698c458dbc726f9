"""A classifier as an ONNX graph, with the weights of the Keras model."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.architecture import Architecture, RecurrentLayer
from studies.peers import NoPeerError, require_last
from zoo import cells

OPSET = 17
IR_VERSION = 8


def build(architecture: Architecture, max_length: int) -> onnx.ModelProto:
    """Builds a graph from int32 ids [1, L] to float32 probabilities [1, classes].

    Its recurrent operators receive the length of the text, so they skip the padding.

    Raises:
        NoPeerError: If ONNX has no operator for a cell, or the outputs are averaged.
    """
    require_last(architecture)
    graph = _Graph()
    ids = "tokens"
    present = graph.add("Cast", graph.add("Cast", ids, to=TensorProto.BOOL), to=TensorProto.INT32)
    axis = graph.constant(np.array([1]))
    lengths = graph.add("ReduceSum", present, axis, keepdims=0)
    x = graph.add("Gather", graph.constant(architecture.embedding), ids)
    x = graph.add("Transpose", x, perm=[1, 0, 2])  # [time, 1, features]
    for layer in architecture.layers:
        x = _layer(graph, layer, x, lengths)
    weights = graph.constant(architecture.kernel), graph.constant(architecture.bias)
    graph.add("Softmax", graph.add("Gemm", x, *weights), output="probabilities")
    made = helper.make_graph(
        graph.nodes,
        "classifier",
        [helper.make_tensor_value_info(ids, TensorProto.INT32, [1, max_length])],
        [
            helper.make_tensor_value_info(
                "probabilities", TensorProto.FLOAT, [1, len(architecture.bias)]
            )
        ],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", outputs: int = 1, **attributes):
        """Adds a node; returns the names of its results, or the name of the only one."""
        number = len(self.nodes)
        names = [output or f"n{number}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names if outputs > 1 else names[0]


def _layer(graph: _Graph, layer: RecurrentLayer, x: str, lengths: str) -> str:
    kinds = {type(direction.cell) for direction in layer.directions}
    if len(kinds) > 1 or not kinds <= set(OPERATORS):
        names = ", ".join(kind.__name__ for kind in kinds)
        known = ", ".join(kind.__name__ for kind in OPERATORS)
        raise NoPeerError(f"ONNX has no operator for {names}; it has them for {known}.")
    parts = [OPERATORS[type(d.cell)](d.cell) for d in layer.directions]
    kind, attributes = parts[0][:2]
    weights = {key: np.stack([part[2][key] for part in parts]) for key in parts[0][2]}
    places = ("W", "R", "B", "lengths", "h", "c", "P") if "P" in weights else ("W", "R", "B")
    inputs = [graph.constant(weights[name]) if name in weights else "" for name in places]
    if len(inputs) == 3:
        inputs.append(lengths)
    else:
        inputs[3] = lengths
    ways = [d.go_backwards for d in layer.directions]
    direction = "bidirectional" if len(ways) == 2 else "reverse" if ways[0] else "forward"
    every, last = graph.add(
        kind,
        x,
        *inputs,
        outputs=2,
        direction=direction,
        hidden_size=layer.directions[0].cell.units,
        **attributes,
    )
    width = len(ways) * layer.directions[0].cell.output_size
    if layer.gives == "all":  # [time, ways, 1, units]
        return graph.add("Reshape", every, graph.constant(np.array([-1, 1, width])))
    return graph.add("Reshape", last, graph.constant(np.array([1, width])))


def _rows(weight: np.ndarray, gates: str, order: str) -> np.ndarray:
    """The gates of a weight [..., gates · units] as rows, in the order of ONNX."""
    parts = dict(zip(gates, np.split(weight.T, len(gates)), strict=True))
    return np.concatenate([parts[gate] for gate in order])


def _lstm(cell):
    w, u, b, *peephole = cell.get_weights()
    weights = {"W": _rows(w, "ifgo", "iofg"), "R": _rows(u, "ifgo", "iofg")}
    b = _rows(b, "ifgo", "iofg")
    weights["B"] = np.concatenate([b, np.zeros_like(b)])
    if peephole:
        p_i, p_f, p_o = peephole[0]
        weights["P"] = np.concatenate([p_i, p_o, p_f])
    return "LSTM", {}, weights


def _gru(cell):
    w, u, b, d = cell.get_weights()
    recurrent_bias = np.concatenate([np.zeros_like(d), np.zeros_like(d), d])
    weights = {"W": w.T, "R": u.T, "B": np.concatenate([b, recurrent_bias])}
    return "GRU", {"linear_before_reset": 1}, weights


def _reset_before_gru(cell):
    # ONNX's update gate is the complement of this cell's: 1 − σ(a) = σ(−a).
    signs = np.repeat(np.array([-1, 1, 1], np.float32), cell.units)
    w, u, b = (weight * signs for weight in cell.get_weights())
    weights = {"W": w.T, "R": u.T, "B": np.concatenate([b, np.zeros_like(b)])}
    return "GRU", {"linear_before_reset": 0}, weights


def _simple(cell):
    w, u, b = cell.get_weights()
    return "RNN", {}, {"W": w.T, "R": u.T, "B": np.concatenate([b, np.zeros_like(b)])}


# From a cell to its operator, the attributes, and the weights of one direction.
OPERATORS: dict[type, Callable] = {
    cells.LSTMCell: _lstm,
    cells.PeepholeLSTMCell: _lstm,
    cells.GRUCell: _gru,
    cells.ResetBeforeGRUCell: _reset_before_gru,
    cells.SimpleRNNCell: _simple,
}
