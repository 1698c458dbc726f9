"""Draws the imports of the repository: `python -m docs.imports` writes `docs/imports.svg`.

A box is a package of the repository. A tile in it is a module, or a sub-package with all of its
modules. A tile imports only from the rows below it, and a box only from boxes below it. The tests
refuse a picture that is not the one this module draws.
"""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docs import graph
from zoo.files import write_text

PICTURE = Path(__file__).with_name("imports.svg")
# All in pixels. A letter of a tile is as wide as LETTER at most.
WIDTH, TILE, GAP, PAD, HEAD, BETWEEN, LETTER = 960, 24, 6, 12, 30, 44, 7.2
GREY = "#7d8590"  # readable on white and on black
HEADER = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{width}} {{height}}" width="{{width}}" \
height="{{height}}" role="img" aria-labelledby="title desc" \
font-family="-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
  <title id="title">Imports in BiRNN Zoo</title>
  <desc id="desc">{{description}}</desc>
  <!-- Written by python -m docs.imports. Every box has its own fill and dark text; what stands \
outside of boxes is a grey that is readable on white and on black. -->
  <defs>
    <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
orient="auto">
      <path d="M0 0 8 4 0 8z" fill="{GREY}"/>
    </marker>
  </defs>
"""
CAPTION = (
    "Arrows count the imports between modules. Dashed: a command that hands over to a study. "
    "Bold: a package with all of its modules.",
    "In a box, a module imports only from the rows below its own.",
)


@dataclass(frozen=True)
class Box:
    """Where a package stands: its edges in pixels, its storey from the top, and its colour."""

    left: int
    right: int
    storey: int
    fill: str


# The boxes leave room for the arrows of those above them that lead further down.
BOXES = {
    "recipes": Box(0, 780, 0, "#ffe3b8"),
    "train": Box(800, 960, 0, "#ffe3b8"),
    "studies": Box(60, 700, 1, "#ecdcff"),
    "docs": Box(800, 920, 1, "#e8ecf1"),
    "export": Box(0, 560, 2, "#d3f0d9"),
    "zoo": Box(0, 960, 3, "#cfe2ff"),
}
# From which box to which an arrow leads, and how far from the left it stands.
ARROWS = {
    ("recipes", "studies"): 380,
    ("recipes", "export"): 30,
    ("recipes", "zoo"): 740,
    ("docs", "zoo"): 860,
    ("studies", "export"): 260,
    ("studies", "zoo"): 620,
    ("train", "zoo"): 940,
    ("export", "zoo"): 260,
    # Commands that hand over to a study.
    ("export", "studies"): 440,
    ("zoo", "studies"): 660,
}


def tiles(edges: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """The graph of imports with each sub-package as one: `zoo.cells` for all of its modules."""
    found: dict[str, set[str]] = {}
    for name, targets in edges.items():
        own = tile(name)
        found.setdefault(own, set()).update(map(tile, targets))
        found[own].discard(own)
    imported = {target for targets in found.values() for target in targets}
    return {name: found[name] for name in found if found[name] or name in imported or "." in name}


def tile(name: str) -> str:
    """The tile that a module is drawn in."""
    return ".".join(name.split(".")[:2])


def ranks(box: str, edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The tiles of a box in rows, from the top; each tile imports only from rows below its own.

    Raises:
        ValueError: If tiles import each other.
    """
    inside = {name: edges[name] for name in edges if name.partition(".")[0] == box}
    rows: list[list[str]] = []
    placed: set[str] = set()
    while len(placed) < len(inside):
        row = [
            name
            for name in sorted(inside)
            if name not in placed and all(t in placed or t not in inside for t in inside[name])
        ]
        if not row:
            raise ValueError(f"{box} has modules that import each other: {graph.circles(inside)}.")
        rows.append(row)
        placed.update(row)
    return rows[::-1]


def draw(edges: Mapping[str, Iterable[str]]) -> str:
    """The picture of a graph of imports, as SVG.

    Raises:
        ValueError: If modules import each other, or a package another one that it must not import.
    """
    found = tiles(edges)
    between = counts(edges)
    bodies = {name: _body(name, box, found) for name, box in BOXES.items()}
    tops, y = {}, 1
    for storey in sorted({box.storey for box in BOXES.values()}):
        names = [name for name, box in BOXES.items() if box.storey == storey]
        tops.update(dict.fromkeys(names, y))
        y += max(bodies[name][1] for name in names) + BETWEEN
    lines = [line for name in BOXES for line in _box(name, tops[name], *bodies[name])]
    for (source, target), count in between.items():
        ends = {name: (tops[name], tops[name] + bodies[name][1]) for name in (source, target)}
        lines += _arrow(source, target, count, ends)
    for number, line in enumerate(CAPTION):
        below = y - BETWEEN + 24 + 18 * number
        lines.append(f'  <text x="0" y="{below}" fill="{GREY}" font-size="13">{line}</text>\n')
    said = "; ".join(f"{source} imports {target}" for source, target in between)
    header = HEADER.format(width=WIDTH, height=y - BETWEEN + 34 + 18, description=f"{said}.")
    return f"{header}{''.join(lines)}</svg>\n"


