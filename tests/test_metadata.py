import contextlib
import io
import random
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from export import architecture
from export.tflite import find
from export.tflite import metadata as writer
from export.tflite.metadata import add_metadata
from tests.echo_model import echo_model
from zoo.metadata import SubGraphMetadataSlot, TensorMetadataSlot, read_metadata
from zoo.text import Tokenizer, Vocabulary

LABELS = ("très bien", "mal ", "日本")
TOKENIZER = Tokenizer(Vocabulary.from_texts(["Un film très bien"], size=20), 3, r"[^\pL]+")
ARGUMENTS = {
    "name": "Zoo",
    "description": "Ça marche",
    "tokenizer": TOKENIZER,
    "labels": LABELS,
    "version": "2.1",
    "author": "Ada",
    "license": "Apache-2.0",
}


def model(**changes):
    return add_metadata(echo_model(3), **(ARGUMENTS | changes))


def run(content, ids):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], ids)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def scaling_model():
    """echo_model times a weight a slot, with a metadata entry of its own and a signature."""
    model = schema.ModelT.InitFromPackedBuf(echo_model(3))
    graph = model.subgraphs[0]

    weights, note = schema.BufferT(), schema.BufferT()
    weights.data = np.array([0.5, 3, -7], np.float32).view(np.uint8)
    note.data = np.frombuffer(b"1.14.0", np.uint8)
    model.buffers += [weights, note]

    for name, buffer in (("weights", 1), ("scaled", 0)):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, [1, 3], buffer
        graph.tensors.append(tensor)
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MUL
    operator.opcodeIndex, operator.inputs, operator.outputs = 1, [1, 2], [3]
    operator.builtinOptionsType = schema.BuiltinOptions.MulOptions
    operator.builtinOptions = schema.MulOptionsT()
    model.operatorCodes.append(code)
    graph.operators.append(operator)
    graph.outputs = [3]

    entry = schema.MetadataT()
    entry.name, entry.buffer = "min_runtime_version", 2
    model.metadata = [entry]
    signature, side = schema.SignatureDefT(), schema.TensorMapT()
    side.name, side.tensorIndex = "ids", 0
    signature.signatureKey, signature.inputs, signature.outputs = "serve", [side], []
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def with_file(content, name, data):
    """The model with other ``data`` in its file ``name``, or without the file if that is None."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        kept.write(content[: archive.infolist()[0].header_offset])
        with zipfile.ZipFile(kept, "w") as copy:
            for entry in archive.namelist():
                new = data if entry == name else archive.read(entry)
                if new is not None:
                    copy.writestr(entry, new)
    return kept.getvalue()


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(model())
    for source in (path, str(path), model()):
        metadata = read_metadata(source)
        assert metadata.labels == LABELS
        assert metadata.max_length == 3
        assert metadata.tokenizer().delimiter == TOKENIZER.delimiter
        assert metadata.vocabulary == TOKENIZER.vocabulary
        for field in ("name", "description", "version", "author", "license"):
            assert getattr(metadata, field) == ARGUMENTS[field]


def test_the_tokenizer_is_whole():
    text = "Un Film TRÈS_bien"
    again = read_metadata(model()).tokenizer()
    assert again.encode([text]).tolist() == TOKENIZER.encode([text]).tolist()


def test_empty_texts_are_left_out():
    metadata = read_metadata(model(name="", author="", license=""))
    assert (metadata.name, metadata.author, metadata.license) == ("", "", "")


def test_same_arguments_same_bytes():
    assert model() == model()
    assert model() != model(version="2.2")


def test_scores_stay_the_same():
    content = scaling_model()
    ids = np.array([[7, -2, 11]], np.int32)
    expected = run(content, ids)
    assert expected.tolist() == [[3.5, -6, -77]]
    np.testing.assert_array_equal(run(add_metadata(content, **ARGUMENTS), ids), expected)


def test_the_model_inside_stays_the_same():
    before = scaling_model()
    after = add_metadata(before, **ARGUMENTS)
    assert after.index(before) % 16 == 0
    old, new = (schema.ModelT.InitFromPackedBuf(content) for content in (before, after))
    assert (new.version, new.description) == (old.version, old.description)
    assert [code.builtinCode for code in new.operatorCodes] == [
        code.builtinCode for code in old.operatorCodes
    ]
    assert [entry.name for entry in new.metadata] == [b"min_runtime_version", b"TFLITE_METADATA"]
    assert new.signatureDefs[0].signatureKey == b"serve"
    assert bytes(new.buffers[new.metadata[0].buffer].data) == b"1.14.0"
    assert len(new.buffers) == len(old.buffers) + 1


def test_every_alignment_of_the_model():
    for extra in range(1, 17):
        content = add_metadata(echo_model(3) + bytes(extra), **ARGUMENTS)
        table = schema.Model.GetRootAs(content).Buffers(1)
        data = table.DataAsNumpy()
        assert content.index(data.tobytes()) % 16 == 0
        assert run(content, np.array([[1, 2, 3]], np.int32)).tolist() == [[1, 2, 3]]


def test_files_are_stored_as_they_are():
    with zipfile.ZipFile(io.BytesIO(model())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["vocab.txt", "labels.txt"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("vocab.txt").decode() == TOKENIZER.vocabulary.text
        assert archive.read("labels.txt").decode() == "très bien\nmal \n日本\n"


def test_mediapipe_reads_it():
    pytest.importorskip("mediapipe", reason="MediaPipe is the reader that counts")
    from mediapipe.tasks.python import BaseOptions, text

    options = text.TextClassifierOptions(base_options=BaseOptions(model_asset_buffer=model()))
    with text.TextClassifier.create_from_options(options) as classifier:
        (head,) = classifier.classify("film ? BIEN").classifications
    ids = TOKENIZER.encode(["film ? BIEN"])[0]
    assert head.head_name == "probability"
    assert {category.category_name: category.score for category in head.categories} == dict(
        zip(LABELS, ids, strict=True)
    )


def test_a_reader_generated_from_the_schema_reads_it():
    generated = pytest.importorskip("mediapipe.tasks.metadata.metadata_schema_py_generated")
    content = model()
    model_entry = schema.Model.GetRootAs(content)
    buffer = model_entry.Buffers(model_entry.Metadata(0).Buffer()).DataAsNumpy().tobytes()
    assert generated.ModelMetadata.ModelMetadataBufferHasIdentifier(buffer, 0)
    root = generated.ModelMetadataT.InitFromObj(generated.ModelMetadata.GetRootAs(buffer, 0))
    assert root.minParserVersion == b"1.2.1"
    assert (root.name, root.version, root.license) == (b"Zoo", b"2.1", b"Apache-2.0")
    (graph,) = root.subgraphMetadata
    (unit,) = graph.inputTensorMetadata[0].processUnits
    assert unit.optionsType == generated.ProcessUnitOptions.RegexTokenizerOptions
    assert unit.options.delimRegexPattern == rb"[^\pL]+"
    (vocabulary,) = unit.options.vocabFile
    (labels,) = graph.outputTensorMetadata[0].associatedFiles
    kinds = generated.AssociatedFileType
    assert (vocabulary.name, vocabulary.type) == (b"vocab.txt", kinds.VOCABULARY)
    assert (labels.name, labels.type) == (b"labels.txt", kinds.TENSOR_AXIS_LABELS)


# Errors of the reader


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\3\4 and so on", bytes(100)])
def test_not_a_model(content):
    with pytest.raises(ValueError, match="not a TFLite model"):
        read_metadata(content)


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "some.tflite"
    path.write_bytes(echo_model(3))
    with pytest.raises(ValueError, match=r"some\.tflite: the model has no metadata"):
        read_metadata(path)
    with pytest.raises(OSError):
        read_metadata(tmp_path / "none.tflite")


@pytest.mark.parametrize("name", ["vocab.txt", "labels.txt"])
def test_a_missing_file(name):
    with pytest.raises(ValueError, match=f"'{name}' is not in the model"):
        read_metadata(with_file(model(), name, None))


def test_a_file_cut_short():
    with pytest.raises(ValueError, match=r"'vocab.txt', .*was it cut"):
        read_metadata(model()[:-30])


def test_another_tokenizer(monkeypatch):
    monkeypatch.setattr(writer, "REGEX_TOKENIZER", 5)  # SentencePiece's
    with pytest.raises(ValueError, match="no regex tokenizer and no BERT tokenizer"):
        read_metadata(model())


@pytest.mark.parametrize(
    "change, missing",
    [
        (lambda graph: graph.clear(), "input"),
        (lambda graph: graph.pop(SubGraphMetadataSlot.OUTPUT_TENSOR_METADATA), "output"),
        (
            lambda graph: graph[SubGraphMetadataSlot.OUTPUT_TENSOR_METADATA][0].pop(
                TensorMetadataSlot.ASSOCIATED_FILES
            ),
            "labels file",
        ),
    ],
)
def test_metadata_that_lacks_something(monkeypatch, change, missing):
    def lacking(delimiter, complete=writer._main_subgraph):
        graph = complete(delimiter)
        change(graph)
        return graph

    monkeypatch.setattr(writer, "_main_subgraph", lacking)
    with pytest.raises(ValueError, match=f"has no {missing}"):
        read_metadata(model())


def test_another_kind_of_metadata():
    with pytest.raises(ValueError, match="'M002'"):
        read_metadata(model().replace(b"M001", b"M002"))


def packed_anew(content, data, **options):
    """The model with another vocabulary, packed by another method."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        kept.write(content[: archive.infolist()[0].header_offset])
        with zipfile.ZipFile(kept, "w", **options) as copy:
            copy.writestr("vocab.txt", data)
            copy.writestr("labels.txt", archive.read("labels.txt"))
    return kept.getvalue()


