"""Writes TFLite metadata, with the tokenizer and the labels, into a finished model.

MediaPipe uses it to tokenize texts and name scores. `zoo.metadata` reads it, and has the slots of
the tables.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import number_types

from zoo.metadata import (
    BERT_INPUTS,
    BERT_TOKENIZER,
    FEATURE_PROPERTIES,
    METADATA_IDENTIFIER,
    METADATA_NAME,
    REGEX_TOKENIZER,
    SCORES_FILE,
    AssociatedFileSlot,
    AssociatedFileType,
    BertTokenizerSlot,
    ContentSlot,
    ModelMetadataSlot,
    ProcessUnitSlot,
    RegexTokenizerSlot,
    SubGraphMetadataSlot,
    Table,
    TensorMetadataSlot,
    metadata_buffer,
)
from zoo.structure import MODEL_IDENTIFIER
from zoo.text import Tokenizer
from zoo.tokenizers import AnyTokenizer
from zoo.wordpiece import WordPieceTokenizer

VOCABULARY_FILE = "vocab.txt"
LABELS_FILE = "labels.txt"

_MIN_PARSER_VERSION = "1.2.1"  # the first with the regex tokenizer; BERT's is of 1.1.0
_SCORES = {
    AssociatedFileSlot.NAME: SCORES_FILE,
    AssociatedFileSlot.DESCRIPTION: "The kind of the scores, and the threshold of each label.",
    AssociatedFileSlot.TYPE: AssociatedFileType.DESCRIPTIONS,
}
_ALIGNMENT = 16  # of a buffer's data
_NUMBERS = {1: "one", len(BERT_INPUTS): "three"}


def add_metadata(
    content: bytes,
    *,
    name: str,
    description: str,
    tokenizer: AnyTokenizer,
    labels: Sequence[str],
    version: str = "1",
    author: str = "",
    license: str = "",
    scores: Mapping[str, Any] | None = None,
) -> bytes:
    """Adds metadata to the content of a model. The result is deterministic.

    The model's bytes are kept in one piece: its weights are not repacked.

    Args:
        content: A TFLite model without metadata; input int32 [1, tokenizer.max_length], for word
            pieces three of them, as of `zoo.metadata.BERT_INPUTS`; output float32
            [1, len(labels)].
        name, description, version, author, license: Texts; empty ones are left out.
        tokenizer: The tokenizer that the device runs before the model.
        labels: The names of the labels or numbers, in the order of the scores.
        scores: The kind of scores, `zoo.kinds.Kind.record`; None for a softmax.

    Raises:
        TypeError: `labels` is a str.
        ValueError: `content` is not a TFLite model, has metadata already, or keeps data outside of
            its FlatBuffer; its input or output does not fit; labels that no line can hold.
    """
    content = bytes(content)
    _check_labels(labels)
    if metadata_buffer(content) is not None:
        raise ValueError("the model has metadata already; give the model as it was before")
    _check_model(schema.Model.GetRootAs(content), tokenizer, labels)
    builder = flatbuffers.Builder()
    root = _write(
        builder,
        {
            ModelMetadataSlot.NAME: name,
            ModelMetadataSlot.DESCRIPTION: description,
            ModelMetadataSlot.VERSION: version,
            ModelMetadataSlot.SUBGRAPH_METADATA: [_main_subgraph(tokenizer)],
            ModelMetadataSlot.AUTHOR: author,
            ModelMetadataSlot.LICENSE: license,
            **({} if scores is None else {ModelMetadataSlot.ASSOCIATED_FILES: [_SCORES]}),
            ModelMetadataSlot.MIN_PARSER_VERSION: _MIN_PARSER_VERSION,
        },
    )
    builder.Finish(root, METADATA_IDENTIFIER)
    files = {
        VOCABULARY_FILE: tokenizer.vocabulary.text,
        LABELS_FILE: "".join(f"{label}\n" for label in labels),
    }
    if scores is not None:
        files[SCORES_FILE] = json.dumps(scores) + "\n"
    return _append_files(_add_buffer(content, bytes(builder.Output())), files)


def _check_labels(labels: Sequence[str]) -> None:
    if isinstance(labels, str):
        raise TypeError(f"labels is the str {labels!r}: give a list of str")
    for label in labels:
        if not label or "\n" in label or "\r" in label:
            raise ValueError(
                f"label {label!r}: labels are the lines of a file, so none is empty or holds a "
                "line end; rename it"
            )
    if len(set(labels)) < len(labels):
        raise ValueError(f"labels {list(labels)}: each names one class; remove the repetition")


def _check_model(model: schema.Model, tokenizer: AnyTokenizer, labels: Sequence[str]) -> None:
    inputs = len(BERT_INPUTS) if tokenizer.kind == WordPieceTokenizer.kind else 1
    graph = model.Subgraphs(0)
    types = schema.TensorType
    # int8 scores are for microcontrollers; MediaPipe refuses them with an error.
    for side, indices, count, tensor_types, size, meaning in (
        ("input", graph.InputsAsNumpy(), inputs, [types.INT32], tokenizer.max_length, "max_length"),
        (
            "output",
            graph.OutputsAsNumpy(),
            1,
            [types.FLOAT32, types.INT8],
            len(labels),
            "the number of labels",
        ),
    ):
        tensors = [graph.Tensors(int(index)) for index in indices]
        found = [(tensor.Type(), tensor.ShapeAsNumpy().tolist()) for tensor in tensors]
        if found not in [[(tensor_type, [1, size])] * count for tensor_type in tensor_types]:
            type_names = {number: name for name, number in vars(types).items()}
            listed = [f"{type_names[number]} {shape}" for number, shape in found]
            raise ValueError(
                f"the model's {side}s are {listed}: the device needs {_NUMBERS[count]}, "
                f"{type_names[tensor_types[0]]} {[1, size]}, that is [1, {meaning}]; "
                "export the model for this tokenizer and these labels"
            )
    for index in range(model.BuffersLength()):
        if model.Buffers(index).Offset() > 1:
            raise ValueError(
                "the model keeps weights outside of its FlatBuffer, as models over 2 GB do, and "
                "they cannot be moved; make the model smaller"
            )


def _main_subgraph(tokenizer: AnyTokenizer) -> dict:
    content = {ContentSlot.PROPERTIES_TYPE: FEATURE_PROPERTIES, ContentSlot.PROPERTIES: {}}
    vocabulary = {
        AssociatedFileSlot.NAME: VOCABULARY_FILE,
        AssociatedFileSlot.TYPE: AssociatedFileType.VOCABULARY,
    }
    labels = {
        AssociatedFileSlot.NAME: LABELS_FILE,
        AssociatedFileSlot.TYPE: AssociatedFileType.TENSOR_AXIS_LABELS,
    }
    scores = {
        TensorMetadataSlot.NAME: "probability",
        TensorMetadataSlot.DESCRIPTION: "The scores of the labels.",
        TensorMetadataSlot.CONTENT: content,
        TensorMetadataSlot.ASSOCIATED_FILES: [labels],
    }
    if isinstance(tokenizer, WordPieceTokenizer):
        kind = BERT_TOKENIZER
        options: dict = {BertTokenizerSlot.VOCABULARY_FILE: [vocabulary]}
    else:
        assert isinstance(tokenizer, Tokenizer)
        kind = REGEX_TOKENIZER
        options = {
            RegexTokenizerSlot.DELIMITER: tokenizer.delimiter,
            RegexTokenizerSlot.VOCABULARY_FILE: [vocabulary],
        }
    units = [{ProcessUnitSlot.OPTIONS_TYPE: kind, ProcessUnitSlot.OPTIONS: options}]
    subgraph = {SubGraphMetadataSlot.OUTPUT_TENSOR_METADATA: [scores]}
    if kind == BERT_TOKENIZER:  # for all three inputs, which the device tells apart by their names
        inputs = [
            {TensorMetadataSlot.NAME: name, TensorMetadataSlot.CONTENT: content}
            for name in BERT_INPUTS
        ]
        return subgraph | {
            SubGraphMetadataSlot.INPUT_TENSOR_METADATA: inputs,
            SubGraphMetadataSlot.INPUT_PROCESS_UNITS: units,
        }
    text = {
        TensorMetadataSlot.NAME: "input_text",
        TensorMetadataSlot.DESCRIPTION: "The ids of the text's tokens.",
        TensorMetadataSlot.CONTENT: content,
        TensorMetadataSlot.PROCESS_UNITS: units,
    }
    return {SubGraphMetadataSlot.INPUT_TENSOR_METADATA: [text]} | subgraph


def _write(builder: flatbuffers.Builder, table: dict) -> int:
    """Writes a table, slot -> value: a one-byte number, a str, a table or a list of tables."""
    references = {}
    for slot, value in table.items():
        if isinstance(value, str) and value:
            references[slot] = builder.CreateString(value)
        elif isinstance(value, dict):
            references[slot] = _write(builder, value)
        elif isinstance(value, list):
            references[slot] = _vector(builder, [_write(builder, entry) for entry in value])
    builder.StartObject(1 + max(table, default=-1))
    for slot, value in table.items():
        if slot in references:
            builder.PrependUOffsetTRelativeSlot(slot, references[slot], 0)
        elif isinstance(value, int):
            builder.PrependUint8Slot(slot, value, 0)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, references: Sequence[int]) -> int:
    builder.StartVector(4, len(references), 4)
    for reference in reversed(references):
        builder.PrependUOffsetTRelative(reference)
    return builder.EndVector()


class _ModelSlot(IntEnum):
    """The fields of TFLite's Model; all but the version are references."""

    VERSION = 0
    OPERATOR_CODES = 1
    SUBGRAPHS = 2
    DESCRIPTION = 3
    BUFFERS = 4
    METADATA_BUFFER = 5
    METADATA = 6
    SIGNATURE_DEFS = 7
    EXTERNAL_BUFFER_GROUPS = 8
    EXTERNAL_BUFFERS = 9


