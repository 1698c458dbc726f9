"""Trains a model of the zoo: `python train.py --model bilstm-small --dataset reviews`."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import imports, terminal

if TYPE_CHECKING:
    from zoo.training import TrainingConfig

PROG = "train.py"

FROM_DATA = " (default: chosen from the data)"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    from zoo.training import TrainingConfig, read_config, train

    parser = _parser()
    given = vars(parser.parse_args(arguments))
    resume, output = given.pop("resume", False), given.pop("output", None)
    tensorboard = given.pop("tensorboard", True)
    if resume and output is None:
        parser.error("--resume needs --output, the folder of the interrupted run.")
    missing = [f"--{name}" for name in ("model", "dataset") if name not in given]
    if missing and not resume:
        parser.error(f"the following arguments are required: {', '.join(missing)}")

    def work() -> None:
        imports.load_for_command(PROG, given.get("imports", ()))
        if resume:
            config = read_config(output, given.get("imports"))
            config = dataclasses.replace(config, **given)
        else:
            config = TrainingConfig(**given)
        folder = output or _default_output(config)
        terminal.last_words(lambda: _how_to_go_on(folder))
        train(config, folder, resume=resume, tensorboard=tensorboard)

    return terminal.refusing(PROG, work)


def _how_to_go_on(folder: Path) -> str:
    from zoo import records

    if not records.is_unfinished(folder):
        return "interrupted; nothing was kept."
    return f"interrupted; resume with: python train.py --resume --output {shlex.quote(str(folder))}"


def _default_output(config: TrainingConfig) -> Path:
    source = config.dataset.rstrip("/").removeprefix("tfds:").replace("/", "-")
    name = Path(config.dataset).stem if Path(config.dataset).exists() else source
    return Path("runs") / f"{config.model}-{name}"


def _parser() -> argparse.ArgumentParser:
    from zoo.kinds import KINDS
    from zoo.sizes import POOLINGS
    from zoo.tokenizers import KINDS as TOKENIZERS
    from zoo.training.config import KEEP, OBJECTIVES, TrainingConfig
    from zoo.training.defaults import CHOSEN

    # Flags that are not given are absent, so that TrainingConfig alone has the defaults and
    # --resume knows which ones were given.
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Train a bidirectional recurrent text classifier.",
        argument_default=argparse.SUPPRESS,
    )
    default = {field.name: field.default for field in dataclasses.fields(TrainingConfig)}

    def add(flag: str, kind: type, text: str) -> None:
        value = default[flag]
        if flag in CHOSEN:
            text += FROM_DATA
        elif value is not None and value is not dataclasses.MISSING:
            text += f" (default: {value})"
        metavar = {int: "N", float: "X", str: "NAME"}[kind]
        parser.add_argument(f"--{flag.replace('_', '-')}", type=kind, metavar=metavar, help=text)

    add("model", str, "a name that `python -m zoo list` shows")
    add("dataset", str, "reviews, tfds:NAME[/CONFIG], a .tsv, .csv or .jsonl file, or a folder")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="the run folder (default: runs/MODEL-DATASET)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="resume the interrupted run in --output"
    )
    parser.add_argument(
        "--keep",
        choices=KEEP,
        help="the epoch kept: the best on validation, or the latest within a standard error of it"
        + FROM_DATA,
    )
    add("epochs", int, "most passes over the training texts")
    add("patience", int, "epochs without a better validation figure before it stops")
    add("batch_size", int, "texts in a step")
    add("max_length", int, "token ids of a text, the rest is cut")
    parser.add_argument(
        "--tokenizer",
        choices=TOKENIZERS,
        help="whole words, or words and pieces of words (default: that of --init, or words)",
    )
    add("vocab_size", int, "most token ids")
    add("seed", int, "decides initial weights, order and dropout")
    add("limit", int, "train on the first N texts only")
    add("learning_rate", float, "of Adam, at the start")
    add("clip_norm", float, "largest norm of the gradients")
    add("word_dropout", float, "share of the words that are replaced by the unknown word")
    add("average", float, "keep an exponential moving average of the weights, of momentum X")
    add("init", str, "a model to start from: of `list --pretrained`, or a run folder")
    add(
        "vectors",
        str,
        "embeddings to start from: a text file of word vectors, or the folder of a transformer",
    )
    add("pretrain", int, "passes in which it learns as a language model first")
    parser.add_argument(
        "--unlabelled",
        action="append",
        metavar="DATA",
        help="texts without labels: .txt, as for --dataset, or tfds:NAME#SPLIT; may be repeated",
    )
    parser.add_argument(
        "--objective", choices=OBJECTIVES, help="what is minimised (default: cross-entropy)"
    )
    add("reach", float, "how far an objective moves an embedding, as a share of its length")
    parser.add_argument(
        "--teacher",
        action="append",
        metavar="MODEL",
        help="learn its answers, or those of 'tfidf', 'ngrams' or 'transformer:FOLDER'; may be "
        "repeated" + FROM_DATA,
    )
    add(
        "augment",
        int,
        "variants of each text, words exchanged, that the teachers answer too; 0 is none",
    )
    add("embed_dim", int, "width of the embedding, instead of the model's own")
    add("hidden_dim", int, "units of each direction, instead of the model's own")
    add("num_layers", int, "bidirectional layers, instead of the model's own")
    add("dropout", float, "share of values dropped, instead of the model's own")
    parser.add_argument(
        "--pooling",
        choices=POOLINGS,
        help="what the logits see: the last output of each way, or the mean (default: last)",
    )
    imports.add_flag(parser)
    add("text_column", str, "column or feature that holds the text")
    add("label_column", str, "column or feature that holds the label")
    parser.add_argument(
        "--scores",
        choices=KINDS,
        help="what is predicted: one label of each text (softmax), any number of labels (sigmoid), "
        "or numbers (default: softmax, or sigmoid if labels are lists or have a separator)",
    )
    add("label_separator", str, "what stands between the labels of a text, for example '|'")
    add("data_dir", str, "where TensorFlow Datasets keeps what it prepared")
    add("download_dir", str, "where TensorFlow Datasets looks for downloads")
    parser.add_argument(
        "--mixed-precision",
        action=argparse.BooleanOptionalAction,
        help="compute in 16 bits (default: where there is a GPU)",
    )
    parser.add_argument(
        "--samples",
        action=argparse.BooleanOptionalAction,
        help="keep token ids of some texts in the run, to verify its exports with (default: yes)",
    )
    parser.add_argument(
        "--tensorboard", action=argparse.BooleanOptionalAction, help="write logs (default: yes)"
    )
    terminal.add_debug(parser)
    return parser


if __name__ == "__main__":
    terminal.run(main, PROG)
