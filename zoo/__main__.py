"""The catalogue and trained models: `python -m zoo list|show|predict|evaluate`."""

import argparse
import io
import json
import sys
from dataclasses import asdict
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Reads the command line, answers, and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo", description="The catalogue, and trained models."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="show the models")
    command.add_argument("pattern", nargs="?", default="*", help="such as '*lstm*'")
    command.set_defaults(run=list_)

    command = commands.add_parser("show", help="show one model")
    command.add_argument("name")
    command.set_defaults(run=show)

    command = commands.add_parser("predict", help="label texts")
    _add_model(command)
    command.add_argument("texts", nargs="+", metavar="TEXT")
    command.set_defaults(run=predict)

    command = commands.add_parser("evaluate", help="measure a model on a data set")
    _add_model(command)
    command.add_argument("--dataset", required=True, help="as for train.py")
    command.add_argument("--split", default="test", choices=["train", "valid", "test"])
    command.add_argument("--seed", type=int, help="of the split (default: the run's own, or 0)")
    command.add_argument("--text-column", default="text", metavar="NAME")
    command.add_argument("--label-column", default="label", metavar="NAME")
    command.add_argument("--data-dir", metavar="DIR")
    command.add_argument("--download-dir", metavar="DIR")
    command.set_defaults(run=evaluate)

    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        print(f"python -m zoo: {error}", file=sys.stderr)
        return 2
    return 0


def list_(options) -> None:
    """Prints the table of the models that match a pattern."""
    from zoo import catalogue

    rows = [["name", "layer", "embedding", "units", "layers", "source"]]
    for name in catalogue.list_models(options.pattern):
        family, size = catalogue.find(name)
        sizes = map(str, (size.embed_dim, size.hidden_dim, size.num_layers))
        rows.append([name, family.title, *sizes, family.source])
    if len(rows) == 1:
        raise ValueError(f"no model matches {options.pattern!r}; try '*lstm*'.")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def show(options) -> None:
    """Prints what is known of one model."""
    import inspect

    from zoo import catalogue
    from zoo.cells import as_cell

    family, size = catalogue.find(options.name)
    model = catalogue.create_model(options.name, vocab_size=20_000, num_classes=2)
    layer = next(layer for layer in model.layers if hasattr(layer, "forward_layer")).forward_layer
    print(f"{options.name}: {family.title}\n{family.source}\n")
    print(f"{(inspect.getdoc(type(as_cell(layer.cell))) or '').split('Args:')[0].rstrip()}\n")
    print("tokens [batch, time] → embedding " + str(size.embed_dim), end="")
    print(f" → {size.num_layers} × bidirectional {size.hidden_dim} → logits [batch, classes]")
    print(f"{model.count_params():,} parameters with 20,000 token ids and 2 classes")


def predict(options) -> None:
    """Prints a label for each text."""
    import zoo

    predictions = zoo.load(options.model).predict(options.texts)
    if options.json:
        _print_json([asdict(prediction) for prediction in predictions])
        return
    for prediction in predictions:
        print(f"{prediction.label} ({prediction.scores[prediction.label]:.3f})  {prediction.text}")


def evaluate(options) -> None:
    """Prints the accuracy on a data set."""
    import numpy as np

    import zoo
    from zoo.datasets import load_dataset

    classifier = zoo.load(options.model)
    config = Path(options.model) / "config.json"
    seed = options.seed
    if seed is None and config.is_file():
        # Validation texts are drawn by the seed: with another one they were trained on.
        seed = json.loads(config.read_text(encoding="utf-8"))["training"]["seed"]
    dataset = load_dataset(
        options.dataset,
        data_dir=options.data_dir,
        download_dir=options.download_dir,
        seed=seed or 0,
        text_column=options.text_column,
        label_column=options.label_column,
    )
    unknown = sorted(set(dataset.labels) - set(classifier.labels))
    if unknown:
        raise ValueError(
            f"{options.model} knows the labels {', '.join(classifier.labels)}; the data set has "
            f"{', '.join(unknown)} too. Evaluate a model on data with its own labels."
        )
    # The data set may number its labels otherwise than the model.
    numbers = np.array([classifier.labels.index(label) for label in dataset.labels])
    split = getattr(dataset, options.split)
    figures = classifier.evaluate(split.texts, numbers[split.labels])
    if options.json:
        _print_json({**figures, "dataset": dataset.name, "split": options.split})
        return
    print(
        f"{Path(options.model).name} on {dataset.name}, {options.split}: accuracy "
        f"{figures['accuracy']:.4f} on {figures['examples']:,} texts"
    )


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", help="a run folder or a .tflite file")
    command.add_argument("--json", action="store_true", help="print JSON")


def _print_json(value) -> None:
    print(json.dumps(value, indent=2))


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no σ shows a ?
    sys.exit(main())
