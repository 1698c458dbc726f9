"""Compares whole words with word pieces, at the same number of bytes of the int8 file.

For each data set and seed, a model is trained with each tokenizer, with the same settings. Each
vocabulary is as large as fits into --bytes of embedding and vocabulary in an int8 file. With
--vectors, both are trained again from the embeddings of a transformer. A row of tokenizers.csv has
the figures of the exported file on the test texts, and the time of an answer in MediaPipe,
tokenizer included; the files of a data set and seed take turns.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studies import command
from studies.settings import PLAIN
from zoo import pieces
from zoo.datasets import load_dataset
from zoo.files import read_table, write_table

NAME = "tokenizers.csv"
SETTINGS = PLAIN | {"batch_size": 32, "epochs": 10, "learning_rate": 3e-3}
ROUNDS = 20
ASKED = 50  # test texts of which the time is taken


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "datasets",
        nargs="+",
        type=Path,
        metavar="DATASET",
        help="folders with train.tsv and test.tsv, and valid.tsv if there is one",
    )
    parser.add_argument("--model", default="bilstm-small", help="(default: bilstm-small)")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument(
        "--bytes",
        type=int,
        default=400_000,
        help="of embedding and vocabulary in the int8 file (default: 400000)",
    )
    parser.add_argument(
        "--vectors", type=Path, metavar="FOLDER", help="a transformer, to start from, too"
    )
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Adds the rows that the table lacks."""
    from zoo import catalogue

    catalogue.find(options.model)
    for folder in options.datasets:
        for part in ("train", "test"):
            if not (folder / f"{part}.tsv").is_file():
                raise ValueError(f"{folder} has no {part}.tsv; see recipes/DATA.md.")
    path = options.output / NAME
    table = {key(row): row for row in read_table(path)}
    starts = ["", *([str(options.vectors)] if options.vectors else [])]
    for folder in options.datasets:
        for seed in range(options.seeds):
            for start in starts:
                names = [(folder.name, kind, name_of(start), str(seed)) for kind in KINDS]
                if all(name in table for name in names):
                    continue
                for measured in measure(folder, seed, start, options):
                    row = {column: str(value) for column, value in measured.items()}
                    table[key(row)] = row
                    print(", ".join(f"{column} {value}" for column, value in row.items()))
                write_table(path, [table[each] for each in sorted(table)])


KINDS = ("words", "wordpiece")


def name_of(start: str) -> str:
    """The name of a transformer's folder, for the table."""
    return Path(start).name if start else "none"


def key(row: Mapping[str, str]) -> tuple[str, str, str, str]:
    """What identifies a row."""
    return row["dataset"], row["tokenizer"], row["vectors"], row["seed"]


def measure(
    folder: Path, seed: int, start: str, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Trains and exports with each tokenizer, and yields a row for each."""
    from export import export_model
    from zoo import litert
    from zoo.training import TrainingConfig, train

    rows, contents = [], []
    texts: list[str] = []
    learnt_from = load_dataset(folder, seed=seed).train.texts
    with tempfile.TemporaryDirectory() as scratch:
        for kind in KINDS:
            config = TrainingConfig(
                options.model,
                str(folder),
                seed=seed,
                tokenizer=kind,
                vocab_size=as_many(kind, learnt_from, options, start),
                vectors=start or None,
                teacher=(),
                **SETTINGS,
            )
            bundle = train(config, Path(scratch) / kind, tensorboard=False, verbose=False)
            (file,) = export_model(bundle, Path(scratch) / kind / "export", lowering="fused")
            path = Path(scratch) / kind / "export" / file.path
            classifier = litert.load(path)
            test = bundle.dataset().test
            texts = test.texts
            vocabulary = bundle.tokenizer.vocabulary
            tokens = [bundle.tokenizer.split(text) for text in texts]
            ids = bundle.tokenizer.encode(texts)
            read = bundle.tokenizer.read(ids)
            rows.append(
                {
                    "dataset": folder.name,
                    "tokenizer": kind,
                    "vectors": name_of(start),
                    "seed": seed,
                    "model": options.model,
                    "token_ids": vocabulary.size,
                    "bytes": file.bytes,
                    "vocabulary_bytes": len(vocabulary.text.encode()),
                    "tokens": f"{np.mean([len(each) for each in tokens]):.2f}",
                    "unknown": f"{np.mean(ids[read] == vocabulary.unknown):.4f}",
                    "accuracy_validation": f"{bundle.figures['validation']['accuracy']:.4f}",
                    "accuracy_keras": f"{bundle.figures['test']['accuracy']:.4f}",
                    "accuracy_file": (f"{classifier.evaluate(texts, test.labels)['accuracy']:.4f}"),
                }
            )
            contents.append(path.read_bytes())
        times = answer_times(contents, texts[:ASKED])
    for row, milliseconds in zip(rows, times, strict=True):
        yield {**row, "answer_ms": f"{milliseconds:.3f}"}


def as_many(kind: str, texts: Sequence[str], options: argparse.Namespace, start: str) -> int:
    """The largest vocabulary whose embedding and text fit into the bytes.

    An id takes a row of int8 numbers, a float32 scale, and its lines of the vocabulary.
    """
    from zoo import catalogue
    from zoo.training import TrainingConfig, vocabulary
    from zoo.training.vectors import WordVectors

    vectors = WordVectors.read(start) if start else None
    width = catalogue.find(options.model)[1].embed_dim

    def fits(size: int) -> bool:
        config = TrainingConfig(options.model, "", tokenizer=kind, vocab_size=size)
        found = vocabulary.fit(config, texts, None, vectors).vocabulary
        return found.size * (width + 4) + len(found.text.encode()) <= options.bytes

    low, high = pieces.LEAST, options.bytes // (width + 4)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def answer_times(contents: list[bytes], texts: list[str]) -> list[float]:
    """Median milliseconds of an answer in MediaPipe, by file; the files take turns."""
    from studies.clients import mediapipe_classifier

    clients = [mediapipe_classifier(content) for content in contents]
    times: list[list[float]] = [[] for _ in clients]
    try:
        for _ in range(ROUNDS):
            for text in texts:
                for client, taken in zip(clients, times, strict=True):
                    started = time.perf_counter()
                    client.classify(text)
                    taken.append(time.perf_counter() - started)
    finally:
        for client in clients:
            client.close()
    return [float(np.median(taken)) * 1e3 for taken in times]
