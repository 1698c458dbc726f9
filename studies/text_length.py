"""Times answers in MediaPipe for texts of several lengths, tokenizer included.

For words and for word pieces, with shapes that follow the text and with static ones. The models
have random weights, which do not change the time. The files take turns. text_length.csv has a row
for each file and length, with the share of the time of the longest text in the same file, and of a
text of the same length in the file of static shapes.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from studies import command
from zoo import catalogue
from zoo.files import write_table
from zoo.text import PAD, START, UNKNOWN, Tokenizer, Vocabulary
from zoo.tokenizers import AnyTokenizer
from zoo.wordpiece import SPECIAL, Pieces, WordPieceTokenizer

NAME = "text_length.csv"
WORDS = 4000
LONGEST = 256  # token ids
LENGTHS = (5, 20, 50, 100, LONGEST - 2)  # words
SIZES: dict[str, Any] = {"embed_dim": 64, "hidden_dim": 64, "num_layers": 2}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "--models", nargs="+", default=["bilstm", "min-bigru"], help="(default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=200, help="texts of each length (default: 200)"
    )
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures, and writes the table."""
    for name in options.models:
        catalogue.find(name)
    rows = [row for name in options.models for row in measure(name, options.rounds)]
    write_table(options.output / NAME, rows)
    for row in rows:
        print(", ".join(f"{column} {value}" for column, value in row.items()))


def tokenizers() -> dict[str, AnyTokenizer]:
    """A tokenizer of each kind, with the same words."""
    words = [f"w{number}" for number in range(WORDS)]
    ids = {word: number for number, word in enumerate([PAD, START, UNKNOWN, *words])}
    return {
        Tokenizer.kind: Tokenizer(Vocabulary(ids), LONGEST),
        WordPieceTokenizer.kind: WordPieceTokenizer(Pieces([*SPECIAL, *words]), LONGEST),
    }


def measure(name: str, rounds: int) -> list[dict[str, Any]]:
    """Rows of the table, for a model of the catalogue."""
    from studies.clients import mediapipe_classifier

    clients = {key: mediapipe_classifier(content) for key, content in files(name).items()}
    rng = np.random.default_rng(0)
    taken: dict[tuple[str, str, int], list[float]] = {}
    try:
        for _ in range(rounds):
            for length in LENGTHS:
                text = " ".join(f"w{number}" for number in rng.integers(0, WORDS, length))
                for (tokenizer, shapes), client in clients.items():
                    started = time.perf_counter()
                    client.classify(text)
                    seconds = time.perf_counter() - started
                    taken.setdefault((tokenizer, shapes, length), []).append(seconds)
    finally:
        for client in clients.values():
            client.close()
    median = {key: float(np.median(seconds)) * 1e3 for key, seconds in taken.items()}
    rows = []
    for (tokenizer, shapes, length), milliseconds in sorted(median.items()):
        longest = median[tokenizer, shapes, LENGTHS[-1]]
        static = median[tokenizer, "static", length]
        rows.append(
            {
                "model": name,
                "tokenizer": tokenizer,
                "shapes": shapes,
                "max_length": LONGEST,
                "words": length,
                "median_ms": f"{milliseconds:.3f}",
                "of_longest": f"{milliseconds / longest:.3f}",
                "of_static": f"{milliseconds / static:.3f}",
                "rounds": rounds,
                "command": "python -m studies text-length",
            }
        )
    return rows


def files(name: str) -> dict[tuple[str, str], bytes]:
    """The int8 file for MediaPipe, by tokenizer and shapes."""
    from export import export_model
    from zoo.bundle import Bundle

    found = {}
    for kind, tokenizer in tokenizers().items():
        vocabulary = tokenizer.vocabulary
        model = catalogue.create_model(name, vocab_size=vocabulary.size, num_classes=2, **SIZES)
        record = {"model": {"name": name}, "tokenizer": tokenizer.options}
        bundle = Bundle(model, tokenizer, ("no", "yes"), record)
        lowering = "parallel" if "parallel" in catalogue.FAMILIES[name].lowerings else "fused"
        for shapes in ("of the text", "static"):
            with tempfile.TemporaryDirectory() as folder:
                (file,) = export_model(
                    bundle, folder, lowering=lowering, static_shapes=shapes == "static"
                )
                found[kind, shapes] = (Path(folder) / file.path).read_bytes()
    return found
