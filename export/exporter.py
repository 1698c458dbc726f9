"""From a trained model to verified files."""

import copy
import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np

from export import architecture, texts
from export.tflite import LOWERINGS, automatic, available, integer
from export.tflite.calibration import calibrate
from export.tflite.graph import Model
from export.tflite.metadata import add_metadata
from export.tflite.quantize import PRECISIONS, quantize
from export.verification import ROUNDING, UNDECIDED, Verified, verify
from zoo import bundle as bundles
from zoo.files import write_bytes, write_text
from zoo.pretrained import is_name
from zoo.text import Tokenizer

MUCH_MEMORY = 64_000_000  # bytes; an app has few hundred million for all that it does
INTEGER = "integer"
FEW = 64  # texts that a lowering is asked before it is quantised, those of every bound among them


@dataclass(frozen=True)
class ExportedFile:
    """A row of the manifest.

    Attributes:
        path: The file's name in its folder.
        bytes: Its size.
        sha256: Its hash.
        lowering, precision: How it was made.
        subgraphs: Number of subgraphs.
        operators: How often each operator stands in it.
        packed_bytes: Memory that the matrices of its products take when it runs on XNNPACK, which
            packs them once for each product: many times over in an unrolled file.
        seconds: How long the export took, without the verification.
        verified: What the verification found.
    """

    path: str
    bytes: int
    sha256: str
    lowering: str
    precision: str
    subgraphs: int
    operators: dict[str, int]
    packed_bytes: int
    seconds: float
    verified: Verified


@dataclass(frozen=True)
class Source:
    """What an export starts from.

    Attributes:
        name: Beginning of the files' names.
        model: Token ids to logits or probabilities.
        tokenizer: Texts to ids; None where only the model is known.
        labels: For the metadata, which is left out without them.
        real: Texts to verify with.
        calibration: Texts, or their ids, that the scales of an integer file are taken from.
    """

    name: str
    model: keras.Model
    tokenizer: Tokenizer | None = None
    labels: tuple[str, ...] | None = None
    real: Sequence[str] = ()
    calibration: Sequence[str] | np.ndarray = ()


def export_model(
    run_or_model: str | os.PathLike | bundles.Bundle | keras.Model,
    folder: str | os.PathLike | None = None,
    *,
    lowering: str = "auto",
    precision: str = "int8",
    max_length: int | None = None,
    texts: Sequence[str] = (),
    calibration: Sequence[str] | np.ndarray = (),
    metadata: bool = True,
) -> list[ExportedFile]:
    """Writes .tflite files that answer as a model does, and manifest.json beside them.

    Each file is asked the same texts as the Keras model before it is written; one that answers
    otherwise raises and is not written.

    Args:
        run_or_model: A run folder, a `zoo.bundle.Bundle`, or a Keras model of the same shape
            (embedding, recurrent layers, dense), whose files then hold no tokenizer.
        folder: Where to write; `RUN/export` if it is left out.
        lowering: `auto`, one file for MediaPipe and one for LiteRT; `all` that the model has; or
            `fused`, `parallel`, `loop` or `unrolled`.
        precision: Of the weights, `float32`, `float16`, `int8` or `all` of them; or `integer`, a
            fused file for microcontrollers that computes with integers only.
        max_length: Ids of a text; the run's own if it is left out.
        texts: Texts to verify with, beside those that the export makes up.
        calibration: For `integer`: some hundred training texts, or their ids int32 [texts, L].
        metadata: Whether the files hold the tokenizer, vocabulary and labels. MediaPipe and
            `zoo.load` need them; a program with a tokenizer of its own does not. Files without
            are named `-bare`.

    Returns:
        What was written.

    Raises:
        ValueError: If an argument is wrong.
        export.architecture.UnsupportedModelError: If the model has another shape.
        export.verification.VerificationError: If a file answers otherwise than the model.
    """
    choose("lowering", lowering, ("auto", *LOWERINGS))
    precisions = choose("precision", precision, PRECISIONS, (INTEGER,))
    if precision == INTEGER and lowering not in ("auto", "fused"):
        raise ValueError(f"The precision 'integer' is for the lowering 'fused', not {lowering!r}.")
    if precision == INTEGER and not len(calibration):
        raise ValueError(
            "The precision 'integer' takes its scales from texts, and the run's data set is not "
            "here: give some hundred training texts, in Python, as "
            "export_model(..., calibration=texts)."
        )
    source = _source(run_or_model, max_length, texts, calibration, metadata)
    if folder is None:
        if not isinstance(run_or_model, (str, os.PathLike)):
            raise ValueError("folder is needed: there is no run folder to write to.")
        folder = default_folder(run_or_model)
    folder = Path(folder)
    length = source.tokenizer.max_length if source.tokenizer else max_length
    if not isinstance(length, int) or length < 1:
        raise ValueError(
            "max_length, the number of ids of a text, must be an integer of at least 1 (a Keras "
            f"model does not say it itself), not {length!r}."
        )
    if folder.is_file():
        raise ValueError(f"{folder} is a file; give a folder to write to.")

    read = architecture.read(source.model)
    if precision == INTEGER:
        integer.require_plain(read)
        source = replace(source, calibration=_calibration_ids(source, length, read))
        lowerings: tuple[str, ...] = ("fused",)
    elif lowering == "auto":
        lowerings = automatic(read)
    else:
        lowerings = available(read) if lowering == "all" else (lowering,)
    questions = _questions(source, length, read)
    written = []
    for chosen in lowerings:
        lowered = _lower(source, read, chosen, precision, length)
        if "float32" not in precisions:
            plain = lowered
            if precision == INTEGER:
                plain = _lower(source, read, chosen, "float32", length)
            _verify_lowering(plain, questions)
        for kind in precisions:
            written.append(_export(source, lowered, kind, questions, folder))
            write_manifest(folder, written)
    return written


