"""Hides the messages of libraries, and prints them after a crash.

TensorFlow, XLA, MLIR, CUDA and LiteRT write to file descriptor 2 from C++: on import, at the first
operation, and in the converter. Environment variables silence only part of that. So descriptor 2 is
redirected to a temporary file before the first such import, and only `sys.stderr` still writes to
the original standard error.

A process that aborts inside a library cannot print that file. A second process does: it waits for
the command to end, and prints the file unless the command reported a normal exit.
"""

import atexit
import contextlib
import os
import sys
import warnings
from pathlib import Path

from zoo.terminal import display

# Libraries that write to descriptor 2, or raise warnings that the user of a command cannot act on.
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
OURS = (Path(__file__).parents[1], Path(__file__).parents[2] / "export")  # warnings are shown
# Standard input ends with the command, after one byte if the exit was normal. Standard output is
# the temporary file.
WATCHER = """
import os
if not os.read(0, 1):
    at = max(os.fstat(1).st_size - 65536, 0)
    while part := os.pread(1, 65536, at):
        os.write(2, part)
        at += len(part)
"""


class _State:
    quiet = False


class _ImportHook:
    """Finds no module itself; silences the libraries just before the first of them is imported."""

    def __init__(self, prog: str):
        self.prog = prog

    def find_spec(self, fullname, path=None, target=None):
        if fullname in NOISY:
            stop()
            _silence(self.prog)


def start(prog: str) -> None:
    """Silences the libraries as soon as one is imported; `prog` is the prefix of our warnings.

    A command that imports none of them is spared the cost of some milliseconds.
    """
    sys.meta_path.insert(0, _ImportHook(prog))


def stop() -> None:
    """Undoes `start`, unless a library has been silenced already."""
    sys.meta_path[:] = [hook for hook in sys.meta_path if not isinstance(hook, _ImportHook)]


def is_quiet() -> bool:
    """Whether libraries are silenced in this process."""
    return _State.quiet


def _silence(prog: str) -> None:
    import logging

    _State.quiet = True
    redirected = _redirect()
    # A redirected descriptor may receive errors, which explain a crash.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if redirected else "3")
    logging.disable(logging.ERROR)
    if not sys.warnoptions:
        _show_own_warnings(prog)


def _show_own_warnings(prog: str) -> None:
    """Shows only the warnings of this package, one line each."""

    def show(message, category, filename, lineno, file=None, line=None):
        own = any(folder in Path(filename).parents for folder in OURS)
        if own and category is UserWarning:
            display.clear()
            print(f"{prog}: warning: {message}", file=sys.stderr)

    warnings.showwarning = show


def _redirect() -> bool:
    """Redirects descriptor 2 to a temporary file, and `sys.stderr` to the original one."""
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
            start_new_session=True,  # so that Ctrl-C does not reach it
        ).returncode = 0  # it is never waited for
    except OSError:  # no room for a file or a process: show all messages
        return False
    os.close(ended)
    atexit.register(_report_exit, control)
    os.dup2(file.fileno(), 2)
    sys.stderr = os.fdopen(real, "w", 1, encoding=stream.encoding, errors=stream.errors)
    return True


def _report_exit(control: int) -> None:
    with contextlib.suppress(OSError):
        os.write(control, b"0")
