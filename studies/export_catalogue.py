"""Exports the whole catalogue in every lowering and precision, and runs it in every client.

DATA is a folder with train.tsv and test.tsv. The -tiny model of each family is trained for some
epochs (into runs/export/FAMILY, unless it is there already) and exported in every form. Each client
that supports a file runs it on test texts in random order, and its scores are compared with those
of Keras. The study stops if a client refuses a file that it should run, or if its scores differ.
Adds rows to export.csv.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studies import browser, clients, command, processes
from studies.agreement import DifferentAnswerError, label_agreement, largest_difference
from studies.settings import PLAIN
from zoo import describe, records
from zoo.catalogue import FAMILIES
from zoo.datasets import load_dataset
from zoo.files import read_table, write_table
from zoo.training import TrainingConfig, train

if TYPE_CHECKING:
    from export import ExportedFile
    from zoo.bundle import Bundle
    from zoo.datasets import Dataset

Ask = Callable[[Path, Sequence[str]], np.ndarray]
FOLDER = Path("runs/export")
TEXTS = 500
SETTINGS = PLAIN | {
    "epochs": 8,
    "batch_size": 32,
    "max_length": 24,
    "learning_rate": 5e-3,
    "seed": 1,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "data", type=Path, metavar="DATA", help="a folder with train.tsv and test.tsv"
    )
    command.add_families(parser, "families", nargs="*")
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures the families, and writes the table after each."""
    dataset = load_dataset(options.data)
    if missing := browser.missing():
        raise ValueError(f"the web client cannot be run: {missing}.")
    table = options.output / "export.csv"
    rows = {(row["model"], row["file"]): row for row in read_table(table)}
    cells = {name: cell for name, cell, *_ in describe.table()}
    for family in options.families:
        started = time.perf_counter()
        measured = list(measure(family, cells[family], options.data, dataset))
        rows.update(((row["model"], row["file"]), row) for row in measured)
        write_table(table, [row for _, row in sorted(rows.items())])
        print(f"{family}: {len(measured)} files, {time.perf_counter() - started:.0f} s", flush=True)
    models = {model for model, _ in rows}
    if lacking := [family for family in FAMILIES if f"{family}-tiny" not in models]:
        print(f"{table} has no rows for {', '.join(lacking)}.")


def measure(family: str, cell: str, data: Path, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Yields a row for each file of a family.

    Args:
        family: A family of the catalogue.
        cell: The class of its cell.
        data: The folder of the data set.
        dataset: The data set.

    Raises:
        DifferentAnswerError: If the scores of a client differ from those of Keras.
    """
    from zoo import bundle

    folder = FOLDER / family
    if not records.is_finished(folder):
        config = TrainingConfig(f"{family}-tiny", str(data), **SETTINGS)
        train(config, folder, tensorboard=False, verbose=False)
    model = bundle.load(folder)
    files = export_all(model, folder / "export", cell, dataset)
    # The same with fixed shapes, for microcontrollers.
    export_all(model, folder / "static", cell, dataset, static_shapes=True)
    order = np.random.default_rng(0).permutation(len(dataset.test.texts))[:TEXTS]
    texts = [dataset.test.texts[number] for number in order] + ["", "   ", "zzyzx " * 99]
    expected = model.classifier().scores(texts)
    paths = [folder / "export" / file.path for file in files]
    ran = [clients.expected_clients(file.lowering, file.precision, cell) for file in files]
    web = [path for path, names in zip(paths, ran, strict=True) if "web" in names]
    in_web = dict(zip(web, browser.scores(web, texts), strict=True))
    for file, path, names in zip(files, paths, ran, strict=True):
        scores = {}
        for client, ask in clients.CLIENTS.items():
            asked = folder / "static" / file.path if client == "micro" else path
            perhaps = client == "micro" and can_run(ask, asked, texts[:20], expected[:20])
            if client in names or perhaps:
                scores[client] = ask(asked, texts)
        if path in in_web:
            scores["web"] = in_web[path]
        for client, got in scores.items():
            check(f"{file.path} in {client}", got, expected, file.precision)
        off = max(largest_difference(got, expected) for got in scores.values())
        agreement = min(label_agreement(got, expected) for got in scores.values())
        peak = processes.run("start", path, model.tokenizer.max_length)["peak_kb"]
        yield {
            "model": model.name,
            "cell": cell,
            "lowering": file.lowering,
            "precision": file.precision,
            "file": file.path,
            "bytes": file.bytes,
            "operators": sum(file.operators.values()),
            "subgraphs": file.subgraphs,
            "export_seconds": f"{file.seconds:.2f}",
            "largest_difference": f"{off:.1e}",
            "label_agreement": f"{agreement:.4f}",
            "texts": len(texts),
            "peak_memory_kb": "" if peak is None else peak,
            "clients": " ".join(sorted(scores)),
            "data": f"{dataset.name}, {len(dataset.test.texts)} test texts",
            "accuracy_keras": model.figures["test"]["accuracy"],
        }


def export_all(
    model: Bundle, folder: Path, cell: str, dataset: Dataset, *, static_shapes: bool = False
) -> list[ExportedFile]:
    """Exports in every lowering and precision, and LSTMs with `integer`, too."""
    from export import export_model

    texts = dataset.valid.texts
    options: dict[str, Any] = {"texts": texts, "static_shapes": static_shapes}
    files = export_model(model, folder, lowering="all", precision="all", **options)
    if cell == "LSTMCell":
        train_texts = dataset.train.texts
        files += export_model(
            model,
            folder,
            precision="integer",
            **options,
            calibration=train_texts[:: max(len(train_texts) // 500, 1)][:500],
        )
    return files


def can_run(ask: Ask, path: Path, texts: Sequence[str], expected: np.ndarray) -> bool:
    """Whether a client runs a file correctly. tflite-micro refuses many and gets others wrong."""
    from export.choices import PRECISION

    try:
        got = ask(path, texts)
    except Exception as error:  # the client has no exception class of its own
        print(f"{path.name}: {error!r:.100}")
        return False
    return largest_difference(got, expected) < PRECISION["int8"].largest_difference


def check(what: str, got: np.ndarray, expected: np.ndarray, precision: str) -> None:
    """Raises `DifferentAnswerError` if the scores of a client are not those of Keras."""
    from export.choices import PRECISION
    from export.verification import LEAST_AGREEMENT

    if (off := largest_difference(got, expected)) > PRECISION[precision].largest_difference:
        raise DifferentAnswerError(f"{what}: differs from Keras by {off:.3g}")
    if (agreement := label_agreement(got, expected)) < LEAST_AGREEMENT:
        raise DifferentAnswerError(f"{what}: only {agreement:.1%} of the labels are those of Keras")