def _add_buffer(content: bytes, metadata: bytes) -> bytes:
    """The model with one buffer more: a new root, before the old bytes, that points into them.

    A FlatBuffer's references point forward only, so what is new stands before what it refers to,
    and they are relative, so the old bytes can move. They move by a multiple of the alignment.
    """
    old = Table.root(content)
    content += bytes(-len(content) % _ALIGNMENT)
    builder = flatbuffers.Builder(len(content) + len(metadata) + 4096)
    # The builder writes from the end of the file and counts its references from there.
    start = builder.CreateByteVector(content) - 4  # a vector begins with its length

    def moved(position: int) -> int:
        return start - position

    builder.StartVector(1, len(metadata), _ALIGNMENT)
    for byte in reversed(metadata):
        builder.PrependByte(byte)
    data = builder.EndVector()
    schema.BufferStart(builder)
    schema.BufferAddData(builder, data)
    buffers = [moved(table.position) for table in old.tables(_ModelSlot.BUFFERS)]
    buffers.append(schema.BufferEnd(builder))

    name = builder.CreateString(METADATA_NAME)
    schema.MetadataStart(builder)
    schema.MetadataAddName(builder, name)
    schema.MetadataAddBuffer(builder, len(buffers) - 1)
    entries = [moved(table.position) for table in old.tables(_ModelSlot.METADATA)]
    entries.append(schema.MetadataEnd(builder))

    references = {
        slot: moved(target)
        for slot in _ModelSlot
        if slot != _ModelSlot.VERSION and (target := old.target(slot)) is not None
    }
    references[_ModelSlot.BUFFERS] = _vector(builder, buffers)
    references[_ModelSlot.METADATA] = _vector(builder, entries)
    builder.StartObject(len(_ModelSlot))
    version = old.number(_ModelSlot.VERSION, number_types.Uint32Flags)
    builder.PrependUint32Slot(_ModelSlot.VERSION, version, 0)
    for slot, reference in references.items():
        builder.PrependUOffsetTRelativeSlot(slot, reference, 0)
    builder.Finish(builder.EndObject(), MODEL_IDENTIFIER)
    return bytes(builder.Output())


def _append_files(content: bytes, files: dict[str, str]) -> bytes:
    """The model with a zip archive after it; the device reads uncompressed entries only."""
    stream = io.BytesIO()
    stream.write(content)
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)  # 1980, so that the bytes do not depend on the time
            entry.create_system = 3  # nor on the operating system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text.encode())
    return stream.getvalue()
