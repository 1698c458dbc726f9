"""Labelled texts in files: tables, JSON lines, and folders of text files."""

import codecs
import csv
import difflib
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.datasets.labels import LabelReader, kind_of
from zoo.datasets.split import DatasetError, Parts, Rows
from zoo.kinds import Label

ENDINGS = (".tsv", ".csv", ".jsonl")
PARTS = {
    "train": "train",
    "valid": "valid",
    "validation": "valid",
    "dev": "valid",
    "val": "valid",
    "test": "test",
}
UNLABELLED = "unsup"  # the folder of texts without labels in the archive of the IMDB reviews

# UTF-32 comes first: its little-endian mark begins with that of UTF-16.
_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

Record = tuple[int, str, object]  # line, text, label as it stands there
NO_LABEL = "(no label)"  # label of texts that are read without labels


def read_path(
    source: str,
    *,
    text_column: str,
    label_column: str | None,
    labels: LabelReader | None = None,
) -> Parts:
    """Reads a file, a folder with a file per split, or a folder of text files by split and label.

    Without a `label_column`, all texts of a file get the label `NO_LABEL`.

    Args:
        source: The path.
        text_column, label_column: The columns or keys.
        labels: How the labels are read; by default, as `LabelReader` does without arguments.

    Raises:
        DatasetError: If the path does not exist or is none of these, or a file is invalid.
    """
    check(source)
    labels = labels or LabelReader()
    path = Path(source).expanduser()
    places = _parts_of(path) if path.is_dir() else {"train": path}

    rows, described = {}, {}
    for part, place in places.items():
        if place.is_dir():
            rows[part], digest = _read_text_files(place, labels)
        else:
            rows[part], digest = _read_file(place, text_column, label_column, labels)
        described[part] = {"path": place.as_posix(), "sha256": digest}
    name = path.resolve().name if path.is_dir() else path.stem
    labels.check_all(source, rows["train"].labels)
    described_source = {"kind": "files", "path": source, "files": described}
    names = labels.names(label_column or NO_LABEL)
    return Parts(name, rows, names, described_source, labels.kind or "softmax")


def check(source: str) -> None:
    """Raises `DatasetError` if the path does not exist or is a file of an unsupported kind."""
    path = Path(source).expanduser()
    if path.is_file():
        _check_ending(path)
    elif not path.is_dir():
        raise DatasetError(_missing(source, path))


def _missing(source: str, path: Path) -> str:
    if not path.parent.is_dir():
        return f"{source}: no such file or folder; {path.parent} does not exist either."
    beside = sorted(entry.name for entry in path.parent.iterdir())
    near = [str(path.with_name(name)) for name in difflib.get_close_matches(path.name, beside)]
    near += difflib.get_close_matches(source, ["reviews"])
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return (
        f"{source}: no such file or folder.{hint} Give a path, 'reviews' for the embedded "
        "reviews, or 'tfds:NAME' for a set of TensorFlow Datasets."
    )


def _check_ending(path: Path) -> None:
    if path.suffix.lower() not in ENDINGS:
        raise DatasetError(
            f"{path}: a file of labelled texts must end in {', '.join(ENDINGS)}, but this one "
            f"ends in {path.suffix or 'nothing'}. Save it in one of these formats."
        )


def _parts_of(folder: Path) -> dict[str, Path]:
    """The file or folder of each split, train first."""
    places: dict[str, Path] = {}
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    for entry in entries:
        part = PARTS.get(entry.name if entry.is_dir() else entry.stem)
        if part is None or not (entry.is_dir() or entry.suffix.lower() in ENDINGS):
            continue
        if part in places:
            raise DatasetError(
                f"{folder}: both {places[part].name} and {entry.name} are {part} rows; a split has "
                "one file or folder. Rename or remove one of them."
            )
        places[part] = entry
    if "train" not in places:
        names = ", ".join(entry.name for entry in entries[:10]) or "nothing"
        raise DatasetError(
            f"{folder}: no training rows. A file train.tsv, train.csv or train.jsonl, or a folder "
            f"train/LABEL/*.txt is needed, but the folder has {names}. Rename the file with the "
            "training rows, or give the path of a single file."
        )
    return {part: places[part] for part in ("train", "valid", "test") if part in places}


