"""Exit codes and last messages of commands.

====  ==============================================================
0     success
1     an unexpected error; `--debug` shows its traceback
2     the request was refused
130   interrupted (Ctrl-C)
141   its output was closed, as in `… | head -1`
143   terminated (SIGTERM)
====  ==============================================================
"""

import argparse
import faulthandler
import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from zoo.terminal import display, quiet, signals

CLOSED_PIPE = 128 + 13  # what a shell reports of a program that SIGPIPE ended


class _State:
    debug = False
    last_words: Callable[[], str] = staticmethod(lambda: "interrupted.")


def run(main: Callable[[], int], prog: str) -> NoReturn:
    """Runs a command and exits with its status.

    Args:
        main: Runs the command line and returns the exit status.
        prog: The name of the command, which its messages begin with.
    """
    signals.listen()
    sys.unraisablehook = _show_unraisable
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no σ shows a ?
    display.show()
    quiet.start(prog)
    try:
        try:
            status: Any = main()
        except SystemExit as stop:
            status = stop.code
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        status = CLOSED_PIPE
    except BaseException as error:
        status = _failed(error, prog)
    signals.listen_no_more()
    _leave_nothing_to_flush()
    sys.exit(status)


def refusing(prog: str, work: Callable[..., object], *arguments: Any) -> int:
    """Calls a function. Prints its ValueError or OSError as a message and returns status 2."""
    try:
        work(*arguments)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        if signals.received():  # what a library made of the signal's exception
            raise
        if _State.debug:
            traceback.print_exc()
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    return 0


def last_words(words: Callable[[], str]) -> None:
    """Sets the message for when Ctrl-C or SIGTERM ends the command."""
    _State.last_words = staticmethod(words)


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Adds the flag `--debug`, which works as soon as it is read."""
    parser.add_argument(
        "--debug",
        action=_Debug,
        nargs=0,
        dest=argparse.SUPPRESS,
        help="show tracebacks, and what TensorFlow and other libraries have to say",
    )


class _Debug(argparse.Action):
    def __call__(self, *_):
        _State.debug = True
        quiet.stop()
        if sys.stderr is not None and sys.stderr is sys.__stderr__:
            faulthandler.enable()


def _show_unraisable(unraisable: Any) -> None:
    """Hides tracebacks from `__del__` and the like, which do not end the process."""
    if _State.debug:
        sys.__unraisablehook__(unraisable)


def _failed(error: BaseException, prog: str) -> int:
    """Prints the error and returns the exit status."""
    number = signals.received()
    signals.listen_no_more()
    if _State.debug:
        traceback.print_exc()
    if number:
        print(f"{prog}: {_State.last_words()}", file=sys.stderr)
        return 128 + number
    if not _State.debug:
        message = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".:")
        print(f"{prog}: {message}. Run again with --debug for the traceback.", file=sys.stderr)
    return 1


def _leave_nothing_to_flush() -> None:
    """Python flushes standard output as it exits, and would complain of a closed pipe."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
