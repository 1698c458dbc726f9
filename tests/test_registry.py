"""Cells of one's own in the catalogue."""

import sys
import types

import keras
import numpy as np
import pytest

import zoo
from zoo import catalogue, cells, describe, keras_file, parameters
from zoo.training import TrainingConfig


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    """Each test begins and ends without registered cells."""
    monkeypatch.setattr(catalogue, "REGISTERED", {})
    yield
    known = keras.saving.get_custom_objects()
    for name in [name for name in known if name.startswith(("birnn_zoo.registered>", "my_app>"))]:
        del known[name]


def leaky_class():
    """A cell whose class no other test has seen."""

    class LeakyCell(cells.Cell):
        """h' = h / 2 + tanh(x W + h U + b) / 2"""

        def step(self, projected, states):
            (h,) = states
            h = (h + keras.ops.tanh(*self.sums(projected, h))) / 2
            return h, [h]

    return LeakyCell


def test_a_registered_cell_is_a_model_of_every_size():
    zoo.register("leaky-birnn", leaky_class(), title="leaky integrator", source="Jaeger 2007")
    names = ["leaky-birnn", "leaky-birnn-medium", "leaky-birnn-small", "leaky-birnn-tiny"]
    assert zoo.list_models("leaky*") == names == zoo.list_models()[-4:]
    model = zoo.create_model("leaky-birnn-tiny", vocab_size=9, num_classes=3)
    assert model(np.array([[1, 2, 0]])).shape == (1, 3)
    config = TrainingConfig(model="leaky-birnn-small", dataset="reviews")
    assert config.model == "leaky-birnn-small"
    row = dict(zip(describe.COLUMNS, describe.table("leaky-birnn-tiny")[0], strict=True))
    assert row["cell"] == "LeakyCell" and row["source"] == "Jaeger 2007"
    assert row["lowerings"] == "loop unrolled" and row["gates"] == "–"
    assert row["parameters"] == f"{2 * 32 * (32 + 32 + 1):,}"
    page = describe.page("leaky-birnn-tiny")
    assert "leaky integrator" in page and "h' = h / 2" in page and "4,160 of them" in page
    assert parameters.read().keys() == set(zoo.list_models()) - set(names)


@pytest.mark.parametrize("decorated", [False, True])
def test_its_class_is_saved_and_loaded(tmp_path, decorated):
    kind = leaky_class()
    if decorated:
        keras.saving.register_keras_serializable("my_app")(kind)
    zoo.register("leaky-birnn", kind)
    package = "my_app" if decorated else "birnn_zoo.registered"
    assert keras.saving.get_registered_name(kind) == f"{package}>LeakyCell"
    model = zoo.create_model("leaky-birnn-tiny", vocab_size=9, num_classes=2)
    model.save(tmp_path / "model.keras")
    ids = np.array([[1, 2, 3, 0]])
    loaded = keras_file.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(ids), model(ids))
    del keras.saving.get_custom_objects()[f"{package}>LeakyCell"]
    with pytest.raises(keras_file.KerasFileError, match=r"holds a 'LeakyCell'.*--import MODULE"):
        keras_file.load(tmp_path / "model.keras")


def test_a_function_gives_a_cell_of_the_zoo_other_arguments():
    zoo.register(
        "looking-back",
        lambda units: cells.FullPeepholeLSTMCell(units, output_peephole="previous"),
    )
    layer = zoo.create_model("looking-back-tiny", vocab_size=9, num_classes=2).layers[-3]
    assert layer.forward_layer.cell.output_peephole == "previous"
    name = keras.saving.get_registered_name(cells.FullPeepholeLSTMCell)
    assert name == "birnn_zoo>FullPeepholeLSTMCell"


@pytest.mark.parametrize(
    ("cell", "lowerings"),
    [
        (cells.CoupledLSTMCell, "fused loop unrolled"),
        (keras.layers.LSTMCell, "fused loop unrolled"),
        (keras.layers.GRUCell, "loop unrolled"),
        (lambda units: keras.layers.LSTMCell(units, activation="relu"), "loop unrolled"),
        (cells.MinGRUCell, "parallel loop unrolled"),
        (type("OwnLinearCell", (cells.MinGRUCell,), {}), "parallel loop unrolled"),
        (type("OwnLSTMCell", (cells.LSTMCell,), {}), "loop unrolled"),
    ],
)
def test_its_lowerings_are_those_of_the_export(cell, lowerings):
    from export import architecture
    from export.tflite import available

    zoo.register("own", cell)
    assert catalogue.REGISTERED["own"].lowerings == lowerings
    model = zoo.create_model("own-tiny", vocab_size=9, num_classes=2)
    assert " ".join(available(architecture.read(model))) == lowerings