def _read_text_files(folder: Path, reader: LabelReader) -> tuple[Rows, str]:
    """The rows of LABEL/*.txt in sorted order, and a digest of all names and contents."""
    labels = sorted(e for e in folder.iterdir() if e.is_dir() and not e.name.startswith("."))
    labels = [label for label in labels if label.name != UNLABELLED]
    if not labels:
        raise DatasetError(
            f"{folder}: no label folders; texts are read from {folder.name}/LABEL/*.txt. "
            "Move the texts of each label to a folder with the label's name."
        )
    texts: list[str] = []
    names: list[Label] = []
    paths: list[Path] = []
    digest = hashlib.sha256()  # names and texts end with a NUL, which no text contains
    for label in labels:
        files = sorted(label.glob("*.txt"))
        if not files:
            raise DatasetError(
                f"{label}: no .txt file in this label folder. Add its texts, one per file, or "
                "remove the folder."
            )
        for path in files:
            data = _read_bytes(path)
            text = _decode(path, data).rstrip("\r\n")
            found = reader.read(f"{path}", label.name)
            _check(f"{path}", text, found)
            digest.update(os.fsencode(f"{label.name}/{path.name}\0") + data + b"\0")
            texts.append(text)
            names.append(found)
            paths.append(path)
    _check_some_text(folder, texts)
    return Rows(texts, names, lambda i: f"{paths[i]}"), digest.hexdigest()


def _read_file(
    path: Path, text_column: str, label_column: str | None, reader: LabelReader
) -> tuple[Rows, str]:
    """The rows of a table or of JSON lines, and the file's SHA-256."""
    data = _read_bytes(path)
    content = _decode(path, data)
    ending = path.suffix.lower()
    if ending == ".jsonl":
        records = _json_records(path, content, text_column, label_column)
    else:
        cells = _tsv_cells(content) if ending == ".tsv" else _csv_cells(path, content)
        records = _table_records(path, cells, text_column, label_column)

    lines: list[int] = []
    texts: list[str] = []
    labels: list[Label] = []
    what = repr(label_column) if ending == ".jsonl" else "the label"
    for line, text, raw in records:
        where = f"{path}, line {line}"
        label = reader.read(where, raw, what) if label_column else NO_LABEL
        _check(where, text, label)
        lines.append(line)
        texts.append(text)
        labels.append(label)
    if not texts:
        raise DatasetError(f"{path}: no rows. Add labelled texts, one per line.")
    _check_some_text(path, texts)
    rows = Rows(texts, labels, lambda i: f"{path}, line {lines[i]}")
    return rows, hashlib.sha256(data).hexdigest()


