"""MediaPipe's text classifier for the web, in Chromium.

It needs node, Chromium (at /usr/bin/chromium, or where CHROMIUM says) and `npm install` in
studies/web.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.metadata import read_metadata

WEB = Path(__file__).parent / "web"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def scores(paths: Sequence[Path], texts: Sequence[str]) -> list[np.ndarray]:
    """Runs several files on the same texts in one browser.

    Returns:
        Scores [texts, labels] of each file.

    Raises:
        RuntimeError: If the page refuses a file; with its error messages.
    """
    ran = subprocess.run(
        ["node", WEB / "classify.mjs", *paths],
        input=json.dumps(list(texts)),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    by_file = []
    for path, line in zip(paths, ran.stdout.splitlines(), strict=True):
        labels = read_metadata(Path(path).read_bytes()).labels
        rows = [[row[label] for label in labels] for row in json.loads(line)]
        by_file.append(np.array(rows, np.float32))
    return by_file


def missing() -> str:
    """What is not installed, as a sentence; empty if nothing is missing."""
    if shutil.which("node") is None:
        return "node is not installed"
    if shutil.which(CHROMIUM) is None:
        return f"there is no Chromium at {CHROMIUM}; install it, or set CHROMIUM"
    if not (WEB / "node_modules").is_dir():
        return "the web client is not installed; run `npm install` in studies/web"
    return ""
