"""README and the pages of docs/ as the tests read them: their blocks, commands and links."""

import re
from dataclasses import dataclass
from pathlib import Path

from docs import tables

ROOT = Path(__file__).parents[2]
PAGES = [
    *tables.pages(),
    ROOT / "CONTRIBUTING.md",
    ROOT / "results" / "README.md",
]
FENCE = re.compile(
    r"(?:<!-- (?P<note>[^>]*) -->\n)?^```(?P<language>[a-z{}-]*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        where: Its page and line, for people to find it by.
        note: The comment before it, such as `slow`; empty if there is none.
        text: What stands in it.
    """

    where: str
    note: str
    text: str


def read(path: Path) -> str:
    """A page's text."""
    return path.read_text(encoding="utf-8")


def blocks(language: str) -> list[Block]:
    """All blocks of a language."""
    found = []
    for page in PAGES:
        text = read(page)
        for match in FENCE.finditer(text):
            if match["language"] == language:
                line = text.count("\n", 0, match.start("text"))
                where = f"{page.relative_to(ROOT)}:{line}"
                found.append(Block(where, match["note"] or "", match["text"]))
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks and comments."""
    return COMMENT.sub("", FENCE.sub("", read(page)))


def commands() -> list[tuple[str, str]]:
    """Each command line and where it stands, in shell blocks and in the prose."""
    found = []
    for block in blocks("sh"):
        lines = block.text.replace("\\\n", " ").splitlines()
        found += [(block.where, line.strip()) for line in lines if line.strip()]
    for page in PAGES:
        for span in re.findall(r"`([^`]+)`", prose(page)):
            line = " ".join(span.split())
            if re.match(r"([A-Z_]+=\S+ )*(python|make|pip|\.venv/bin/\w+) ", line):
                found.append((str(page.relative_to(ROOT)), line))
    return found
