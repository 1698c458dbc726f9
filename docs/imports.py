"""Draws which module imports which: `python -m docs.imports` writes docs/imports.svg.

Imports are read from the source, those inside of functions too; nothing is imported. What stands
under `if TYPE_CHECKING` is for type checkers alone and does not count.
"""

from __future__ import annotations

import ast
import html
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_suffix(".svg")
PARTS = ("zoo", "export", "studies", "recipes", "train.py")
# Commands that hand over to a study, inside a function.
HANDING_OVER = {"zoo.__main__", "export.benchmark"}

WIDTH, MARGIN, PAD = 960, 16, 10  # pixels
LINE, CHARACTER = 15, 6.3  # height of a line and width of a character of the font


def modules(parts: Iterable[str] = PARTS) -> dict[str, Path]:
    """The files of packages and modules, by module name."""
    found = {}
    for part in parts:
        path = ROOT / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = file
    return found


def imports(tree: ast.Module, known: Mapping[str, Path]) -> Iterator[tuple[str, str | None]]:
    """The modules that a syntax tree imports, and the name that it takes of each, if it does."""
    ignored = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in ignored:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known:
                    yield whole, None
                elif node.module in known:
                    yield node.module, alias.name


def graph(known: Mapping[str, Path] | None = None) -> dict[str, set[str]]:
    """The modules that each module imports."""
    known = known or modules()
    return {
        name: {other for other, _ in imports(_tree(file), known)} - {name}
        for name, file in known.items()
    }


def private_uses(known: Mapping[str, Path] | None = None) -> list[str]:
    """Uses of another module's private names, as `module: other._name`."""
    known = known or modules()
    found = []
    for name, file in known.items():
        tree = _tree(file)
        names = {}  # of modules, in this one
        for other, taken in imports(tree, known):
            names[other.rpartition(".")[2]] = other
            if taken and _is_private(taken):
                found.append(f"{name}: {other}.{taken}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                other = names.get(node.value.id, name)
                if other != name and _is_private(node.attr):
                    found.append(f"{name}: {other}.{node.attr}")
    return found


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or by others (Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in sorted(edges.get(name, ())):
            if other not in order:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], order[other])
        if lowest[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in edges:
        if name not in order:
            visit(name)
    return found


def levels(edges: Mapping[str, set[str]]) -> dict[str, int]:
    """How many modules stand below each, one on the other; 0 for those that import none."""
    found: dict[str, int] = {}

    def level(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((level(other) for other in edges[name]), default=-1)
        return found[name]

    for name in edges:
        level(name)
    return found


def picture() -> str:
    """The modules in rows, each above all that it imports, as SVG."""
    edges = graph()
    rows: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, level in levels(edges).items():
        package, _, module = name.rpartition(".")
        rows[level][package or name].append(module)
    body: list[str] = []
    y: float = MARGIN + LINE
    for level in sorted(rows, reverse=True):
        height = 0.0
        x: float = MARGIN
        for package, names in sorted(rows[level].items()):
            lines = _wrapped(sorted(names))
            width = CHARACTER * max(len(package), *map(len, lines)) + 2 * PAD
            if x > MARGIN and x + width > WIDTH - MARGIN:
                x, y, height = MARGIN, y + height + PAD, 0
            body.append(_box(x, y, width, package, lines))
            x, height = x + width + PAD, max(height, LINE * (len(lines) + 1) + PAD)
        y += height + PAD
        body.append(f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y}" y2="{y}"/>')
        y += PAD
    count = sum(map(len, edges.values()))
    head = (
        f"{len(edges)} modules, {count} imports, all of them downwards: a module imports only "
        "modules of rows below its own."
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + MARGIN:.0f}" '
            f'font-family="monospace" font-size="10.5">',
            "<style>rect{fill:none;stroke:#888}line{stroke:#8886}text{fill:#555}"
            ".zoo{stroke:#2a7}.export{stroke:#47c}.studies{stroke:#b60}.package{font-weight:bold}"
            "@media(prefers-color-scheme:dark){text{fill:#bbb}}</style>",
            f'<text x="{MARGIN}" y="{MARGIN}">{html.escape(head)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _wrapped(names: list[str], longest: int = 60) -> list[str]:
    lines = [""]
    for name in names:
        if lines[-1] and len(lines[-1]) + len(name) + 2 > longest:
            lines.append("")
        lines[-1] += f", {name}" if lines[-1] else name
    return lines


def _box(x: float, y: float, width: float, package: str, lines: list[str]) -> str:
    height = LINE * (len(lines) + 1) + PAD
    kind = package.partition(".")[0]
    texts = [
        f'<text class="{"package" if not number else "module"}" x="{x + PAD:.0f}" '
        f'y="{y + LINE * (number + 1):.0f}">{html.escape(line)}</text>'
        for number, line in enumerate([package, *lines])
    ]
    return (
        f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height}" '
        f'rx="4"/>{"".join(texts)}'
    )


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    print(PICTURE)
