"""Keeps the messages of libraries off the terminal, and brings them back after a crash.

TensorFlow, XLA, MLIR, CUDA and LiteRT write to file descriptor 2 from C++: when they are imported,
at the first operation, in the converter. Environment variables silence part of that only. So from
the first import of such a library on, descriptor 2 is a temporary file, and `sys.stderr` alone
still leads to where the user looks.

A process that aborts inside a library cannot print that file any more. A second process does: it
waits for the command's end, and prints the file unless the command said that it ended on its own.
"""

import atexit
import contextlib
import os
import sys
import warnings
from pathlib import Path

from zoo.terminal import display

# Imported by name: a library that writes to descriptor 2, or has Python warn of what no user of a
# command can change.
NOISY = {
    "ai_edge_litert",
    "jax",
    "keras",
    "mediapipe",
    "onnxruntime",
    "sklearn",
    "tensorflow",
    "tensorflow_datasets",
    "torch",
    "transformers",
}
OURS = (Path(__file__).parents[1], Path(__file__).parents[2] / "export")  # may warn
# Standard input ends when the command does; a byte comes first if it ended on its own. Standard
# output is the temporary file.
WATCHER = """
import os
if not os.read(0, 1):
    at = max(os.fstat(1).st_size - 65536, 0)
    while part := os.pread(1, 65536, at):
        os.write(2, part)
        at += len(part)
"""


class _State:
    hushed = False


class _Expectation:
    """Finds no module; silences just before the first noisy one is imported."""

    def __init__(self, prog: str):
        self.prog = prog

    def find_spec(self, fullname, path=None, target=None):
        if fullname in NOISY:
            stop()
            _hush(self.prog)


def start(prog: str) -> None:
    """Silences noisy libraries once one is imported; `prog` is the prefix of warnings.

    A command that imports none is spared the cost, some milliseconds.
    """
    sys.meta_path.insert(0, _Expectation(prog))


def stop() -> None:
    """Hushes nothing that is not hushed yet."""
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _Expectation)]


def is_quiet() -> bool:
    """Whether libraries are hushed in this process."""
    return _State.hushed


def _hush(prog: str) -> None:
    import logging

    _State.hushed = True
    diverted = _divert()
    # A diverted descriptor may take errors, which explain a crash.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if diverted else "3")
    logging.disable(logging.ERROR)
    if not sys.warnoptions:
        _show_own_warnings(prog)


def _show_own_warnings(prog: str) -> None:
    """Of Python's warnings, shows those of the package, as one line each."""

    def show(message, category, filename, lineno, file=None, line=None):
        own = any(folder in Path(filename).parents for folder in OURS)
        if own and category is UserWarning:
            display.clear()
            print(f"{prog}: warning: {message}", file=sys.stderr)

    warnings.showwarning = show


def _divert() -> bool:
    """Leads descriptor 2 to a temporary file, and `sys.stderr` to where it led."""
    import subprocess
    import tempfile

    stream = sys.__stderr__
    if os.name != "posix" or stream is None or stream is not sys.stderr:
        return False
    stream.flush()
    try:
        real = os.dup(2)
        file = tempfile.TemporaryFile()  # noqa: SIM115  descriptor 2 keeps it open
        ended, control = os.pipe()
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WATCHER],
            stdin=ended,
            stdout=file,
            stderr=real,
            start_new_session=True,  # out of the reach of Ctrl-C
        ).returncode = 0  # nobody waits for it
    except OSError:  # no room for a file or a process: better noisy than not at all
        return False
    os.close(ended)
    atexit.register(_say_goodbye, control)
    os.dup2(file.fileno(), 2)
    sys.stderr = os.fdopen(real, "w", 1, encoding=stream.encoding, errors=stream.errors)
    return True


def _say_goodbye(control: int) -> None:
    with contextlib.suppress(OSError):
        os.write(control, b"0")
