"""What the commands share: exit codes, quiet libraries, progress.

Only the standard library is imported here. A program that uses `zoo` as a library is not affected:
only `run` changes the handling of signals, warnings and standard error.
"""

from zoo.terminal.command import add_debug, last_words, refusing, run
from zoo.terminal.display import advance, is_interactive, progress, say
from zoo.terminal.quiet import is_quiet
from zoo.terminal.signals import Terminated

__all__ = [
    "Terminated",
    "add_debug",
    "advance",
    "is_interactive",
    "is_quiet",
    "last_words",
    "progress",
    "refusing",
    "run",
    "say",
]
