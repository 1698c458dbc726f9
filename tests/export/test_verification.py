"""A wrong file must not pass."""

import numpy as np
import pytest

from export import architecture
from export.tflite import LOWERINGS, ops, parts
from export.tflite.quantize import quantize
from export.verification import VerificationError, verify
from tests.export.models import classifier, probabilities, texts_of_every_length

LENGTH = 20


def setting(precision="float32", name="peephole-bilstm"):
    model = classifier(name)
    lowered = LOWERINGS["loop"](architecture.read(model), LENGTH)
    quantize(lowered, precision)
    return lowered, lambda ids: probabilities(model, ids), texts_of_every_length(LENGTH, 60)


def constants(lowered, at_least=0):
    tensors = [t for g in lowered.graphs for o in g.operators for t in o.inputs]
    found = [t for t in tensors if t is not None and t.data is not None and t.dtype == np.float32]
    return [t for t in {id(t): t for t in found}.values() if t.data.size > at_least]


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_right_file_passes(precision):
    lowered, reference, ids = setting(precision)
    found = verify(lowered.pack(), reference, ids, precision=precision)
    assert found.texts == LENGTH + 1
    assert found.label_agreement == 1.0


def test_one_wrong_weight_is_found():
    lowered, reference, ids = setting()
    caught = 0
    weights = [t for t in constants(lowered, 10) if t.data.any()]
    for tensor in weights:
        before = tensor.data
        tensor.data = before.copy()
        place = np.unravel_index(np.abs(before).argmax(), before.shape)
        if tensor.name == "embedding":
            place = (ids[-1, 0], 0)
        tensor.data[place] += 3.0
        with pytest.raises(VerificationError, match="off by"):
            verify(lowered.pack(), reference, ids, precision="float32")
        tensor.data = before
        caught += 1
    assert caught >= 2 * 2 * 3 + 2  # kernel, recurrent kernel, peepholes; embedding and head
    verify(lowered.pack(), reference, ids, precision="float32")


def test_wrong_length_is_found(monkeypatch):
    right = parts.length

    def one_more(graph, architecture, ids):
        return ops.add(graph, right(graph, architecture, ids), graph.constant([1], np.int32))

    monkeypatch.setattr(parts, "length", one_more)
    lowered, reference, ids = setting()
    with pytest.raises((VerificationError, RuntimeError)):
        verify(lowered.pack(), reference, ids[:-1], precision="float32")


def test_ignored_padding_is_found(monkeypatch):
    monkeypatch.setattr(
        parts, "length", lambda graph, _, ids: graph.constant([ids.shape[1]], np.int32)
    )
    lowered, reference, ids = setting()
    with pytest.raises(VerificationError, match="off by"):
        verify(lowered.pack(), reference, ids, precision="float32")


def test_state_that_survives_a_call_is_found(monkeypatch):
    class Remembering:
        def __init__(self, content):
            self.calls = 0

        def __call__(self, ids):
            self.calls += 1
            scores = reference(ids).astype(np.float32)
            return scores if self.calls == 1 else np.roll(scores, 1, axis=1)

    lowered, reference, ids = setting()
    monkeypatch.setattr(
        "export.verification.litert.runner", lambda content: (Remembering(content), LENGTH, 3)
    )
    with pytest.raises(VerificationError, match="keeps something from one call to the next"):
        verify(lowered.pack(), reference, ids, precision="float32")


def test_other_shapes_and_no_probabilities_are_found():
    lowered, reference, ids = setting()
    content = lowered.pack()
    with pytest.raises(VerificationError, match="takes 20 ids"):
        verify(content, reference, ids[:, :-1], precision="float32")
    with pytest.raises(VerificationError, match="gives 3 scores"):
        verify(content, lambda ids: reference(ids)[:, :2], ids, precision="float32")
    graph = lowered.graphs[0]
    graph.outputs = [graph.operators[-1].inputs[0]]  # logits instead of softmax
    with pytest.raises(VerificationError, match="no probabilities"):
        verify(lowered.pack(), reference, ids, precision="float32")


def test_too_many_other_labels_are_found():
    lowered, reference, ids = setting("int8")

    def swapped(ids):
        scores = reference(ids)
        scores[::10] = 1 / 3 + np.array([-0.01, 0, 0.01]) * np.sign(scores[::10, :1] - 1 / 3)
        return scores

    with pytest.raises(VerificationError):
        verify(lowered.pack(), swapped, ids, precision="int8")
