"""The catalogue and trained models: `python -m zoo list|show|import|predict|evaluate|…`."""

from __future__ import annotations

import argparse
import difflib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import imports, terminal

if TYPE_CHECKING:
    from zoo.inference import Classifier
    from zoo.kinds import Kind, Label
    from zoo.models import Reference

PROG = "python -m zoo"
# Commands that run a study of `python -m studies`: its name there, and the help text. No other code
# in this package imports `studies`, which itself imports `zoo`.
STUDIES = {
    "compare": ("comparison", "simple cell, LSTM, GRU and peephole LSTM"),
    "gradients": ("gradients", "draw how gradients fall with distance"),
    "training-speed": ("training-speed", "time a training step of several models"),
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
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

    command = commands.add_parser("import", help="convert a PyTorch classifier to a run folder")
    command.add_argument("file", help="a .pt, .ckpt or .safetensors file with a state dict")
    command.add_argument("--vocab", required=True, metavar="FILE", help="tokens and their ids")
    command.add_argument("--labels", required=True, metavar="FILE", help="one per line")
    command.add_argument("--output", required=True, type=Path, metavar="RUN")
    command.add_argument("--max-length", type=int, default=128, metavar="N", help="ids per text")
    command.add_argument(
        "--check",
        metavar="FILE",
        help="outputs of the PyTorch model to compare with: JSON lines, each with text or ids, and "
        "logits or scores",
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
        help="padding does not change the state, as with pack_padded_sequence (default: yes)",
    )
    command.add_argument(
        "--activation",
        default="tanh",
        choices=["tanh", "relu"],
        help="activation of an nn.RNN (default: tanh)",
    )
    command.add_argument(
        "--head",
        default="relu",
        metavar="NAME",
        help="activation between the linear layers of the head, if it has several (default: relu)",
    )
    command.add_argument(
        "--scores",
        choices=["softmax", "one", "sigmoid"],
        help="softmax over several logits, the sigmoid of one, or a sigmoid of each (default: one "
        "for a single logit, else softmax)",
    )
    command.set_defaults(run=import_)

    command = commands.add_parser("predict", help="label texts")
    _add_model(command)
    command.add_argument("texts", nargs="+", metavar="TEXT")
    command.set_defaults(run=predict)

    command = commands.add_parser("tokens", help="show the tokens and ids that a model reads")
    _add_model(command)
    command.add_argument("texts", nargs="+", metavar="TEXT")
    command.set_defaults(run=tokens)

    command = commands.add_parser("evaluate", help="measure a model on a data set")
    _add_model(command)
    command.add_argument("--dataset", required=True, help="as for train.py")
    command.add_argument("--split", default="test", choices=["train", "valid", "test", "all"])
    command.add_argument("--seed", type=int, help="seed of the split (default: that of the run)")
    command.add_argument("--text-column", default="text", metavar="NAME")
    command.add_argument("--label-column", default="label", metavar="NAME")
    command.add_argument(
        "--label-separator", metavar="SEP", help="what stands between the labels of a text"
    )
    command.add_argument("--data-dir", metavar="DIR")
    command.add_argument("--download-dir", metavar="DIR")
    command.set_defaults(run=evaluate)

    for name, (_, summary) in STUDIES.items():
        command = commands.add_parser(name, help=summary, add_help=False, allow_abbrev=False)
        command.set_defaults(study=name)

    for command in commands.choices.values():
        terminal.add_debug(command)
    options, others = parser.parse_known_args(arguments)
    if "study" in options:
        return measure(options.study, others)
    if others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")

    def work() -> None:
        imports.load_for_command(PROG, getattr(options, "imports", None) or ())
        options.run(options)

    return terminal.refusing(PROG, work)


def list_(options) -> None:
    """Prints the families, the models that match a pattern, or the shipped trained models."""
    if options.pretrained:
        from zoo import pretrained

        if options.pattern:
            raise ValueError("--pretrained lists all trained models; leave out the pattern.")
        _print_table([pretrained.COLUMNS, *pretrained.table()])
        print("\nRun one: `python -m zoo predict NAME TEXT`; its card: `python -m zoo show NAME`.")
        return
    from zoo import catalogue, describe

    rows = describe.table(options.pattern)
    if not rows:
        raise ValueError(f"no model matches {options.pattern!r}; try '*lstm*'.")
    _print_table([describe.COLUMNS, *rows])
    if options.pattern is None:
        sizes = ", ".join(f"-{size}" for size in catalogue.SIZES if size)
        print(f"\nEach also as {sizes}; `python -m zoo show NAME` prints the details.")


def show(options) -> None:
    """Prints the description of a catalogue model, or the card of a trained one."""
    from zoo import catalogue, describe, models, pretrained, records

    name = options.name
    is_path = bool(name) and Path(name).exists()
    trained = is_path or difflib.get_close_matches(name, pretrained.names(), n=1)
    if name in catalogue.list_models() or not trained:
        print(describe.page(name))
        return
    reference = models.resolve(name)
    if reference.kind == "file":
        raise ValueError(f"{name} has no card. Give the run folder that it was exported from.")
    card = reference.path / records.CARD
    if not card.is_file():
        raise ValueError(f"{reference.path} has no {records.CARD}.")
    print(card.read_text(encoding="utf-8").rstrip())


def import_(options) -> None:
    """Converts a PyTorch classifier to a run folder."""
    for path in (options.file, options.vocab, options.labels):
        if not Path(path).is_file():
            raise ValueError(f"There is no file {path}.")
    if options.output.is_file() or (options.output.is_dir() and any(options.output.iterdir())):
        raise ValueError(f"{options.output} already exists; give another --output.")
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
            options.pooling, options.packed, options.activation, options.scores, options.head
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
    print("Assumed, because the files do not contain it:")
    for line in imported.assumed:
        print(f"  {line}")
    checked = bundle.config["imported"]["checked"]
    if checked:
        print(
            f"Its outputs agree with PyTorch's on {checked['texts']} texts; the largest difference "
            f"is {checked['largest_difference']:.1e}."
        )
        if not checked["padding_seen"]:
            print("None of them is padded, so how PyTorch handles padding is still an assumption.")
    else:
        print(f"NOT CHECKED against PyTorch. {torch_check.HOW_TO_CHECK}")


def predict(options) -> None:
    """Prints the label, the labels or the numbers of each text."""
    from zoo import models

    classifier = _classifier(models.resolve(options.model))
    with terminal.progress("Classifying texts", len(options.texts)):
        predictions = classifier.predict(options.texts)
    kind = classifier.kind
    if options.json:
        _print_json([kind.json(prediction) for prediction in predictions])
        return
    for prediction in predictions:
        answer, remarks = kind.shown(prediction)
        if not prediction.known:
            remarks.append("no known word")
        in_brackets = f" ({', '.join(remarks)})" if remarks else ""
        print(f"{answer}{in_brackets}  {prediction.text}")


def tokens(options) -> None:
    """Prints the tokens of each text, their ids, and the words that are unknown."""
    from zoo import models, token_table

    tokenizer = _classifier(models.resolve(options.model)).tokenizer
    tables = [token_table.of(tokenizer, text) for text in options.texts]
    if options.json:
        _print_json([asdict(table) for table in tables])
        return
    for table in tables:
        print(token_table.describe(table))


def evaluate(options) -> None:
    """Prints the accuracy on a data set, or the figures of several labels or of numbers."""
    from zoo import models
    from zoo.datasets import Source

    reference = models.resolve(options.model)
    Source(options.dataset).check_exists()  # before Keras is imported
    classifier = _classifier(reference)
    kind = classifier.kind
    name, texts, labels, held_out = _texts(options, reference, kind)
    unknown = kind.misfit(labels, classifier.labels)
    if unknown:
        raise ValueError(
            f"{options.model} has the {kind.answer.removesuffix('s')}s "
            f"{', '.join(classifier.labels)}; the data set has {unknown} too. Evaluate a model on "
            f"data with the same {kind.answer.removesuffix('s')}s."
        )
    # The data set may have its labels in another order than the model.
    truth = kind.encode(labels, classifier.labels)
    with terminal.progress("Classifying texts", len(texts)):
        figures = classifier.evaluate(texts, truth)
    if options.json:
        _print_json({**figures, "dataset": name, "split": options.split})
        return
    titles = {"accuracy": "accuracy"} if kind.name == "softmax" else kind.titles
    shown = ", ".join(f"{title} {figures[one]:.4f}" for one, title in titles.items())
    print(
        f"{Path(options.model).name} on {name}, {options.split}: {shown} on "
        f"{figures['examples']:,} texts"
    )
    if held_out:
        print("These texts were held out of training; --split all uses every row.")


def _texts(options, model: Reference, kind: Kind) -> tuple[str, list[str], list[Label], bool]:
    """Returns the data set's name, the split's texts and labels, and whether it was held out."""
    from zoo import records
    from zoo.datasets import Source

    separator = options.label_separator
    if separator is None and kind.name == "sigmoid":
        separator = (model.record() or {}).get("training", {}).get("label_separator")
    source = Source(
        options.dataset,
        options.text_column,
        options.label_column,
        options.data_dir,
        options.download_dir,
        kind.name,
        separator,
    )
    if options.split == "all":
        texts, labels = source.rows()
        return Path(options.dataset).name, texts, labels, False
    # Validation texts are drawn with the run's seed; with another, some were trained on.
    seed = options.seed
    if seed is None:
        seed = records.seed(model.record() or {})
    dataset = source.dataset(seed=seed or 0)
    held_out = options.split in dataset.source["held_out"]
    if held_out and options.split == "valid" and seed is None:
        raise ValueError(
            f"{options.dataset} has no validation split, and {options.model} does not record the "
            "seed that it was drawn with. Give --seed, or the run folder as the model."
        )
    split = getattr(dataset, options.split)
    return dataset.name, split.texts, kind.decode(split.labels, dataset.labels), held_out


def measure(name: str, arguments: list[str]) -> int:
    """Runs a study with the rest of the command line and returns the exit status."""
    from studies import command

    return command.run(STUDIES[name][0], arguments, f"{PROG} {name}")


def _classifier(reference: Reference) -> Classifier:
    with terminal.progress(f"Loading {reference.name}"):
        return reference.classifier()


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "model", help="a run folder, a .tflite file, or a name from `list --pretrained`"
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
