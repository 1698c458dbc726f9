"""Files whose tables do not fit together are refused before the runtime sees them."""

import random

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import export
from tests.echo_model import echo_model
from tests.export.models import bundle, classifier
from zoo import litert, structure
from zoo.structure import StructureError


def packed(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def changed(change) -> bytes:
    """A model of one operator, changed."""
    model = schema.ModelT.InitFromPackedBuf(echo_model(3))
    change(model, model.subgraphs[0])
    return packed(model)


def set_(what, **values):
    for name, value in values.items():
        setattr(what, name, value)


def constant(model, graph, size, data):
    tensor, buffer = schema.TensorT(), schema.BufferT()
    tensor.shape, tensor.buffer, buffer.data = size, len(model.buffers), np.zeros(data, np.uint8)
    graph.tensors.append(tensor)
    model.buffers.append(buffer)


def test_a_whole_model_is_described():
    found = structure.check(echo_model(3))
    assert (found.inputs, found.outputs, found.rows) == ([(1, 3)], [(1, 3)], None)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda m, g: set_(m, subgraphs=[]), "no subgraph"),
        (lambda m, g: set_(m, buffers=[]), "no buffers"),
        (lambda m, g: set_(g, inputs=[9]), "index names no tensor"),
        (lambda m, g: set_(g, outputs=[-2]), "index names no tensor"),
        (lambda m, g: set_(g.operators[0], inputs=[2**31 - 1]), "index names no tensor"),
        (lambda m, g: set_(g.operators[0], outputs=[-1]), "index names no tensor"),
        (lambda m, g: set_(g.operators[0], intermediates=[7]), "index names no tensor"),
        (lambda m, g: set_(g.operators[0], opcodeIndex=3), "no code"),
        (lambda m, g: set_(g.operators[0], inputs=[1]), "not computed before"),
        (lambda m, g: g.operators.clear(), "output is never computed"),
        (lambda m, g: g.operators.append(g.operators[0]), "two operators"),
        (lambda m, g: set_(g.operators[0], outputs=[0]), "writes to a constant"),
        (lambda m, g: set_(g.tensors[0], buffer=5), "names no buffer"),
        (lambda m, g: set_(g.tensors[0], shape=[1, -3]), "negative"),
        (lambda m, g: set_(g.tensors[0], shape=[1, 2**30]), "larger than"),
        (lambda m, g: set_(g.tensors[0], shape=[2**30] * 8), "larger than"),
        (lambda m, g: set_(g.tensors[0], shape=[1] * 9), "dimensions"),
        (lambda m, g: set_(g.tensors[0], type=schema.TensorType.STRING), "type 5"),
        (lambda m, g: constant(m, g, [2, 3], 23), "does not fit its shape"),
        (lambda m, g: constant(m, g, [2, 3], 25), "does not fit its shape"),
        (
            lambda m, g: set_(m.operatorCodes[0], builtinCode=32, deprecatedBuiltinCode=32),
            "CUSTOM",
        ),
        (
            lambda m, g: set_(m.operatorCodes[0], builtinCode=schema.BuiltinOperator.WHILE),
            "names no subgraph",
        ),
        (lambda m, g: set_(m.operatorCodes[0], builtinCode=9999), "operator 9999"),
    ],
)
def test_what_does_not_fit_is_named(change, what):
    content = changed(change)
    with pytest.raises(StructureError, match=what):
        structure.check(content)
    with pytest.raises(ValueError, match=what):
        litert.runner(content)


def test_a_subgraph_that_calls_itself_is_refused():
    def loop(model, graph):
        model.operatorCodes[0].builtinCode = schema.BuiltinOperator.WHILE
        model.operatorCodes[0].deprecatedBuiltinCode = 119
        operator = graph.operators[0]
        operator.builtinOptionsType = schema.BuiltinOptions.WhileOptions
        operator.builtinOptions = schema.WhileOptionsT()

    with pytest.raises(StructureError, match="calls itself"):
        structure.check(changed(loop))


@pytest.mark.parametrize("splits", [0, 2, 2**30])
def test_a_split_has_as_many_outputs_as_it_says(splits):
    def split(model, graph):
        model.operatorCodes[0].builtinCode = schema.BuiltinOperator.SPLIT
        model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.SPLIT
        set_(graph.operators[0], builtinOptionsType=schema.BuiltinOptions.SplitOptions)
        graph.operators[0].builtinOptions = schema.SplitOptionsT()
        graph.operators[0].builtinOptions.numSplits = splits
        graph.operators[0].inputs = [-1, 0]

    with pytest.raises(StructureError, match="too few outputs" if splits else "damaged"):
        structure.check(changed(split))


def test_no_length_makes_it_slow_or_large():
    """Every four bytes of a small file as a length of billions."""
    content = echo_model(3)
    for place in range(len(content) - 3):
        for value in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x10"):
            damaged = content[:place] + value + content[place + 4 :]
            try:
                structure.check(damaged)
            except StructureError as error:
                assert "\n" not in str(error)


@pytest.fixture(scope="module", params=["fused", "loop"])
def file(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("structure")
    (made,) = export.export_model(
        bundle("bilstm"), folder, lowering=request.param, precision="int8"
    )
    return (folder / made.path).read_bytes()


def test_ids_are_bounded_by_the_embedding(file):
    assert structure.check(file).rows == bundle("bilstm").tokenizer.vocabulary.size


def test_damage_is_one_kind_of_error(file):
    choices = random.Random(0)
    for _ in range(1000):
        damaged = bytearray(file)
        for _ in range(choices.choice([1, 1, 1, 8])):
            damaged[choices.randrange(len(file))] = choices.randrange(256)
        try:
            structure.check(bytes(damaged))
        except StructureError as error:
            assert "\n" not in str(error)


def test_every_lowering_passes(tmp_path):
    made = [
        *export.export_model(classifier("min-bigru"), tmp_path, lowering="all", max_length=5),
        *export.export_model(classifier("peephole-bilstm"), tmp_path, lowering="all", max_length=5),
    ]
    assert {file.lowering for file in made} == {"fused", "loop", "parallel", "unrolled"}
    for file in made:
        found = structure.check((tmp_path / file.path).read_bytes())
        assert found.inputs == [(1, 5)] and found.rows
