"""A lock on a folder, released when its process ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

NAME = ".lock"


class LockedError(ValueError):
    """A folder that another process writes to."""


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Locks a folder, which is created if needed.

    The operating system releases the lock when the process ends, however it ends.

    Raises:
        LockedError: If another process holds it.
    """
    folder = Path(folder)
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    descriptor = _open_locked(path)
    try:
        os.truncate(path, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who waits for it sees that it is gone
        os.close(descriptor)
        for one in made:  # of work that was refused nothing stays
            if not one.is_dir() or any(one.iterdir()):
                break
            one.rmdir()


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
                f"{f' (its number is {holder})' if holder else ''}. Wait for it to end, or choose "
                "another --output."
            ) from None
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)  # its holder removed it in between


def _lock(descriptor: int) -> None:
    """Takes the lock at once, or raises `OSError`."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
