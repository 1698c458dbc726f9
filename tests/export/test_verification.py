"""A wrong file must not pass."""

import copy
import functools

import numpy as np
import pytest

from export import architecture
from export.choices import PRECISIONS
from export.tflite import find, ops, parts
from export.tflite.constants import wrong_constants
from export.tflite.quantize import SCALES, quantize
from export.verification import PrecisionError, VerificationError, verify
from tests.export.models import classifier, probabilities, texts_of_every_length

LENGTH = 20


@functools.cache
def lowered_once(name, lowering, length, **sizes):
    """A float32 model as it was lowered, and Keras's answers. Copy it before you change it."""
    model = classifier(name, **sizes)

    @functools.cache
    def answers(ids, rows):
        return probabilities(model, np.frombuffer(ids, np.int32).reshape(rows, -1))

    def reference(ids):
        return answers(np.ascontiguousarray(ids).tobytes(), len(ids)).copy()

    return find(lowering, "float32").build(architecture.read(model), length), reference


def setting(
    precision="float32", name="peephole-bilstm", lowering="loop", length=LENGTH, anew=False, **sizes
):
    """A lowered model of one's own, and what `verify` is given beside its bytes."""
    lower = lowered_once.__wrapped__ if anew else lowered_once
    lowered, reference = lower(name, lowering, length, **sizes)
    lowered = copy.deepcopy(lowered)
    constants = lowered.constants()
    quantize(lowered, precision)
    given = {
        "reference": reference,
        "ids": texts_of_every_length(length, 60),
        "precision": precision,
        "constants": constants,
    }
    return lowered, given


def tensors(lowered):
    """Every constant of a model, once."""
    inputs = [t for g in lowered.graphs for o in g.operators for t in o.inputs]
    return list({id(t): t for t in inputs if t is not None and t.data is not None}.values())


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_right_file_passes(precision):
    lowered, given = setting(precision)
    found = verify(lowered.pack(), **given)
    assert found.texts == LENGTH + 1
    assert found.label_agreement == 1.0


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("name", "lowering"),
    [("peephole-bilstm", "fused"), ("peephole-bilstm", "loop"), ("bigru", "unrolled")],
)
def test_the_smallest_change_of_any_constant_is_found(precision, name, lowering):
    # Large enough that all of them are quantised.
    sizes = {"embed_dim": 24, "hidden_dim": 20, "num_layers": 1}
    lowered, given = setting(precision, name, lowering, length=4, **sizes)
    assert not wrong_constants(lowered.pack(), given["constants"])
    rng = np.random.default_rng(0)
    for tensor in tensors(lowered):
        before = tensor.data
        changed = before.copy().reshape(-1)
        place = rng.integers(changed.size)
        if changed.dtype.kind == "f":
            changed[place] = np.nextafter(changed[place], changed.dtype.type(np.inf))
        else:
            changed[place] += 1 if changed[place] < 100 else -1
        tensor.data = changed.reshape(before.shape)
        # The rows' scales are read with the integers that they scale: half a step is theirs.
        if tensor.name.endswith(SCALES):
            tensor.data = before * np.float32(1.02)
        assert wrong_constants(lowered.pack(), given["constants"]), tensor.name
        tensor.data = before
    tensor.data = before + before.dtype.type(1)
    with pytest.raises(VerificationError, match=r"holds other numbers .*1 constants: .*differs"):
        verify(lowered.pack(), **given)


def test_missing_constants_and_constants_too_many_are_found():
    lowered, given = setting()
    content, constants = lowered.pack(), given["constants"]
    some = next(iter(constants))
    assert wrong_constants(content, constants | {"bias": np.zeros(3)}) == ["bias is missing"]
    less = {name: value for name, value in constants.items() if name != some}
    assert wrong_constants(content, less) == [f"{some} has no place in the lowering"]
    other = constants | {some: constants[some].reshape(1, *constants[some].shape)}
    assert some in wrong_constants(content, other)[0]


def test_swapped_gates_are_found():
    """Constants as the lowering says, but a lowering that is wrong."""
    lowered, given = setting(lowering="fused")
    lstm = next(o for o in lowered.graphs[0].operators if "SEQUENCE_LSTM" in o.code)
    lstm.inputs[1], lstm.inputs[4] = lstm.inputs[4], lstm.inputs[1]  # input and output gate
    with pytest.raises(VerificationError, match="off by"):
        verify(lowered.pack(), **given)


