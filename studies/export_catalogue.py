"""Makes export.csv: the whole catalogue, every lowering and precision, in the clients.

    python -m results.measure_export DATA [FAMILY…]

DATA is a folder with train.tsv and test.tsv. Each family's -tiny model is trained for some epochs
(into runs/export/FAMILY, if it is not there already) and exported in every way; every file is asked
the texts of the test split by every client that runs it, in random order, and held against Keras.
A client that answers otherwise, or that refuses what it should run, ends the program.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np

from export.exporter import export_model
from export.verification import LARGEST_DIFFERENCE, LEAST_AGREEMENT
from studies import clients
from zoo import bundle, describe
from zoo.catalogue import FAMILIES
from zoo.datasets import load_dataset
from zoo.files import read_table, write_table
from zoo.training import TrainingConfig, train

TABLE = Path(__file__).with_name("export.csv")
TEXTS = 500
SETTINGS = {
    "epochs": 8,
    "patience": 3,
    "keep": "best",
    "word_dropout": 0.1,
    "average": 0.0,
    "augment": 0,
    "batch_size": 32,
    "max_length": 24,
    "learning_rate": 5e-3,
    "seed": 1,
}


def main() -> None:
    """Measures the families asked for, and writes the table after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a folder with train.tsv and test.tsv")
    parser.add_argument("families", nargs="*", default=list(FAMILIES), metavar="FAMILY")
    options = parser.parse_args()
    rows = {(row["model"], row["file"]): row for row in read_table(TABLE)}
    cells = dict(row[:2] for row in describe.table())
    for family in options.families:
        started = time.perf_counter()
        found = list(measure(family, cells[family], options.data))
        rows.update(((row["model"], row["file"]), row) for row in found)
        write_table(TABLE, [row for _, row in sorted(rows.items())])
        print(f"{family}: {len(found)} files, {time.perf_counter() - started:.0f} s", flush=True)


def measure(family: str, cell: str, data: Path):
    """A row for each file of a family."""
    folder, dataset = Path("runs/export") / family, load_dataset(data)
    if not (folder / "metrics.json").is_file():
        config = TrainingConfig(f"{family}-tiny", str(data), **SETTINGS)
        train(config, folder, tensorboard=False, verbose=False)
    run = bundle.load(folder)
    given = {"texts": dataset.valid.texts}
    files = export_model(run, folder / "export", lowering="all", precision="all", **given)
    if cell == "LSTMCell":
        files += export_model(
            run,
            folder / "export",
            precision="integer",
            calibration=dataset.train.texts[:: max(len(dataset.train.texts) // 500, 1)][:500],
            **given,
        )
    order = np.random.default_rng(0).permutation(len(dataset.test.texts))[:TEXTS]
    texts = [dataset.test.texts[number] for number in order] + ["", "   ", "zzyzx " * 99]
    expected = run.classifier().scores(texts)
    paths = {file.path: folder / "export" / file.path for file in files}
    ran = {f.path: clients.expected_clients(f.lowering, f.precision, cell) for f in files}
    web = [path for name, path in paths.items() if "web" in ran[name]]
    in_web = dict(zip(web, clients.in_browser(web, texts), strict=True))
    for file in files:
        path = paths[file.path]
        scores = {}
        for client, ask in clients.CLIENTS.items():
            perhaps = client == "micro" and runs(ask, path, texts[:20], expected[:20])
            if client in ran[file.path] or perhaps:
                scores[client] = ask(path, texts)
        if path in in_web:
            scores["web"] = in_web[path]
        for client, got in scores.items():
            check(f"{file.path} in {client}", got, expected, file.precision)
        yield {
            "model": run.name,
            "cell": cell,
            "lowering": file.lowering,
            "precision": file.precision,
            "file": file.path,
            "bytes": file.bytes,
            "operators": sum(file.operators.values()),
            "subgraphs": file.subgraphs,
            "export_seconds": f"{file.seconds:.2f}",
            "largest_difference": f"{max(off(s, expected) for s in scores.values()):.1e}",
            "label_agreement": f"{min(agreement(s, expected) for s in scores.values()):.4f}",
            "texts": len(texts),
            "peak_memory_kb": peak_memory(path),
            "clients": " ".join(sorted(scores)),
            "data": f"{dataset.name}, {len(dataset.test.texts)} test texts",
            "accuracy_keras": json.loads((folder / "metrics.json").read_text())["test"]["accuracy"],
        }


def runs(ask, path, texts, expected) -> bool:
    """Whether a client runs a file: tflite-micro refuses many, and answers nonsense to others."""
    try:
        got = ask(path, texts)
    except Exception as error:  # it has no errors of its own
        print(f"{path.name}: {error!r:.100}")
        return False
    return off(got, expected) < LARGEST_DIFFERENCE["int8"]


def check(what, got, expected, precision) -> None:
    """Holds a client's answers against Keras."""
    if off(got, expected) > LARGEST_DIFFERENCE[precision]:
        raise SystemExit(f"{what}: off by {off(got, expected):.3g}")
    if agreement(got, expected) < LEAST_AGREEMENT:
        raise SystemExit(f"{what}: same label on {agreement(got, expected):.1%} only")


def off(got, expected) -> float:
    """The largest difference of a probability."""
    return float(np.abs(got - expected).max())


def agreement(got, expected) -> float:
    """Share of texts with the same label."""
    return float(np.mean(got.argmax(axis=1) == expected.argmax(axis=1)))


def peak_memory(path: Path) -> int:
    """KB that loading a file and answering once add to a process, at the most."""
    program = Path(__file__).with_name("peak_memory.py")
    done = subprocess.run(
        [sys.executable, program, path], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


if __name__ == "__main__":
    main()
