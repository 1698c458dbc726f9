"""Models of the kinds that people bring, in every lowering, precision and client.

Each kind of `studies.brought.cases` is exported in all of its lowerings as float32, float16 and
int8, and its files are run in LiteRT's interpreter, TensorFlow's, MediaPipe's text classifier (with
a tokenizer and labels; a single subgraph only) and, where it is installed, tflite-micro, which gets
files of static shapes. Kinds of PyTorch classifiers are imported first. The scores are compared
with those of the framework that the model is of. Writes brought.csv, with a row for each file and
client, or with the refusal.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studies import command
from studies.brought import imports
from studies.brought.cases import CASES, TEXTS, Case, column, ids
from studies.brought.imports import IMPORTS, Import
from studies.brought.makers import LENGTH, WORDS
from zoo.files import write_table
from zoo.reasons import first_line
from zoo.text import PAD, UNKNOWN, Tokenizer, Vocabulary

if TYPE_CHECKING:
    from export import ExportedFile

Row = dict[str, Any]
LABELS = ("a", "b", "c")
NOT_FINITE = "gives NaN"
NO_RUN = "does not run it: "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help="a part of the names of kinds (default: all)"
    )
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Measures the kinds and writes the table."""
    chosen: list[Case | Import] = [
        case
        for case in (*CASES, *IMPORTS)
        if not options.kinds or any(part in case.what for part in options.kinds)
    ]
    if not chosen:
        raise ValueError(f"no kind has {' or '.join(map(repr, options.kinds))} in its name.")
    rows: list[Row] = []
    for case in chosen:
        started = time.perf_counter()
        measured = list(of_keras(case) if isinstance(case, Case) else of_torch(case))
        rows += measured
        print(
            f"{case.what}: {len(measured)} rows, {time.perf_counter() - started:.0f} s", flush=True
        )
        write_table(options.output / "brought.csv", rows)


def of_keras(case: Case) -> Iterator[Row]:
    """Yields the rows of a kind of Keras model."""
    import keras

    model = case.model()
    reference = case.reference(keras) if case.reference else model
    has_three = getattr(reference, "output_shape", None) == (None, len(LABELS))

    def of_ids(rows: np.ndarray) -> np.ndarray:
        (outputs,) = keras.tree.flatten(reference.predict(rows, batch_size=1, verbose=0))
        if case.what == "logits":
            outputs = keras.ops.softmax(outputs)
        return keras.ops.convert_to_numpy(outputs)

    with tempfile.TemporaryDirectory() as folder:
        more = {"labels": LABELS} if case.of_texts else {}
        try:
            files = _export(model, Path(folder), **case.options, **more)
        except ValueError as error:
            yield _row(case.what, "", "", "export", str(error))
            return
        if case.of_texts:
            expected = of_ids(column(keras, TEXTS))
            for file in files:
                yield from _of_texts(case.what, Path(folder) / file.path, file, expected)
            return
        static = _static(model, Path(folder) / "static", **case.options)
        for file in files:
            path = Path(folder) / file.path
            yield from _of_ids(case.what, path, file, ids(), of_ids(ids()), static)
    if not has_three or case.says:
        return
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = _tokenizer()
        options = {"tokenizer": tokenizer, "labels": LABELS, **case.options}
        files = _export(model, Path(folder), **options)
        expected = of_ids(tokenizer.encode(TEXTS))
        for file in files:
            path = Path(folder) / file.path
            yield from _of_texts(case.what, path, file, expected, only="mediapipe")


