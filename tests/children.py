"""Commands in processes of their own, as a user calls them."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = {"tensorflow", "keras", "jax", "torch"}  # take seconds to import
# Runs a command and writes down, at its end, what it has imported.
LISTING = """
import atexit, os, runpy, sys

def write():
    with open(os.environ["MODULES"], "w") as file:
        file.write(" ".join({name.partition(".")[0] for name in sys.modules}))

atexit.register(write)
sys.argv = sys.argv[1:]
if sys.argv[0].endswith(".py"):
    runpy.run_path(sys.argv[0], run_name="__main__")
else:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def environment(**changes: str) -> dict[str, str]:
    """That of a user's shell, whatever the test run has set."""
    ours = ("TF_CPP_MIN_LOG_LEVEL", "NO_COLOR", "KERAS_BACKEND", "PYTHONWARNINGS")
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, **changes: str):
    """A process of Python, under way in the folder `cwd`."""
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=stdout,
        stderr=stderr,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment(**changes),
    )


def python(*arguments, cwd=ROOT, **changes: str) -> subprocess.CompletedProcess:
    """The same, at its end."""
    process = start(*arguments, cwd=cwd, **changes)
    stdout, stderr = process.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def command(name: str, *arguments) -> tuple[subprocess.CompletedProcess, set[str]]:
    """A command, `train.py` or a module's name, and the packages that it imported."""
    with tempfile.TemporaryDirectory() as folder:
        modules = Path(folder) / "modules"
        done = python("-c", LISTING, name, *arguments, MODULES=str(modules))
        return done, set(modules.read_text().split())


def on_terminal(*arguments, **changes: str) -> tuple[int, str]:
    """A process of Python on a terminal: its status, and all that was shown."""
    import pty

    ours, theirs = pty.openpty()
    process = start(*arguments, stdout=theirs, stderr=theirs, **{"TERM": "xterm", **changes})
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux, where nobody holds the other end any more
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process.wait(timeout=60), shown.decode("utf-8", "replace")
