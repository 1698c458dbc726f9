"""How much memory some work takes, as Linux counts it."""

import re
from collections.abc import Callable
from pathlib import Path

PROCESS = Path("/proc/self")


def peak(work: Callable[[], object]) -> int | None:
    """Calls a function and measures how much it adds to the peak memory of this process.

    Memory that the process freed but did not return to the system is not counted when it is used
    again. A new process gives the most accurate figure (see `studies.processes`).

    Returns:
        KB; None where the system is not Linux.
    """
    if not (PROCESS / "clear_refs").exists():
        work()
        return None
    (PROCESS / "clear_refs").write_text("5")  # resets the peak
    before = _status("VmRSS")
    work()
    return max(_status("VmHWM") - before, 0)


def _status(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+)", (PROCESS / "status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
