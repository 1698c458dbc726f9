"""Exports a trained model: `python -m export RUN`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# The converter that lowers a cell's equations is TensorFlow's. Weights do not depend on the
# backend that trained them.
os.environ["KERAS_BACKEND"] = "tensorflow"

from export.choices import INTEGER, LOWERINGS, PRECISIONS
from zoo import terminal

if TYPE_CHECKING:
    from export.exporter import ExportedFile
    from zoo.bundle import Bundle
    from zoo.datasets import Dataset

PROG = "python -m export"


def main(arguments: list[str] | None = None) -> int:
    """Reads the command line, exports, and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Write what a device runs, verified against Keras."
    )
    parser.add_argument(
        "run",  # a string: a folder that has a shipped model's name is ./NAME
        help="a run folder, as train.py writes it, or a name of `python -m zoo list --pretrained`",
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
    parser.add_argument("--saved-model", action="store_true", help="write a SavedModel too")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where to write (default: RUN/export, or runs/NAME/export)",
    )
    terminal.add_debug(parser)
    options = parser.parse_args(arguments)
    return terminal.refusing(PROG, export, options)


def export(options: argparse.Namespace) -> None:
    """Writes the files, and says what they are."""
    from zoo.bundle import check, load
    from zoo.pretrained import is_name

    check(options.run)  # before the imports below, which take seconds
    with terminal.progress(f"Loading {options.run}"):
        from export.exporter import default_folder, export_model

        bundle = load(options.run)
    output = options.output or default_folder(options.run)
    if is_name(options.run):
        print("Verifying with made-up texts: the package has none of the model's own.")
        dataset = None
    else:
        dataset = own_dataset(bundle)
    with terminal.progress(f"Exporting {options.run}"):
        written = export_model(
            bundle,
            output,
            lowering=options.lowering,
            precision=options.precision,
            max_length=options.max_length,
            texts=dataset.valid.texts if dataset else (),
            calibration=spread(dataset.train.texts) if dataset else (),
            metadata=options.metadata,
        )
    for file in written:
        print(describe(file))
    if options.saved_model:
        with terminal.progress("Writing the SavedModel"):
            from export.saved_model import export_saved_model

            folder = export_saved_model(bundle, output / "saved_model")
        print(folder)
    print(f"Written: {output}")


def own_dataset(bundle: Bundle) -> Dataset | None:
    """The data set that the run was trained on; None, and a line that says so, without it."""
    from zoo.datasets import DatasetError, load_dataset

    training = bundle.config.get("training")
    if training is None:
        print("Verifying with made-up texts: the model was not trained here.")
        return None
    names = ("data_dir", "download_dir", "seed", "text_column", "label_column")
    try:
        return load_dataset(training["dataset"], **{name: training[name] for name in names})
    except DatasetError as error:
        print(f"Verifying with made-up texts, since the data set is not here: {error}")
        return None


def spread(texts: Sequence[str], count: int = 500) -> Sequence[str]:
    """So many texts, from all over."""
    return texts[:: max(len(texts) // count, 1)][:count]


def describe(file: ExportedFile) -> str:
    """A line about an exported file."""
    found = file.verified
    return (
        f"{file.path}: {file.bytes / 1e6:.2f} MB, {file.subgraphs} subgraphs; {found.texts} texts "
        f"against Keras: largest difference {found.largest_difference:.1e}, same label "
        f"{found.label_agreement:.1%}"
    )


if __name__ == "__main__":
    terminal.run(main, PROG)
