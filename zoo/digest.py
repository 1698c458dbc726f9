"""A SHA-256 at the end of a binary file, which detects damage before the file is used.

HDF5, .npz and .npy files remain readable: their readers ignore trailing bytes.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from zoo.files import replacing

MARK = b"BIRNNSHA"
SIZE = len(MARK) + hashlib.sha256().digest_size
_CHUNK = 1 << 20


class DamagedFileError(ValueError):
    """A file that is missing or has changed since it was written."""


def append(path: str | os.PathLike) -> None:
    """Appends the digest of its content to a file."""
    with Path(path).open("r+b") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        file.write(MARK + digest.digest())


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[Path]:
    """Like `zoo.files.replacing`, and appends a digest to the file."""
    with replacing(path) as partial:
        yield partial
        append(partial)


def check(path: str | os.PathLike) -> None:
    """Checks the digest of a file.

    Raises:
        DamagedFileError: If the file is missing, cut or changed.
    """
    path = Path(path)
    if not path.is_file():
        raise DamagedFileError(f"{path} is missing.")
    left = path.stat().st_size - SIZE
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while left > 0:
            chunk = file.read(min(_CHUNK, left))
            digest.update(chunk)
            left -= len(chunk)
        if left < 0 or file.read() != MARK + digest.digest():
            raise DamagedFileError(f"{path} is damaged: it has changed since it was written.")
