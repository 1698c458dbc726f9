"""Adds rows to accuracy.csv: a run and its exported files on all texts of the run's test split.

    python results/accuracy.py [--command COMMAND] RUN…

COMMAND is what makes the run, where that is more than one call of train.py. The run folder says
how it was made; `python -m export RUN` has to have written its files.
"""

import argparse
import json
import math
import os
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import zoo
from zoo.datasets import load_dataset
from zoo.files import read_table, write_table

TABLE = Path(__file__).with_name("accuracy.csv")
# Flags that say where data lies on one machine, not what was trained.
PLACES = ("data_dir", "download_dir")


def main(arguments: list[str] | None = None) -> None:
    """Measures each run's files and writes the table anew, in the order of its keys."""
    parser = argparse.ArgumentParser(prog="python results/accuracy.py")
    parser.add_argument("--command", help="that makes the run (default: its call of train.py)")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    options = parser.parse_args(arguments)
    for run in options.runs:
        if not (run / "metrics.json").is_file():
            parser.error(f"{run} is no finished run: train it first.")
        if not any((run / "export").glob("*.tflite")):
            parser.error(f"{run} has no exported file: python -m export {run}")
    # Other texts under the same name make other rows: their numbers differ.
    key = itemgetter("dataset", "train", "validation", "test", "file", "command", "seed")
    rows = {key(row): row for row in read_table(TABLE)}
    for run in options.runs:
        for row in measure(run, options.command):
            row = {name: str(value) for name, value in row.items()}  # as the table gives it back
            rows[key(row)] = row
            print(f"{row['file']} on {row['dataset']}: {row['accuracy_file']} of {row['test']}")
        write_table(TABLE, [rows[key] for key in sorted(rows)])


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of so many texts (Wilson 1927)."""
    z = 1.96
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)


def measure(run: Path, made_by: str | None = None):
    """A row for each .tflite file of a run."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    training, model = config["training"], config["model"]
    names = (*PLACES, "seed", "text_column", "label_column")
    dataset = load_dataset(training["dataset"], **{name: training[name] for name in names})
    for path in sorted((run / "export").glob("*.tflite")):
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
                *interval(figures["accuracy"], figures["examples"])
            ),
            "command": made_by or command(training, config.get("chosen_from_data", ())),
        }


def command(training: dict, chosen: Sequence[str]) -> str:
    """The command that trains such a run; settings chosen from the data are left out of it."""
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


if __name__ == "__main__":
    main()
