"""Opens zip archives, after checks of their sizes."""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOST_ENTRIES = 10_000
LARGEST_RATIO = 200  # of unpacked to packed bytes
SMALL = 1_000_000  # unpacked bytes that are allowed at any ratio
# The errors of zipfile for a damaged archive.
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
    """An archive that would unpack to too many bytes, or that has unsupported entries."""


@contextlib.contextmanager
def opened(file: str | IO[bytes], *, largest: int) -> Iterator[zipfile.ZipFile]:
    """Opens an archive of stored or deflated entries, of at most `largest` bytes in total.

    Raises:
        ArchiveError: If it is larger, or has other entries.
        zipfile.BadZipFile: If it is not an archive. Reading a damaged one raises one of `DAMAGE`.
    """
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise ArchiveError(f"a zip archive of {len(entries):,} entries; it is not unpacked")
        for entry in entries:
            if entry.compress_type not in METHODS or entry.flag_bits & 1:
                raise ArchiveError(
                    f"its entry {entry.filename!r} is packed by method {entry.compress_type} or "
                    "encrypted; entries must be stored or deflated"
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
