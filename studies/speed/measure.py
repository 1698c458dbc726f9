"""One model in every runtime: checked, started, timed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from studies.clocks import take_turns
from studies.speed import contenders, runtimes
from studies.speed.cases import Case
from zoo import catalogue
from zoo.scores import softmax

VOCABULARY, EMBEDDING, LAYERS, CLASSES = 25_000, 300, 2, 2  # the lessons' model
TEXTS = 20
# Of a probability: float32 runtimes add in another order; int8 weights are rounded.
LARGEST_DIFFERENCE = {"float32": 1e-4, "int8": 0.1}


class DifferentAnswerError(RuntimeError):
    """Files that do not compute the same are not compared."""


def measure(case: Case, folder: Path, rounds: int) -> Iterator[dict]:
    """Rows of speed.csv.

    Raises:
        DifferentAnswerError: If a file answers otherwise than the Keras model.
    """
    model = catalogue.create_model(
        case.family,
        vocab_size=VOCABULARY,
        num_classes=CLASSES,
        embed_dim=EMBEDDING,
        hidden_dim=case.units,
        num_layers=LAYERS,
    )
    contenders.loud(model)
    found = contenders.make(model, case.max_length, folder)
    lengths = case.words or (case.max_length,)
    differences = _check(model, found, case.max_length, lengths)
    started = [_start(contender.path, case.max_length) for contender in found]
    for threads in case.threads:
        asks = [runtimes.load(contender.path, threads) for contender in found]
        for words in lengths:
            ids = _texts(1, words, case.max_length, seed=words)
            seconds = take_turns(asks, rounds, ids)
            medians = np.median(seconds, axis=1)
            for place, contender in enumerate(found):
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
                    "of_onnxruntime": _ratio(found, medians, place, "onnxruntime", "onnx"),
                    "of_stock": _ratio(found, medians, place, "litert", "stock"),
                    "bytes": contender.path.stat().st_size,
                    **started[place],
                    "difference": f"{differences[place]:.1e}",
                }


def _texts(count: int, words: int, max_length: int, seed: int) -> np.ndarray:
    ids = np.zeros((count, max_length), np.int32)
    ids[:, :words] = np.random.default_rng(seed).integers(2, VOCABULARY, (count, words))
    return ids


def _check(model: keras.Model, found, max_length: int, lengths) -> list[float]:
    """The largest difference of each file's answers to Keras's."""
    ids = np.concatenate([_texts(TEXTS, words, max_length, seed=0) for words in lengths])
    expected = softmax(model.predict(ids, verbose=0))
    differences = []
    for contender in found:
        ask = runtimes.load(contender.path)
        got = np.concatenate([ask(row[None]) for row in ids])
        differences.append(float(np.abs(got - expected).max()))
        if not differences[-1] <= LARGEST_DIFFERENCE[contender.precision]:
            raise DifferentAnswerError(
                f"{contender.path.name} differs from Keras by {differences[-1]:.2g}."
            )
    return differences


def _start(path: Path, max_length: int) -> dict:
    """What loading a file and a first answer take in a process of its own; the median of three."""
    command = [sys.executable, "-m", "studies.speed.start", str(path), str(max_length)]
    runs = []
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"Starting with {path.name} failed: {done.stderr[-500:]}")
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        "load_ms": f"{np.median([run['load_ms'] for run in runs]):.1f}",
        "first_answer_ms": f"{np.median([run['first_answer_ms'] for run in runs]):.1f}",
        "peak_kb": ""
        if runs[0]["peak_kb"] is None
        else int(np.median([r["peak_kb"] for r in runs])),
    }


def _ratio(found, medians, place: int, runtime: str, form: str) -> str:
    """To the peer of the same precision; "" if there is none."""
    for other, median in zip(found, medians, strict=True):
        same = other.precision == found[place].precision
        if same and (other.runtime, other.form) == (runtime, form):
            return f"{medians[place] / median:.2f}"
    return ""
