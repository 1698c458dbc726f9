"""Exports a trained model: `python -m export RUN`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# The converter that lowers a cell's equations is TensorFlow's. Weights do not depend on the
# backend that trained them.
os.environ["KERAS_BACKEND"] = "tensorflow"

from export.exporter import INTEGER, ExportedFile, default_folder, export_model
from export.saved_model import export_saved_model
from export.tflite import LOWERINGS
from export.tflite.quantize import PRECISIONS
from zoo.bundle import Bundle, load
from zoo.datasets import Dataset, DatasetError, load_dataset
from zoo.pretrained import is_name


def main(arguments: list[str] | None = None) -> int:
    """Reads the command line, exports, and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m export", description="Write what a device runs, verified against Keras."
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
    options = parser.parse_args(arguments)
    output = options.output or default_folder(options.run)
    try:
        bundle = load(options.run)
        if is_name(options.run):
            print("Verifying with made-up texts: the package has none of the model's own.")
            dataset = None
        else:
            dataset = own_dataset(bundle)
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
            print(export_saved_model(bundle, output / "saved_model"))
    except (ValueError, OSError) as error:
        print(f"python -m export: {error}", file=sys.stderr)
        return 2
    print(f"Written: {output}")
    return 0


def own_dataset(bundle: Bundle) -> Dataset | None:
    """The data set that the run was trained on; None, and a line that says so, without it."""
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
    sys.exit(main())
