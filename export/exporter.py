"""Exports a trained model to verified .tflite files."""

import copy
import hashlib
import os
import time
import warnings
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

import keras
import numpy as np

from export import manifest, source
from export.choices import INTEGER, LOWERINGS, PRECISIONS
from export.manifest import ExportedFile
from export.source import Source
from export.tflite import Form, automatic, available, forms
from export.tflite.graph import Model
from export.tflite.metadata import add_metadata
from export.tflite.quantize import BeyondFloat16Error
from export.verification import PrecisionError, Verified, verify
from zoo import bundle as bundles
from zoo import models, terminal
from zoo.files import write_bytes
from zoo.seal import seal
from zoo.tokenizers import AnyTokenizer

__all__ = ["ExportedFile", "export_model"]

MUCH_MEMORY = 64_000_000  # bytes; an app has a few hundred million in all
DESCRIPTIONS = {
    "softmax": "Text classifier",
    "sigmoid": "Text classifier of several labels",
    "numbers": "Text regression",
}
FEW = 64  # texts to verify a lowering with in float32, including all edge cases


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
    static_shapes: bool = False,
    force: bool = False,
    tokenizer: AnyTokenizer | None = None,
    labels: Sequence[str] | None = None,
) -> list[ExportedFile]:
    """Exports a model to .tflite files, with a manifest.json.

    Each file is compared with the Keras model before it is written; a wrong one is never written.
    If int8 changes too many labels of real texts, float16 is written instead, with a warning.

    Args:
        run_or_model: A run folder, the name of a shipped model, a `zoo.bundle.Bundle`, or a Keras
            model (see `export.architecture.read`): itself, its .keras or .h5 file, or the folder of
            a SavedModel of Keras 2.
        folder: Where to write; by default `RUN/export`, and `runs/NAME/export` for a file.
        lowering: `auto`, one file for MediaPipe and one for LiteRT; `fused`, `parallel`, `loop` or
            `unrolled`; or `all` that the model has.
        precision: Of the weights: `float32`, `float16`, `int8` or `all` of them; or `integer`, a
            fused file for microcontrollers that computes with integers only.
        max_length: Token ids per text; that of the run by default.
        texts: Real texts to verify with, or their ids [texts, L]; by default, those that the run
            has kept.
        calibration: For `integer`: some hundred training texts, or their ids int32 [texts, L]; by
            default, those that the run has kept.
        metadata: Whether the files contain the tokenizer, vocabulary and labels, which MediaPipe
            and `zoo.load` need. Files without them are named `-bare`.
        scores: The kind of scores of a Keras model, of `zoo.scores.KINDS`, if neither its last
            activation nor its compiled loss determines it.
        padding: Where zeros may occur in the ids of a masked model: `right`, at the end of a text,
            or `any`. The default is `right` for a model with a tokenizer, else `any`, which needs
            some operators that microcontrollers do not have.
        static_shapes: Fix all shapes in `fused` and `parallel` files, as microcontrollers and some
            accelerators need. Every text then takes the time of the longest. Otherwise time follows
            the length of the text.
        tokenizer: The tokenizer of a Keras model. A `TextVectorization` layer in front of it is its
            tokenizer, unless another is given here.
        labels: The labels of a Keras model, in the order of its outputs; for one sigmoid, one label
            or two. Without tokenizer or labels, its files are named `-bare`.
        force: Write a file even if its precision changes too many labels; the manifest says so.

    Returns:
        The files that were written.

    Raises:
        ValueError: If an argument is invalid.
        export.architecture.UnsupportedModelError: If the model cannot be exported.
        export.verification.VerificationError: If a file differs from the model.

    Warns:
        UserWarning: If a finer precision is written, a file needs much memory, or verification has
            a finding.
    """
    choose("lowering", lowering, ("auto", *LOWERINGS))
    precisions = choose("precision", precision, PRECISIONS, (INTEGER,))
    if lowering not in ("auto", "all"):
        for one in precisions:
            forms.find(lowering, one)
    if folder is None:
        if not isinstance(run_or_model, (str, os.PathLike)):
            raise ValueError("folder is needed: there is no run folder to write to.")
        folder = models.resolve(run_or_model, weights=True, tokenizer=False).exports()
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
            static_shapes=static_shapes,
            tokenizer=tokenizer,
            labels=labels,
        )
    written: list[ExportedFile] = []
    for chosen in _lowerings(given, lowering, precisions):
        lowered = _Lowered(given, chosen)
        with terminal.progress(f"Lowering: {chosen}"):
            lowered.exact(forms.find(chosen, precisions[0]))
        if "float32" not in precisions:
            with terminal.progress(f"Verifying: {chosen}, float32"):
                _verify_lowering(lowered)
        done: set[str] = set()
        for one in precisions:
            with terminal.progress(f"Writing and verifying: {chosen}, {one}"):
                file = _export_or_finer(lowered, one, folder, force, done)
            if file is not None:
                done.add(file.precision)
                written.append(file)
                manifest.write(folder, written)
    return written


def choose(
    what: str, name: str, known: Iterable[str], alone: Iterable[str] = ()
) -> tuple[str, ...]:
    """Expands `all` to the known names, without those of `alone`.

    Raises:
        ValueError: If there is no such name.
    """
    known = tuple(known)
    names = (*known, *alone, "all")
    if name not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}, not {name!r}.")
    return known if name == "all" else (name,)


