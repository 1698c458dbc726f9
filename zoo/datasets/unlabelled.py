"""Files of unlabelled texts, for pretraining and for objectives without labels."""

from collections.abc import Iterable
from pathlib import Path

from zoo.datasets import files
from zoo.datasets.split import DatasetError


def read(path: str, text_column: str) -> list[str]:
    """Reads a .txt file with one text per line, or what `zoo.datasets.files.read_path` reads.

    Raises:
        DatasetError: If it cannot be read, or has no text.
    """
    check(path)
    place = Path(path).expanduser()
    if place.suffix.lower() != ".txt":
        parts = files.read_path(path, text_column=text_column, label_column=None)
        return not_empty(parts.rows["train"].texts, path)
    try:
        return not_empty(place.read_text(encoding="utf-8-sig").split("\n"), path)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 ({error}). Save it as UTF-8.") from None


def check(path: str) -> None:
    """Raises `DatasetError` if the file or folder does not exist."""
    place = Path(path).expanduser()
    if place.suffix.lower() != ".txt":
        files.check(path)
    elif not place.is_file():
        raise DatasetError(f"{path}: no such file.")


def not_empty(texts: Iterable[str], path: str) -> list[str]:
    """The texts that are not blank.

    Raises:
        DatasetError: If all are blank.
    """
    result = [text for text in texts if text.strip()]
    if not result:
        raise DatasetError(f"{path}: holds no text.")
    return result
