"""Compares simple cell, LSTM, GRU and peephole LSTM: their costs, and their accuracy over seeds.

Writes lstm_vs_gru.csv and lstm_vs_gru.png.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studies import command, intervals, models, pictures, processes
from studies.clocks import take_turns
from studies.settings import PLAIN
from zoo import catalogue
from zoo.datasets import load_dataset
from zoo.files import read_table, write_table
from zoo.training import TrainingConfig, train

FAMILIES = ("birnn", "bilstm", "bigru", "peephole-bilstm")
ROUNDS = 15
SETTINGS = PLAIN | {"batch_size": 32}
COLUMNS = 4  # of the picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "--dataset",
        required=True,
        action="append",
        help="a data set, as for train.py; may be repeated",
    )
    parser.add_argument(
        "--seeds", type=int, default=5, help="runs per model and data set (default: 5)"
    )
    parser.add_argument("--epochs", type=int, default=6, help="epochs of each run (default: 6)")
    parser.add_argument(
        "--size", default="small", help="size of the trained models (default: small)"
    )
    parser.add_argument(
        "--costs-only",
        action="store_true",
        help="measure time and memory only; keep the accuracies of the table in --output",
    )
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Trains and times the models."""
    pictures.require()
    compare(
        options.dataset,
        options.output,
        seeds=options.seeds,
        epochs=options.epochs,
        size=options.size,
        costs_only=options.costs_only,
    )
    print(f"{options.output / 'lstm_vs_gru.csv'}, {options.output / 'lstm_vs_gru.png'}")


