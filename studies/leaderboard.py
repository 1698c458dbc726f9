"""The whole catalogue on several data sets: `python -m results.leaderboard DATA/trec …`.

Each family is trained with the same settings, once a seed, and exported for MediaPipe (`fused`,
`parallel` or `unrolled`), with int8 weights where the verification lets them pass. The epoch is
chosen on validation texts, the test texts are read once a run. `leaderboard.csv` gets a row a run
as soon as it is there; a run that has its row is not made again. When all are there, files of each
model take turns in answering, and `leaderboard.md` and `leaderboard.png` are made from the table.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from multiprocessing import get_context
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np

from studies import leaderboard_report
from studies.clocks import take_turns
from studies.comparison import T_95
from zoo.catalogue import FAMILIES, create_model
from zoo.files import read_table, write_table

TABLE = Path(__file__).with_name("leaderboard.csv")
SETTINGS = {
    "epochs": 8,
    "patience": 3,
    "keep": "best",
    "word_dropout": 0.1,
    "average": 0.0,
    "augment": 0,
    "batch_size": 64,
    "max_length": 64,
    "learning_rate": 3e-3,
    "vocab_size": 10_000,
}
PRECISIONS = ("int8", "float16", "float32")
ROUNDS = 100  # turns that a median is taken of
RUNS_OF_A_PROCESS = 20
ONE_CORE = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the rows that are missing, times the files, and reports."""
    parser = argparse.ArgumentParser(prog="python -m results.leaderboard")
    parser.add_argument("datasets", nargs="*", type=Path, help="folders, as for train.py")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--seeds", type=int, default=3, choices=range(1, max(T_95) + 1))
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, on a core each")
    parser.add_argument("--time", action="store_true", help="time all answers anew")
    options = parser.parse_args(arguments)
    for folder in options.datasets:
        if not folder.is_dir():
            parser.error(f"{folder} is no folder: give folders with train.tsv and test.tsv.")
    failures = measure(options)
    if rows := read_table(TABLE):
        if options.time or not all(row["answer_ms"] for row in rows):
            time_answers(rows)
            write_table(TABLE, rows)
        leaderboard_report.write(rows, TABLE)
    if failures:
        raise RuntimeError("Runs without a row:\n" + "\n".join(failures))


def measure(options) -> list[str]:
    """Adds a row for each data set, family and seed that the table lacks.

    Returns:
        A line for each run that failed.
    """
    rows = {key(row): row for row in read_table(TABLE)}
    models = [f"{family}-{options.size}" for family in options.families]
    wanted = product(options.datasets, range(options.seeds), models)
    missing = [
        (str(dataset), model, seed)
        for dataset, seed, model in wanted
        if (dataset.name, model, str(seed)) not in rows
    ]
    os.environ |= ONE_CORE  # of the processes that are started
    failures, part = [], options.jobs * RUNS_OF_A_PROCESS
    for first in range(0, len(missing), part):
        # Started afresh now and then, since TensorFlow keeps what it traced.
        with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
            running = {pool.submit(one_run, *run): run for run in missing[first : first + part]}
            for future in as_completed(running):
                dataset, model, seed = running[future]
                done = f"{model} on {dataset}, seed {seed}"
                try:
                    row = future.result()
                except Exception as error:  # of this run; the others go on
                    failures.append(f"{done}: {error!r}")
                    print(f"Failed: {failures[-1]}", flush=True)
                    continue
                rows[key(row)] = row
                write_table(TABLE, [rows[name] for name in sorted(rows)])
                print(f"{len(rows)} rows: {done}", flush=True)
    return failures


def key(row) -> tuple[str, str, str]:
    """What there is one row of."""
    return row["dataset"], row["model"], str(row["seed"])


def one_run(dataset: str, model: str, seed: int) -> dict:
    """Trains, exports, asks: a row."""
    from zoo import litert
    from zoo.datasets import load_dataset
    from zoo.training import TrainingConfig, train

    config = TrainingConfig(model, dataset, seed=seed, **SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        run = train(config, Path(folder) / "run", tensorboard=False, verbose=False)
        figures = json.loads((Path(folder) / "run" / "metrics.json").read_text(encoding="utf-8"))
        read = load_dataset(dataset, seed=seed)
        file = smallest_file(run, folder, read.valid.texts)
        classifier = litert.load(Path(folder) / file.path)
        asked = classifier.evaluate(read.test.texts, read.test.labels)
        return {
            "dataset": Path(dataset).name,
            "model": model,
            "seed": seed,
            "parameters": run.model.count_params(),
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


def smallest_file(run, folder: str, texts: Sequence[str]):
    """The file for MediaPipe, in the lowest precision that answers as Keras does.

    Rounding adds up in a plain recurrent cell: its labels may not survive int8.
    """
    from export import VerificationError, export_model
    from export.architecture import read
    from export.tflite import automatic

    given = {"lowering": automatic(read(run.model))[0], "texts": texts}
    for precision in PRECISIONS[:-1]:
        try:
            return export_model(run, folder, precision=precision, **given)[0]
        except VerificationError as error:
            print(f"{run.name} not as {precision}: {error}", flush=True)
    return export_model(run, folder, precision=PRECISIONS[-1], **given)[0]


def time_answers(rows: Sequence[dict[str, str]]) -> None:
    """Sets the rows' `answer_ms`: of a text of full length, its tokens given, on one thread.

    The files that are timed have weights of their own, on which time does not depend; all are
    there at once and take turns, since a machine is not as fast in one hour as in the next.
    """
    from export.architecture import read
    from export.tflite import LOWERINGS
    from export.tflite.quantize import quantize
    from studies.speed import contenders, runtimes

    length, words = SETTINGS["max_length"], SETTINGS["vocab_size"]
    made = lambda row: (row["model"], row["lowering"], row["precision"])  # noqa: E731
    kinds = sorted({made(row) for row in rows})
    asks = []
    with tempfile.TemporaryDirectory() as folder:
        for model, lowering, precision in kinds:
            classifier = create_model(model, vocab_size=words, num_classes=2)
            contenders.loud(classifier)
            lowered = LOWERINGS[lowering](read(classifier), length)
            quantize(lowered, precision)
            path = Path(folder) / f"{model}-{precision}.tflite"
            path.write_bytes(lowered.pack())
            asks.append(runtimes.load(path))
        ids = np.random.default_rng(0).integers(2, words, (1, length), np.int32)
        seconds = np.median(take_turns(asks, ROUNDS, ids), axis=1)
    found = dict(zip(kinds, seconds, strict=True))
    for row in rows:
        row["answer_ms"] = f"{1e3 * found[made(row)]:.3f}"


if __name__ == "__main__":
    main()
