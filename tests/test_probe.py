"""Files without a seal are asked in a process of their own, which may die."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.test_seal import PLAIN
from tests.test_structure import changed
from zoo import litert, probe, structure


def split(model, graph):
    """SPLIT that says that it has more outputs than it has."""
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.SPLIT
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.SPLIT
    operator, axis, buffer = graph.operators[0], schema.TensorT(), schema.BufferT()
    axis.shape, axis.type, axis.buffer = [], schema.TensorType.INT32, len(model.buffers)
    buffer.data = np.array([1], np.int32).view(np.uint8)
    model.buffers.append(buffer)
    graph.tensors.append(axis)
    graph.tensors[graph.outputs[0]].type = schema.TensorType.INT32
    operator.inputs = [len(graph.tensors) - 1, graph.inputs[0]]
    operator.builtinOptionsType = schema.BuiltinOptions.SplitOptions
    operator.builtinOptions = schema.SplitOptionsT()
    operator.builtinOptions.numSplits = 3_000_003


def test_a_file_that_kills_the_runtime_kills_a_child():
    content = changed(split)
    with pytest.raises(ValueError, match="ended a separate process with status -11"):
        probe.ask(content, 3)
    with pytest.raises(ValueError, match="too few outputs"):  # and it does not come so far
        structure.check(content)


def test_what_the_runtime_refuses_is_said_in_its_words():
    def newer(model, graph):
        model.operatorCodes[0].version = 99

    with pytest.raises(ValueError, match=r"LiteRT refuses it: .*version") as caught:
        probe.ask(changed(newer), 3)
    assert "\n" not in str(caught.value) and "INFO" not in str(caught.value)


def test_a_file_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 1)
    monkeypatch.setattr(probe, "PROGRAM", "import time; time.sleep(60)")
    with pytest.raises(litert.ModelFileError, match="no answer in 1 seconds"):
        litert.load_content(PLAIN, "model.tflite")


def test_the_child_imports_nothing_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit(77)\n")
    monkeypatch.chdir(tmp_path)
    assert litert.load_content(PLAIN, "model.tflite").labels == ("a", "b", "c")