def test_a_zip_bomb_is_not_unpacked():
    content = packed_anew(model(), bytes(10**8), compression=zipfile.ZIP_DEFLATED)
    assert len(content) < 500_000
    with pytest.raises(ValueError, match="not unpacked"):
        read_metadata(content)


def test_files_may_be_deflated_but_not_packed_otherwise():
    text = TOKENIZER.vocabulary.text
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        content = packed_anew(model(), text, compression=method)
        assert read_metadata(content).vocabulary == TOKENIZER.vocabulary
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with pytest.raises(ValueError, match="stored or deflated"):
            read_metadata(packed_anew(model(), text, compression=method))


def test_ids_beyond_the_embedding_are_refused():
    from tests.export.models import bundle

    source = bundle()
    read = architecture.read(source.model)
    plain = find("fused", "float32").build(read, source.tokenizer.max_length).pack()
    arguments = ARGUMENTS | {"labels": source.labels}
    rows = source.tokenizer.vocabulary.size
    for size, fits in ((rows, True), (rows + 1, False)):
        ids = dict(source.tokenizer.vocabulary) | {"more": size - 1}
        tokenizer = Tokenizer(Vocabulary(ids), source.tokenizer.max_length)
        content = add_metadata(plain, **(arguments | {"tokenizer": tokenizer}))
        if fits:
            assert read_metadata(content).vocabulary.size == rows
        else:
            with pytest.raises(ValueError, match=rf"vocab\.txt has ids up to {rows}, .*{rows}"):
                read_metadata(content)


