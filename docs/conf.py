"""Sphinx's settings: `make docs` builds the Markdown files in this folder into build/docs."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the API reference is built from this checkout
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "BiRNN Zoo"
author = "The BiRNN Zoo authors"
project_copyright = author
(release,) = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3  # links to headings, by the names that GitHub gives them

html_theme = "furo"
html_title = "BiRNN Zoo"
html_copy_source = False

# Docstrings write code in single backticks, as Markdown does.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
nitpick_ignore_regex = [
    # Types of other projects: their inventories would need the network.
    (r"py:.*", r"(np|numpy|keras|os|pathlib|collections|typing)\..*"),
    (r"py:class", r"(Path|Callable|Sequence|Mapping|Iterable|Iterator|Any)"),
    # Types and errors that signatures and docstrings name and that have no entry of their own.
    (r"py:class", r"(Dataset|Kind|Samples|Scores|AnyTokenizer|AnyVocabulary|Label)"),
    (r"py:class", r"zoo\.(datasets\.split|kinds\.base|tokenizers)\.\w+"),
    (r"py:exc", r".*"),
]

# `make docs-links` asks every external page; it needs the network.
linkcheck_timeout = 20
linkcheck_retries = 2

LEAVING = re.compile(r"\]\((\.\./[^)#]+\.md)(#[^)]*)?\)")
LIST_ITEM = re.compile(r"\s*[*-] ")


def setup(app):
    """Adapts links written for GitHub, and docstrings written as Markdown, to Sphinx."""
    app.connect("source-read", _offer_files)
    app.connect("autodoc-process-docstring", _as_restructuredtext, priority=400)  # before napoleon


def _offer_files(app, docname, source):
    """Turns links to Markdown files outside of docs/ into downloads, as they have no page."""
    source[0] = LEAVING.sub(r"](path:\1)", source[0])


def _as_restructuredtext(app, what, name, obj, options, lines):
    """Adds the empty line that a list needs, and marks the text under Returns as prose."""
    found, prose = [], False
    for line in lines:
        before = found[-1] if found else ""
        if LIST_ITEM.match(line) and before.strip() and not LIST_ITEM.match(before):
            found.append("")
        if prose and line.strip():
            # napoleon takes what stands before a colon for a type.
            line = f"{line[: len(line) - len(line.lstrip())]}: {line.lstrip()}"
        prose = line.strip() == "Returns:"
        found.append(line)
    lines[:] = found
