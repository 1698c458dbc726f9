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

from zoo.datasets.split import DatasetError, Parts, Rows

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

# The longer marks come first: UTF-32's begins with UTF-16's.
_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

Record = tuple[int, str, str]  # line, text, label
NO_LABEL = "(no label)"  # of texts that are read without


def read_path(source: str, *, text_column: str, label_column: str | None) -> Parts:
    """Reads a file, a folder of part files, or a folder of text files by part and label.

    Without a `label_column`, all texts get the label `NO_LABEL`.

    Raises:
        DatasetError: The path is missing or not one of these, or a file breaks a rule.
    """
    check(source)
    path = Path(source).expanduser()
    found = _parts_of(path) if path.is_dir() else {"train": path}

    rows, described = {}, {}
    for part, place in found.items():
        if place.is_dir():
            rows[part], digest = _read_text_files(place)
        else:
            rows[part], digest = _read_file(place, text_column, label_column)
        described[part] = {"path": place.as_posix(), "sha256": digest}
    name = path.resolve().name if path.is_dir() else path.stem
    return Parts(name, rows, None, {"kind": "files", "path": source, "files": described})


def check(source: str) -> None:
    """Raises `DatasetError` if there is no such path, or it is a file of another kind."""
    path = Path(source).expanduser()
    if path.is_file():
        _check_ending(path)
    elif not path.is_dir():
        raise DatasetError(_missing(source, path))


def _missing(source: str, path: Path) -> str:
    if not path.parent.is_dir():
        return f"{source}: no such file or folder; {path.parent} is not there either."
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
            f"{path}: a file of labelled texts has to end in {', '.join(ENDINGS)}, and this one "
            f"ends in {path.suffix or 'nothing'}. Save it as one of these kinds."
        )


def _parts_of(folder: Path) -> dict[str, Path]:
    """The file or folder of each part, train first."""
    found: dict[str, Path] = {}
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    for entry in entries:
        part = PARTS.get(entry.name if entry.is_dir() else entry.stem)
        if part is None or not (entry.is_dir() or entry.suffix.lower() in ENDINGS):
            continue
        if part in found:
            raise DatasetError(
                f"{folder}: both {found[part].name} and {entry.name} are {part} rows; a part has "
                "one file or folder. Rename or remove one of them."
            )
        found[part] = entry
    if "train" not in found:
        names = ", ".join(entry.name for entry in entries[:10]) or "nothing"
        raise DatasetError(
            f"{folder}: no training rows: there has to be a file train.tsv, train.csv or "
            f"train.jsonl, or a folder train/LABEL/*.txt, and there is {names}. Name the file "
            "with the training rows so, or give the path of one file."
        )
    return {part: found[part] for part in ("train", "valid", "test") if part in found}


def _read_text_files(folder: Path) -> tuple[Rows, str]:
    """The rows of LABEL/*.txt in sorted order, and a digest of all names and contents."""
    labels = sorted(e for e in folder.iterdir() if e.is_dir() and not e.name.startswith("."))
    labels = [label for label in labels if label.name != UNLABELLED]
    if not labels:
        raise DatasetError(
            f"{folder}: no folder of a label; texts are read from {folder.name}/LABEL/*.txt. "
            "Put the texts of each label into a folder with the label's name."
        )
    texts: list[str] = []
    names: list[str] = []
    paths: list[Path] = []
    digest = hashlib.sha256()  # no text holds a NUL, so it can end names and texts
    for label in labels:
        files = sorted(label.glob("*.txt"))
        if not files:
            raise DatasetError(
                f"{label}: no .txt file in the folder of a label. Put its texts there, one a "
                "file, or remove the folder."
            )
        for path in files:
            data = _read_bytes(path)
            text = _decode(path, data).rstrip("\r\n")
            _check(f"{path}", text, label.name)
            digest.update(os.fsencode(f"{label.name}/{path.name}\0") + data + b"\0")
            texts.append(text)
            names.append(label.name)
            paths.append(path)
    _check_some_text(folder, texts)
    return Rows(texts, names, lambda i: f"{paths[i]}"), digest.hexdigest()


def _read_file(path: Path, text_column: str, label_column: str | None) -> tuple[Rows, str]:
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
    labels: list[str] = []
    for line, text, label in records:
        label = label.strip()
        _check(f"{path}, line {line}", text, label)
        lines.append(line)
        texts.append(text)
        labels.append(label)
    if not texts:
        raise DatasetError(f"{path}: no rows. Add labelled texts, one a line.")
    _check_some_text(path, texts)
    rows = Rows(texts, labels, lambda i: f"{path}, line {lines[i]}")
    return rows, hashlib.sha256(data).hexdigest()


