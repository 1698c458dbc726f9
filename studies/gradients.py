"""Measures the vanishing gradient: how much is left at each distance from the last state.

Writes gradients.csv and gradients.png.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from studies import command, pictures
from zoo import terminal
from zoo.files import write_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures, writes and draws."""
    pictures.require()
    with terminal.progress("Loading Keras"):
        from studies import gradient_norms
    options.output.mkdir(parents=True, exist_ok=True)
    norms = gradient_norms.measure()
    write(norms, options.output)
    for name, rows in norms.items():
        left = sorted(rows[:, -1])[len(rows) // 2]
        print(f"{name}: {left:.1e} of the gradient is left after {rows.shape[1] - 1} steps")
    print(f"{options.output / 'gradients.csv'}, {options.output / 'gradients.png'}")


def write(norms: Mapping[str, np.ndarray], folder: Path) -> None:
    """Writes gradients.csv and gradients.png of what `gradient_norms.measure` returns."""
    table = []
    for name, rows in norms.items():
        columns = {"median": np.median(rows, 0), "lowest": rows.min(0), "highest": rows.max(0)}
        for distance in range(rows.shape[1]):
            values = {key: f"{column[distance]:.3e}" for key, column in columns.items()}
            table.append({"cell": name, "distance": distance, **values})
    write_table(folder / "gradients.csv", table)
    _draw(norms, folder / "gradients.png")


def _draw(norms: Mapping[str, np.ndarray], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, rows in norms.items():
        steps = np.arange(rows.shape[1])
        (line,) = axes.plot(steps, np.maximum(np.median(rows, 0), 1e-12), label=name)
        low, high = np.maximum(rows.min(0), 1e-12), np.maximum(rows.max(0), 1e-12)
        axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set(
        yscale="log",
        ylim=(1e-9, 10),
        xlabel="steps before the last state",
        ylabel="gradient left, as a share",
        title="New cells, random inputs: how far back the last state learns",
    )
    axes.legend(loc="lower left", fontsize="small")
    pictures.save(figure, path)
