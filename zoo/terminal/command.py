"""How a command ends: its exit code and its last message.

====  ==============================================================
0     success
1     an unexpected error; `--debug` shows its traceback
2     bad input or a file error
130   interrupted (Ctrl-C)
141   its output was closed, as by `… | head -1`
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

CLOSED_PIPE = 128 + 13  # a shell's status for a program that SIGPIPE ended


class _State:
    debug = False
    last_words: Callable[[], str] = staticmethod(lambda: "interrupted.")


def run(main: Callable[[], int], prog: str) -> NoReturn:
    """Runs a command and exits with its status.

    Args:
        main: Reads the command line and returns a status.
        prog: The command's name, the prefix of its messages.
    """
    signals.listen()
    sys.unraisablehook = _show_unraisable
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without σ shows a ?
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
    _flush_output()
    sys.exit(status)


def refusing(prog: str, work: Callable[..., object], *arguments: Any) -> int:
    """Calls a function; its ValueError or OSError becomes one message and status 2."""
    try:
        work(*arguments)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        if signals.received():  # a library has turned the signal's exception into this one
            raise
        if _State.debug:
            traceback.print_exc()
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    return 0


def last_words(words: Callable[[], str]) -> None:
    """Sets the line that the command prints if Ctrl-C or SIGTERM ends it."""
    _State.last_words = staticmethod(words)


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Adds the flag `--debug`, which takes effect as soon as it is parsed."""
    parser.add_argument(
        "--debug",
        action=_Debug,
        nargs=0,
        dest=argparse.SUPPRESS,
        help="show tracebacks, and the messages of TensorFlow and other libraries",
    )


class _Debug(argparse.Action):
    def __call__(self, *_):
        _State.debug = True
        quiet.stop()
        if sys.stderr is not None and sys.stderr is sys.__stderr__:
            faulthandler.enable()


def _show_unraisable(unraisable: Any) -> None:
    """Hides errors in `__del__` and the like, which do not end the command."""
    if _State.debug:
        sys.__unraisablehook__(unraisable)


def _failed(error: BaseException, prog: str) -> int:
    """Prints what went wrong and returns the status."""
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


def _flush_output() -> None:
    """Flushes standard output, which Python would do on exit with an error if it is closed."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
