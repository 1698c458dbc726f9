"""Atomic writing of files."""

import contextlib
import csv
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path whose file replaces `path` at the end of the block.

    The temporary path has the same suffix, since some writers depend on it. If the block raises,
    `path` is left as it was and the temporary file is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield folder / path.name
        (folder / path.name).replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_partial(folder: str | os.PathLike, names: Iterable[str]) -> None:
    """Removes temporary files that `replacing` left in a folder when its process was killed."""
    for name in names:
        for path in Path(folder).glob(f".{name}-*"):
            shutil.rmtree(path, ignore_errors=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes UTF-8 text atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Writes bytes atomically."""
    with replacing(path) as partial:
        partial.write_bytes(content)


def write_table(path: str | os.PathLike, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes a CSV file atomically, with the columns of the first row."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: str | os.PathLike) -> list[dict[str, str]]:
    """Reads a file written by `write_table`; no rows if there is no such file."""
    if not Path(path).is_file():
        return []
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
