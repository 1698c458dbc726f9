"""The catalogue and trained models: `python -m zoo list|show|import|predict|evaluate|…`."""

import argparse
import difflib
import json
from dataclasses import asdict
from pathlib import Path

from zoo import imports, terminal

PROG = "python -m zoo"


def main(arguments: list[str] | None = None) -> int:
    """Reads the command line, answers, and returns the exit status."""
    parser = argparse.ArgumentParser(prog=PROG, description="The catalogue, and trained models.")
    terminal.add_debug(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="show the models")
    command.add_argument("pattern", nargs="?", help="such as '*lstm*', over all sizes")
    command.add_argument(
        "--pretrained", action="store_true", help="the trained models that come with the package"
    )
    imports.add_flag(command)
    command.set_defaults(run=list_)

    command = commands.add_parser("show", help="show one model")
    command.add_argument("name")
    imports.add_flag(command)
    command.set_defaults(run=show)

    command = commands.add_parser("import", help="make a run folder of a PyTorch classifier")
    command.add_argument("file", help="a .pt or .safetensors file with a state dict")
    command.add_argument("--vocab", required=True, metavar="FILE", help="tokens and their ids")
    command.add_argument("--labels", required=True, metavar="FILE", help="one a line")
    command.add_argument("--output", required=True, type=Path, metavar="RUN")
    command.add_argument("--max-length", type=int, default=128, metavar="N", help="ids of a text")
    command.add_argument(
        "--check",
        metavar="FILE",
        help="answers of the PyTorch model that it has to agree with: JSON lines, each with text "
        "or ids, and logits or scores",
    )
    command.add_argument(
        "--pooling",
        default="last",
        choices=["last", "mean", "max", "last-step"],
        help="what the head reads: the last state of each direction (h_n), the mean or the max "
        "over the real steps, or out[:, -1] (default: last)",
    )
    command.add_argument(
        "--packed",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="padding reaches no state, as with pack_padded_sequence (default: yes)",
    )
    command.add_argument(
        "--activation",
        default="tanh",
        choices=["tanh", "relu"],
        help="of an nn.RNN (default: tanh)",
    )
    command.add_argument(
        "--scores",
        choices=["softmax", "one", "sigmoid"],
        help="softmax over several logits, the sigmoid of one, or a sigmoid of each (default: one "
        "for one logit, else softmax)",
    )
    command.set_defaults(run=import_)

    command = commands.add_parser("predict", help="label texts")
    _add_model(command)
    command.add_argument("texts", nargs="+", metavar="TEXT")
    command.set_defaults(run=predict)

    command = commands.add_parser("evaluate", help="measure a model on a data set")
    _add_model(command)
    command.add_argument("--dataset", required=True, help="as for train.py")
    command.add_argument("--split", default="test", choices=["train", "valid", "test", "all"])
    command.add_argument("--seed", type=int, help="of the split (default: the run's own)")
    command.add_argument("--text-column", default="text", metavar="NAME")
    command.add_argument("--label-column", default="label", metavar="NAME")
    command.add_argument("--data-dir", metavar="DIR")
    command.add_argument("--download-dir", metavar="DIR")
    command.set_defaults(run=evaluate)

    command = commands.add_parser("compare", help="simple cell, LSTM, GRU and peephole LSTM")
    command.add_argument(
        "--dataset", required=True, action="append", help="as for train.py; may be given again"
    )
    command.add_argument("--seeds", type=int, default=5, help="runs of each (default: 5)")
    command.add_argument("--epochs", type=int, default=6, help="of each run (default: 6)")
    command.add_argument("--size", default="small", help="of the models trained (default: small)")
    command.add_argument(
        "--costs-only", action="store_true", help="keep the accuracies of the table in --output"
    )
    _add_folder(command)
    command.set_defaults(run=compare)

    command = commands.add_parser("gradients", help="draw how gradients fall with distance")
    _add_folder(command)
    command.set_defaults(run=gradients)

    command = commands.add_parser("training-speed", help="time a training step of several models")
    command.add_argument("families", nargs="*", metavar="FAMILY", help="beside bilstm")
    command.add_argument("--rounds", type=int, default=15, help="turns of each (default: 15)")
    _add_folder(command)
    command.set_defaults(run=training_speed)

    for command in commands.choices.values():
        terminal.add_debug(command)
    options = parser.parse_args(arguments)

    def work() -> None:
        imports.load_for_command(PROG, getattr(options, "imports", None) or ())
        options.run(options)

    return terminal.refusing(PROG, work)