def test_labels_that_are_not_utf8():
    with pytest.raises(ValueError, match=r"labels\.txt is not UTF-8"):
        read_metadata(with_file(model(), "labels.txt", b"a\n\xff\nb\n"))


def test_a_vocabulary_that_is_damaged():
    with pytest.raises(ValueError, match=r"vocab\.txt, line 4: .*whole number"):
        read_metadata(with_file(model(), "vocab.txt", b"<PAD> 0\n<START> 1\n<UNKNOWN> 2\nfilm x\n"))


def test_damage_is_a_value_error():
    content, choices = model(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(8):
            damaged[choices.randrange(len(content))] = choices.randrange(256)
        with contextlib.suppress(ValueError):
            read_metadata(bytes(damaged))


# Errors of the writer


def test_metadata_twice():
    with pytest.raises(ValueError, match="already"):
        add_metadata(model(), **ARGUMENTS)


def test_nothing_to_write_into():
    with pytest.raises(ValueError, match="not a TFLite model"):
        add_metadata(b"text", **ARGUMENTS)


def test_another_length():
    tokenizer = Tokenizer(TOKENIZER.vocabulary, 4)
    with pytest.raises(ValueError, match=r"inputs are \['INT32 \[1, 3\]'\].*INT32 \[1, 4\]"):
        model(tokenizer=tokenizer)


def test_another_number_of_labels():
    with pytest.raises(ValueError, match=r"outputs are \['FLOAT32 \[1, 3\]'\].*\[1, 2\]"):
        model(labels=["a", "b"])


@pytest.mark.parametrize("labels", [["a", "b", ""], ["a", "b\n", "c"], ["a", "\r", "c"], ["a"] * 3])
def test_labels_that_no_file_can_hold(labels):
    with pytest.raises(ValueError, match="label"):
        model(labels=labels)


def test_labels_in_one_str():
    with pytest.raises(TypeError, match="list of str"):
        model(labels="abc")