def _tsv_cells(content: str) -> Iterator[tuple[int, list[str]]]:
    """Cells by line. Quotes are text: there is no quoting, so a text holds no tab."""
    for number, line in enumerate(content.split("\n"), start=1):
        if line := line.removesuffix("\r"):
            yield number, line.split("\t")


def _csv_cells(path: Path, content: str) -> Iterator[tuple[int, list[str]]]:
    """Cells by the line on which their row begins."""
    rows: list[tuple[int, list[str]]] = []
    line = 1
    # The module's limit on a cell is far below the length of a long text, and global.
    limit = csv.field_size_limit(2**31 - 1)
    try:
        reader = csv.reader(io.StringIO(content, newline=""), strict=True)
        for cells in reader:
            if cells:
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(
            f"{path}, line {line}: not valid CSV ({error}). A text with commas, quotes or line "
            'breaks stands in double quotes, and a quote inside it is doubled: "".'
        ) from error
    finally:
        csv.field_size_limit(limit)
    return iter(rows)


def _table_records(
    path: Path, rows: Iterator[tuple[int, list[str]]], text_column: str, label_column: str | None
) -> Iterator[Record]:
    line, header = next(rows, (1, []))
    columns = [name.strip() for name in header]
    for wanted in filter(None, (text_column, label_column)):
        if columns.count(wanted) != 1:
            between = "tab" if path.suffix.lower() == ".tsv" else "comma"
            number = "no column is" if wanted not in columns else "more than one column is"
            found = ", ".join(repr(_shorten(name)) for name in columns) or "none"
            raise DatasetError(
                f"{path}, line {line}: {number} named {wanted!r}; the columns found are {found}. "
                f"The first line has to name the columns, with a {between} between them: add the "
                f"line, or say with text_column and label_column which ones to read."
            )
    text_at = columns.index(text_column)
    label_at = columns.index(label_column) if label_column else None
    for line, cells in rows:
        if len(cells) != len(columns):
            rule = (
                "a text in a .tsv file can hold no tab"
                if path.suffix.lower() == ".tsv"
                else "a text with a comma has to stand in double quotes"
            )
            raise DatasetError(
                f"{path}, line {line}: the row's cells ({len(cells)}) and the header's "
                f"({len(columns)}) differ in number. Mend the row; {rule}."
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
                f"{where}: not valid JSON ({error}). Each line has to be one JSON object."
            ) from error
        if not isinstance(row, dict):
            raise DatasetError(
                f"{where}: the line is {_kind(row)}; each line has to be one JSON object, such as "
                f"{json.dumps({text_column: 'a text'} | labelled)}."
            )
        for wanted in filter(None, (text_column, label_column)):
            if wanted not in row:
                keys = ", ".join(repr(_shorten(key)) for key in row) or "none"
                raise DatasetError(
                    f"{where}: no key {wanted!r}; the keys found are {keys}. Add it, or say with "
                    "text_column and label_column which ones to read."
                )
        text, label = row[text_column], row[label_column] if label_column else NO_LABEL
        if not isinstance(text, str):
            raise DatasetError(
                f"{where}: {text_column!r} is {_kind(text)}; a text has to be a string."
            )
        if not isinstance(label, str | int):
            raise DatasetError(
                f"{where}: {label_column!r} is {_kind(label)}; a label has to be a string, a "
                "whole number or a boolean."
            )
        yield number, text, label if isinstance(label, str) else json.dumps(label)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "a number")


def _check(where: str, text: str, label: str) -> None:
    if not label:
        raise DatasetError(f"{where}: the label is empty. Give the row a label, or remove it.")
    if re.search(r"[\r\n]", label):
        raise DatasetError(
            f"{where}: the label {_shorten(label)!r} holds a line break; the labels of a model "
            "are kept one a line. Rename it."
        )
    if "\0" in text or "\0" in label:
        raise DatasetError(
            f"{where}: the row holds a NUL character, at which a text ends on a device. Remove it."
        )
    try:
        f"{text}{label}".encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{where}: the row holds half a surrogate pair, which is no character. Remove it."
        ) from error


def _check_some_text(path: Path, texts: list[str]) -> None:
    if not any(text.strip() for text in texts):
        raise DatasetError(
            f"{path}: every text is empty. Say with text_column which column holds the texts, or "
            "fill it."
        )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error


def _decode(path: Path, data: bytes) -> str:
    """The file's text: UTF-8, or what its byte order mark says."""
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
            f"{path}, line {line}: a NUL character, so this is no text file, or it is UTF-16 "
            "without a byte order mark. Save it as UTF-8, and remove NULs."
        )
    return content


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