def list_(options) -> None:
    """Prints the families, the models that match a pattern, or those that come trained."""
    if options.pretrained:
        from zoo import pretrained

        if options.pattern:
            raise ValueError("--pretrained lists all trained models; leave out the pattern.")
        _print_table([pretrained.COLUMNS, *pretrained.table()])
        print("\n`python -m zoo predict NAME TEXT` asks one; its card: `python -m zoo show NAME`.")
        return
    from zoo import catalogue, describe

    rows = describe.table(options.pattern)
    if not rows:
        raise ValueError(f"no model matches {options.pattern!r}; try '*lstm*'.")
    _print_table([describe.COLUMNS, *rows])
    if options.pattern is None:
        sizes = ", ".join(f"-{size}" for size in catalogue.SIZES if size)
        print(f"\nEach also as {sizes}; `python -m zoo show NAME` says more.")


def show(options) -> None:
    """Prints what is known of one model: of a trained one, its card."""
    from zoo import pretrained

    if pretrained.is_name(options.name):
        card = pretrained.FOLDER / options.name / pretrained.CARD
        print(card.read_text(encoding="utf-8").rstrip())
        return
    from zoo import describe

    try:
        print(describe.page(options.name))
    except ValueError as error:
        near = difflib.get_close_matches(options.name, pretrained.names(), n=1)
        if not near:
            raise
        raise ValueError(f"There is no model {options.name!r}. Did you mean {near[0]}?") from error


def import_(options) -> None:
    """Writes a run folder with the weights of a PyTorch classifier."""
    for path in (options.file, options.vocab, options.labels):
        if not Path(path).is_file():
            raise ValueError(f"There is no file {path}.")
    if options.output.is_file() or (options.output.is_dir() and any(options.output.iterdir())):
        raise ValueError(f"{options.output} is there already; give another --output.")
    if options.check and not Path(options.check).is_file():
        raise ValueError(f"There is no file {options.check}.")
    from zoo import card, torch_check, torch_readout
    from zoo.files import write_text
    from zoo.torch_import import import_bundle

    imported = import_bundle(
        options.file,
        vocab=options.vocab,
        labels=options.labels,
        max_length=options.max_length,
        readout=torch_readout.Readout(
            options.pooling, options.packed, options.activation, options.scores
        ),
        check=options.check,
    )
    bundle = imported.bundle
    write_text(options.output / "README.md", card.imported(bundle))
    bundle.save(options.output)
    print(
        f"{options.output}: {bundle.name}, {bundle.model.count_params():,} parameters, labels "
        f"{', '.join(bundle.labels)}"
    )
    print("Assumed, since the files do not say it:")
    for line in imported.assumed:
        print(f"  {line}")
    checked = bundle.config["imported"]["checked"]
    if checked:
        print(
            f"It answers {checked['texts']} texts as PyTorch does; largest difference "
            f"{checked['largest_difference']:.1e}."
        )
        if not checked["padding_seen"]:
            print("None of them is padded, so how PyTorch treats padding is still assumed.")
    else:
        print(f"NOT CHECKED against PyTorch. {torch_check.HOW_TO_CHECK}")


def predict(options) -> None:
    """Prints a label for each text."""
    classifier = _load(options.model)
    with terminal.progress("Answering texts", len(options.texts)):
        predictions = classifier.predict(options.texts)
    if options.json:
        _print_json([asdict(prediction) for prediction in predictions])
        return
    for prediction in predictions:
        score = f"{prediction.scores[prediction.label]:.3f}"
        if not prediction.known:
            score += ", no known word"
        print(f"{prediction.label} ({score})  {prediction.text}")


def evaluate(options) -> None:
    """Prints the accuracy on a data set."""
    import numpy as np

    _check(options.model)
    name, texts, labels, held_out = _texts(options)
    classifier = _load(options.model)
    unknown = sorted(set(labels) - set(classifier.labels))
    if unknown:
        raise ValueError(
            f"{options.model} knows the labels {', '.join(classifier.labels)}; the data set has "
            f"{', '.join(unknown)} too. Evaluate a model on data with its own labels."
        )
    # The data set may number its labels otherwise than the model.
    numbers = np.array([classifier.labels.index(label) for label in labels])
    with terminal.progress("Answering texts", len(texts)):
        figures = classifier.evaluate(texts, numbers)
    if options.json:
        _print_json({**figures, "dataset": name, "split": options.split})
        return
    print(
        f"{Path(options.model).name} on {name}, {options.split}: accuracy "
        f"{figures['accuracy']:.4f} on {figures['examples']:,} texts"
    )
    if held_out:
        print("Those are held out, as in training; --split all takes every row.")


