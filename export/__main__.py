"""Exports a trained model: `python -m export RUN`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export import own_model
from export.choices import INTEGER, LOWERINGS, PRECISIONS
from zoo import imports, kinds, terminal

if TYPE_CHECKING:
    from export.exporter import ExportedFile

PROG = "python -m export"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    # TensorFlow's converter lowers the equations of cells. Weights do not depend on the backend
    # that trained them.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    parser = argparse.ArgumentParser(
        prog=PROG, description="Write what a device runs, verified against Keras."
    )
    parser.add_argument(
        "run",  # a string: a folder that has a shipped model's name is ./NAME
        metavar="MODEL",
        help="a run folder, as train.py writes it, a name of `python -m zoo list --pretrained`, or "
        "a .keras or .h5 file",
    )
    parser.add_argument(
        "--lowering",
        default="auto",
        choices=["auto", *LOWERINGS, "all"],
        help="how the recurrence is written (default: auto)",
    )
    parser.add_argument(
        "--precision",
        default="int8",
        choices=[*PRECISIONS, INTEGER, "all"],
        help="of the weights (default: int8); integer: a file for microcontrollers, its scales "
        "taken from the run's training texts",
    )
    parser.add_argument(
        "--max-length", type=int, metavar="N", help="ids of a text (default: the run's)"
    )
    parser.add_argument(
        "--no-metadata",
        dest="metadata",
        action="store_false",
        help="leave out tokenizer, vocabulary and labels",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="write a file although its precision changes too many labels; the manifest says so",
    )
    parser.add_argument(
        "--static-shapes",
        action="store_true",
        help="fix all shapes, as microcontrollers need; every text takes the time of the longest",
    )
    parser.add_argument("--saved-model", action="store_true", help="write a SavedModel too")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where to write (default: RUN/export, or runs/NAME/export)",
    )
    own_model.add_flags(parser)
    imports.add_flag(parser)
    terminal.add_debug(parser)
    options = parser.parse_args(arguments)
    return terminal.refusing(PROG, export, options)


def export(options: argparse.Namespace) -> None:
    """Writes the files and prints a line about each."""
    from zoo import models

    imports.load_for_command(PROG, options.imports or ())
    reference = models.resolve(options.run, weights=True, tokenizer=False)
    given = own_model.Given(None, None)
    if reference.kind == "keras":
        given = own_model.read(options, reference)
    else:
        own_model.refuse_flags(options, options.run)
    model: Any = reference.path
    with terminal.progress(f"Loading {options.run}"):
        from export.exporter import export_model

        if reference.kind != "keras":
            model = reference.bundle()
    output = options.output or reference.exports()
    if reference.kind == "keras" or model.samples is None:
        print("Verifying with made-up texts: no samples of the model's own texts are kept.")
    for line in given.lines:
        print(f"  {line}")
    with terminal.progress(f"Exporting {options.run}"):
        written = export_model(
            model,
            output,
            lowering=options.lowering,
            precision=options.precision,
            max_length=options.max_length,
            metadata=options.metadata,
            static_shapes=options.static_shapes,
            scores=options.scores,
            padding=options.padding,
            force=options.force,
            tokenizer=given.tokenizer,
            labels=given.labels,
        )
    for file in written:
        print(describe(file))
    if reference.kind == "keras" and any(file.is_bare for file in written):
        print(own_model.BARE)
    if options.saved_model:
        with terminal.progress("Writing the SavedModel"):
            from export.saved_model import export_saved_model

            folder = export_saved_model(model, output / "saved_model")
        print(folder)
    print(f"Written: {output}")


def describe(file: ExportedFile) -> str:
    """Formats a line about an exported file."""
    found = file.verified
    graphs = "1 subgraph" if file.subgraphs == 1 else f"{file.subgraphs} subgraphs"
    texts = f"{found.real_texts} texts" if found.real_texts else f"{found.texts} made-up texts"
    answer = kinds.find(file.scores).answer
    return (
        f"{file.path}: {file.bytes / 1e6:.2f} MB, {graphs}; on {texts} against Keras: largest "
        f"difference {found.largest_difference:.1e}, same {answer} {found.label_agreement:.1%}"
    )


if __name__ == "__main__":
    terminal.run(main, PROG)
