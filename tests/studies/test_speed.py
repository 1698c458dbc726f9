"""The benchmark: peers answer as Keras, turns are fair, a file that answers otherwise stops it."""

import numpy as np
import pytest

from export import architecture
from export.benchmark import main
from studies import models
from studies.agreement import DifferentAnswerError
from studies.clocks import take_turns
from studies.peers import NoPeerError, runtimes
from studies.speed import contenders, measure
from studies.speed.cases import Case
from tests.export.models import classifier, probabilities, texts_of_every_length
from zoo import catalogue
from zoo.files import read_table

LENGTH = 9


@pytest.mark.parametrize(
    "family", ["bilstm", "bigru", "birnn", "peephole-bilstm", "reset-before-bigru"]
)
def test_onnx_answers_as_keras(tmp_path, family):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    from studies.peers import onnx_model

    model, ids = classifier(family), texts_of_every_length(LENGTH, 60)
    onnx.save(onnx_model.build(architecture.read(model), LENGTH), tmp_path / "model.onnx")
    ask = runtimes.load(tmp_path / "model.onnx")
    got = np.concatenate([ask(row[None]) for row in ids])
    np.testing.assert_allclose(got, probabilities(model, ids), atol=1e-5)


@pytest.mark.parametrize("family", ["bilstm", "bigru", "birnn"])
def test_torch_answers_as_keras(tmp_path, family):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from studies.peers import torch_model

    model, ids = classifier(family), texts_of_every_length(LENGTH, 60)[1:]  # it takes no empty one
    torch.save(torch_model.pack(architecture.read(model)), tmp_path / "model.pt")
    ask = runtimes.load(tmp_path / "model.pt")
    got = np.concatenate([ask(row[None]) for row in ids])
    np.testing.assert_allclose(got, probabilities(model, ids), atol=1e-5)


def test_peers_without_such_a_cell_say_so():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    from studies.peers import onnx_model, torch_model

    read = architecture.read(classifier("coupled-bilstm"))
    with pytest.raises(NoPeerError, match="CoupledLSTMCell"):
        onnx_model.build(read, LENGTH)
    with pytest.raises(NoPeerError, match="CoupledLSTMCell"):
        torch_model.pack(read)


def test_every_function_has_as_many_turns_and_another_one_is_first():
    asked = []
    functions = [lambda x, name=name: asked.append((name, x)) for name in "abc"]
    seconds = take_turns(functions, 3, 7)
    assert seconds.shape == (3, 3) and (seconds > 0).all()
    assert {x for _, x in asked} == {7}
    turns = [name for name, before in zip(asked, [None, *asked], strict=False) if name != before]
    assert "".join(name for name, _ in turns).endswith("abcbcacab"[1:])


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(models, "VOCABULARY", 50)
    monkeypatch.setattr(measure, "EMBEDDING", 4)


@pytest.mark.slow
def test_a_row_for_each_file_and_length_of_text(tmp_path, small, monkeypatch, capsys):
    cases = {"words": [Case("bilstm", units=3, max_length=LENGTH, words=(2, LENGTH))]}
    monkeypatch.setattr("studies.speed.benchmark.CASES", cases)
    assert main(["words", "--rounds", "3", "--output", str(tmp_path)]) == 0
    rows = read_table(tmp_path / "speed.csv")
    assert {row["words"] for row in rows} == {"2", str(LENGTH)}
    assert {(row["form"], row["precision"]) for row in rows} >= {
        ("loop", "float32"), ("loop", "int8"), ("stock", "float32"), ("stock", "int8")
    }  # fmt: skip
    assert all(float(row["median_ms"]) > 0 and int(row["bytes"]) > 0 for row in rows)
    assert (tmp_path / "speed.png").is_file()
    assert "of stock" in capsys.readouterr().out


@pytest.mark.slow
def test_a_file_that_answers_otherwise_is_not_timed(tmp_path, small, monkeypatch):
    real = contenders.stock

    def other(model, max_length, precision):
        stranger = catalogue.create_model(
            "bigru", vocab_size=50, num_classes=2, embed_dim=4, hidden_dim=3, num_layers=2
        )
        models.randomize(stranger, seed=1)
        return real(stranger, max_length, precision)

    monkeypatch.setattr(contenders, "stock", other)
    with pytest.raises(DifferentAnswerError, match="stock"):
        list(measure.measure(Case("bigru", units=3, max_length=LENGTH), tmp_path, rounds=3))


@pytest.mark.parametrize(
    ("arguments", "message"), [(["speed"], "no study 'speed'"), (["--rounds", "1"], "at least 3")]
)
def test_wrong_arguments_are_refused_at_once(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
