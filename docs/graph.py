"""Which module imports which, read from the syntax trees: no module is imported to find out."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("zoo", "export", "studies", "recipes", "docs", "train.py")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def files(place: str) -> list[Path]:
    """The Python files of a package, or the one file that a module is."""
    path = ROOT / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def parse(file: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def modules(places: Iterable[str] = PLACES) -> dict[str, Path]:
    """The modules of some places by their dotted names; a package stands for its `__init__`."""
    found = {}
    for place in places:
        for file in files(place):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imported(tree: ast.AST, *, lazy: bool = True, typing: bool = False) -> Iterator[str]:
    """The dotted names that a syntax tree imports; of `from a import b`, that is `a.b`.

    Args:
        tree: A module's tree.
        lazy: Count imports inside functions, too.
        typing: Count imports under `if TYPE_CHECKING`, too, which never run.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (_source(node, alias) for alias in node.names)
        elif isinstance(node, ast.If) and _is_type_checking(node.test) and not typing:
            for other in node.orelse:
                yield from imported(ast.Module([other], []), lazy=lazy, typing=typing)
        elif lazy or not isinstance(node, FUNCTIONS):
            yield from imported(node, lazy=lazy, typing=typing)


def graph(known: Mapping[str, Path] | None = None) -> dict[str, set[str]]:
    """For each module, the modules of the repository that it imports."""
    known = modules() if known is None else known
    found = {}
    for name, file in known.items():
        targets = {module_of(target, known) for target in imported(parse(file))}
        found[name] = {target for target in targets if target and target != name}
    return found


def module_of(name: str, known: Iterable[str]) -> str:
    """The module that a dotted name is, or is defined in; empty if it is none of those known."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def circles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of modules that import each other: strongly connected components of two or more.

    This is Tarjan's algorithm.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in edges.get(name, ()):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            start = stack.index(name)
            if len(stack) - start > 1:
                found.append(sorted(stack[start:]))
            del stack[start:]

    for name in edges:
        if name not in index:
            visit(name)
    return sorted(found)


def private_names(tree: ast.AST, own: str, known: Iterable[str]) -> list[str]:
    """The private names (`_x`) of other modules that a module imports or reads.

    Args:
        tree: The module's tree.
        own: Its dotted name.
        known: The modules whose private names count.

    Returns:
        Dotted names, such as `zoo.text._fold`. Names like `__version__` are public.
    """
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                aliases[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            aliases |= {alias.asname or alias.name: _source(node, alias) for alias in node.names}
    used = set(aliases.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in aliases:
                used.add(f"{aliases[first]}.{rest}")
    return sorted(
        name
        for name in used
        if module_of(name, known) not in ("", own)
        if any(part.startswith("_") and not part.endswith("__") for part in name.split("."))
    )


def _source(node: ast.ImportFrom, alias: ast.alias) -> str:
    if node.level or not node.module:
        raise ValueError(f"Line {node.lineno} has a relative import; write the whole name.")
    return f"{node.module}.{alias.name}"


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
