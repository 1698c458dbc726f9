"""Untrusted zip archives: sizes are limited before anything is unpacked."""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOST_ENTRIES = 10_000
LARGEST_RATIO = 200  # of unpacked to packed bytes
SMALL = 1_000_000  # bytes that may come from any number of packed ones
# What zipfile raises of a damaged archive.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    IndexError,
    OverflowError,
)


class ArchiveError(ValueError):
    """An archive that would unpack to too much, or that uses an unexpected compression."""


@contextlib.contextmanager
def opened(file: str | IO[bytes], *, largest: int) -> Iterator[zipfile.ZipFile]:
    """Opens an archive whose entries are stored or deflated and unpack to at most `largest` bytes.

    Raises:
        ArchiveError: If it is larger or compressed in another way.
        zipfile.BadZipFile: If it is not an archive. Reading entries raises one of `DAMAGE`.
    """
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise ArchiveError(f"a zip archive of {len(entries):,} entries; it is not unpacked")
        for entry in entries:
            if entry.compress_type not in METHODS or entry.flag_bits & 1:
                raise ArchiveError(
                    f"its entry {entry.filename!r} is packed by method {entry.compress_type} or "
                    "encrypted; entries have to be stored or deflated"
                )
            if entry.file_size > max(SMALL, LARGEST_RATIO * entry.compress_size):
                raise ArchiveError(
                    f"its entry {entry.filename!r} would unpack {entry.compress_size:,} bytes to "
                    f"{entry.file_size:,}; it is not unpacked"
                )
        size = sum(entry.file_size for entry in entries)
        if size > largest:
            raise ArchiveError(
                f"a zip archive of {size:,} bytes unpacked; {largest:,} are allowed, and it is not "
                "unpacked"
            )
        if len({entry.filename for entry in entries}) < len(entries):
            raise ArchiveError("a zip archive with two entries of one name; it is not unpacked")
        yield archive
