"""Ctrl-C and SIGTERM as exceptions that arrive.

An exception that a signal raises can get lost: libraries catch all that is raised while they import
something, C++ clears what it does not expect, `__del__` cannot raise. So it waits for the end of
an import, and it is raised again if after a second nothing has come of it.
"""

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 0.05  # seconds between two looks whether an import is over
INSISTENCE = 1.0  # seconds until an exception is raised again


class Terminated(BaseException):
    """SIGTERM, as an exception, so that what is half written is cleaned up."""


class _State:
    received = 0  # the signal that ends the command


def listen() -> None:
    """Has both signals raise exceptions, unless somebody has them ignored, such as nohup."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _on_signal)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_signal)


def listen_no_more() -> None:
    """Leaves nothing that would raise an exception while Python shuts down."""
    _alarm(0)
    for number in SIGNALS:
        if signal.getsignal(number) is _on_signal:
            signal.signal(number, signal.SIG_DFL)


def received() -> int:
    """The signal that ends the command; 0 if none did."""
    return _State.received


def _on_signal(number: int, frame: FrameType | None) -> None:
    first = not _State.received
    _State.received = number
    # A second signal does not wait for an import.
    if first and _is_importing(frame) and _alarm(PATIENCE):
        return
    _raise()


def _on_alarm(_: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        _alarm(PATIENCE)
    elif not _is_under_way():
        _raise()


def _raise() -> None:
    _alarm(INSISTENCE)
    raise KeyboardInterrupt if _State.received == signal.SIGINT else Terminated


def _alarm(seconds: float) -> bool:
    """Calls `_on_alarm` in so many seconds, or with 0 not at all; False where that cannot be."""
    if not hasattr(signal, "setitimer"):  # Windows
        return False
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return True


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False


def _is_under_way() -> bool:
    """Whether the exception is being handled: something is cleaned up, or saved."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, (KeyboardInterrupt, Terminated)):
            return True
        error = error.__context__
    return False