def default_folder(run: str | os.PathLike) -> Path:
    """Where a run's files go; those of a model that comes with the package go to runs/NAME."""
    run = Path("runs") / run if is_name(run) else Path(run)
    return run / "export"


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


def write_manifest(folder: Path, written: Iterable[ExportedFile]) -> None:
    """Adds rows to the folder's manifest.json, in the place of older ones of the same path."""
    path = folder / "manifest.json"
    rows = {}
    if path.is_file():
        rows = {row["path"]: row for row in json.loads(path.read_text(encoding="utf-8"))["files"]}
        rows = {name: row for name, row in rows.items() if (folder / name).is_file()}
    rows.update((row.path, asdict(row)) for row in written)
    write_text(path, json.dumps({"files": [rows[name] for name in sorted(rows)]}, indent=2) + "\n")


def _source(run_or_model, max_length, real, calibration, metadata) -> Source:
    if isinstance(run_or_model, keras.Model):
        return Source(run_or_model.name, run_or_model, real=real, calibration=calibration)
    bundle = run_or_model
    if not isinstance(bundle, bundles.Bundle):
        bundle = bundles.load(bundle)
    tokenizer = bundle.tokenizer
    if max_length is not None:
        tokenizer = Tokenizer(tokenizer.vocabulary, max_length, tokenizer.delimiter)
    labels = bundle.labels if metadata else None
    return Source(bundle.name, bundle.model, tokenizer, labels, real, calibration)


@dataclass(frozen=True)
class _Questions:
    """What a file is held against.

    Attributes:
        ids: Texts, int32 [texts, L].
        near: For `verify`, [texts].
        reference: Ids to probabilities, by Keras.
    """

    ids: np.ndarray
    near: np.ndarray
    reference: Callable[[np.ndarray], np.ndarray]


def _questions(source: Source, length: int, read: architecture.Architecture) -> _Questions:
    def reference(ids):
        outputs = source.model.predict(ids, batch_size=64, verbose=0)
        return outputs if read.softmax else bundles.softmax(outputs)

    if source.tokenizer is None:
        ids = texts.random_ids(length, len(read.embedding))
        return _Questions(ids, np.full(len(ids), UNDECIDED), reference)
    real = texts.sample(source.real)
    made_up = texts.made_up(source.tokenizer, texts.COUNT - len(real))
    near = np.repeat([UNDECIDED, ROUNDING], [len(made_up), len(real)])
    return _Questions(source.tokenizer.encode([*made_up, *real]), near, reference)


