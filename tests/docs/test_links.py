"""Links between README, docs/ and other files of the repository lead somewhere."""

import re

import pytest

from tests.docs.pages import FENCE, PAGES, ROOT, read

LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def anchors(page: str) -> set[str]:
    """The names that GitHub and the site give to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}


def dead(page, text: str) -> list[str]:
    """Targets of a page's links that are not there, but for pages elsewhere."""
    found = []
    for target in LINK.findall(FENCE.sub("", text)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        inside = file.is_file() and file.is_relative_to(ROOT)
        if not inside or (anchor and anchor not in anchors(read(file))):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert not dead(page, read(page))


@pytest.mark.parametrize("target", ["none.md", "docs/training.md#none", "../none", "#none"])
def test_a_dead_link_is_noticed(target):
    assert dead(ROOT / "README.md", f"[here]({target})") == [target]


def test_every_page_is_in_the_contents():
    index = read(ROOT / "docs" / "index.md")
    listed = {line for block in FENCE.finditer(index) for line in block["text"].split()}
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= listed
