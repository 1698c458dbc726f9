"""Ctrl-C and SIGTERM as exceptions that do not get lost.

An exception raised by a signal handler can get lost: libraries catch all exceptions around their
imports, C++ code clears them, and `__del__` cannot raise. So the exception is delayed until imports
are over, and raised again if it has had no effect after a second.
"""

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 0.05  # seconds between two checks whether an import is over
INSISTENCE = 1.0  # seconds until an exception is raised again


class Terminated(BaseException):
    """SIGTERM as an exception, so that partial files are removed."""


class _State:
    received = 0  # the signal that ended the command


def listen() -> None:
    """Makes both signals raise exceptions, unless they are ignored, as under nohup."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _on_signal)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_signal)


def listen_no_more() -> None:
    """Restores the signals' defaults, so that no exception is raised while Python exits."""
    _alarm(0)
    for number in SIGNALS:
        if signal.getsignal(number) is _on_signal:
            signal.signal(number, signal.SIG_DFL)


def received() -> int:
    """The signal that ended the command; 0 if there was none."""
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
    elif not _is_being_handled():
        _raise()


def _raise() -> None:
    _alarm(INSISTENCE)
    raise KeyboardInterrupt if _State.received == signal.SIGINT else Terminated


def _alarm(seconds: float) -> bool:
    """Schedules `_on_alarm`, or cancels it with 0; returns False where that is not supported."""
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


def _is_being_handled() -> bool:
    """Whether the exception is already being handled."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, (KeyboardInterrupt, Terminated)):
            return True
        error = error.__context__
    return False