def compare(
    datasets: Sequence[str],
    folder: Path,
    *,
    seeds: int = 5,
    size: str = "small",
    epochs: int = 6,
    max_length: int = 32,
    learning_rate: float = 3e-3,
    costs_only: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Writes lstm_vs_gru.csv and lstm_vs_gru.png.

    Time and memory are measured on models of the base size, accuracy on models of `size`. Those are
    trained on each data set once per seed, all with the same settings.

    Args:
        datasets: As for train.py; each has a test split.
        folder: Where the files go.
        seeds: Number of runs for each model and data set, 2 to 10.
        size: A size of the catalogue.
        epochs, max_length, learning_rate: As for train.py.
        costs_only: Measure time and memory again, and keep the accuracies of the table in the
            folder. Accuracies are reproducible; times are not.
        say: Receives a line about each step.

    Raises:
        ValueError: If `seeds` is out of range, there is no such data set or size, two data sets
            have the same name, or the table lacks the accuracies that `costs_only` keeps.
    """
    if seeds not in intervals.T:
        raise ValueError(
            f"seeds must be from 2 to 10, not {seeds}: an interval needs at least two runs."
        )
    names = [Path(dataset).name for dataset in datasets]
    if len(set(names)) < len(names):
        raise ValueError(
            f"the data sets {', '.join(datasets)} have the same name; rename a folder."
        )
    for dataset in datasets:
        load_dataset(dataset)
    for family in FAMILIES:
        catalogue.find(f"{family}-{size}")
    folder.mkdir(parents=True, exist_ok=True)
    settings = SETTINGS | {
        "epochs": epochs,
        "max_length": max_length,
        "learning_rate": learning_rate,
    }
    accuracy_of = f"{size}, {epochs} epochs, {seeds} seeds, test split"
    known = _known(folder / "lstm_vs_gru.csv", names, accuracy_of) if costs_only else {}
    rows: list[dict[str, Any]] = []
    for family, costs in zip(FAMILIES, _costs(say), strict=True):
        gates = catalogue.FAMILIES[family].gates
        rows.append(
            {
                "model": family,
                "gates": 0 if gates == "–" else len(gates.split()),
                "recurrent_parameters": catalogue.recurrent_parameters(family),
                **costs,
            }
        )
    for dataset in datasets:
        name = Path(dataset).name
        for family, row in zip(FAMILIES, rows, strict=True):
            if costs_only:
                row.update((key, known[family][key]) for key in _columns(name))
                continue
            config = {"model": f"{family}-{size}", "dataset": dataset, **settings}
            accuracies = [_accuracy(config, seed) for seed in range(seeds)]
            mean = f"{np.mean(accuracies):.4f}"
            half = f"{intervals.half_of_mean(accuracies):.4f}"
            single = " ".join(f"{value:.4f}" for value in accuracies)
            row.update(zip(_columns(name), (mean, half, single), strict=True))
            say(f"{family}-{size} on {name}: {mean} ± {half}")
    for row in rows:
        row["accuracy_of"] = accuracy_of
    write_table(folder / "lstm_vs_gru.csv", rows)
    _draw(rows, names, folder / "lstm_vs_gru.png")


def _columns(dataset: str) -> tuple[str, str, str]:
    return f"{dataset}_accuracy", f"{dataset}_interval", f"{dataset}_runs"


def _known(path: Path, datasets: Sequence[str], accuracy_of: str) -> dict[str, dict[str, str]]:
    """The rows of the table by model; `ValueError` if they lack the accuracies in question."""
    rows = {row["model"]: row for row in read_table(path)}
    wanted = [key for name in datasets for key in _columns(name)]
    whole = [all(rows.get(family, {}).get(key) for key in wanted) for family in FAMILIES]
    if not all(whole) or any(rows[family]["accuracy_of"] != accuracy_of for family in FAMILIES):
        raise ValueError(
            f"{path} has no accuracies of {accuracy_of} on {', '.join(datasets)}; leave out "
            "--costs-only."
        )
    return rows


def _accuracy(config: dict[str, Any], seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        made = train(TrainingConfig(seed=seed, **config), path, tensorboard=False, verbose=False)
        return made.figures["test"]["accuracy"]


def _costs(say: Callable[[str], None]) -> list[dict[str, str]]:
    """Median times of the models, which take turns, and the memory of each in its own process."""
    compiled = [models.compiled(family) for family in FAMILIES]
    medians = {
        kind: np.median(take_turns([step(model) for model in compiled], ROUNDS), axis=1)
        for kind, step in models.STEPS.items()
    }
    rows = []
    for place, family in enumerate(FAMILIES):
        row = {}
        for kind, seconds in medians.items():
            row[f"{kind}_ms"] = f"{1000 * seconds[place]:.1f}"
            of_lstm = seconds[place] / seconds[FAMILIES.index("bilstm")]
            row[f"{kind}_of_bilstm"] = f"{of_lstm:.2f}"
            row[f"{kind}_memory_mb"] = _memory(family, kind)
        say(f"{family}: {row}")
        rows.append(row)
    return rows


def _memory(family: str, kind: str) -> str:
    """Peak memory of a step in MB; "" if the system does not report it."""
    peak = processes.run("step", family, kind)["peak_kb"]
    return "" if peak is None else f"{peak / 1024:.0f}"


def _draw(rows: Sequence[Mapping[str, Any]], datasets: Sequence[str], path: Path) -> None:
    from matplotlib.figure import Figure

    names = [f"{row['model']}, gates: {row['gates']}" for row in rows]
    costs = {
        "recurrent parameters, thousands": [row["recurrent_parameters"] / 1e3 for row in rows],
        "training step, of bilstm's": [row["training_step_of_bilstm"] for row in rows],
        "training step, MB": [row["training_step_memory_mb"] for row in rows],
        "answer in Keras, of bilstm's": [row["answer_of_bilstm"] for row in rows],
        "answer in Keras, MB": [row["answer_memory_mb"] for row in rows],
    }
    costs = {title: values for title, values in costs.items() if all(map(str, values))}
    count = len(costs) + len(datasets)
    lines = -(-count // COLUMNS)
    figure = Figure(figsize=(10, 2.4 * lines), layout="constrained")
    panels = figure.subplots(lines, COLUMNS, squeeze=False).flat
    for axes, (title, values) in zip(panels, costs.items(), strict=False):
        axes.barh(names, [float(value) for value in values], color="tab:gray")
        axes.set_title(title, fontsize="small")
    for axes, name in zip(panels[len(costs) :], datasets, strict=False):
        values = [float(row[f"{name}_accuracy"]) for row in rows]
        halves = [float(row[f"{name}_interval"]) for row in rows]
        axes.errorbar(values, names, xerr=halves, fmt="o", capsize=3)
        axes.set_title(f"accuracy on {name}", fontsize="small")
    for number, axes in enumerate(panels):
        if number >= count:
            axes.remove()
            continue
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.locator_params(axis="x", nbins=4)
        axes.tick_params(labelsize="small")
        if number % COLUMNS:
            axes.set_yticks(range(len(names)), [""] * len(names))
    pictures.save(figure, path)