def _tsv_cells(content: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the cells of each line. There is no quoting, so a text cannot contain a tab."""
    for number, line in enumerate(content.split("\n"), start=1):
        if line := line.removesuffix("\r"):
            yield number, line.split("\t")


def _csv_cells(path: Path, content: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the cells of each row with the line on which it begins.

    Rows before an invalid one are yielded first: a header without the columns is the better error.
    """
    rows: list[tuple[int, list[str]]] = []
    invalid: csv.Error | None = None
    line = 1
    # The module's default limit is too small for long texts, and it is a global setting.
    limit = csv.field_size_limit(2**31 - 1)
    try:
        reader = csv.reader(io.StringIO(content, newline=""), strict=True)
        for cells in reader:
            if cells:
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        invalid = error
    finally:
        csv.field_size_limit(limit)
    yield from rows
    if invalid:
        raise DatasetError(
            f"{path}, line {line}: not valid CSV ({invalid}). Columns are separated by commas. A "
            "text with commas, quotes or line breaks must be in double quotes, and a quote inside "
            'it is doubled: "".'
        ) from invalid


def _table_records(
    path: Path, rows: Iterator[tuple[int, list[str]]], text_column: str, label_column: str | None
) -> Iterator[Record]:
    line, header = next(rows, (1, []))
    columns = [name.strip() for name in header]
    for wanted in filter(None, (text_column, label_column)):
        if columns.count(wanted) != 1:
            between = "tab" if path.suffix.lower() == ".tsv" else "comma"
            number = "no column is" if wanted not in columns else "more than one column is"
            names = ", ".join(repr(_shorten(name)) for name in columns) or "none"
            raise DatasetError(
                f"{path}, line {line}: {number} named {wanted!r}; the columns are {names}. The "
                f"first line must name the columns, separated by a {between}. Add that line, or "
                "choose the columns with --text-column and --label-column (in Python, text_column "
                "and label_column)."
            )
    text_at = columns.index(text_column)
    label_at = columns.index(label_column) if label_column else None
    for line, cells in rows:
        if len(cells) != len(columns):
            rule = (
                "a text in a .tsv file cannot contain a tab"
                if path.suffix.lower() == ".tsv"
                else "a text with a comma must be in double quotes"
            )
            raise DatasetError(
                f"{path}, line {line}: the row's cells ({len(cells)}) and the header's "
                f"({len(columns)}) differ in number. Fix the row; {rule}."
            )
        yield line, cells[text_at], NO_LABEL if label_at is None else cells[label_at]


def _json_records(
    path: Path, content: str, text_column: str, label_column: str | None
) -> Iterator[Record]:
    labelled = {label_column: "a label"} if label_column else {}
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"{where}: not valid JSON ({error}). Each line must be one JSON object."
            ) from error
        if not isinstance(row, dict):
            raise DatasetError(
                f"{where}: the line is {kind_of(row)}; each line must be one JSON object, such as "
                f"{json.dumps({text_column: 'a text'} | labelled)}."
            )
        for wanted in filter(None, (text_column, label_column)):
            if wanted not in row:
                keys = ", ".join(repr(_shorten(key)) for key in row) or "none"
                raise DatasetError(
                    f"{where}: no key {wanted!r}; the keys are {keys}. Add it, or choose the keys "
                    "with --text-column and --label-column (in Python, text_column and "
                    "label_column)."
                )
        text, label = row[text_column], row[label_column] if label_column else NO_LABEL
        if not isinstance(text, str):
            raise DatasetError(
                f"{where}: {text_column!r} is {kind_of(text)}; a text must be a string."
            )
        yield number, text, label


def _check(where: str, text: str, found: Label) -> None:
    if found == "":
        raise DatasetError(f"{where}: the label is empty. Give the row a label, or remove it.")
    label = found if isinstance(found, str) else "\t".join(map(str, found))
    if re.search(r"[\r\n]", label):
        raise DatasetError(
            f"{where}: the label {_shorten(label)!r} contains a line break; the labels of a model "
            "are saved one per line. Rename it."
        )
    if "\0" in text or "\0" in label:
        raise DatasetError(
            f"{where}: the row contains a NUL character, which ends a text on a device. Remove it."
        )
    try:
        f"{text}{label}".encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{where}: the row contains half a surrogate pair, which is not a character. Remove it."
        ) from error


def _check_some_text(path: Path, texts: list[str]) -> None:
    if not any(text.strip() for text in texts):
        raise DatasetError(
            f"{path}: every text is empty. Choose the column of the texts with --text-column "
            "(in Python, text_column), or fill it."
        )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error


def _decode(path: Path, data: bytes) -> str:
    """Decodes a file as UTF-8, or as its byte order mark states."""
    encoding = next((name for mark, name in _ENCODINGS.items() if data.startswith(mark)), "utf-8")
    try:
        content = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "ignore").count("\n") + 1
        raise DatasetError(
            f"{path}, line {line}: the byte 0x{data[error.start]:02x} at offset {error.start} is "
            f"not {encoding.upper().removesuffix('-SIG')}. Save the file as UTF-8 (files from "
            "older programs are often in Windows-1252)."
        ) from error
    if "\0" in content:
        line = content[: content.index("\0")].count("\n") + 1
        raise DatasetError(
            f"{path}, line {line}: a NUL character, so this is not a text file, or it is UTF-16 "
            "without a byte order mark. Save it as UTF-8 without NULs."
        )
    return content


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
