"""Makes leaderboard.md and leaderboard.png from leaderboard.csv."""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studies import intervals, pictures
from zoo.catalogue import FAMILIES
from zoo.files import write_text

INTRODUCTION = """\
# Leaderboard

Every family of the catalogue, trained with the same settings and {seeds} seeds per data set. The
figures are the accuracy of the exported file on the test texts in percent, as mean ± half of a
95 % confidence interval. Models are sorted by the mean over the data sets, those that lack a data
set last. Most neighbours are within each other's interval. The file is the one for MediaPipe. kB
and ms are medians; ms is the time of a text of full length on one thread.

Made by `make results-leaderboard` from `leaderboard.csv`, which has a row for each run.

![accuracy against bytes and against time](leaderboard.png)

"""
MISSING = "Not measured yet"
COLORS = {"fused": "C0", "parallel": "C2", "unrolled": "C1"}
BUILT_IN = ("birnn", "bilstm", "bigru")  # layers of Keras itself


@dataclass(frozen=True)
class Standing:
    """The result of a model on a data set.

    Attributes:
        model: Its name, with the size.
        lowering: Of its file for MediaPipe.
        kilobytes, answer_ms: Medians.
        accuracy: Of the file on the test texts, mean of the seeds.
        half: Half of the 95 % confidence interval of that mean; nan for a single run.
    """

    model: str
    lowering: str
    kilobytes: float
    answer_ms: float
    accuracy: float
    half: float


def write(rows: Sequence[dict[str, str]], table: Path) -> None:
    """Writes the page and the picture beside the table."""
    found = {
        dataset: standings([row for row in rows if row["dataset"] == dataset])
        for dataset in sorted({row["dataset"] for row in rows})
    }
    counts = Counter((row["dataset"], row["model"]) for row in rows).values()
    seeds = " to ".join(str(count) for count in sorted({min(counts), max(counts)}))
    models = {row["model"] for row in rows}
    write_text(table.with_suffix(".md"), page(found, seeds) + missing(models))
    draw(found, table.with_suffix(".png"))


def standings(rows: Sequence[dict[str, str]]) -> list[Standing]:
    """The standing of each model in the rows of one data set."""
    found = []
    for model in sorted({row["model"] for row in rows}):
        own = [row for row in rows if row["model"] == model]
        right = [float(row["accuracy_file"]) for row in own]
        found.append(
            Standing(
                model,
                own[0]["lowering"],
                float(np.median([int(row["bytes"]) for row in own])) / 1e3,
                float(np.median([float(row["answer_ms"]) for row in own])),
                float(np.mean(right)),
                intervals.half_of_mean(right),
            )
        )
    return found


def page(found: dict[str, list[Standing]], seeds: str) -> str:
    """The page: a row for each model, the most accurate first.

    Args:
        found: Standings by data set.
        seeds: How many there are, in words.
    """
    of = {name: {each.model: each for each in each_of} for name, each_of in found.items()}
    models = sorted({model for each in of.values() for model in each})
    overall = {m: np.mean([each[m].accuracy for each in of.values() if m in each]) for m in models}
    heads = ["model", "lowering", "kB", "ms", *found, "mean"]
    lines = ["| " + " | ".join(heads) + " |", "|---|---" + "|--:" * (len(heads) - 2) + "|"]
    lacks = {model: sum(model not in each for each in of.values()) for model in models}
    for model in sorted(models, key=lambda model: (lacks[model], -overall[model])):
        own = [each[model] for each in of.values() if model in each]
        cells = [
            f"`{model}`",
            own[0].lowering,
            f"{np.median([each.kilobytes for each in own]):.0f}",
            f"{np.median([each.answer_ms for each in own]):.2f}",
            *(_share(each.get(model)) for each in of.values()),
            f"{100 * overall[model]:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return INTRODUCTION.format(seeds=seeds) + "\n".join(lines) + "\n"


def missing(models: Set[str]) -> str:
    """A line that names the families of the catalogue without a row; empty if none lacks one."""
    lacking = [
        family
        for family in FAMILIES
        if not any(model == family or model.rpartition("-")[0] == family for model in models)
    ]
    return f"\n{MISSING}: {', '.join(f'`{family}`' for family in lacking)}.\n" if lacking else ""


def _share(standing: Standing | None) -> str:
    if standing is None:
        return "–"
    half = "" if np.isnan(standing.half) else f" ± {100 * standing.half:.1f}"
    return f"{100 * standing.accuracy:.1f}{half}"


def front(standings: Sequence[Standing], cost: str) -> list[Standing]:
    """The Pareto front, the cheapest first: no other model is as cheap and more accurate."""
    found: list[Standing] = []
    for each in sorted(standings, key=lambda each: (getattr(each, cost), -each.accuracy)):
        if not found or each.accuracy > found[-1].accuracy:
            found.append(each)
    return found


def draw(found: dict[str, list[Standing]], path: Path) -> None:
    """Draws a point for each model; names those on the front and the layers built into Keras."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    costs = {"kilobytes": "kB of the file", "answer_ms": "ms of an answer, one thread"}
    figure = Figure(figsize=(7 * len(costs), 4.6 * len(found)), layout="constrained")
    panels = figure.subplots(len(found), len(costs), squeeze=False, sharey="row")
    for line, (dataset, models) in zip(panels, found.items(), strict=True):
        for axes, (cost, label) in zip(line, costs.items(), strict=True):
            best = front(models, cost)
            axes.step(
                [getattr(each, cost) for each in best],
                [each.accuracy for each in best],
                "k:",
                where="post",
                lw=0.8,
            )
            for each in models:
                point = (getattr(each, cost), each.accuracy)
                color = COLORS[each.lowering]
                axes.errorbar(*point, each.half, fmt="o", ms=5, lw=0.5, alpha=0.5, color=color)
                if each in best or each.model.rpartition("-")[0] in BUILT_IN:
                    axes.annotate(
                        each.model,
                        point,
                        (4, 4),
                        textcoords="offset points",
                        fontsize=8,
                        weight="bold" if each in best else "normal",
                    )
            axes.set(xlabel=label, title=dataset, xscale="log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 4, 6, 8)))
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
        means = [each.accuracy for each in models]
        margin = 0.05 * (max(means) - min(means)) + 1e-3
        line[0].set_ylim(min(means) - margin, max(means) + 2 * margin)  # intervals may stick out
        line[0].set_ylabel("accuracy on test texts")
    keys = [Line2D([], [], marker="o", ls="", color=color) for color in COLORS.values()]
    figure.legend(keys, COLORS, loc="outside lower center", ncols=len(COLORS))
    pictures.save(figure, path, dpi=110)
