"""Loads a file and runs it once: prints the times and the memory as JSON.

`python -m studies.processes.start FILE L`: FILE is a .tflite, .onnx or .pt file, L the number of
token ids. The import of the runtime is not counted.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from studies import memory
from studies.peers import runtimes


def measure(path: Path, max_length: int) -> dict[str, float | None]:
    """Loads a file and runs it on a text of `max_length` ids.

    Returns:
        Milliseconds until it is loaded (`load_ms`) and has given its first prediction
        (`first_answer_ms`), and the KB that both add to the process (`peak_kb`).
    """
    ids = np.ones((1, max_length), np.int32)
    _import(path)
    seconds = {}

    def work() -> None:
        started = time.perf_counter()
        ask = runtimes.load(path)
        seconds["load_ms"] = 1000 * (time.perf_counter() - started)
        ask(ids)
        seconds["first_answer_ms"] = 1000 * (time.perf_counter() - started)

    peak = memory.peak(work)
    return {**seconds, "peak_kb": peak}


def _import(path: Path) -> None:
    if path.suffix == ".tflite":
        import ai_edge_litert.interpreter  # noqa: F401
    elif path.suffix == ".onnx":
        import onnxruntime  # noqa: F401
    else:
        import torch  # noqa: F401


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("max_length", type=int)
    options = parser.parse_args()
    print(json.dumps(measure(options.file, options.max_length)))
