"""Prints what starting with a file takes, as JSON: `python -m studies.speed.start FILE L`.

A process of its own for each file, so that the first answer is a first one, and memory is the
file's alone. The runtime's import is left out.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from studies import memory
from studies.speed import runtimes


def main(path: Path, max_length: int) -> dict[str, float | None]:
    """Loads a file and asks it a first text, of L words."""
    ids = np.ones((1, max_length), np.int32)
    _import(path)
    seconds = {}

    def work() -> None:
        started = time.perf_counter()
        ask = runtimes.load(path)
        seconds["load_ms"] = 1000 * (time.perf_counter() - started)
        ask(ids)
        seconds["first_answer_ms"] = 1000 * (time.perf_counter() - started)

    peak = memory.added(work)
    return {**seconds, "peak_kb": peak}


def _import(path: Path) -> None:
    if path.suffix == ".tflite":
        import ai_edge_litert.interpreter  # noqa: F401
    elif path.suffix == ".onnx":
        import onnxruntime  # noqa: F401
    else:
        import torch  # noqa: F401


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
