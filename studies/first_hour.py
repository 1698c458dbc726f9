"""Measures what a newcomer gets on a small data set with no flags, beside TF-IDF.

DATA is a folder with a folder for each data set (see recipes/DATA.md). The study takes a fixed
sample of the training rows and all test rows. It trains with nothing but --model, --dataset and
--output (and --seed for further seeds), exports, and writes a row of first_hour.csv. The model is
compared with logistic regression on TF-IDF, fitted once to the training texts of the run and once
to all training rows, including those that the run holds out for validation.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studies import command
from zoo import records
from zoo.datasets import load_dataset
from zoo.files import read_table, write_table
from zoo.training.tfidf import TfidfClassifier

ROOT = Path(__file__).parents[1]
SETS = ("snips:200", "ag_news:200", "ag_news:2000", "banking77:2000")
SHUFFLE = 0  # seed of the rows' order


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument("data", type=Path, metavar="DATA", help="a folder of data sets")
    parser.add_argument(
        "--sets",
        nargs="+",
        default=SETS,
        metavar="NAME:ROWS",
        help="data sets and numbers of training rows (default: %(default)s)",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=["bilstm-small"],
        metavar="MODEL",
        help="models of the catalogue (default: bilstm-small)",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="runs per model and set (default: 1)"
    )
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures each set and model, and writes the table; rows of the same key are replaced."""
    wanted = []
    for one in options.sets:
        name, _, rows = one.partition(":")
        if not rows.isdecimal() or int(rows) == 0:
            raise ValueError(f"{one!r} is not a data set: give NAME:ROWS, such as snips:200.")
        wanted.append((name, int(rows)))
        for part in ("train", "test"):
            if not (options.data / name / f"{part}.tsv").is_file():
                raise ValueError(f"{options.data / name} has no {part}.tsv; see recipes/DATA.md.")
    path = options.output / "first_hour.csv"
    table = {key(row): row for row in read_table(path)}
    with tempfile.TemporaryDirectory() as scratch:
        for name, count in wanted:
            folder = cut(options.data / name, count, Path(scratch) / f"{name}-{count}")
            for model in options.models:
                for seed in range(options.seeds):
                    measured = measure(
                        folder, model, seed, Path(scratch) / f"{model}-{name}-{count}-{seed}"
                    )
                    row = {column: str(value) for column, value in measured.items()}
                    table[key(row)] = row
                    write_table(path, [table[each] for each in sorted(table)])
                    print(", ".join(f"{column} {value}" for column, value in row.items()))


def key(row: Mapping[str, str]) -> tuple[str, int, str, int]:
    """What identifies a row."""
    return row["dataset"], int(row["rows"]), row["model"], int(row["seed"])


def cut(source: Path, rows: int, target: Path) -> Path:
    """Writes a data set with a sample of `rows` training rows and all test rows of another."""
    target.mkdir()
    # Not splitlines, which also splits at characters that a text may contain.
    header, *lines = (source / "train.tsv").read_text(encoding="utf-8").strip("\n").split("\n")
    order = np.random.default_rng(SHUFFLE).permutation(len(lines))[:rows]
    text = "\n".join([header, *(lines[place] for place in order)]) + "\n"
    (target / "train.tsv").write_text(text, encoding="utf-8")
    (target / "test.tsv").write_bytes((source / "test.tsv").read_bytes())
    return target


def measure(folder: Path, model: str, seed: int, output: Path) -> dict[str, Any]:
    """Trains, exports and compares; returns a row of the table."""
    given = ["--model", model, "--dataset", str(folder), "--output", str(output)]
    given += ["--seed", str(seed)] if seed else []
    started = time.monotonic()
    _python("train.py", *given).check_returncode()
    seconds = time.monotonic() - started
    exported = _python("-m", "export", str(output))
    figures = records.read_figures(output)
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


def _python(*arguments: str) -> subprocess.CompletedProcess:
    # This process hides descriptor 2, where libraries write. sys.stderr is still visible.
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, stderr=sys.stderr, check=False)


def tfidf_of_all_rows(folder: Path) -> float:
    """Test accuracy of logistic regression on TF-IDF, fitted to all training rows."""
    dataset = load_dataset(folder)
    parts = dataset.train, dataset.valid
    texts = [text for part in parts for text in part.texts]
    labels = np.concatenate([part.labels for part in parts])
    classifier = TfidfClassifier(len(dataset.labels)).fit(texts, labels)
    predicted = classifier.probabilities(dataset.test.texts).argmax(axis=1)
    return float(np.mean(predicted == dataset.test.labels))
