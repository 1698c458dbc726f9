"""Token ids of some of a run's texts, which its exports are calibrated and verified with."""

import os
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np

from zoo.files import replacing
from zoo.kinds import Kind
from zoo.text import PAD_ID

TRAINING, VALIDATION = 500, 256  # at most this many texts
LARGEST_FILE = 64_000_000  # bytes, unpacked


@dataclass(frozen=True)
class Samples:
    """Token ids of training and validation texts, not the texts themselves.

    Attributes:
        train: int32 [texts, L], padded on the right.
        valid: int32 [texts, L], padded on the right.
        train_labels, valid_labels: The truth about them, as of `zoo.kinds.Kind`: int32 [texts], the
            label ids; int32 [texts, labels]; or float64 [texts, numbers].
    """

    train: np.ndarray
    train_labels: np.ndarray
    valid: np.ndarray
    valid_labels: np.ndarray

    @classmethod
    def of(cls, train: np.ndarray, train_labels, valid: np.ndarray, valid_labels) -> "Samples":
        """Evenly spaced rows of the ids of all training and validation texts."""
        one, other = evenly_spaced(len(train), TRAINING), evenly_spaced(len(valid), VALIDATION)
        return cls(train[one], _truth(train_labels)[one], valid[other], _truth(valid_labels)[other])

    def save(self, path: str | os.PathLike) -> None:
        """Writes the samples to a .npz file atomically."""
        with replacing(path) as partial:
            np.savez_compressed(partial, **vars(self))


def _truth(labels) -> np.ndarray:
    labels = np.asarray(labels)
    return labels if labels.dtype.kind == "f" else labels.astype(np.int32)


def load(path: str | os.PathLike, kind: Kind, outputs: int, token_ids: int) -> Samples:
    """Reads a file written by `Samples.save`.

    Args:
        path: The file.
        kind: The kind of scores of the model.
        outputs: Number of its labels or numbers.
        token_ids: Number of token ids of the model.

    Raises:
        ValueError: If the file is damaged, or belongs to another model.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_FILE:
                raise ValueError(f"it unpacks to more than {LARGEST_FILE:,} bytes")
        with np.load(path, allow_pickle=False) as file:
            result = Samples(**{name: file[name] for name in file.files})
    except (ValueError, TypeError, KeyError, OSError, EOFError, zlib.error, RuntimeError,
            NotImplementedError, zipfile.BadZipFile) as error:  # fmt: skip
        raise ValueError(f"{path} is damaged ({error}). Remove it to export without it.") from None
    for ids, labels in ((result.train, result.train_labels), (result.valid, result.valid_labels)):
        fits = (
            ids.ndim == 2
            and ids.dtype == np.int32
            and labels.shape[:1] == ids.shape[:1]
            and (not ids.size or 0 <= ids.min() <= ids.max() < token_ids)
            and kind.is_truth(labels, outputs)
        )
        if not fits:
            raise ValueError(f"{path} belongs to another model, or is damaged. Remove it.")
    return result


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """At most `most` evenly spaced indices below `count`."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))


def of_length(ids: np.ndarray, length: int) -> np.ndarray:
    """Ids [texts, L] cut or padded to another length, as the tokenizer does."""
    if ids.shape[1] >= length:
        return ids[:, :length]
    return np.pad(ids, ((0, 0), (0, length - ids.shape[1])), constant_values=PAD_ID)
