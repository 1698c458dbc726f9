"""One model in every runtime: checks its scores, measures its start, times its predictions."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from studies import models, processes
from studies.agreement import DifferentAnswerError, largest_difference
from studies.clocks import take_turns
from studies.peers import runtimes
from studies.speed import contenders
from studies.speed.cases import Case
from studies.speed.contenders import Contender
from zoo.scores import softmax

EMBEDDING = 300  # width
TEXTS = 20
# Of a probability. Runtimes sum float32 numbers in different orders; int8 weights are rounded.
LARGEST_DIFFERENCE = {"float32": 1e-4, "int8": 0.1}


def measure(case: Case, folder: Path, rounds: int) -> Iterator[dict[str, Any]]:
    """Yields rows of speed.csv.

    Args:
        case: The model and its texts.
        folder: Where the files go.
        rounds: Turns of each file.

    Raises:
        DifferentAnswerError: If a file answers differently from the Keras model.
    """
    model = models.textbook(case.family, embed_dim=EMBEDDING, hidden_dim=case.units)
    models.randomize(model)
    files = contenders.make(model, case.max_length, folder)
    lengths = case.words or (case.max_length,)
    differences = _check(model, files, case.max_length, lengths)
    started = [_start(contender.path, case.max_length) for contender in files]
    for threads in case.threads:
        asks = [runtimes.load(contender.path, threads) for contender in files]
        for words in lengths:
            ids = _texts(1, words, case.max_length, seed=words)
            seconds = take_turns(asks, rounds, ids)
            medians = np.median(seconds, axis=1)
            for place, contender in enumerate(files):
                low, high = np.percentile(1000 * seconds[place], [25, 75])
                yield {
                    "model": case.family,
                    "units": case.units,
                    "max_length": case.max_length,
                    "words": words,
                    "threads": threads,
                    "runtime": contender.runtime,
                    "form": contender.form,
                    "precision": contender.precision,
                    "median_ms": f"{1000 * medians[place]:.3f}",
                    "quartiles_ms": f"{low:.3f} {high:.3f}",
                    "of_onnxruntime": _ratio(files, medians, place, "onnxruntime", "onnx"),
                    "of_stock": _ratio(files, medians, place, "litert", "stock"),
                    "bytes": contender.path.stat().st_size,
                    **started[place],
                    "difference": f"{differences[place]:.1e}",
                }


def _texts(count: int, words: int, max_length: int, seed: int) -> np.ndarray:
    ids = np.zeros((count, max_length), np.int32)
    ids[:, :words] = np.random.default_rng(seed).integers(2, models.VOCABULARY, (count, words))
    return ids


def _check(
    model: keras.Model, files: Sequence[Contender], max_length: int, lengths: Sequence[int]
) -> list[float]:
    """The largest difference between the scores of each file and those of Keras."""
    ids = np.concatenate([_texts(TEXTS, words, max_length, seed=0) for words in lengths])
    expected = softmax(model.predict(ids, verbose=0))
    differences = []
    for contender in files:
        ask = runtimes.load(contender.path)
        got = np.concatenate([ask(row[None]) for row in ids])
        differences.append(largest_difference(got, expected))
        if not differences[-1] <= LARGEST_DIFFERENCE[contender.precision]:
            raise DifferentAnswerError(
                f"{contender.path.name} differs from Keras by {differences[-1]:.2g}."
            )
    return differences


def _start(path: Path, max_length: int) -> dict[str, Any]:
    """Times and memory until a first answer, each in a new process; the median of three."""
    starts = [processes.run("start", path, max_length) for _ in range(3)]
    medians = {
        key: None if starts[0][key] is None else np.median([start[key] for start in starts])
        for key in starts[0]
    }
    return {
        "load_ms": f"{medians['load_ms']:.1f}",
        "first_answer_ms": f"{medians['first_answer_ms']:.1f}",
        "peak_kb": "" if medians["peak_kb"] is None else int(medians["peak_kb"]),
    }


def _ratio(
    files: Sequence[Contender], medians: np.ndarray, place: int, runtime: str, form: str
) -> str:
    """The ratio to another file of the same precision; "" if there is none."""
    for other, median in zip(files, medians, strict=True):
        same = other.precision == files[place].precision
        if same and (other.runtime, other.form) == (runtime, form):
            return f"{medians[place] / median:.2f}"
    return ""
