"""The figures of speed.csv as a picture."""

from collections.abc import Sequence
from pathlib import Path

from zoo.files import replacing

PANELS = {
    "max_length": "ids of a text",
    "units": "units of a direction",
    "words": "words of a text, of 256 ids",
}
STYLE = {"float32": "-", "int8": "--"}


def draw(rows: Sequence[dict], path: Path) -> None:
    """How the time of an answer grows, on one thread; nothing if no study of growth was made."""
    from matplotlib.figure import Figure

    names = [name for name in PANELS if any(row["study"] == name for row in rows)]
    if not names:
        return
    figure = Figure(figsize=(4 * len(names), 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        lines: dict[tuple, list] = {}
        for row in rows:
            if row["study"] == name and row["model"] == "bilstm" and row["threads"] == 1:
                key = (row["runtime"], row["form"], row["precision"])
                lines.setdefault(key, []).append((row[name], float(row["median_ms"])))
        forms = sorted({key[:2] for key in lines})
        for (runtime, form, precision), points in sorted(lines.items()):
            x, y = zip(*sorted(points), strict=True)
            color = f"C{forms.index((runtime, form))}"
            label = f"{runtime} {form} {precision}"
            axes.plot(x, y, STYLE[precision], marker=".", color=color, label=label)
        axes.set(xscale="log", yscale="log", xlabel=PANELS[name], ylabel="ms an answer, bilstm")
        if lines:
            axes.legend(fontsize="x-small")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=120)
