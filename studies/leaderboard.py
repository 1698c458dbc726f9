"""Trains every family with the same settings, on several data sets and with several seeds.

Each run is exported for MediaPipe (`fused`, `parallel` or `unrolled`), with int8 weights where the
verification accepts them. Validation texts choose the epoch; the test texts are read once per run.
The row of a run is written to leaderboard.csv as soon as it is finished, and a run that has a row
is not repeated. When all rows are there, one file per model is timed, in turns, and leaderboard.md
and leaderboard.png are made from the table.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studies import command, intervals, leaderboard_report, models, pictures
from studies.clocks import take_turns
from studies.settings import PLAIN
from zoo.catalogue import create_model
from zoo.files import read_table, write_table

if TYPE_CHECKING:
    from export import ExportedFile
    from zoo.bundle import Bundle

NAME = "leaderboard.csv"
WORDS, LENGTH = 10_000, 64  # token ids of the vocabulary and of a text
SETTINGS = PLAIN | {
    "epochs": 8,
    "batch_size": 64,
    "max_length": LENGTH,
    "learning_rate": 3e-3,
    "vocab_size": WORDS,
}
PRECISIONS = ("int8", "float16", "float32")
ROUNDS = 100  # of timing; the median counts
RUNS_OF_A_PROCESS = 20
ONE_CORE = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "datasets", nargs="*", type=Path, metavar="DATA", help="data sets: folders, as for train.py"
    )
    command.add_families(parser, "--families", nargs="+")
    parser.add_argument("--seeds", type=int, default=3, choices=range(1, max(intervals.T) + 1))
    parser.add_argument("--size", default="tiny")
    parser.add_argument(
        "--jobs", type=int, default=2, help="runs at a time, one core each (default: 2)"
    )
    parser.add_argument("--time", action="store_true", help="time all files again")
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Adds the missing rows, times the files and writes the report.

    Raises:
        RuntimeError: At the end, if runs failed.
    """
    pictures.require()
    for folder in options.datasets:
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder: give folders with train.tsv and test.tsv.")
    table = options.output / NAME
    failures = measure(options)
    if rows := read_table(table):
        if options.time or not all(row["answer_ms"] for row in rows):
            time_answers(rows)
            write_table(table, rows)
        leaderboard_report.write(rows, table)
    if failures:
        raise RuntimeError("Runs without a row:\n" + "\n".join(failures))


def measure(options: argparse.Namespace) -> list[str]:
    """Adds the row of each data set, family and seed that the table lacks.

    Returns:
        A line for each run that failed.
    """
    table = options.output / NAME
    rows: dict[tuple, Mapping[str, Any]] = {key(row): row for row in read_table(table)}
    names = [f"{family}-{options.size}" for family in options.families]
    wanted = product(options.datasets, range(options.seeds), names)
    missing = [
        (str(dataset), model, seed)
        for dataset, seed, model in wanted
        if (dataset.name, model, str(seed)) not in rows
    ]
    os.environ |= ONE_CORE  # for the processes below
    failures: list[str] = []
    part = options.jobs * RUNS_OF_A_PROCESS
    for first in range(0, len(missing), part):
        # New processes now and then, since TensorFlow never frees what it has traced.
        with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
            running = {pool.submit(one_run, *each): each for each in missing[first : first + part]}
            for future in as_completed(running):
                dataset, model, seed = running[future]
                done = f"{model} on {dataset}, seed {seed}"
                try:
                    row = future.result()
                except Exception as error:  # the other runs go on
                    failures.append(f"{done}: {error!r}")
                    print(f"Failed: {failures[-1]}", flush=True)
                    continue
                rows[key(row)] = row
                write_table(table, [rows[name] for name in sorted(rows)])
                print(f"{len(rows)} rows: {done}", flush=True)
    return failures


def key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """What identifies a row."""
    return row["dataset"], row["model"], str(row["seed"])


def one_run(dataset: str, model: str, seed: int) -> dict[str, Any]:
    """Trains, exports and evaluates; returns a row of the table."""
    from zoo import litert
    from zoo.training import TrainingConfig, train

    config = TrainingConfig(model, dataset, seed=seed, **SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        bundle = train(config, path, tensorboard=False, verbose=False)
        figures, read = bundle.figures, bundle.dataset()
        file = smallest_file(bundle, folder, read.valid.texts)
        classifier = litert.load(Path(folder) / file.path)
        asked = classifier.evaluate(read.test.texts, read.test.labels)
        return {
            "dataset": Path(dataset).name,
            "model": model,
            "seed": seed,
            "parameters": bundle.model.count_params(),
            "lowering": file.lowering,
            "precision": file.precision,
            "bytes": file.bytes,
            "epoch": figures["best_epoch"],
            "accuracy_validation": f"{figures['validation']['accuracy']:.4f}",
            "accuracy_keras": f"{figures['test']['accuracy']:.4f}",
            "accuracy_file": f"{asked['accuracy']:.4f}",
            "answer_ms": "",
            "seconds": figures["seconds"],
        }


def smallest_file(bundle: Bundle, folder: str, texts: Sequence[str]) -> ExportedFile:
    """Exports for MediaPipe, in the lowest precision that the verification accepts.

    Rounding errors add up in a simple recurrent cell, so int8 weights may change its labels.
    """
    from export import VerificationError, export_model
    from export.architecture import read
    from export.tflite import automatic

    lowering = automatic(read(bundle.model))[0]
    for precision in PRECISIONS[:-1]:
        try:
            return export_model(
                bundle, folder, lowering=lowering, precision=precision, texts=texts
            )[0]
        except VerificationError as error:
            print(f"{bundle.name} cannot be exported as {precision}: {error}", flush=True)
    return export_model(bundle, folder, lowering=lowering, precision=PRECISIONS[-1], texts=texts)[0]


def time_answers(rows: Sequence[dict[str, str]]) -> None:
    """Sets `answer_ms` of the rows: the time of a text of full length, on one thread.

    The tokenizer is not timed. The files have random weights, which do not change the time. They
    take turns, since the speed of a machine changes from hour to hour.
    """
    from export.architecture import read
    from export.tflite import find
    from studies.peers import runtimes

    made = lambda row: (row["model"], row["lowering"], row["precision"])  # noqa: E731
    kinds = sorted({made(row) for row in rows})
    asks = []
    with tempfile.TemporaryDirectory() as folder:
        for model, lowering, precision in kinds:
            classifier = create_model(model, vocab_size=WORDS, num_classes=2)
            models.randomize(classifier)
            path = Path(folder) / f"{model}-{precision}.tflite"
            path.write_bytes(find(lowering, precision).build(read(classifier), LENGTH).pack())
            asks.append(runtimes.load(path))
        ids = np.random.default_rng(0).integers(2, WORDS, (1, LENGTH), np.int32)
        medians = np.median(take_turns(asks, ROUNDS, ids), axis=1)
    seconds = dict(zip(kinds, medians, strict=True))
    for row in rows:
        row["answer_ms"] = f"{1e3 * seconds[made(row)]:.3f}"
