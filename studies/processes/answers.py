"""Runs a file on the same text many times, for a profiler to watch.

`python -m studies.processes.answers FILE COUNT L`: FILE is a .tflite, .onnx or .pt file, COUNT the
number of predictions, L the number of token ids.
"""

import argparse
from pathlib import Path

import numpy as np

from studies.peers import runtimes


def answer(path: Path, count: int, max_length: int) -> None:
    """Loads a file and runs it `count` times on a text of `max_length` ids."""
    ask = runtimes.load(path)
    for _ in range(count):
        ask(np.ones((1, max_length), np.int32))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("max_length", type=int)
    options = parser.parse_args()
    answer(options.file, options.count, options.max_length)