def _lowerings(given: Source, lowering: str, precisions: Sequence[str]) -> tuple[str, ...]:
    """The lowerings to write, each in all the precisions.

    Raises:
        NoLoweringError: If the model does not have the requested one.
        ValueError: If a form needs calibration texts and there are none.
    """
    lowerings: tuple[str, ...] = (lowering,)
    if lowering in ("auto", "all"):
        usual = automatic(given.read) if lowering == "auto" else available(given.read)
        known = [n for n in LOWERINGS if all(n in forms.lowerings_in(p) for p in precisions)]
        # If the model has none of them, `require` says why.
        lowerings = tuple(n for n in usual if n in known) or tuple(known)
    for one in lowerings:
        for precision in precisions:
            form = forms.find(one, precision)
            form.require(given.read)
            if form.calibrated and not len(given.calibration):
                raise ValueError(
                    f"The precision {precision!r} takes its scales from texts, and none are at "
                    "hand: give some hundred training texts, in Python, as "
                    "export_model(..., calibration=texts)."
                )
    return lowerings


class _Lowered:
    """A model in one lowering before quantisation, built once for all precisions.

    Args:
        given: The model.
        lowering: The lowering.
    """

    def __init__(self, given: Source, lowering: str):
        self.given, self.lowering = given, lowering
        self._exact: dict[Callable, tuple[Model, float]] = {}

    def exact(self, form: Form) -> tuple[Model, float]:
        """The graphs before `Form.shrink`, and the seconds to build them."""
        if form.lower not in self._exact:
            started = time.perf_counter()
            model = form.lower(self.given.read, self.given.length, self.given.calibration)
            self._exact[form.lower] = model, time.perf_counter() - started
        return self._exact[form.lower]


def _verify_lowering(lowered: _Lowered) -> None:
    """Compares the lowering with Keras in float32, where quantisation cannot hide a mistake."""
    model, _ = lowered.exact(forms.find(lowered.lowering, "float32"))
    few = lowered.given.questions.some(FEW)
    verify(
        model.pack(),
        few.reference(),
        few.ids,
        precision="float32",
        constants=model.constants(),
        real=few.real,
        kind=lowered.given.kind,
        packed=False,  # packed float32 weights of an unrolled file could fill the memory
    )


def _export_or_finer(
    lowered: _Lowered, precision: str, folder: Path, force: bool, done: Container[str]
) -> ExportedFile | None:
    """Exports in this precision, or in the next finer one that keeps the labels.

    Returns None if that one has been written already.
    """
    wanted: str | None = precision
    while wanted is not None and wanted not in done:
        form = forms.find(lowered.lowering, wanted)
        try:
            return _export(lowered, form, folder, force)
        except (PrecisionError, BeyondFloat16Error) as error:
            wanted = form.precision.finer
            if wanted is None:
                raise
            warnings.warn(
                f"{lowered.given.name}, {lowered.lowering}: {error} Written as {wanted} instead.",
                stacklevel=3,
            )
    return None


def _export(lowered: _Lowered, form: Form, folder: Path, force: bool) -> ExportedFile:
    """Builds, verifies and writes a file."""
    given, precision = lowered.given, form.precision.name
    exact, seconds = lowered.exact(form)
    started = time.perf_counter()
    model = copy.deepcopy(exact)
    form.shrink(model)
    model.description = f"{given.name}, {form.lowering} lowering, {precision}"
    content = seal(_with_metadata(model.pack(), given))
    seconds += time.perf_counter() - started
    _warn_of_memory(given, form, model)
    found = _verified(content, exact, form, given, force)
    bare = "-bare" if given.is_bare else ""
    path = folder / f"{given.name}-{form.name}{bare}.tflite"
    write_bytes(path, content)
    return ExportedFile(
        path=path.name,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        lowering=form.lowering,
        precision=precision,
        subgraphs=len(model.graphs),
        operators=model.operators(),
        packed_bytes=model.packed_bytes(),
        scores=given.questions.scores.kind,
        padding="right" if given.read.right_padded else "any",
        seconds=round(seconds, 2),
        verified=found,
    )


def _verified(content: bytes, exact: Model, form: Form, given: Source, force: bool) -> Verified:
    asked = given.questions
    found = verify(
        content,
        asked.reference(),
        asked.ids,
        precision=form.precision.name,
        constants=exact.constants(),
        real=asked.real,
        labels=asked.labels,
        kind=given.kind,
        force=force,
    )
    for finding in found.warnings:
        message = f"{given.name}, {form.lowering}, {form.precision.name}: {finding}"
        warnings.warn(message, stacklevel=5)
    return found


def _with_metadata(content: bytes, given: Source) -> bytes:
    if given.tokenizer is None or given.labels is None:  # as `Source.is_bare`
        return content
    return add_metadata(
        content,
        name=given.name,
        description=f"{DESCRIPTIONS[given.kind.name]}: {', '.join(given.labels)}"[:1000],
        tokenizer=given.tokenizer,
        labels=given.labels,
        scores=given.kind.record(),
    )


def _warn_of_memory(given: Source, form: Form, model: Model) -> None:
    if model.packed_bytes() <= MUCH_MEMORY:
        return
    first, *_ = available(given.read)
    others = "'loop', or fewer units" if first == "loop" else f"{first!r} or 'loop'"
    warnings.warn(
        f"{given.name}, {form.lowering}, {form.precision.name}: its products will take "
        f"{model.packed_bytes() / 1e6:,.0f} MB of memory, since each of the {given.length} "
        f"steps packs its weights apart. Use the lowering {others}, or a shorter max_length.",
        stacklevel=5,
    )
