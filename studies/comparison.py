"""Simple cell, LSTM, GRU and peephole LSTM side by side: what the lessons claim, measured."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from studies import memory
from studies.clocks import take_turns
from studies.training_speed import answer, lesson_model, training_step
from zoo import catalogue
from zoo.datasets import load_dataset
from zoo.files import read_table, replacing, write_table
from zoo.training import TrainingConfig, train

FAMILIES = ("birnn", "bilstm", "bigru", "peephole-bilstm")
STEPS = {"training_step": training_step, "answer": answer}
ROUNDS = 15
# For every data set alike, and no teacher: the layers are compared.
SETTINGS = {
    "batch_size": 32,
    "patience": 3,
    "keep": "best",
    "word_dropout": 0.1,
    "average": 0.0,
    "augment": 0,
}
COLUMNS = 4  # of the picture
# Student's t for a 95 % interval, by the number of seeds.
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}


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

    Time and memory are those of the lessons' size; accuracy is that of models of `size`, trained
    on each data set with the same settings once a seed.

    Args:
        datasets: As for train.py; each with a test split.
        folder: Where to write.
        seeds: Number of runs for each model and data set, 2 to 10.
        size: A size of the catalogue.
        epochs, max_length, learning_rate: As for train.py.
        costs_only: Measure time and memory anew, and keep the accuracies that the table in the
            folder has: they are the same each time, costs are not.
        say: Takes a line about each step.

    Raises:
        ValueError: If `seeds` is out of range, a data set or the size is none, or two data sets
            have one name; or with `costs_only` the table has no such accuracies.
    """
    if seeds not in T_95:
        raise ValueError(f"seeds must be from 2 to 10, not {seeds}: an interval needs some.")
    names = [Path(dataset).name for dataset in datasets]
    if len(set(names)) < len(names):
        raise ValueError(f"the data sets {', '.join(datasets)} have one name; rename a folder.")
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
    rows = []
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
            found = [_accuracy(config, seed) for seed in range(seeds)]
            half = T_95[seeds] * np.std(found, ddof=1) / np.sqrt(seeds)
            mean, interval = f"{np.mean(found):.4f}", f"{half:.4f}"
            runs = " ".join(f"{value:.4f}" for value in found)
            row.update(zip(_columns(name), (mean, interval, runs), strict=True))
            say(f"{family}-{size} on {name}: {np.mean(found):.4f} ± {half:.4f}")
    for row in rows:
        row["accuracy_of"] = accuracy_of
    write_table(folder / "lstm_vs_gru.csv", rows)
    _draw(rows, [Path(dataset).name for dataset in datasets], folder / "lstm_vs_gru.png")


def _columns(dataset: str) -> tuple[str, str, str]:
    return f"{dataset}_accuracy", f"{dataset}_interval", f"{dataset}_runs"


def _known(path: Path, datasets: Sequence[str], accuracy_of: str) -> dict[str, dict[str, str]]:
    """The table's rows by model, if they have the accuracies that are asked for."""
    rows = {row["model"]: row for row in read_table(path)}
    wanted = [key for name in datasets for key in _columns(name)]
    whole = [all(rows.get(family, {}).get(key) for key in wanted) for family in FAMILIES]
    if not all(whole) or any(rows[family]["accuracy_of"] != accuracy_of for family in FAMILIES):
        raise ValueError(
            f"{path} has no accuracies of {accuracy_of} on {', '.join(datasets)}; leave out "
            "--costs-only."
        )
    return rows


def _accuracy(config: dict, seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train(TrainingConfig(seed=seed, **config), run, tensorboard=False, verbose=False)
        return json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test"]["accuracy"]


def _costs(say) -> list[dict]:
    """Medians over rounds in which the models take turns, and the memory of each by itself."""
    models = [lesson_model(family) for family in FAMILIES]
    medians = {
        kind: np.median(take_turns([step(model) for model in models], ROUNDS), axis=1)
        for kind, step in STEPS.items()
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
    """MB that a process of its own takes at most for a model and such a step; "" if unknown."""
    done = subprocess.run(
        [sys.executable, "-m", "studies.comparison", family, kind],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"measuring the memory of {family} failed: {done.stderr[-500:]}")
    last = done.stdout.split()[-1]
    return "" if last == "None" else f"{int(last) / 1024:.0f}"


def _print_memory(family: str, kind: str) -> None:
    import keras

    # What a first step of something small takes is TensorFlow's own.
    small = catalogue.create_model(
        family, vocab_size=9, num_classes=2, embed_dim=2, hidden_dim=2, num_layers=1
    )
    small.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    ids = np.ones((1, 2), np.int32)
    small.train_on_batch(ids, ids[:, 0])
    small.predict_on_batch(ids)

    def work():
        step = STEPS[kind](lesson_model(family))
        for _ in range(3):
            step()

    print(memory.added(work))


def _draw(rows: Sequence[dict], datasets: Sequence[str], path: Path) -> None:
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
    with replacing(path) as partial:
        figure.savefig(partial, dpi=120)


if __name__ == "__main__":
    _print_memory(*sys.argv[1:])
