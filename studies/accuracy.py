"""Measures runs and their exported files on all texts of the run's test split.

Adds a row to accuracy.csv for each .tflite file of each run. The settings come from the run folder.
Export the runs first: `python -m export RUN`.
"""

import argparse
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import zoo
from studies import command, intervals
from zoo import records
from zoo.files import read_table, write_table

# Flags with paths of one machine. They do not change what is trained.
PLACES = ("data_dir", "download_dir")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "--command",
        help="the command that made the runs (default: the call of train.py)",
        metavar="COMMAND",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures the files of each run, and writes the table, sorted by its keys."""
    for folder in options.runs:
        records.require_finished(folder)
        if not any((folder / "export").glob("*.tflite")):
            raise ValueError(f"{folder} has no exported file. Run python -m export {folder} first.")
    table = options.output / "accuracy.csv"
    # The numbers of texts tell apart data sets that share a name.
    key = itemgetter("dataset", "train", "validation", "test", "file", "command", "seed")
    rows = {key(row): row for row in read_table(table)}
    for folder in options.runs:
        for measured in measure(folder, options.command):
            row = {name: str(value) for name, value in measured.items()}  # as the table is read
            rows[key(row)] = row
            print(f"{row['file']} on {row['dataset']}: {row['accuracy_file']} of {row['test']}")
        write_table(table, [rows[key] for key in sorted(rows)])


def measure(folder: Path, made_by: str | None = None) -> Iterator[dict[str, Any]]:
    """Yields a row for each .tflite file of a run folder."""
    config, metrics = records.read(folder), records.read_figures(folder)
    training, model = config["training"], config["model"]
    dataset = records.dataset(config)
    for path in sorted((folder / "export").glob("*.tflite")):
        figures = zoo.load(path).evaluate(dataset.test.texts, dataset.test.labels)
        yield {
            "dataset": dataset.name,
            "train": config["data"]["train"],
            "validation": config["data"]["validation"],
            "test": figures["examples"],
            "model": model["name"],
            "parameters": model["parameters"],
            "max_length": config["tokenizer"]["max_length"],
            "vocab_size": model["vocab_size"],
            "seed": training["seed"],
            "epochs": f"{metrics['best_epoch']} of {training['epochs']}",
            "seconds": metrics["seconds"],
            "device": config["device"],
            "accuracy_validation": f"{metrics['validation']['accuracy']:.4f}",
            "file": path.name,
            "bytes": path.stat().st_size,
            "accuracy_keras": f"{metrics['test']['accuracy']:.4f}",
            "accuracy_file": f"{figures['accuracy']:.4f}",
            "interval": "{:.4f} to {:.4f}".format(
                *intervals.of_share(figures["accuracy"], int(figures["examples"]))
            ),
            "command": made_by or call(training, config.get("chosen_from_data", ())),
        }


def call(training: dict[str, Any], chosen: Sequence[str]) -> str:
    """The call of train.py that trains such a run, without the settings chosen from the data."""
    from zoo.training import TrainingConfig

    default = TrainingConfig(model=training["model"], dataset="reviews")
    words = ["python train.py"]
    for name, value in training.items():
        same = name not in ("model", "dataset") and value == getattr(default, name)
        if same or name in (*PLACES, "mixed_precision", *chosen):
            continue
        shown = Path(value).name if name == "dataset" and Path(value).exists() else value
        for one in shown if isinstance(shown, (list, tuple)) else [shown]:
            words.append(f"--{name.replace('_', '-')} {one}")
    return " ".join(words)
