"""What a newcomer gets on a small data set, with no flags: `python -m results.first_hour DATA`.

DATA is a folder with a folder for each data set (see recipes/DATA.md). Of each the program takes
some training rows, in an order shuffled once and for all, and all test rows; it trains with nothing
but --model, --dataset and --output (and --seed for further seeds), exports, and writes a row to
first_hour.csv. The model is compared with TF-IDF and logistic regression, fitted to the run's own
training texts and to all training rows, also those that the run holds out to validate on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
import numpy as np

from zoo.datasets import load_dataset
from zoo.files import read_table, write_table
from zoo.training.tfidf import TfidfClassifier

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("first_hour.csv")
SETS = ("snips:200", "ag_news:200", "ag_news:2000", "banking77:2000")
SHUFFLE = 0  # seed of the rows' order


def main(arguments: list[str] | None = None) -> None:
    """Makes the runs and writes their rows, in the place of those of the same name."""
    parser = argparse.ArgumentParser(prog="python -m results.first_hour")
    parser.add_argument("data", type=Path, help="a folder of data sets")
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="NAME:ROWS")
    parser.add_argument("--models", nargs="+", default=["bilstm-small"], metavar="MODEL")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each")
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args(arguments)
    wanted = [(name, int(rows)) for name, _, rows in (one.partition(":") for one in options.sets)]
    for name, _ in wanted:
        for part in ("train", "test"):
            if not (options.data / name / f"{part}.tsv").is_file():
                parser.error(f"{options.data / name} holds no {part}.tsv; see recipes/DATA.md.")
    table = {key(row): row for row in read_table(options.table)}
    with tempfile.TemporaryDirectory() as scratch:
        for name, rows in wanted:
            folder = cut(options.data / name, rows, Path(scratch) / f"{name}-{rows}")
            for model in options.models:
                for seed in range(options.seeds):
                    row = measure(folder, model, seed, Path(scratch) / f"{model}-{name}-{rows}")
                    row = {column: str(value) for column, value in row.items()}
                    table[key(row)] = row
                    write_table(options.table, [table[found] for found in sorted(table)])
                    print(", ".join(f"{column} {value}" for column, value in row.items()))


def key(row: dict) -> tuple:
    """What there is one row of."""
    return row["dataset"], int(row["rows"]), row["model"], int(row["seed"])


def cut(source: Path, rows: int, target: Path) -> Path:
    """A data set of `rows` training rows of another, and all its test rows."""
    target.mkdir()
    # Not splitlines, which also splits at characters that a text may hold.
    header, *lines = (source / "train.tsv").read_text(encoding="utf-8").strip("\n").split("\n")
    order = np.random.default_rng(SHUFFLE).permutation(len(lines))[:rows]
    text = "\n".join([header, *(lines[place] for place in order)]) + "\n"
    (target / "train.tsv").write_text(text, encoding="utf-8")
    (target / "test.tsv").write_bytes((source / "test.tsv").read_bytes())
    return target


def measure(folder: Path, model: str, seed: int, run: Path) -> dict:
    """Trains, exports, and compares."""
    run = run.with_name(f"{run.name}-{seed}")
    given = ["--model", model, "--dataset", str(folder), "--output", str(run)]
    given += ["--seed", str(seed)] if seed else []
    started = time.monotonic()
    subprocess.run([sys.executable, "train.py", *given], cwd=ROOT, check=True)
    seconds = time.monotonic() - started
    exported = subprocess.run([sys.executable, "-m", "export", str(run)], cwd=ROOT, check=False)
    figures = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    accuracy, baselines = figures["test"]["accuracy"], figures["baselines"]
    every = tfidf_of_all_rows(folder)
    name, _, rows = folder.name.rpartition("-")
    return {
        "dataset": name,
        "rows": rows,
        "model": model,
        "seed": seed,
        "accuracy": f"{accuracy:.4f}",
        "tfidf": f"{baselines['tfidf']['test']:.4f}",
        "ratio": f"{accuracy / baselines['tfidf']['test']:.3f}",
        "tfidf_all_rows": f"{every:.4f}",
        "ratio_all_rows": f"{accuracy / every:.3f}",
        "most_frequent_label": f"{baselines['most_frequent_label']['test']:.4f}",
        "seconds": f"{seconds:.0f}",
        "exported": "yes" if exported.returncode == 0 else f"no (exit {exported.returncode})",
        "command": f"python train.py --model {model} --dataset {folder.name} --output RUN"
        + (f" --seed {seed}" if seed else ""),
    }


def tfidf_of_all_rows(folder: Path) -> float:
    """Test accuracy of TF-IDF with logistic regression, no row held out to validate on."""
    dataset = load_dataset(folder)
    parts = dataset.train, dataset.valid
    texts = [text for part in parts for text in part.texts]
    labels = np.concatenate([part.labels for part in parts])
    classifier = TfidfClassifier(len(dataset.labels)).fit(texts, labels)
    found = classifier.probabilities(dataset.test.texts).argmax(axis=1)
    return float(np.mean(found == dataset.test.labels))


if __name__ == "__main__":
    main()
