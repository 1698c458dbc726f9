"""What the commands share: exit codes, silence of the libraries, progress.

Nothing here imports more than the standard library. A program that uses `zoo` as a library is not
touched: only `run` changes how signals, warnings and standard error behave.
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
