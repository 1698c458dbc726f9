"""Labelled texts to train and measure on: embedded, from TFDS, or the user's own files."""

import os

from zoo import terminal
from zoo.datasets.split import Dataset, DatasetError, Parts, Split, assemble
from zoo.datasets.unlabelled import load_texts

__all__ = ["Dataset", "DatasetError", "Split", "is_tfds", "load_dataset", "load_rows", "load_texts"]


def load_dataset(
    source: str | os.PathLike,
    *,
    data_dir: str | os.PathLike | None = None,
    download_dir: str | os.PathLike | None = None,
    limit: int | None = None,
    seed: int = 0,
    valid_fraction: float = 0.1,
    text_column: str = "text",
    label_column: str = "label",
) -> Dataset:
    """Reads a dataset and sees to it that it has train, validation and test rows.

    Parts that the source has are used as they are. A part that it lacks is held out of train:
    test 10 % of each label, chosen by the texts alone; validation `valid_fraction` of each
    label, chosen by the texts and `seed`. Equal texts (letter case and punctuation aside) stay
    together, and every label stays in train.

    Args:
        source: What to read:
            * `reviews`, the embedded reviews;
            * `tfds:NAME[/CONFIG]`, a text classification set of TensorFlow Datasets;
            * a .tsv, .csv or .jsonl file;
            * a folder with files `train`, `valid` (or `validation`, `dev`, `val`) and `test`
              of those kinds;
            * a folder of texts by part and label: `train/positive/1.txt`.
        data_dir: Where TFDS keeps prepared sets. Without it: the user's cache folder for
            `reviews`, TFDS's own default for `tfds:`.
        download_dir: Where TFDS looks for archives, and puts those that it fetches.
        limit: Take the first `limit` training rows, in an order shuffled by `seed`. The labels,
            validation and test stay whole.
        seed: What the validation rows and `limit` are drawn with, at least 0.
        valid_fraction: Part of train to hold out for validation where the source has none,
            above 0 and at most 0.5.
        text_column, label_column: The columns (.tsv, .csv), keys (.jsonl) or features (TFDS) to
            read. TFDS features with other names are found where there is only one choice.

    Raises:
        DatasetError: The source cannot be read or breaks a rule; the message names the place,
            the rule and the remedy.
    """
    if limit is not None and limit < 1:
        raise DatasetError(f"limit is {limit}; it has to be at least 1, or None for all rows.")
    if not 0 < valid_fraction <= 0.5:
        raise DatasetError(
            f"valid_fraction is {valid_fraction}; it has to be above 0 and at most 0.5, "
            "for example 0.1."
        )
    if seed < 0:
        raise DatasetError(f"seed is {seed}; it has to be at least 0.")

    with terminal.progress(f"Reading {source}"):
        parts = _read(source, text_column, label_column, data_dir, download_dir)
        return assemble(parts, seed=seed, valid_fraction=valid_fraction, limit=limit)


def load_rows(
    source: str | os.PathLike,
    *,
    text_column: str = "text",
    label_column: str = "label",
    data_dir: str | os.PathLike | None = None,
    download_dir: str | os.PathLike | None = None,
) -> tuple[list[str], list[str]]:
    """Reads all rows of a source, whatever part they are in: texts, and their labels' names.

    Args:
        source, text_column, label_column, data_dir, download_dir: As for `load_dataset`.

    Raises:
        DatasetError: The source cannot be read.
    """
    with terminal.progress(f"Reading {source}"):
        parts = _read(source, text_column, label_column, data_dir, download_dir).rows.values()
    return [text for part in parts for text in part.texts], [
        label for part in parts for label in part.labels
    ]


def is_tfds(source: str) -> bool:
    """Whether TensorFlow Datasets reads a source, which imports TensorFlow."""
    return source == "reviews" or source.startswith("tfds:")


def _read(source, text_column, label_column, data_dir, download_dir) -> Parts:
    if text_column == label_column:
        raise DatasetError(
            f"text_column and label_column are both {text_column!r}; they have to differ."
        )

    # TFDS brings TensorFlow with it, so each reader is imported only when it is used.
    source = os.fspath(source)
    if source == "reviews":
        from zoo.datasets import tfds

        parts = tfds.read_reviews(data_dir)
    elif source.startswith("tfds:"):
        from zoo.datasets import tfds

        parts = tfds.read_tfds(
            source.removeprefix("tfds:"),
            data_dir=data_dir,
            download_dir=download_dir,
            text_column=text_column,
            label_column=label_column,
        )
    else:
        from zoo.datasets import files

        parts = files.read_path(source, text_column=text_column, label_column=label_column)
    return parts