def test_wrong_length_is_found(monkeypatch):
    right = parts.length

    def one_more(graph, architecture, ids):
        return ops.add(graph, right(graph, architecture, ids), graph.constant([1], np.int32))

    monkeypatch.setattr(parts, "length", one_more)
    lowered, given = setting(anew=True)
    with pytest.raises((VerificationError, RuntimeError)):
        verify(lowered.pack(), **given | {"ids": given["ids"][:-1]})


def test_ignored_padding_is_found(monkeypatch):
    monkeypatch.setattr(
        parts, "length", lambda graph, _, ids: graph.constant([ids.shape[1]], np.int32)
    )
    lowered, given = setting(anew=True)
    with pytest.raises(VerificationError, match="off by"):
        verify(lowered.pack(), **given)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_dropped_reset_is_found(monkeypatch, precision):
    monkeypatch.setattr(ops, "set_to_zero", lambda graph, state: None)
    lowered, given = setting(precision, lowering="fused", anew=True)
    with pytest.raises(VerificationError, match="keeps something from one call to the next"):
        verify(lowered.pack(), **given)


def test_other_shapes_and_no_probabilities_are_found():
    lowered, given = setting()
    content, reference, ids = lowered.pack(), given["reference"], given["ids"]
    with pytest.raises(VerificationError, match="takes 20 ids"):
        verify(content, **given | {"ids": ids[:, :-1]})
    with pytest.raises(VerificationError, match="gives 3 scores"):
        verify(content, **given | {"reference": lambda ids: reference(ids)[:, :2]})
    graph = lowered.graphs[0]
    graph.outputs = [graph.operators[-1].inputs[0]]  # logits instead of softmax
    with pytest.raises(VerificationError, match="not probabilities"):
        verify(lowered.pack(), **given)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_too_many_other_labels_are_found(precision):
    lowered, given = setting(precision)
    reference = given["reference"]

    def moved(by):
        """Keras's answers, in every fifth another label by so much."""

        def answer(ids):
            scores = reference(ids)
            top = scores[::5].argmax(axis=1)
            others = (1 - by) / 3 * np.ones_like(scores[::5])
            others[np.arange(len(top)), (top + 1) % 3] += by
            scores[::5] = others
            return scores

        return answer

    # Keras cannot decide either where its labels are as near as this.
    verify(lowered.pack(), **given | {"reference": moved(0.04)})
    wrong = given | {"reference": moved(0.07)}
    with pytest.raises(PrecisionError, match=r"changes too much: 76.2% of 21 real texts keep"):
        verify(lowered.pack(), **wrong)
    found = verify(lowered.pack(), **wrong, force=True)
    assert found.label_agreement < 0.8 and "76.2%" in found.warnings[0]


def test_known_labels_decide_where_keras_and_the_file_differ():
    lowered, given = setting("int8")
    reference, ids = given["reference"], given["ids"]
    of_file = reference(ids).argmax(axis=1)
    given["reference"] = lambda ids: np.roll(reference(ids), 1, axis=1)
    # Keras's label is wrong everywhere: the file is no worse.
    found = verify(lowered.pack(), **given, labels=of_file)
    assert (found.accuracy, found.keras_accuracy, found.label_agreement) == (1.0, 0.0, 0.0)
    with pytest.raises(PrecisionError, match=r"accuracy falls from 100.0% to 0.0%"):
        verify(lowered.pack(), **given, labels=(of_file + 1) % 3)


def test_texts_of_random_words_warn_and_real_ones_refuse():
    lowered, given = setting("int8")
    reference, real = given["reference"], np.arange(LENGTH + 1) % 2 == 0
    given["reference"] = lambda ids: np.where(
        real[:, None], reference(ids), np.roll(reference(ids), 1, axis=1)
    )
    found = verify(lowered.pack(), **given, real=real)
    assert found.label_agreement == 1.0 and found.real_texts == real.sum()
    assert "random words" in found.warnings[0]
    with pytest.raises(PrecisionError):
        verify(lowered.pack(), **given, real=~real)


def test_float32_is_held_to_the_number_on_made_up_texts_too():
    lowered, given = setting("float32")
    reference = given["reference"]
    for by, real in ((2e-4, True), (2e-3, False)):
        wrong = given | {"reference": lambda ids, by=by: reference(ids) + by}
        with pytest.raises(VerificationError, match="off by"):
            verify(lowered.pack(), **wrong, real=np.full(LENGTH + 1, real))
