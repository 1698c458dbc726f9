"""How much memory something takes, as Linux counts it."""

import re
from collections.abc import Callable
from pathlib import Path

PROCESS = Path("/proc/self")


def added(work: Callable[[], object]) -> int | None:
    """Does some work; says what it added to this process's memory at its highest, in KB.

    What the process had freed before and not given back is reused without being counted, so a
    fresh process gives the truest figure. None where there is no Linux to ask.
    """
    if not (PROCESS / "clear_refs").exists():
        work()
        return None
    (PROCESS / "clear_refs").write_text("5")  # forgets the highest so far
    before = _status("VmRSS")
    work()
    return max(_status("VmHWM") - before, 0)


def _status(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+)", (PROCESS / "status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
