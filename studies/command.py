"""The command line of the studies: the list of them, and the flags they share.

A study is a module with two functions: `add_arguments(parser)` and `run(options)`. Its docstring
is what `--help` shows. It imports Keras and TensorFlow inside functions only, so that `--help` and
refusals come at once.
"""

import argparse
import difflib
import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo import terminal

PROG = "python -m studies"


@dataclass(frozen=True)
class Study:
    """A row of the list.

    Attributes:
        module: Where it is.
        summary: What it measures, in a few words.
        any_backend: Whether it runs on the backend that KERAS_BACKEND names; the others export,
            which takes TensorFlow.
    """

    module: str
    summary: str
    any_backend: bool = False


STUDIES = {
    "accuracy": Study("studies.accuracy", "runs and their exported files on the test texts"),
    "attacks": Study("studies.attacks", "damaged files, damaged run folders and killed runs"),
    "brought": Study(
        "studies.brought.measure", "kinds of models from elsewhere, in every form and client"
    ),
    "comparison": Study(
        "studies.comparison", "simple cell, LSTM, GRU and peephole LSTM", any_backend=True
    ),
    "export-catalogue": Study(
        "studies.export_catalogue", "every family, lowering and precision, in every client"
    ),
    "first-hour": Study("studies.first_hour", "small data sets with no flags, beside TF-IDF"),
    "gradients": Study(
        "studies.gradients", "how the gradient falls with the distance", any_backend=True
    ),
    "leaderboard": Study("studies.leaderboard", "every family on several data sets"),
    "profile": Study("studies.profile", "where the time of a loop file goes"),
    "speed": Study("studies.speed.benchmark", "the exported files beside other runtimes"),
    "text-length": Study("studies.text_length", "answers for short and long texts in MediaPipe"),
    "tokenizers": Study("studies.tokenizers", "whole words and word pieces, at equal bytes"),
    "training-speed": Study(
        "studies.training_speed", "a training step beside the built-in LSTM's", any_backend=True
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Lists the studies or runs one, and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Measure what the tables and pictures in results/ show.",
        epilog=listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="?", metavar="STUDY", help="one of the list below")
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="…",
        help=f"the study's own arguments; see {PROG} STUDY --help",
    )
    options = parser.parse_args(arguments)
    if options.study is None:
        print(listing())
        return 0
    if options.study not in STUDIES:
        near = difflib.get_close_matches(options.study, STUDIES, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(STUDIES)}."
        parser.error(f"there is no study {options.study!r}. {hint}")
    return run(options.study, options.arguments)


def listing() -> str:
    """A line for each study."""
    width = max(map(len, STUDIES))
    lines = [f"  {name:{width}}  {study.summary}" for name, study in STUDIES.items()]
    return "\n".join(["studies:", *lines])


def run(name: str, arguments: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Runs a study.

    Args:
        name: A key of `STUDIES`.
        arguments: Its command line; by default that of this process.
        prog: How the study was called, for its messages.

    Returns:
        The exit status.
    """
    study = STUDIES[name]
    if not study.any_backend:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    module = importlib.import_module(study.module)
    prog = prog or f"{PROG} {name}"
    parser = argparse.ArgumentParser(
        prog=prog,
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    terminal.add_debug(parser)
    return terminal.refusing(prog, module.run, parser.parse_args(arguments))


def add_output(parser: argparse.ArgumentParser) -> None:
    """Adds `--output`, the folder of the tables and pictures."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="folder of the table (default: results)",
    )


def add_families(parser: argparse.ArgumentParser, name: str, **how) -> None:
    """Adds the families to measure, by default all.

    Args:
        parser: The study's.
        name: `families`, or `--families`.
        how: Whatever else `add_argument` takes.
    """
    from zoo.catalogue import FAMILIES

    parser.add_argument(
        name,
        type=_family,
        default=list(FAMILIES),
        metavar="FAMILY",
        help="families of the catalogue (default: all)",
        **how,
    )


def _family(name: str) -> str:
    from zoo.catalogue import FAMILIES

    if name not in FAMILIES:
        near = difflib.get_close_matches(name, FAMILIES, n=1)
        hint = f"did you mean {near[0]}?" if near else "`python -m zoo list` shows them"
        raise argparse.ArgumentTypeError(f"there is no family {name!r}; {hint}")
    return name
