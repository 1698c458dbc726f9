"""Progress on standard error: a line that is rewritten, or a new one every few seconds."""

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

FIRST, EVERY = 2.0, 0.5  # seconds until the line shows, and between two of its states
EVERY_PIPED = 10.0  # seconds between two lines where they stay


@dataclass
class _Work:
    """A task in progress."""

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
    """Shows the innermost task in progress."""

    def __init__(self) -> None:
        self.shown = False  # whether there is somebody to look at it
        self.works: list[_Work] = []
        self.lock = threading.RLock()
        self.drawn = False
        self.said = 0.0  # when a line was last written that stays
        self.ticker: threading.Thread | None = None

    def begin(self, work: _Work) -> None:
        with self.lock:
            if not self.works:
                self.said = work.started
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
                with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                    self._draw(self.works[-1])

    def _draw(self, work: _Work) -> None:
        now = time.monotonic()
        if is_interactive(sys.stderr):
            if now - work.started >= FIRST:
                width = shutil.get_terminal_size().columns - 1
                sys.stderr.write(f"\r\x1b[K{work.line()[:width]}")
                sys.stderr.flush()
                self.drawn = True
        elif now - self.said >= EVERY_PIPED:
            print(work.line(), file=sys.stderr, flush=True)
            self.said = now


_display = _Display()


def show() -> None:
    """Enables progress. Only commands call it."""
    _display.shown = True


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[None]:
    """Shows the progress of a task that takes more than a few seconds, in commands.

    On a terminal, one line is rewritten and erased at the end; elsewhere, a line is written every
    ten seconds. The innermost task is shown. Use `say` to print meanwhile.

    Args:
        what: Such as "Reading reviews".
        total: Number of steps, if known; `advance` counts them.
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
    """Erases the line, so that something else can be written."""
    _display.clear()


def say(line: str) -> None:
    """Prints a line to standard output, above the progress line."""
    clear()
    print(line, flush=True)


def is_interactive(stream: TextIO | None) -> bool:
    """Whether lines may be rewritten: on a terminal without `NO_COLOR` or `TERM=dumb`."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain
