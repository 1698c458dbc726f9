"""Draws speed.csv."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from studies import pictures

PANELS = {
    "max_length": "ids of a text",
    "units": "units of a direction",
    "words": "words of a text, of 256 ids",
}
STYLE = {"float32": "-", "int8": "--"}


def draw(rows: Sequence[Mapping], path: Path) -> None:
    """Draws how the time of an answer grows, on one thread.

    Draws nothing if none of the growing quantities was measured.

    Args:
        rows: Of speed.csv, as measured or as read from the file.
        path: Where the picture goes.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    rows = [row for row in rows if row["model"] == "bilstm" and str(row["threads"]) == "1"]
    names = [name for name in PANELS if any(row["study"] == name for row in rows)]
    if not names:
        return
    forms = sorted({(row["runtime"], row["form"]) for row in rows})
    figure = Figure(figsize=(4 * len(names), 4.6), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, names, strict=True):
        lines: dict[tuple, list] = {}
        for row in rows:
            if row["study"] == name:
                key = (row["runtime"], row["form"], row["precision"])
                lines.setdefault(key, []).append((int(row[name]), float(row["median_ms"])))
        for (runtime, form, precision), points in sorted(lines.items()):
            x, y = zip(*sorted(points), strict=True)
            color = f"C{forms.index((runtime, form))}"
            label = f"{runtime} {form} {precision}"
            axes.plot(x, y, STYLE[precision], marker=".", color=color, label=label)
        axes.set(xscale="log", yscale="log", xlabel=PANELS[name])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(x, x)
    panels[0].set_ylabel("ms an answer, bilstm")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    pictures.save(figure, path)
