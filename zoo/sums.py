"""SHA256SUMS: the hashes of a folder's files, as `sha256sum -c SHA256SUMS` checks them."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

NAME = "SHA256SUMS"
LARGEST = 1_000_000  # bytes
_LINE = re.compile(r"([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]*)")


def digest(path: str | os.PathLike) -> str:
    """The SHA-256 of a file, in hex."""
    result = hashlib.sha256()
    with Path(path).open("rb") as file:
        while piece := file.read(1 << 20):
            result.update(piece)
    return result.hexdigest()


def text(digests: Mapping[str, str]) -> str:
    """The content of SHA256SUMS.

    Args:
        digests: Hashes by file name.

    Raises:
        ValueError: If a name is not a plain file name.
    """
    lines = [f"{value}  {name}" for name, value in digests.items()]
    for line in lines:
        if not _LINE.fullmatch(line):
            raise ValueError(f"{line[66:]!r} is not a valid file name; use letters, digits, ._-")
    return "".join(f"{line}\n" for line in lines)


def read(folder: str | os.PathLike) -> dict[str, str] | None:
    """Reads the hashes in a folder's SHA256SUMS, by name; None if there is no such file.

    Raises:
        ValueError: If the file is not in the format that `text` writes.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return None
    content = path.read_bytes() if path.stat().st_size <= LARGEST else b"?"
    lines = content.decode("ascii", "replace").split("\n")
    matches = [_LINE.fullmatch(line) for line in lines[:-1]]
    if lines[-1] or not all(matches):
        raise ValueError(f"{path} is damaged: its lines are not those of sha256sum.")
    return {match[2]: match[1] for match in matches if match}