def counts(edges: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], int]:
    """How many pairs of modules each arrow stands for.

    Raises:
        ValueError: If a package imports one that it must not import.
    """
    found = dict.fromkeys(ARROWS, 0)
    for name, targets in sorted(edges.items()):
        source = name.partition(".")[0]
        for target in sorted(targets):
            pair = (source, target.partition(".")[0])
            if pair[0] == pair[1]:
                continue
            if pair not in found:
                raise ValueError(
                    f"{name} imports {target}, but {source} must not import {pair[1]}. Move what "
                    "both need to a package below, or add an arrow to docs/imports.py."
                )
            found[pair] += 1
    return {pair: count for pair, count in found.items() if count}


def _body(name: str, box: Box, edges: Mapping[str, Iterable[str]]) -> tuple[list[str], int]:
    """The tiles of a box, drawn from its upper left corner, and its height."""
    lines: list[str] = []
    y = HEAD
    for number, row in enumerate(ranks(name, edges)):
        if number:
            lines.append(
                f'<path d="M{PAD} {y}H{box.right - box.left - PAD}" stroke="{GREY}" '
                'stroke-dasharray="2 3"/>'
            )
            y += GAP
        x = PAD
        for each in row:
            text = _label(each)
            width = round(len(text) * LETTER) + 14
            if x > PAD and x + width > box.right - box.left - PAD:
                x, y = PAD, y + TILE + GAP
            lines.append(_tile(each, text, edges[each], x, y, width))
            x += width + GAP
        y += TILE + GAP
    return lines, y + PAD - GAP


def _tile(name: str, text: str, targets: Iterable[str], x: int, y: int, width: int) -> str:
    imports = ", ".join(sorted(targets)) or "nothing of this repository"
    bold = ' font-weight="600"' if text.endswith("/") else ""
    return (
        f"<g><title>{html.escape(f'{name} imports {imports}')}</title>"
        f'<rect x="{x}" y="{y}" width="{width}" height="{TILE}" rx="4" fill="#fff" '
        f'stroke="{GREY}"/><text x="{x + width / 2:g}" y="{y + 16}" font-size="12"{bold} '
        f'text-anchor="middle">{html.escape(text)}</text></g>'
    )


def _label(name: str) -> str:
    _, _, inner = name.partition(".")
    if not inner:
        return "train.py" if name == "train" else "__init__"
    return f"{inner}/" if (graph.ROOT / name.replace(".", "/")).is_dir() else inner


def _box(name: str, top: int, body: list[str], height: int) -> list[str]:
    box = BOXES[name]
    title = "command" if name == "train" else f"{name}/"
    return [
        f'  <g transform="translate({box.left} {top})" fill="#1f2328">\n',
        f'    <rect x="1" y="0" width="{box.right - box.left - 2}" height="{height}" rx="8" '
        f'fill="{box.fill}" stroke="{GREY}"/>\n',
        f'    <text x="{PAD}" y="20" font-size="15" font-weight="600">{title}</text>\n',
        *(f"    {line}\n" for line in body),
        "  </g>\n",
    ]


def _arrow(source: str, target: str, count: int, ends: Mapping[str, tuple[int, int]]) -> list[str]:
    x = ARROWS[source, target]
    down = BOXES[source].storey < BOXES[target].storey
    start, end = (ends[source][1], ends[target][0]) if down else (ends[source][0], ends[target][1])
    dashes = "" if down else ' stroke-dasharray="5 4"'
    tip, label = (end - 2, end - 14) if down else (end + 2, end + 24)
    return [
        f'  <path d="M{x} {start}V{tip}" fill="none" stroke="{GREY}" stroke-width="1.8"{dashes} '
        'marker-end="url(#tip)"/>\n',
        f'  <text x="{x + 8}" y="{label}" fill="{GREY}" font-size="13">{count}</text>\n',
    ]


def main() -> None:
    """Draws the picture anew."""
    write_text(PICTURE, draw(graph.graph()))
    print(PICTURE.relative_to(graph.ROOT))


if __name__ == "__main__":
    main()
