"""Runs .tflite files with LiteRT, and with the tokenizer and labels in their metadata."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from zoo import probe, structure, terminal
from zoo.inference import Classifier
from zoo.metadata import BERT_INPUTS, read_bytes, read_metadata
from zoo.text import PAD_ID


class ModelFileError(ValueError):
    """A .tflite file that is missing, damaged, or not a text classifier."""


def load(path: str | os.PathLike, *, threads: int = 1) -> Classifier:
    """Loads a .tflite file as a classifier.

    A file without a seal (see `zoo.seal`) is first run in a separate process, since a damaged file
    can crash the runtime. That takes some tenths of a second.

    Args:
        path: A file with metadata, as written by `python -m export`.
        threads: Number of threads of the interpreter.

    Raises:
        ModelFileError: If the file is missing, damaged, or not a text classifier with metadata.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"There is no file {path}.")
    try:
        content = read_bytes(path)
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    return load_content(content, str(path), threads=threads)


def load_content(content: bytes, source: str, *, threads: int = 1) -> Classifier:
    """Loads the content of a .tflite file as a classifier; see `load`.

    Args:
        content: The file's content.
        source: The file's name, for errors.
        threads: Number of threads of the interpreter.

    Raises:
        ModelFileError: If the file is damaged, or not a text classifier with metadata.
    """
    try:
        metadata = read_metadata(content)
        if not metadata.sealed:
            probe.ask(content, metadata.vocabulary.size)
        forward, _, classes = runner(content, threads=threads)
    except ValueError as error:
        raise ModelFileError(f"{source}: {error}") from None
    if classes != len(metadata.labels):
        raise ModelFileError(
            f"{source}: the model gives {classes} scores, but its metadata has "
            f"{len(metadata.labels)} labels."
        )
    name = metadata.name or Path(source).stem
    return Classifier(name, metadata.tokenizer(), metadata.labels, forward, metadata.kind)


def runner(
    content: bytes, *, threads: int = 1, packed: bool = True
) -> tuple[Callable[[np.ndarray], np.ndarray], int, int]:
    """Makes a function that runs a model on one text after the other.

    Args:
        content: A .tflite file from int32 [1, L] to float32 or quantised int8 [1, classes]. With
            word pieces it has three inputs [1, L].
        threads: Number of threads of the interpreter.
        packed: Whether to use XNNPACK, the default, which packs copies of the weights: faster, with
            more memory.

    Returns:
        The function from int32 [texts, L] ids to float32 [texts, classes] probabilities, L, and the
        number of classes. Threads may share the function; their calls run in turn.

    Raises:
        ModelFileError: If the file is damaged, or has other inputs or outputs.
    """
    structure.check(content)
    kernels = OpResolverType.AUTO if packed else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        interpreter = Interpreter(
            model_content=content, num_threads=threads, experimental_op_resolver_type=kernels
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise _refused(error) from None
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    fits = (
        len(inputs) in (1, len(BERT_INPUTS))
        and len({tuple(one["shape"]) for one in inputs}) == 1
        and all(one["dtype"] == np.int32 for one in inputs)
        and len(outputs) == 1
        and len(inputs[0]["shape"]) == len(outputs[0]["shape"]) == 2
        and inputs[0]["shape"][0] == outputs[0]["shape"][0] == 1
        and outputs[0]["dtype"] in (np.float32, np.int8)
    )
    if not fits:
        raise ModelFileError(
            "A text classifier takes int32 [1, L], one or three of them, and gives float32 or int8 "
            f"[1, classes]; this has inputs {_kinds(inputs)} and outputs {_kinds(outputs)}."
        )
    max_length, classes = int(inputs[0]["shape"][1]), int(outputs[0]["shape"][1])
    scale, zero_point = outputs[0]["quantization"]
    if outputs[0]["dtype"] == np.float32:
        scale, zero_point = 1.0, 0

    # Threads would overwrite the interpreter's input and output tensors.
    lock = threading.Lock()

    def forward(ids: np.ndarray) -> np.ndarray:
        rows = np.empty((len(ids), classes), np.float32)
        for number, row in enumerate(ids):
            with lock:
                try:
                    for one, values in zip(inputs, _inputs_of(row, len(inputs)), strict=True):
                        interpreter.set_tensor(one["index"], values[None])
                    interpreter.invoke()
                except RuntimeError as error:
                    raise _refused(error) from None
                rows[number] = interpreter.get_tensor(outputs[0]["index"])[0]
            terminal.advance()
        return (rows - np.float32(zero_point)) * np.float32(scale)

    return forward, max_length, classes


def _inputs_of(row: np.ndarray, count: int) -> list[np.ndarray]:
    """Ids [L], and with three inputs the mask and the segment ids, as MediaPipe gives them."""
    if count == 1:
        return [row]
    return [row, (row != PAD_ID).astype(np.int32), np.zeros_like(row)]


def _refused(error: Exception) -> ModelFileError:
    return ModelFileError(f"LiteRT refuses the file: {' '.join(str(error).split())[:500]}")


def _kinds(details) -> list[str]:
    return [f"{np.dtype(detail['dtype'])}{list(map(int, detail['shape']))}" for detail in details]
