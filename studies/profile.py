"""Makes profile.csv: where the time of a loop file goes, as Linux perf sees it.

    python -m results.measure_profile

The lessons' models, one thread, full texts of 100 words. A file is run for a few answers and for
many; the difference, divided, is an answer. Needs `perf` and the right to use it.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

from export import architecture
from export.tflite import loop
from export.tflite.quantize import quantize
from studies.speed.contenders import loud
from zoo import catalogue
from zoo.files import write_table

TABLE = Path(__file__).with_name("profile.csv")
LENGTH, FEW, MANY, HERTZ = 100, 10, 210, 4000
# The runtime's functions by what they do; the first that fits.
KINDS = {
    "products of single steps": r"gemm.*_1x",
    "products of whole blocks": r"gemm",
    "copies": r"memmove|memcpy",
    "elementwise": r"vsigmoid|vtanh|vmul|vadd|vsub|vcvt|rminmax",
}
PROGRAM = """
import sys, numpy as np
from pathlib import Path
from studies.speed import runtimes
ask = runtimes.load(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    ask(np.ones((1, int(sys.argv[3])), np.int32))
"""


def main() -> None:
    """Writes the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for family in ("bilstm", "bigru"):
            model = catalogue.create_model(family, vocab_size=25_000, num_classes=2)
            loud(model)
            for precision in ("float32", "int8"):
                lowered = loop.build(architecture.read(model), LENGTH)
                quantize(lowered, precision)
                path = Path(folder) / f"{family}-{precision}.tflite"
                path.write_bytes(lowered.pack())
                rows += measure(family, precision, path)
    write_table(TABLE, rows)
    print(TABLE)


def measure(family: str, precision: str, path: Path) -> list[dict]:
    """A row for each kind of work."""
    few, many = samples(path, FEW), samples(path, MANY)
    spent: Counter[str] = Counter()
    for name, count in many.items():
        kind = next((kind for kind, fits in KINDS.items() if re.search(fits, name)), "the rest")
        spent[kind] += count - few[name]
    total = sum(spent.values())
    rows = []
    for kind in (*KINDS, "the rest"):
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
    """How often each function was met."""
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "perf.data")
        program = [sys.executable, "-c", PROGRAM, str(path), str(answers), str(LENGTH)]
        run(["perf", "record", "-o", data, "-F", str(HERTZ), *program])
        report = run(["perf", "report", "-i", data, "--no-children", "-F", "sample,sym"])
    found: Counter[str] = Counter()
    for line in report.splitlines():
        match = re.match(r"\s*(\d+)\s+\[.\]\s+(\S.*)", line)
        if match:
            found[match[2].strip()] += int(match[1])
    return found


def run(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
