"""Profiles loop files with Linux perf: where the time of an answer goes.

The models have the textbook size, the texts 100 ids, and one thread runs. Each file is profiled
over a few and over many predictions, and the difference is divided by their number, so loading the
file does not count. Needs `perf` and the permission to use it. Writes profile.csv.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from studies import command, models, processes
from zoo.files import write_table

LENGTH = 100  # ids of a text
FEW, MANY = 10, 210  # predictions
HERTZ = 4000
OTHERS = "the rest"
# Functions of the runtime by what they do; the first pattern that matches counts.
KINDS = {
    "products of single steps": r"gemm.*_1x",
    "products of whole blocks": r"gemm",
    "copies": r"memmove|memcpy",
    "elementwise": r"vsigmoid|vtanh|vmul|vadd|vsub|vcvt|rminmax",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Writes the table."""
    if shutil.which("perf") is None:
        raise ValueError("profiling needs Linux perf, and there is no command perf. Install it.")
    from export import architecture
    from export.tflite import find

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for family in ("bilstm", "bigru"):
            model = models.textbook(family)
            models.randomize(model)
            for precision in ("float32", "int8"):
                lowered = find("loop", precision).build(architecture.read(model), LENGTH)
                path = Path(folder) / f"{family}-{precision}.tflite"
                path.write_bytes(lowered.pack())
                rows += measure(family, precision, path)
    table = options.output / "profile.csv"
    write_table(table, rows)
    print(table)


def measure(family: str, precision: str, path: Path) -> list[dict[str, str]]:
    """A row for each kind of work."""
    few, many = samples(path, FEW), samples(path, MANY)
    spent: Counter[str] = Counter()
    for name, count in many.items():
        kind = next((kind for kind, pattern in KINDS.items() if re.search(pattern, name)), OTHERS)
        spent[kind] += count - few[name]
    total = sum(spent.values())
    rows = []
    for kind in (*KINDS, OTHERS):
        milliseconds = 1000 * spent[kind] / HERTZ / (MANY - FEW)
        rows.append(
            {
                "model": family,
                "precision": precision,
                "work": kind,
                "ms": f"{milliseconds:.2f}",
                "share": f"{spent[kind] / total:.2f}",
            }
        )
        print(*rows[-1].values(), flush=True)
    return rows


def samples(path: Path, answers: int) -> Counter[str]:
    """How many samples perf took in each function."""
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "perf.data")
        program = processes.command("answers", path, answers, LENGTH)
        perf("record", "-o", data, "-F", str(HERTZ), *program)
        report = perf("report", "-i", data, "--no-children", "-F", "sample,sym")
    counts: Counter[str] = Counter()
    for line in report.splitlines():
        match = re.match(r"\s*(\d+)\s+\[.\]\s+(\S.*)", line)
        if match:
            counts[match[2].strip()] += int(match[1])
    return counts


def perf(*arguments: str) -> str:
    """What perf prints.

    Raises:
        RuntimeError: If it fails; with the end of its error messages.
    """
    done = subprocess.run(["perf", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"perf {arguments[0]} failed: {done.stderr[-500:]}")
    return done.stdout
