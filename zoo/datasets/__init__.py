"""Data sets: the embedded reviews, TensorFlow Datasets, or the user's own files."""

import os
from typing import Any

from zoo.datasets.source import Source
from zoo.datasets.split import Dataset, DatasetError, Split

__all__ = ["Dataset", "DatasetError", "Source", "Split", "load_dataset"]


def load_dataset(
    path: str | os.PathLike,
    *,
    seed: int = 0,
    limit: int | None = None,
    valid_fraction: float = 0.1,
    **options: Any,
) -> Dataset:
    """Reads a data set: `Source(path, **options).dataset(seed=…, limit=…, valid_fraction=…)`.

    Args:
        path: What to read, see `Source`.
        seed, limit, valid_fraction: As for `Source.dataset`.
        options: Columns and folders, see `Source`.

    Raises:
        DatasetError: If it cannot be read or breaks a rule.
    """
    source = Source(os.fspath(path), **options)
    return source.dataset(seed=seed, limit=limit, valid_fraction=valid_fraction)
