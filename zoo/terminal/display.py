"""Progress on standard error: one line that is rewritten, or a new line every ten seconds."""

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

FIRST, EVERY = 2.0, 0.5  # seconds until the line appears, and between two updates
EVERY_PIPED = 10.0  # seconds between two lines where they cannot be rewritten


@dataclass
class _Work:
    """A task with progress."""

    what: str
    total: int | None
    done: int = 0
    started: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        seconds = f"{time.monotonic() - self.started:.0f} s"
        if self.total is None:
            return f"{self.what}: {seconds}"
        return f"{self.what}: {self.done:,} of {self.total:,}, {seconds}"


class _Display:
    """Shows the progress of the innermost task."""

    def __init__(self) -> None:
        self.shown = False  # whether progress is shown at all
        self.works: list[_Work] = []
        self.lock = threading.RLock()
        self.drawn = False
        self.printed = 0.0  # when the last line that stays was printed
        self.ticker: threading.Thread | None = None

    def begin(self, work: _Work) -> None:
        with self.lock:
            if not self.works:
                self.printed = work.started
            self.works.append(work)
            if self.ticker is None:
                self.ticker = threading.Thread(target=self._tick, daemon=True)
                self.ticker.start()

    def end(self, work: _Work) -> None:
        with self.lock:
            self.clear()
            self.works.remove(work)

    def clear(self) -> None:
        with self.lock:
            if self.drawn:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
                self.drawn = False

    def _tick(self) -> None:
        while True:
            time.sleep(EVERY)
            with self.lock:
                if not self.works:
                    self.ticker = None
                    return
                with contextlib.suppress(OSError, ValueError):  # standard error is closed
                    self._draw(self.works[-1])

    def _draw(self, work: _Work) -> None:
        now = time.monotonic()
        if is_interactive(sys.stderr):
            if now - work.started >= FIRST:
                width = shutil.get_terminal_size().columns - 1
                sys.stderr.write(f"\r\x1b[K{work.line()[:width]}")
                sys.stderr.flush()
                self.drawn = True
        elif now - self.printed >= EVERY_PIPED:
            print(work.line(), file=sys.stderr, flush=True)
            self.printed = now


_display = _Display()


def show() -> None:
    """Turns progress on. Only commands call this."""
    _display.shown = True


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[None]:
    """Shows the progress of a block that takes more than a few seconds, within a command.

    On a terminal, one line is rewritten, and erased at the end; elsewhere a line is written every
    ten seconds. Of nested blocks, the innermost is shown. Use `say` to print within the block.

    Args:
        what: The task, such as "Reading reviews".
        total: Number of steps, if it is known; `advance` counts them.
    """
    if not _display.shown:
        yield
        return
    work = _Work(what, total)
    _display.begin(work)
    try:
        yield
    finally:
        _display.end(work)


def advance(count: int = 1) -> None:
    """Counts steps of the innermost task, if there is one."""
    if _display.works:
        _display.works[-1].done += count


def clear() -> None:
    """Erases the progress line, so that something else can be printed."""
    _display.clear()


def say(line: str) -> None:
    """Prints a line to standard output, after erasing the progress line."""
    clear()
    print(line, flush=True)


def is_interactive(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal whose lines may be rewritten.

    `NO_COLOR` and `TERM=dumb` turn that off.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain
