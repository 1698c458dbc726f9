"""From a trained model to verified files."""

import copy
import hashlib
import os
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from export import manifest, source
from export.choices import INTEGER, PRECISIONS
from export.manifest import ExportedFile
from export.source import Source
from export.tflite import LOWERINGS, automatic, available, integer
from export.tflite.calibration import calibrate
from export.tflite.graph import Model
from export.tflite.metadata import add_metadata
from export.tflite.quantize import BeyondFloat16Error, quantize
from export.verification import PrecisionError, verify
from zoo import bundle as bundles
from zoo import models, terminal
from zoo.files import write_bytes
from zoo.seal import seal

__all__ = ["INTEGER", "ExportedFile", "export_model"]

MUCH_MEMORY = 64_000_000  # bytes; an app has few hundred million for all that it does
FEW = 64  # texts that a lowering is asked before it is quantised, those of every bound among them
FINER = {"int8": "float16", "float16": "float32"}


def export_model(
    run_or_model: str | os.PathLike | bundles.Bundle | keras.Model,
    folder: str | os.PathLike | None = None,
    *,
    lowering: str = "auto",
    precision: str = "int8",
    max_length: int | None = None,
    texts: Sequence[str] | np.ndarray = (),
    calibration: Sequence[str] | np.ndarray = (),
    metadata: bool = True,
    scores: str | None = None,
    padding: str | None = None,
    force: bool = False,
) -> list[ExportedFile]:
    """Writes .tflite files that answer as a model does, and manifest.json beside them.

    Each file is asked the same texts as the Keras model before it is written. One that computes
    something else is never written. Where int8 changes too many labels of real texts, float16 is
    written in its place, with a warning.

    Args:
        run_or_model: A run folder, the name of a shipped model, a `zoo.bundle.Bundle`, or a Keras
            model of the same form (embedding, recurrent layers, dense layers), whose files then
            hold no tokenizer.
        folder: Where to write; `RUN/export` if it is left out.
        lowering: `auto`, one file for MediaPipe and one for LiteRT; `all` that the model has; or
            `fused`, `parallel`, `loop` or `unrolled`.
        precision: Of the weights, `float32`, `float16`, `int8` or `all` of them; or `integer`, a
            fused file for microcontrollers that computes with integers only.
        max_length: Ids of a text; the run's own if it is left out.
        texts: Real texts to verify with, or their ids [texts, L]; a run has kept some of its own.
        calibration: For `integer`: some hundred training texts, or their ids int32 [texts, L]; a
            run has kept some of its own.
        metadata: Whether the files hold the tokenizer, vocabulary and labels. MediaPipe and
            `zoo.load` need them; a program with a tokenizer of its own does not. Files without
            are named `-bare`.
        scores: What the outputs of a Keras model are, of `zoo.scores.KINDS`, where neither its last
            activation nor the loss that it is compiled with says it.
        padding: Where zeros may stand in the ids of a masked model: `right`, behind the text, as
            every tokenizer of the project pads; or `any`, also before and inside it, as Keras masks
            them. The default is `right` where a tokenizer is known, else `any`, which costs some
            operators that microcontrollers do not have.
        force: Write a file although its precision changes too many labels; the manifest says so.

    Returns:
        What was written.

    Raises:
        ValueError: If an argument is wrong.
        export.architecture.UnsupportedModelError: If the model has another form.
        export.verification.VerificationError: If a file answers otherwise than the model.

    Warns:
        UserWarning: Of a finer precision than was asked for, of much memory, of findings of the
            verification.
    """
    choose("lowering", lowering, ("auto", *LOWERINGS))
    precisions = choose("precision", precision, PRECISIONS, (INTEGER,))
    if precision == INTEGER and lowering not in ("auto", "fused"):
        raise ValueError(f"The precision 'integer' is for the lowering 'fused', not {lowering!r}.")
    if folder is None:
        if not isinstance(run_or_model, (str, os.PathLike)):
            raise ValueError("folder is needed: there is no run folder to write to.")
        folder = models.resolve(run_or_model, weights=True).exports()
    folder = Path(folder)
    if folder.is_file():
        raise ValueError(f"{folder} is a file; give a folder to write to.")
    with terminal.progress("Reading the model"):
        given = source.of(
            run_or_model,
            max_length=max_length,
            texts=texts,
            calibration=calibration,
            metadata=metadata,
            kind=scores,
            padding=padding,
        )
    written: list[ExportedFile] = []
    for chosen in _lowerings(given, lowering, precision):
        with terminal.progress(f"Lowering: {chosen}"):
            lowered = _lower(given, chosen, precision)
        if "float32" not in precisions:
            with terminal.progress(f"Verifying: {chosen}, float32"):
                plain = lowered if precision != INTEGER else _lower(given, chosen, "float32")
                _verify_lowering(plain, given)
        done: set[str] = set()
        for kind in precisions:
            with terminal.progress(f"Writing and verifying: {chosen}, {kind}"):
                file = _export_or_finer(given, lowered, kind, folder, force, done)
            if file is not None:
                done.add(file.precision)
                written.append(file)
                manifest.write(folder, written)
    return written


