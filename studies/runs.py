"""What a finished run says of itself."""

import json
from pathlib import Path


def figures(run: Path) -> dict:
    """The figures of a run folder: its metrics.json."""
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))