@dataclass(frozen=True)
class _Lowered:
    """A model as graphs, before its weights are made smaller.

    Attributes:
        read: The classifier.
        lowering: How it was lowered.
        length: L, ids of a text.
        model: The graphs; float32, unless they compute with integers only.
        constants: What its constants are to be.
        seconds: How long it took.
    """

    read: architecture.Architecture
    lowering: str
    length: int
    model: Model
    constants: dict[str, np.ndarray]
    seconds: float


def _lower(source, read, lowering, precision, length) -> _Lowered:
    started = time.perf_counter()
    if precision == INTEGER:
        model = integer.build(read, length, calibrate(read, np.asarray(source.calibration)))
    else:
        model = LOWERINGS[lowering](read, length)
    seconds = time.perf_counter() - started
    return _Lowered(read, lowering, length, model, model.constants(), seconds)


def _verify_lowering(lowered: _Lowered, questions: _Questions) -> None:
    """Holds the lowering against Keras in float32, before a coarser precision hides a mistake."""
    verify(
        lowered.model.pack(),
        questions.reference,
        questions.ids[:FEW],
        precision="float32",
        constants=lowered.constants,
        packed=False,  # an unrolled file's weights, packed as float32, could fill the memory
    )


def _calibration_ids(source: Source, length: int, read: architecture.Architecture) -> np.ndarray:
    """The ids of the texts to calibrate with, checked."""
    ids = source.calibration
    if not isinstance(ids, np.ndarray):
        if source.tokenizer is None:
            raise ValueError("calibration has to be ids: a Keras model has no tokenizer.")
        ids = source.tokenizer.encode(ids)
    rows = len(read.embedding)
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or ids.shape[1] != length:
        raise ValueError(
            f"calibration must be integers [texts, {length}], not {ids.dtype} {list(ids.shape)}."
        )
    if not ids.any() or ids.min() < 0 or ids.max() >= rows:
        raise ValueError(
            f"calibration holds ids from {ids.min()} to {ids.max()}; the model knows 0 to "
            f"{rows - 1}, and texts of padding alone say nothing."
        )
    return ids


def _export(
    source: Source, lowered: _Lowered, precision: str, questions: _Questions, folder: Path
) -> ExportedFile:
    lowering = lowered.lowering
    started = time.perf_counter()
    model = copy.deepcopy(lowered.model)
    if precision != INTEGER:
        quantize(model, precision)
    model.description = f"{source.name}, {lowering} lowering, {precision}"
    content = model.pack()
    if source.tokenizer is not None and source.labels is not None:
        content = add_metadata(
            content,
            name=source.name,
            description=f"Text classifier: {', '.join(source.labels)}"[:1000],
            tokenizer=source.tokenizer,
            labels=source.labels,
        )
    seconds = lowered.seconds + time.perf_counter() - started
    if model.packed_bytes() > MUCH_MEMORY:
        first, *_ = available(lowered.read)
        others = "'loop', or fewer units" if first == "loop" else f"{first!r} or 'loop'"
        warnings.warn(
            f"{source.name}, {lowering}, {precision}: its products will take "
            f"{model.packed_bytes() / 1e6:,.0f} MB of memory, since each of the {lowered.length} "
            f"steps packs its weights apart. Use the lowering {others}, or a shorter max_length.",
            stacklevel=3,
        )
    found = verify(
        content,
        questions.reference,
        questions.ids,
        precision=precision,
        constants=lowered.constants,
        near=questions.near,
    )
    bare = "-bare" if source.tokenizer is not None and source.labels is None else ""
    path = folder / f"{source.name}-{lowering}-{precision}{bare}.tflite"
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
        seconds=round(seconds, 2),
        verified=found,
    )
