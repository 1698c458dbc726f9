"""Texts whose labels are not read: to pretrain on, and for objectives that need none."""

import os
from pathlib import Path

from zoo.datasets.split import DatasetError


def load_texts(
    source: str,
    *,
    text_column: str = "text",
    label_column: str = "label",
    data_dir: str | os.PathLike | None = None,
    download_dir: str | os.PathLike | None = None,
) -> list[str]:
    """Reads texts.

    Args:
        source: `tfds:NAME[/CONFIG]#SPLIT`, a split of TensorFlow Datasets; or a .txt file, a text a
            line; or a .tsv, .csv or .jsonl file, or a folder with a file `train` of that kind.
        text_column: The column, key or feature that holds the text.
        label_column: Of TensorFlow Datasets, the feature that is not the text; files need none.
        data_dir, download_dir: As for `zoo.datasets.load_dataset`.

    Raises:
        DatasetError: If it cannot be read, or holds no text.
    """
    check(source)
    if source.startswith("tfds:"):
        from zoo.datasets import tfds

        name, _, split = source.removeprefix("tfds:").partition("#")
        texts = tfds.read_texts(
            name,
            split or "train",
            data_dir=data_dir,
            download_dir=download_dir,
            text_column=text_column,
            label_column=label_column,
        )
    else:
        path = Path(source).expanduser()
        if path.suffix.lower() != ".txt":
            from zoo.datasets import files

            parts = files.read_path(source, text_column=text_column, label_column=None)
            texts = list(parts.rows["train"].texts)
        else:
            try:
                texts = path.read_text(encoding="utf-8-sig").split("\n")
            except UnicodeDecodeError as error:
                raise DatasetError(f"{source}: not UTF-8 ({error}). Save it as UTF-8.") from None
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise DatasetError(f"{source}: holds no text.")
    return texts


def check(source: str) -> None:
    """Raises `DatasetError` if there is no such file or folder."""
    if source.startswith("tfds:"):
        return
    path = Path(source).expanduser()
    if path.suffix.lower() == ".txt":
        if not path.is_file():
            raise DatasetError(f"{source}: no such file.")
        return
    from zoo.datasets import files

    files.check(source)
