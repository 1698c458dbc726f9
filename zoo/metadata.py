"""The metadata of a .tflite file: its tokenizer, vocabulary, labels, scores and description.

TFLite metadata is a separate FlatBuffer (identifier `M001`) in the model's buffer named
`TFLITE_METADATA`. The associated files, vocabulary and labels, are in a zip archive appended to the
model. Where the scores are no softmax, the file `scores.json` says so (`zoo.kinds.Kind.record`). It
is listed among the model's associated files, and other readers ignore it. Slots are the positions
of fields in the tables of TFLite's `metadata_schema.fbs`; writer and reader share them.
"""

import io
import json
import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import flatbuffers
from ai_edge_litert.schema_py_generated import Model
from flatbuffers import number_types

from zoo import archive, kinds, seal, structure, tokenizers
from zoo.kinds import Kind, Softmax
from zoo.text import LONGEST_TEXT
from zoo.tokenizers import AnyTokenizer, AnyVocabulary
from zoo.wordpiece import WordPieceTokenizer

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
    ASSOCIATED_FILES = 4
    INPUT_PROCESS_UNITS = 5


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


class BertTokenizerSlot(IntEnum):
    VOCABULARY_FILE = 0


class AssociatedFileSlot(IntEnum):
    NAME = 0
    DESCRIPTION = 1
    TYPE = 2


class AssociatedFileType(IntEnum):
    DESCRIPTIONS = 1
    TENSOR_AXIS_LABELS = 2
    VOCABULARY = 5


SCORES_FILE = "scores.json"  # the kind of scores and the thresholds; absent for a softmax
LARGEST_ASSOCIATED = 32_000_000  # bytes of the vocabulary and the labels together

FEATURE_PROPERTIES = 1  # of the union ContentProperties
BERT_TOKENIZER, REGEX_TOKENIZER = 4, 6  # of the union ProcessUnitOptions
BERT_INPUTS = ("ids", "mask", "segment_ids")  # of a model behind a BERT tokenizer


@dataclass(frozen=True)
class Metadata:
    """The metadata of a text classifier.

    Attributes:
        name, description, version, author, license: Texts of the file; empty where it has none.
        text_tokenizer: The tokenizer that the device runs before the model.
        labels: Names of the labels or numbers, in the order of the scores.
        kind: The kind of scores.
        inputs: The names of the model's inputs, in their order: one, or those of `BERT_INPUTS`.
        sealed: Whether the file has a valid seal (see `zoo.seal`).
    """

    name: str
    description: str
    version: str
    author: str
    license: str
    text_tokenizer: AnyTokenizer
    labels: tuple[str, ...]
    kind: Kind
    inputs: tuple[str, ...]
    sealed: bool

    @property
    def vocabulary(self) -> AnyVocabulary:
        """The vocabulary of the tokenizer."""
        return self.text_tokenizer.vocabulary

    @property
    def max_length(self) -> int:
        """The largest number of ids of a text."""
        return self.text_tokenizer.max_length

    def tokenizer(self) -> AnyTokenizer:
        """The tokenizer that the device runs before the model."""
        return self.text_tokenizer