def of_torch(case: Import) -> Iterator[Row]:
    """Yields the rows of a kind of PyTorch classifier; none where PyTorch is missing."""
    if importlib.util.find_spec("torch") is None:
        print(f"{case.what}: PyTorch is not installed.")
        return
    import torch

    from zoo import torch_import
    from zoo.torch_readout import Readout

    state, scores = imports.made(case)
    given = imports.ids_of(case)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.save({key: torch.tensor(value) for key, value in state.items()}, folder / "model.pt")
        tokens = ["<pad>", "<unk>"] if case.padding == 0 else ["<unk>", "<pad>"]
        tokens += [f"w{number}" for number in range(2, WORDS)]
        (folder / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
        (folder / "labels.txt").write_text("\n".join(LABELS), encoding="utf-8")
        imported = torch_import.import_bundle(
            folder / "model.pt",
            vocab=folder / "vocab.txt",
            labels=folder / "labels.txt",
            max_length=LENGTH,
            readout=Readout(**case.readout),
        )
        texts = [" ".join(tokens[n] for n in row if n != case.padding) for row in given]
        static = _static(imported.bundle, folder / "static")
        for file in _export(imported.bundle, folder / "out"):
            path = folder / "out" / file.path
            own = imported.bundle.tokenizer.encode(texts)
            yield from _of_ids(case.what, path, file, own, scores(given), static)
            yield from _of_texts(
                case.what, path, file, scores(given), only="mediapipe", texts=texts
            )


def _export(model: Any, folder: Path, **options: Any) -> list[ExportedFile]:
    from export import export_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tests look at them
        return export_model(model, folder, lowering="all", precision="all", force=True, **options)


def _static(model: Any, folder: Path, **options: Any) -> Path | None:
    """Exports with static shapes, if there is a client that needs them. Returns the folder."""
    if importlib.util.find_spec("tflite_micro") is None:
        return None
    _export(model, folder, static_shapes=True, **options)
    return folder


def _tokenizer() -> Tokenizer:
    vocabulary = {PAD: 0, UNKNOWN: 1} | {f"w{number}": number for number in range(2, WORDS)}
    return Tokenizer(Vocabulary(vocabulary), LENGTH)


def _of_ids(
    what: str,
    path: Path,
    file: ExportedFile,
    rows: np.ndarray,
    expected: np.ndarray,
    static: Path | None,
) -> Iterator[Row]:
    from studies import clients
    from zoo import litert

    content = path.read_bytes()
    asked: dict[str, Callable[[], np.ndarray]] = {
        "litert": lambda: litert.runner(content)[0](rows),
        "tf.lite": lambda: clients.ask_tensorflow(content, rows),
    }
    if static is not None and file.precision == "float32":
        fixed = (static / file.path).read_bytes()
        asked["micro"] = lambda: clients.ask_micro(fixed, rows)
    for client, ask in asked.items():
        yield _row(what, file.lowering, file.precision, client, _compared(ask, expected))


def _of_texts(
    what: str,
    path: Path,
    file: ExportedFile,
    expected: np.ndarray,
    *,
    only: str = "",
    texts: Any = TEXTS,
) -> Iterator[Row]:
    from studies import clients

    names = [only] if only else ["litert", "tf.lite", "mediapipe"]
    for client in names:
        if client == "mediapipe" and file.subgraphs > 1:
            continue  # it takes one
        ask = functools.partial(clients.CLIENTS[client], path, texts)
        yield _row(what, file.lowering, file.precision, client, _compared(ask, expected))


def _compared(ask: Callable[[], np.ndarray], expected: np.ndarray) -> float | str:
    """The largest difference, or why there is none.

    Texts to which the framework itself gives NaN are left out.
    """
    try:
        got = ask()
    except Exception as error:  # the clients' errors have no common class
        return f"{NO_RUN}{first_line(error)}"
    finite = np.isfinite(expected).all(axis=1)
    off = float(np.abs(got[finite] - expected[finite]).max())
    return off if np.isfinite(off) else NOT_FINITE


def _row(what: str, lowering: str, precision: str, client: str, found: float | str) -> Row:
    says = isinstance(found, str)
    return {
        "kind": what.replace("`", ""),
        "lowering": lowering,
        "precision": precision,
        "client": client,
        "largest_difference": "" if says else f"{found:.1e}",
        "says": found if says else "",
    }
