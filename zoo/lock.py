"""A lock on a folder, released even when its process dies."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

NAME = ".lock"


class LockedError(ValueError):
    """A folder that another process writes to."""


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Holds a folder's lock, and creates the folder if it does not exist.

    The operating system releases the lock when the process ends, however it ends.

    Raises:
        LockedError: If another process holds it.
    """
    folder = Path(folder)
    created = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    descriptor = _open_locked(path)
    try:
        os.truncate(path, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        path.unlink(missing_ok=True)  # before the release, so that a waiting process notices
        os.close(descriptor)
        for parent in created:  # leave no empty folder behind when the work failed
            if not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def _open_locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor)
        except OSError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise LockedError(
                f"{path.parent} is being written to by another process"
                f"{f' (pid {holder})' if holder else ''}. Wait for it to end, or choose "
                "another --output."
            ) from None
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)  # the holder removed the file in the meantime


def _lock(descriptor: int) -> None:
    """Takes the lock without waiting, or raises `OSError`."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