class Table:
    """One table of a FlatBuffer, read by slot."""

    def __init__(self, content: bytes, position: int):
        self.position = position
        self._table = flatbuffers.table.Table(content, position)

    @classmethod
    def root(cls, content: bytes) -> "Table":
        return cls(content, flatbuffers.encode.Get(flatbuffers.packer.uoffset, content, 0))

    def _field(self, slot: int) -> int:
        """The offset of a field from the table's start; 0 if it is absent."""
        return self._table.Offset(4 + 2 * slot)

    def target(self, slot: int) -> int | None:
        """The position of the table, vector or string that a field refers to."""
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
        ValueError: If `content` is not a TFLite model, or is damaged.
    """
    structure.check(content)
    return _metadata_buffer(content)


def _metadata_buffer(content: bytes) -> bytes | None:
    model = Model.GetRootAs(content)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME:
            return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    return None


def read_metadata(path_or_bytes: str | os.PathLike | bytes) -> Metadata:
    """Reads the metadata of a text classifier, from a .tflite file or its bytes.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not a TFLite model, is damaged, or its metadata lacks a regex
            tokenizer, vocabulary or labels that fit the model.
    """
    if isinstance(path_or_bytes, bytes):
        source, content = "model", path_or_bytes
    else:
        source, content = str(path_or_bytes), read_bytes(path_or_bytes)
    try:
        return _read(content)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    except (struct.error, IndexError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{source}: damaged, its tables point outside of the file ({error}); export it again"
        ) from error


def read_bytes(path: str | os.PathLike) -> bytes:
    """Reads a model file, after checking its size.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is larger than a model can be.
    """
    size = Path(path).stat().st_size
    if size > structure.LARGEST_FILE:
        raise ValueError(f"{path}: {size:,} bytes; a model has {structure.LARGEST_FILE:,} at most")
    return Path(path).read_bytes()


def _read(content: bytes) -> Metadata:
    sealed = seal.is_sealed(content)
    model = structure.check(content)
    buffer = _metadata_buffer(content)
    if buffer is None:
        raise ValueError(
            "the model has no metadata, so its tokenizer and labels are unknown; "
            "export it with metadata"
        )
    if buffer[4:8] != METADATA_IDENTIFIER:
        raise ValueError(
            f"metadata with identifier {buffer[4:8]!r}: only {METADATA_IDENTIFIER!r} is known; "
            "export the model again"
        )
    root = Table.root(buffer)
    graph = _first(root.tables(ModelMetadataSlot.SUBGRAPH_METADATA), "subgraph")
    inputs = graph.tables(SubGraphMetadataSlot.INPUT_TENSOR_METADATA)
    _first(inputs, "input")
    scores = _first(graph.tables(SubGraphMetadataSlot.OUTPUT_TENSOR_METADATA), "output")
    pieces = _options(graph.tables(SubGraphMetadataSlot.INPUT_PROCESS_UNITS), BERT_TOKENIZER)
    if pieces is not None:
        files_of_it = pieces.tables(BertTokenizerSlot.VOCABULARY_FILE)
        names = tuple(one.string(TensorMetadataSlot.NAME) for one in inputs)
        options: dict[str, Any] = {"kind": WordPieceTokenizer.kind}
        if sorted(names) != sorted(BERT_INPUTS):
            raise ValueError(
                f"the inputs of a model with word pieces are {', '.join(BERT_INPUTS)}, not "
                f"{', '.join(names)}; export the model again"
            )
    else:
        regex = _options(inputs[0].tables(TensorMetadataSlot.PROCESS_UNITS), REGEX_TOKENIZER)
        if regex is None:
            raise ValueError(
                "the metadata has no regex tokenizer and no BERT tokenizer (others, like "
                "SentencePiece, cannot be read); export the model with one"
            )
        files_of_it = regex.tables(RegexTokenizerSlot.VOCABULARY_FILE)
        names = ("tokens",)
        options = {"delimiter": regex.string(RegexTokenizerSlot.DELIMITER)}
    vocabulary_file = _first(files_of_it, "vocabulary file")
    labels_files = [
        file
        for file in scores.tables(TensorMetadataSlot.ASSOCIATED_FILES)
        if file.number(AssociatedFileSlot.TYPE) == AssociatedFileType.TENSOR_AXIS_LABELS
    ]
    labels_file = _first(labels_files, "labels file")

    vocabulary_name = vocabulary_file.string(AssociatedFileSlot.NAME)
    labels_name = labels_file.string(AssociatedFileSlot.NAME)
    described = [
        name
        for file in root.tables(ModelMetadataSlot.ASSOCIATED_FILES)
        if (name := file.string(AssociatedFileSlot.NAME)) == SCORES_FILE
    ]
    files = _associated_files(content, [vocabulary_name, labels_name, *described[:1]])
    options["max_length"] = _length(model, len(names))
    tokenizer = tokenizers.load(options, files[vocabulary_name], source=vocabulary_name)
    vocabulary = tokenizer.vocabulary
    if model.rows is not None and vocabulary.size > model.rows:
        raise ValueError(
            f"{vocabulary_name} has ids up to {vocabulary.size - 1}, but the model has only "
            f"{model.rows} ids; they belong to different models"
        )
    labels = _lines(files[labels_name], labels_name)
    return Metadata(
        name=root.string(ModelMetadataSlot.NAME),
        description=root.string(ModelMetadataSlot.DESCRIPTION),
        version=root.string(ModelMetadataSlot.VERSION),
        author=root.string(ModelMetadataSlot.AUTHOR),
        license=root.string(ModelMetadataSlot.LICENSE),
        text_tokenizer=tokenizer,
        labels=labels,
        kind=_kind(files[SCORES_FILE], len(labels)) if described else Softmax(),
        inputs=names,
        sealed=sealed,
    )


def _kind(content: bytes, labels: int) -> Kind:
    try:
        return kinds.parse(json.loads(content), labels)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{SCORES_FILE} is damaged ({error}); export the model again") from None


def _length(model: structure.Structure, inputs: int) -> int:
    shapes = set(model.inputs)
    shape = model.inputs[0] if model.inputs else ()
    if (
        len(model.inputs) != inputs
        or len(shapes) != 1
        or len(shape) != 2
        or not 1 <= shape[1] <= LONGEST_TEXT
    ):
        raise ValueError(
            f"its inputs are {[list(one) for one in model.inputs]}; this text classifier takes "
            f"{inputs} of [1, L] ids, L from 1 to {LONGEST_TEXT:,}"
        )
    return shape[1]


def _options(units: list[Table], kind: int) -> Table | None:
    """The options of the first process unit of a kind."""
    for unit in units:
        if unit.number(ProcessUnitSlot.OPTIONS_TYPE) == kind:
            return unit.table(ProcessUnitSlot.OPTIONS)
    return None


def _first(tables: list[Table], what: str) -> Table:
    """The first table, which is also the one that the device uses."""
    if not tables:
        raise ValueError(f"the metadata has no {what}; export the model with it")
    return tables[0]


def _associated_files(content: bytes, names: list[str]) -> dict[str, bytes]:
    if seal.archive_comment(content) is None:
        raise ValueError(
            f"the files {names} are not in the model: it does not end with their zip archive (was "
            "it cut or repacked?); export it again"
        )
    try:
        with archive.opened(io.BytesIO(content), largest=LARGEST_ASSOCIATED) as files:
            missing = [name for name in names if name not in files.namelist()]
            if missing:
                raise ValueError(
                    f"the associated file {missing[0]!r} is not in the model (was it repacked?); "
                    "export it again"
                )
            return {name: files.read(name) for name in names}
    except archive.DAMAGE as error:
        raise ValueError(
            f"the zip archive of its vocabulary and labels is damaged ({error}); export it again"
        ) from None


def _lines(labels: bytes, source: str) -> tuple[str, ...]:
    """Splits at CR, LF or CRLF and ignores one empty line at the end, as the device does."""
    try:
        text = labels.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{source} is not UTF-8 ({error.reason}); export it again") from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return tuple(lines[:-1] if not lines[-1] else lines)
