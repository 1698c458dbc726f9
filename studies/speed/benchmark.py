"""Times exported files beside their peers: `python -m export.benchmark`."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

from studies.speed.cases import STUDIES, Case
from zoo import terminal
from zoo.files import write_table

PROG = "python -m export.benchmark"


def main(arguments: list[str] | None = None) -> int:
    """Reads the command line, measures, writes speed.csv and speed.png."""
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Time the exported files beside stock Keras, ONNX Runtime and PyTorch.",
    )
    parser.add_argument(
        "studies",
        nargs="*",
        metavar="STUDY",
        help=f"of {', '.join(STUDIES)} (default: all of them)",
    )
    parser.add_argument("--rounds", type=int, default=25, help="turns of each file (default: 25)")
    parser.add_argument(
        "--output", type=Path, default=Path("results"), help="folder to write to (default: results)"
    )
    terminal.add_debug(parser)
    options = parser.parse_args(arguments)
    for name in options.studies:
        if name not in STUDIES:
            parser.error(f"there is no study {name!r}; there are {', '.join(STUDIES)}")
    if options.rounds < 3:
        parser.error(f"--rounds must be at least 3, not {options.rounds}: a median needs some")
    return terminal.refusing(PROG, benchmark, options)


def benchmark(options: argparse.Namespace) -> None:
    """Measures, and writes the table and its picture."""
    from studies.speed import plot

    rows = []
    for study in options.studies or STUDIES:
        for case in STUDIES[study]:
            for row in answers(case, options.rounds):
                rows.append({"study": study, **row})
    write_table(options.output / "speed.csv", rows)
    plot.draw(rows, options.output / "speed.png")
    print(f"Written: {options.output / 'speed.csv'}, {options.output / 'speed.png'}")


def answers(case: Case, rounds: int) -> Iterator[dict]:
    """A row for each file, length of text and number of threads; printed as they come."""
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


if __name__ == "__main__":
    terminal.run(main, PROG)