def test_a_cell_without_the_zoos_contract_can_be_registered():
    class Plain(keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

        def call(self, inputs, states):
            h = keras.ops.tanh(inputs @ self.kernel + states[0])
            return h, [h]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    zoo.register("plain", Plain)
    model = zoo.create_model("plain-tiny", vocab_size=9, num_classes=2)
    assert model(np.array([[1, 2, 0]])).shape == (1, 2)
    assert describe.table("plain-tiny")[0][3] == f"{2 * 32 * 32:,}"
    assert "no docstring" in describe.page("plain")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bilstm", "is the name of a model of this package"),
        ("sms-spam", "is the name of a model of this package"),
        ("leaky-small", "the catalogue adds '-small'"),
        ("tiny", "the catalogue adds '-tiny'"),
        ("Leaky", "lower-case letters and digits"),
        ("leaky_birnn", "lower-case letters and digits"),
        ("../leaky", "lower-case letters and digits"),
        ("leaky-", "lower-case letters and digits"),
        ("", "lower-case letters and digits"),
        ("a" * 61, "at most 60"),
        (None, "lower-case letters and digits"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name, why):
    with pytest.raises(ValueError, match=why):
        zoo.register(name, cells.LSTMCell)
    assert not catalogue.REGISTERED


def test_a_taken_name_is_refused_but_not_to_the_same_class():
    zoo.register("leaky", leaky_class())
    with pytest.raises(ValueError, match=r"'leaky' is already the name of .*LeakyCell"):
        zoo.register("leaky", cells.LSTMCell)
    again = leaky_class()  # as when a notebook runs a cell twice
    zoo.register("leaky", again)
    assert catalogue.REGISTERED["leaky"].kind is again
    assert keras.saving.get_registered_object("birnn_zoo.registered>LeakyCell") is again


def test_two_classes_of_one_name_are_refused():
    zoo.register("leaky", leaky_class())
    other = type("LeakyCell", (cells.LSTMCell,), {"__module__": "elsewhere"})
    with pytest.raises(ValueError, match=r"Rename the class LeakyCell"):
        zoo.register("other", other)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("LSTMCell", "a str is not a cell"),
        (keras.layers.LSTM, "returns a LSTM, which is not a cell"),
        (keras.layers.Dense, "returns a Dense, which is not a cell"),
        (lambda units: None, "returns a NoneType, which is not a cell"),
        (lambda: None, r"<lambda>\(32\) raises TypeError"),
        (lambda units: 1 / 0, r"<lambda>\(32\) raises ZeroDivisionError"),
    ],
)
def test_what_is_no_cell_is_refused(cell, why):
    with pytest.raises(ValueError, match=f"'mine': .*{why}"):
        zoo.register("mine", cell)
    assert not catalogue.REGISTERED


# Modules


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) is None or str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


REGISTERS = """
import zoo
from zoo.cells import UGRNNCell

class {0}(UGRNNCell):
    pass

zoo.register("{1}", {0})
"""


def test_modules_are_imported_by_name_and_by_path(folder):
    from zoo import imports

    (folder / "own_by_name.py").write_text(REGISTERS.format("ByNameCell", "by-name"))
    (folder / "deeper").mkdir()
    (folder / "deeper" / "own_by_path.py").write_text(
        "import own_helper\n" + REGISTERS.format("ByPathCell", "by-path")
    )
    (folder / "deeper" / "own_helper.py").write_text("")
    (folder / "own_idle.py").write_text("")
    path = list(sys.path)
    assert imports.load(["own_by_name", "deeper/own_by_path.py", "own_idle"]) == ["own_idle"]
    assert list(catalogue.REGISTERED) == ["by-name", "by-path"]
    assert sys.path == path
    # What is imported is not run again, by whatever name.
    assert imports.load(["own_by_name", "./own_by_name.py", "own_idle"]) == []
    config = TrainingConfig(model="by-path-tiny", dataset="x", imports=["deeper/own_by_path.py"])
    assert config.imports == ("deeper/own_by_path.py",)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("own_missing", r"no module 'own_missing', neither in"),
        ("own_missing.inner", r"no module 'own_missing', neither in"),
        ("missing/own_cell.py", "no such file"),
        ("own cell", "neither a module name nor a path"),
        ("-m", "neither a module name nor a path"),
        ("own_raises", "line 2 raises ValueError: too late"),
        ("own_raises.py", "line 2 raises ValueError: too late"),
        ("own_exits", "line 1 raises SystemExit: 0"),
        ("own_needs", "line 1 raises ModuleNotFoundError: No module named 'own_missing'"),
        ("own_broken", "raises SyntaxError"),
        ("json.py", "another module 'json' is already imported"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused(folder, spec, why):
    from zoo import imports

    (folder / "own_raises.py").write_text("\nraise ValueError('too late')\n")
    (folder / "own_exits.py").write_text("raise SystemExit(0)\n")
    (folder / "own_needs.py").write_text("import own_missing\n")
    (folder / "own_broken.py").write_text("def f(:\n")
    (folder / "json.py").write_text("")
    for _ in range(2):  # what failed once is not taken for imported
        with pytest.raises(imports.ImportedModuleError, match=f"^--import {spec}: .*{why}") as info:
            imports.load([spec])
        assert "\n" not in str(info.value)


def test_a_module_that_has_no_file_is_imported_already(monkeypatch):
    from zoo import imports

    monkeypatch.setitem(sys.modules, "own_made", types.ModuleType("own_made"))
    assert imports.load(["own_made"]) == []
