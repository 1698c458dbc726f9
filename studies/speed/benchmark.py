"""Times the exported files beside stock Keras, ONNX Runtime and PyTorch.

Writes speed.csv and speed.png.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studies import command, pictures
from studies.speed.cases import CASES, Case
from zoo.files import write_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "studies",
        nargs="*",
        metavar="STUDY",
        help=f"of {', '.join(CASES)} (default: all of them)",
    )
    parser.add_argument("--rounds", type=int, default=25, help="turns of each file (default: 25)")
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures, and writes the table and its picture."""
    for name in options.studies:
        if name not in CASES:
            raise ValueError(f"there is no study {name!r}; there are {', '.join(CASES)}.")
    if options.rounds < 3:
        raise ValueError(f"--rounds must be at least 3, not {options.rounds}: a median needs some.")
    pictures.require()
    from studies.speed import plot

    rows = []
    for study in options.studies or CASES:
        for case in CASES[study]:
            for row in answers(case, options.rounds):
                rows.append({"study": study, **row})
    write_table(options.output / "speed.csv", rows)
    plot.draw(rows, options.output / "speed.png")
    print(f"Written: {options.output / 'speed.csv'}, {options.output / 'speed.png'}")


def answers(case: Case, rounds: int) -> Iterator[dict[str, Any]]:
    """Yields and prints a row for each file, length of text and number of threads."""
    from studies.speed.measure import measure

    with tempfile.TemporaryDirectory() as folder:
        for row in measure(case, Path(folder), rounds):
            print(
                f"{row['model']} of {row['units']}, L {row['max_length']}, {row['words']} words, "
                f"{row['threads']} threads, {row['runtime']} {row['form']} {row['precision']}: "
                f"{row['median_ms']} ms, {row['of_onnxruntime'] or '–'} of ONNX Runtime, "
                f"{row['of_stock']} of stock",
                flush=True,
            )
            yield row
