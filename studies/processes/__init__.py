"""Programs that studies run in processes of their own: `python -m studies.processes.NAME`.

In a new process, the first prediction really is the first, and no other work adds to the memory.
"""

import json
import subprocess
import sys


def command(name: str, *arguments: object) -> list[str]:
    """The command that starts a program of this package."""
    return [sys.executable, "-m", f"studies.processes.{name}", *map(str, arguments)]


def run(name: str, *arguments: object) -> dict[str, float | None]:
    """Runs a program; returns the figures that it prints, as JSON, in its last line.

    Raises:
        RuntimeError: If it fails; with the end of its error messages.
    """
    done = subprocess.run(command(name, *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        words = " ".join([name, *map(str, arguments)])
        raise RuntimeError(f"studies.processes.{words} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])
