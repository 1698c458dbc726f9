"""What a ``.tflite`` file says of itself: its tokenizer, vocabulary, labels and description.

TFLite metadata is a FlatBuffer of its own (identifier ``M001``) in the model's buffer of the name
``TFLITE_METADATA``; the files that it names, vocabulary and labels, are a zip archive that is
appended to the model. The slots below are the fields of the tables in TFLite's
``metadata_schema.fbs``, in their order there; writer and reader share them.
"""

import io
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import flatbuffers
from ai_edge_litert.schema_py_generated import Model
from flatbuffers import number_types

from zoo.text import Tokenizer, Vocabulary

MODEL_IDENTIFIER = b"TFL3"
METADATA_IDENTIFIER = b"M001"
METADATA_NAME = b"TFLITE_METADATA"


class ModelMetadataSlot(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    VERSION = 2
    SUBGRAPH_METADATA = 3
    AUTHOR = 4
    LICENSE = 5
    ASSOCIATED_FILES = 6
    MIN_PARSER_VERSION = 7


class SubGraphMetadataSlot(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    INPUT_TENSOR_METADATA = 2
    OUTPUT_TENSOR_METADATA = 3


class TensorMetadataSlot(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    DIMENSION_NAMES = 2
    CONTENT = 3
    PROCESS_UNITS = 4
    STATS = 5
    ASSOCIATED_FILES = 6


class ContentSlot(IntEnum):
    PROPERTIES_TYPE = 0
    PROPERTIES = 1


class ProcessUnitSlot(IntEnum):
    OPTIONS_TYPE = 0
    OPTIONS = 1


class RegexTokenizerSlot(IntEnum):
    DELIMITER = 0
    VOCABULARY_FILE = 1


class AssociatedFileSlot(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    TYPE = 2


class AssociatedFileType(IntEnum):
    TENSOR_AXIS_LABELS = 2
    VOCABULARY = 5


FEATURE_PROPERTIES = 1  # of the union ContentProperties
REGEX_TOKENIZER = 6  # of the union ProcessUnitOptions


@dataclass(frozen=True)
class Metadata:
    """What a text classifier's file says of itself; absent texts are empty.

    Attributes:
        name, description, version, author, license: as the file has them.
        delimiter: the RE2 regex of the tokenizer.
        vocabulary: the tokenizer's vocabulary.
        labels: the names of the classes, in the order of the scores.
        max_length: the ids that the model takes; its input is [1, max_length].
    """

    name: str
    description: str
    version: str
    author: str
    license: str
    delimiter: str
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    max_length: int

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the device will run before the model."""
        return Tokenizer(self.vocabulary, self.max_length, self.delimiter)


class Table:
    """One table of a FlatBuffer, read by slot."""

    def __init__(self, content: bytes, position: int):
        self.position = position
        self._table = flatbuffers.table.Table(content, position)

    @classmethod
    def root(cls, content: bytes) -> "Table":
        return cls(content, flatbuffers.encode.Get(flatbuffers.packer.uoffset, content, 0))

    def _field(self, slot: int) -> int:
        """Where the field lies after the table's start; 0 if it is absent."""
        return self._table.Offset(4 + 2 * slot)

    def target(self, slot: int) -> int | None:
        """The position of what a reference points to, a table, a vector or a string."""
        field = self._field(slot)
        return self._table.Indirect(self.position + field) if field else None

    def string(self, slot: int) -> str:
        field = self._field(slot)
        return self._table.String(self.position + field).decode() if field else ""

    def number(self, slot: int, flags: type = number_types.Uint8Flags) -> int:
        field = self._field(slot)
        return self._table.Get(flags, self.position + field) if field else 0

    def table(self, slot: int) -> "Table | None":
        target = self.target(slot)
        return None if target is None else Table(self._table.Bytes, target)

    def tables(self, slot: int) -> "list[Table]":
        field = self._field(slot)
        if not field:
            return []
        start = self._table.Vector(field)
        places = range(start, start + 4 * self._table.VectorLen(field), 4)
        return [Table(self._table.Bytes, self._table.Indirect(place)) for place in places]


def metadata_buffer(content: bytes) -> bytes | None:
    """The metadata FlatBuffer of a model, or None.

    Raises:
        ValueError: ``content`` is no TFLite model.
    """
    if content[4:8] != MODEL_IDENTIFIER:
        raise ValueError(
            f"not a TFLite model (bytes 4 to 8 are {content[4:8]!r}, not {MODEL_IDENTIFIER!r}); "
            "give a .tflite file"
        )
    model = Model.GetRootAs(content)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME:
            return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    return None


def read_metadata(path_or_bytes: str | os.PathLike | bytes) -> Metadata:
    """Reads the metadata of a text classifier, from a ``.tflite`` file or its bytes.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no TFLite model, it is damaged, or its metadata lacks a regex tokenizer,
            the vocabulary or the labels.
    """
    if isinstance(path_or_bytes, bytes):
        source, content = "model", path_or_bytes
    else:
        source, content = str(path_or_bytes), Path(path_or_bytes).read_bytes()
    try:
        return _read(content)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    except (struct.error, IndexError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{source}: damaged, its tables point outside of the file ({error}); export it anew"
        ) from error


def _read(content: bytes) -> Metadata:
    buffer = metadata_buffer(content)
    if buffer is None:
        raise ValueError(
            "the model has no metadata, so its tokenizer and labels are unknown; "
            "export it with metadata"
        )
    if buffer[4:8] != METADATA_IDENTIFIER:
        raise ValueError(
            f"metadata with identifier {buffer[4:8]!r}: only {METADATA_IDENTIFIER!r} is known; "
            "export the model anew"
        )
    root = Table.root(buffer)
    graph = _first(root.tables(ModelMetadataSlot.SUBGRAPH_METADATA), "subgraph")
    text = _first(graph.tables(SubGraphMetadataSlot.INPUT_TENSOR_METADATA), "input")
    scores = _first(graph.tables(SubGraphMetadataSlot.OUTPUT_TENSOR_METADATA), "output")
    tokenizers = [
        options
        for unit in text.tables(TensorMetadataSlot.PROCESS_UNITS)
        if unit.number(ProcessUnitSlot.OPTIONS_TYPE) == REGEX_TOKENIZER
        and (options := unit.table(ProcessUnitSlot.OPTIONS))
    ]
    tokenizer = _first(tokenizers, "regex tokenizer (others, like BERT's, cannot be read)")
    vocabulary_file = _first(
        tokenizer.tables(RegexTokenizerSlot.VOCABULARY_FILE), "vocabulary file"
    )
    labels_files = [
        file
        for file in scores.tables(TensorMetadataSlot.ASSOCIATED_FILES)
        if file.number(AssociatedFileSlot.TYPE) == AssociatedFileType.TENSOR_AXIS_LABELS
    ]
    labels_file = _first(labels_files, "labels file")

    vocabulary = _associated_file(content, vocabulary_file)
    labels = _associated_file(content, labels_file)
    main = Model.GetRootAs(content).Subgraphs(0)
    return Metadata(
        name=root.string(ModelMetadataSlot.NAME),
        description=root.string(ModelMetadataSlot.DESCRIPTION),
        version=root.string(ModelMetadataSlot.VERSION),
        author=root.string(ModelMetadataSlot.AUTHOR),
        license=root.string(ModelMetadataSlot.LICENSE),
        delimiter=tokenizer.string(RegexTokenizerSlot.DELIMITER),
        vocabulary=Vocabulary.parse(
            vocabulary, source=vocabulary_file.string(AssociatedFileSlot.NAME)
        ),
        labels=_lines(labels),
        max_length=main.Tensors(main.Inputs(0)).Shape(1),
    )


def _first(tables: list[Table], what: str) -> Table:
    """What the device takes, too, where there are several."""
    if not tables:
        raise ValueError(f"the metadata names no {what}; export the model with it")
    return tables[0]


def _associated_file(content: bytes, file: Table) -> bytes:
    name = file.string(AssociatedFileSlot.NAME)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(name)
    except (zipfile.BadZipFile, KeyError, RuntimeError, EOFError, zlib.error):
        raise ValueError(
            f"the associated file {name!r} is not in the model, or is damaged (was the file cut "
            "or repacked?); export it anew"
        ) from None


def _lines(labels: bytes) -> tuple[str, ...]:
    """The device's rule: a line ends at CR, LF or both, and one empty line at the end is none."""
    lines = labels.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return tuple(lines[:-1] if not lines[-1] else lines)
