"""The whole catalogue on several data sets: `python -m results.leaderboard DATA/trec …`.

Each family is trained with the same settings, once a seed, and exported for MediaPipe (`fused`,
`parallel` or `unrolled`), with int8 weights where the verification lets them pass. The epoch is
chosen on validation texts, the test texts are read once a run. `leaderboard.csv` gets a row a run
as soon as it is there; a run that has its row is not made again. `leaderboard.png` is drawn from
the table: accuracy against bytes, and against the time of an answer.
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

from zoo.catalogue import FAMILIES
from zoo.comparison import T_95
from zoo.files import read_table, replacing, write_table
from zoo.timing import median_time

TABLE = Path(__file__).with_name("leaderboard.csv")
PICTURE = TABLE.with_suffix(".png")
SETTINGS = {
    "epochs": 8,
    "batch_size": 64,
    "max_length": 64,
    "learning_rate": 3e-3,
    "vocab_size": 10_000,
}
PRECISIONS = ("int8", "float16", "float32")
ROUNDS = 100  # answers that a median is taken of
RUNS_OF_A_PROCESS = 20
ONE_CORE = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the rows that are missing, and draws."""
    parser = argparse.ArgumentParser(prog="python -m results.leaderboard")
    parser.add_argument("datasets", nargs="*", type=Path, help="folders, as for train.py")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--seeds", type=int, default=3, choices=range(1, max(T_95) + 1))
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, on a core each")
    parser.add_argument("--draw", action="store_true", help="draw only")
    options = parser.parse_args(arguments)
    try:
        if not options.draw:
            measure(options)
    finally:
        if rows := read_table(TABLE):
            draw(rows)


def measure(options) -> None:
    """Adds a row for each data set, family and seed that the table lacks."""
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
    if failures:
        raise RuntimeError("Runs without a row:\n" + "\n".join(failures))


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
            "answer_ms": f"{median_time(classifier, ROUNDS):.3f}",
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


def draw(rows: Sequence[dict[str, str]]) -> None:
    """A point a model: the mean of its seeds, with an interval of 95 %."""
    from matplotlib.figure import Figure

    datasets = sorted({row["dataset"] for row in rows})
    axes_of = {"bytes": "bytes of the file", "answer_ms": "ms of an answer, one thread"}
    figure = Figure(figsize=(7 * len(axes_of), 5.5 * len(datasets)), layout="constrained")
    panels = figure.subplots(len(datasets), len(axes_of), squeeze=False, sharey="row")
    for line, dataset in zip(panels, datasets, strict=True):
        for axes, (column, label) in zip(line, axes_of.items(), strict=True):
            for model in sorted({row["model"] for row in rows if row["dataset"] == dataset}):
                own = [r for r in rows if (r["dataset"], r["model"]) == (dataset, model)]
                found = [float(row["accuracy_file"]) for row in own]
                x = float(np.median([float(row[column]) for row in own]))
                spread = np.std(found, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else 0
                half = T_95.get(len(found), 0) * spread
                color = {"fused": "C0", "parallel": "C2"}.get(own[0]["lowering"], "C1")
                axes.errorbar(x, np.mean(found), half, fmt="o", ms=4, lw=0.5, color=color)
                name = model.rpartition("-")[0]
                axes.annotate(name, (x, float(np.mean(found))), fontsize=7, rotation=20)
            axes.set(xlabel=label, title=dataset)
        line[0].set_ylabel("accuracy on test texts")
    with replacing(PICTURE) as partial:
        figure.savefig(partial, dpi=110)


if __name__ == "__main__":
    main()