def _texts(options) -> tuple[str, list[str], list[str], bool]:
    """A data set's name, the texts of the split and their labels, whether they are held out."""
    from zoo.datasets import load_dataset, load_rows

    names = ("text_column", "label_column", "data_dir", "download_dir")
    given = {name: getattr(options, name) for name in names}
    if options.split == "all":
        texts, labels = load_rows(options.dataset, **given)
        return Path(options.dataset).name, texts, labels, False
    seed = _seed(options.model) if options.seed is None else options.seed
    dataset = load_dataset(options.dataset, seed=seed or 0, **given)
    held_out = options.split in dataset.source["held_out"]
    if held_out and options.split == "valid" and seed is None:
        raise ValueError(
            f"{options.dataset} has no validation texts of its own, and {options.model} does not "
            "say by which seed the run drew them: give --seed, or the run folder as the model."
        )
    split = getattr(dataset, options.split)
    return dataset.name, split.texts, [dataset.labels[one] for one in split.labels], held_out


def _seed(model: str) -> int | None:
    """The seed of a run, by which validation texts are drawn: others, it was trained on."""
    from zoo import pretrained

    if pretrained.is_name(model):
        folder = pretrained.FOLDER / model
    else:
        # A file lies where the export wrote it, or its run is not known.
        folder = Path(model).resolve().parent.parent if model.endswith(".tflite") else Path(model)
    config = folder / "config.json"
    if not config.is_file():
        return None
    try:
        return json.loads(config.read_text(encoding="utf-8"))["training"]["seed"]
    except (ValueError, KeyError, TypeError):  # another program's, or that of imported weights
        return None


def compare(options) -> None:
    """Trains and times the cells that lessons compare."""
    from zoo import comparison

    _require_plots()
    comparison.compare(
        options.dataset,
        options.output,
        seeds=options.seeds,
        epochs=options.epochs,
        size=options.size,
        costs_only=options.costs_only,
    )
    print(f"{options.output / 'lstm_vs_gru.csv'}, {options.output / 'lstm_vs_gru.png'}")


def gradients(options) -> None:
    """Measures and draws how gradients fall with distance."""
    _require_plots()
    with terminal.progress("Loading Keras"):
        from zoo import gradients
    options.output.mkdir(parents=True, exist_ok=True)
    found = gradients.measure()
    gradients.write(found, options.output)
    for name, rows in found.items():
        left = sorted(rows[:, -1])[len(rows) // 2]
        print(f"{name}: {left:.1e} of the gradient is left after {rows.shape[1] - 1} steps")
    print(f"{options.output / 'gradients.csv'}, {options.output / 'gradients.png'}")


def training_speed(options) -> None:
    """Times training steps on the backend that Keras runs on."""
    from zoo import training_speed
    from zoo.files import read_table, write_table

    path = options.output / "training_speed.csv"
    rows = training_speed.measure(
        options.families or training_speed.FAMILIES, rounds=options.rounds
    )
    here = {(row["backend"], row["device"]) for row in rows}
    others = [row for row in read_table(path) if (row["backend"], row["device"]) not in here]
    write_table(path, others + rows)
    print(path)


def _check(model: str) -> None:
    """Raises `ValueError` if there is no such model, at once: Keras takes seconds to import."""
    from zoo import bundle

    if not model.endswith(".tflite"):
        bundle.check(model)
    elif not Path(model).is_file():
        raise ValueError(f"There is no file {model}.")


def _load(model: str):
    import zoo

    _check(model)
    with terminal.progress(f"Loading {model}"):
        return zoo.load(model)


def _require_plots() -> None:
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError("drawing needs matplotlib; pip install '.[plots]'.")


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--output", type=Path, default=Path("results"), metavar="DIR", help="default: results"
    )


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "model", help="a run folder, a .tflite file, or a name of `list --pretrained`"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    imports.add_flag(command)


def _print_table(rows) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _print_json(value) -> None:
    print(json.dumps(value, indent=2))


if __name__ == "__main__":
    terminal.run(main, PROG)
