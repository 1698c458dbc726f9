"""The flatbuffer builder."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from export.tflite import ops
from export.tflite.graph import ALIGNMENT, GraphError, Model


def run(content, *inputs):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def start(*shape, dtype=np.float32):
    model = Model()
    graph = model.graph("main")
    return model, graph, graph.input(shape, dtype, "x")


OPERATIONS = {
    "add": (ops.add, lambda a, b: a + b),
    "subtract": (ops.subtract, lambda a, b: a - b),
    "multiply": (ops.multiply, lambda a, b: a * b),
    "minimum": (ops.minimum, np.minimum),
    "maximum": (ops.maximum, np.maximum),
    "less": (ops.less, lambda a, b: a < b),
    "not_equal": (ops.not_equal, lambda a, b: a != b),
}


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
@pytest.mark.parametrize("name", OPERATIONS)
def test_elementwise_operators_compute_and_broadcast(name, dtype):
    function, expected = OPERATIONS[name]
    rng = np.random.default_rng(0)
    a = rng.integers(-3, 4, (2, 3)).astype(dtype)
    b = rng.integers(-3, 4, (3,)).astype(dtype)
    model, graph, x = start(2, 3, dtype=dtype)
    graph.outputs = [function(graph, x, graph.constant(b))]
    (got,) = run(model.pack(), a)
    assert got.dtype == graph.outputs[0].dtype
    np.testing.assert_array_equal(got, expected(a, b))


def test_matrix_operators_compute():
    rng = np.random.default_rng(1)
    weights, bias = rng.normal(size=(4, 3)).astype("f4"), rng.normal(size=4).astype("f4")
    value = rng.normal(size=(2, 3)).astype("f4")
    model, graph, x = start(2, 3)
    dense = ops.fully_connected(graph, x, graph.constant(weights), graph.constant(bias))
    both = ops.concatenate(graph, [x, dense], axis=-1)
    graph.outputs = [dense, ops.softmax(graph, dense), both, ops.slice_rows(graph, both, 1)]
    want = value @ weights.T + bias
    got = run(model.pack(), value)
    np.testing.assert_allclose(got[0], want, atol=1e-6)
    exp = np.exp(want)
    np.testing.assert_allclose(got[1], exp / exp.sum(1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(got[2], np.concatenate([value, want], 1), atol=1e-6)
    np.testing.assert_array_equal(got[3], got[2][:1])


def test_indexing_operators_compute():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(5, 3)).astype("f4")
    model, graph, x = start(1, 4, dtype=np.int32)
    rows = ops.gather(graph, graph.constant(table), ops.reshape(graph, x, (4,)))
    begin = graph.constant([2, 0], np.int32)
    update = graph.constant(np.full((1, 3), 7, np.float32))
    graph.outputs = [
        rows,
        ops.dynamic_update_slice(graph, rows, update, begin),
        ops.sum_all(graph, x),
    ]
    ids = np.array([[4, 0, 3, 3]], "i4")
    got = run(model.pack(), ids)
    np.testing.assert_array_equal(got[0], table[ids[0]])
    assert (got[1][2] == 7).all() and (got[1][[0, 1, 3]] == got[0][[0, 1, 3]]).all()
    assert got[2].tolist() == [10]


def test_while_counts():
    model, graph, x = start(1, dtype=np.int32)
    condition, body = model.graph("condition"), model.graph("body")
    for inner in (condition, body):
        inner.input((1,), np.int32)
        inner.input((1,), np.int32)
    condition.outputs = [ops.less(condition, *condition.inputs)]
    one = body.constant([1], np.int32)
    body.outputs = [ops.add(body, body.inputs[0], one), body.inputs[1]]
    start_at = graph.constant([3], np.int32)
    graph.outputs = ops.while_loop(graph, [start_at, x], (1, condition), (2, body))[:1]
    assert run(model.pack(), np.array([9], "i4"))[0].tolist() == [9]
    assert run(model.pack(), np.array([1], "i4"))[0].tolist() == [3]


WRONG = {
    "ADD: both inputs are of one type": lambda g, x: ops.add(g, x, g.constant([1], np.int32)),
    "ADD: the shapes of": lambda g, x: ops.add(g, x, g.constant(np.zeros(2, np.float32))),
    "FULLY_CONNECTED: x": lambda g, x: ops.fully_connected(
        g, x, g.constant(np.zeros((4, 2), np.float32))
    ),
    r"FULLY_CONNECTED: a bias \[4\]": lambda g, x: ops.fully_connected(
        g, x, g.constant(np.zeros((4, 3), np.float32)), g.constant(np.zeros(3, np.float32))
    ),
    "GATHER: a table and int32 indices": lambda g, x: ops.gather(g, x, x),
    "RESHAPE: as many elements": lambda g, x: ops.reshape(g, x, (5,)),
    "CONCATENATION: alike but for dimension 1": lambda g, x: ops.concatenate(
        g, [x, g.constant(np.zeros((1, 3), np.float32))], 1
    ),
    "DYNAMIC_UPDATE_SLICE: an update": lambda g, x: ops.dynamic_update_slice(
        g, x, g.constant(np.zeros((9, 3), np.float32)), g.constant([0, 0], np.int32)
    ),
    "DEQUANTIZE: float16": lambda g, x: ops.dequantize(g, x),
    "SLICE: at least 3 rows": lambda g, x: ops.slice_rows(g, x, 3),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_operator_fails_where_it_is_added(message):
    _, graph, x = start(2, 3)
    with pytest.raises(GraphError, match=f"^{message}"):
        WRONG[message](graph, x)


def test_loop_whose_body_changes_a_shape_is_refused():
    model, graph, x = start(1, 2)
    condition, body = model.graph("condition"), model.graph("body")
    condition.input((1, 2), np.float32), body.input((1, 2), np.float32)
    condition.outputs = [condition.constant([True])]
    body.outputs = [body.constant(np.zeros((1, 3), np.float32))]
    with pytest.raises(GraphError, match=r"^WHILE: it carries"):
        ops.while_loop(graph, [x], (1, condition), (2, body))


def test_tensor_of_another_graph_is_refused():
    model, graph, x = start(2)
    other = model.graph("other")
    graph.outputs = [ops.add(graph, x, other.input((2,), np.float32))]
    with pytest.raises(GraphError, match=r"^ADD: its input .* is computed nowhere before it"):
        model.pack()


def test_equal_constants_are_stored_once_and_aligned():
    model, graph, x = start(300)
    value = np.arange(300, dtype=np.float32)
    first = ops.add(graph, x, graph.constant(value))
    odd = ops.add(graph, first, graph.constant(np.ones(1, np.float32)))
    graph.outputs = [ops.multiply(graph, odd, graph.constant(value.copy()))]
    content = model.pack()
    assert content == model.pack()
    packed = schema.Model.GetRootAs(content, 0)
    data = value.tobytes()
    assert content.count(data) == 1
    places = [content.find(data)]
    places += [content.find(np.ones(1, np.float32).tobytes())]
    assert places[0] % ALIGNMENT == 0
    stored = [
        packed.Buffers(i)._tab.Vector(packed.Buffers(i)._tab.Offset(4))
        for i in range(packed.BuffersLength())
        if packed.Buffers(i).DataLength()
    ]
    assert len(stored) == 2 and all(place % ALIGNMENT == 0 for place in stored)