def choose(
    what: str, name: str, known: Iterable[str], alone: Iterable[str] = ()
) -> tuple[str, ...]:
    """The names that `all` or a single name stands for; `all` leaves out those of `alone`.

    Raises:
        ValueError: If there is no such name.
    """
    known = tuple(known)
    names = (*known, *alone, "all")
    if name not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}, not {name!r}.")
    return known if name == "all" else (name,)


def _lowerings(given: Source, lowering: str, precision: str) -> tuple[str, ...]:
    if precision == INTEGER:
        integer.require_plain(given.read)
        if not len(given.calibration):
            raise ValueError(
                "The precision 'integer' takes its scales from texts, and none are at hand: give "
                "some hundred training texts, in Python, as "
                "export_model(..., calibration=texts)."
            )
        return ("fused",)
    if lowering == "auto":
        return automatic(given.read)
    return available(given.read) if lowering == "all" else (lowering,)


@dataclass(frozen=True)
class _Lowered:
    """A model as graphs, before its weights are made smaller.

    Attributes:
        lowering: How it was lowered.
        model: The graphs; float32, unless they compute with integers only.
        constants: What its constants are to be.
        seconds: How long it took.
    """

    lowering: str
    model: Model
    constants: dict[str, np.ndarray]
    seconds: float


def _lower(given: Source, lowering: str, precision: str) -> _Lowered:
    started = time.perf_counter()
    if precision == INTEGER:
        ranges = calibrate(given.read, given.calibration)
        model = integer.build(given.read, given.length, ranges)
    else:
        model = LOWERINGS[lowering](given.read, given.length)
    return _Lowered(lowering, model, model.constants(), time.perf_counter() - started)


def _verify_lowering(lowered: _Lowered, given: Source) -> None:
    """Holds the lowering against Keras in float32, before a coarser precision hides a mistake."""
    few = given.questions.some(FEW)
    verify(
        lowered.model.pack(),
        few.reference(),
        few.ids,
        precision="float32",
        constants=lowered.constants,
        real=few.real,
        kind=few.scores.kind,
        packed=False,  # an unrolled file's weights, packed as float32, could fill the memory
    )


def _export_or_finer(given, lowered, precision, folder, force, done) -> ExportedFile | None:
    """The file in this precision, or in the next finer one that keeps the labels.

    None if that one is written already.
    """
    for one in _and_finer(precision):
        if one in done:
            return None
        try:
            return _export(given, lowered, one, folder, force)
        except (PrecisionError, BeyondFloat16Error) as error:
            finer = FINER.get(one)
            if finer is None or precision == INTEGER:
                raise
            warnings.warn(
                f"{given.name}, {lowered.lowering}: {error} Written as {finer} instead.",
                stacklevel=4,
            )
    raise AssertionError("the last precision has no finer one")


def _and_finer(precision: str) -> Iterator[str]:
    while precision:
        yield precision
        precision = FINER.get(precision, "")


def _export(
    given: Source, lowered: _Lowered, precision: str, folder: Path, force: bool
) -> ExportedFile:
    lowering, asked = lowered.lowering, given.questions
    started = time.perf_counter()
    model = copy.deepcopy(lowered.model)
    if precision != INTEGER:
        quantize(model, precision)
    model.description = f"{given.name}, {lowering} lowering, {precision}"
    content = seal(_with_metadata(model.pack(), given))
    seconds = lowered.seconds + time.perf_counter() - started
    _warn_of_memory(given, lowering, precision, model)
    found = verify(
        content,
        asked.reference(),
        asked.ids,
        precision=precision,
        constants=lowered.constants,
        real=asked.real,
        labels=asked.labels,
        kind=asked.scores.kind,
        force=force,
    )
    for finding in found.warnings:
        warnings.warn(f"{given.name}, {lowering}, {precision}: {finding}", stacklevel=5)
    bare = "-bare" if given.tokenizer is not None and given.labels is None else ""
    path = folder / f"{given.name}-{lowering}-{precision}{bare}.tflite"
    write_bytes(path, content)
    return ExportedFile(
        path=path.name,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        lowering=lowering,
        precision=precision,
        subgraphs=len(model.graphs),
        operators=model.operators(),
        packed_bytes=model.packed_bytes(),
        scores=asked.scores.kind,
        padding="right" if given.read.right_padded else "any",
        seconds=round(seconds, 2),
        verified=found,
    )


def _with_metadata(content: bytes, given: Source) -> bytes:
    if given.tokenizer is None or given.labels is None:
        return content
    return add_metadata(
        content,
        name=given.name,
        description=f"Text classifier: {', '.join(given.labels)}"[:1000],
        tokenizer=given.tokenizer,
        labels=given.labels,
    )


def _warn_of_memory(given: Source, lowering: str, precision: str, model: Model) -> None:
    if model.packed_bytes() <= MUCH_MEMORY:
        return
    first, *_ = available(given.read)
    others = "'loop', or fewer units" if first == "loop" else f"{first!r} or 'loop'"
    warnings.warn(
        f"{given.name}, {lowering}, {precision}: its products will take "
        f"{model.packed_bytes() / 1e6:,.0f} MB of memory, since each of the {given.length} "
        f"steps packs its weights apart. Use the lowering {others}, or a shorter max_length.",
        stacklevel=5,
    )
