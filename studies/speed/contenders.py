"""Writes one model as a file for each runtime."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from export import architecture
from export.architecture import Architecture
from export.tflite import available, find
from studies.peers import NoPeerError

Add = Callable[[str, str, str, str], Path]  # runtime, form, precision, suffix to a path
PEERS = "pip install '.[peers]'"


@dataclass(frozen=True)
class Contender:
    """A file that is timed.

    Attributes:
        runtime: `litert`, `onnxruntime` or `torch`.
        form: The lowering; `stock` for Keras's own conversion; the form of other runtimes.
        precision: Of the weights, float32 or int8.
        path: The file.
    """

    runtime: str
    form: str
    precision: str
    path: Path


def make(
    model: keras.Model, max_length: int, folder: Path, say: Callable[[str], None] = print
) -> list[Contender]:
    """Writes a model in each lowering and for each runtime.

    Args:
        model: A classifier of the catalogue.
        max_length: L, the number of token ids of a file's input.
        folder: Where the files go.
        say: Receives a line about each runtime that is left out.
    """
    read = architecture.read(model)
    contenders: list[Contender] = []

    def add(runtime: str, form: str, precision: str, ending: str) -> Path:
        path = folder / f"{runtime}-{form}-{precision}{ending}"
        contenders.append(Contender(runtime, form, precision, path))
        return path

    for lowering in available(read):
        if lowering == "unrolled":
            continue  # a copy of the weights for each step
        for precision in ("float32", "int8"):
            lowered = find(lowering, precision).build(read, max_length)
            add("litert", lowering, precision, ".tflite").write_bytes(lowered.pack())
    for precision in ("float32", "int8"):
        add("litert", "stock", precision, ".tflite").write_bytes(
            stock(model, max_length, precision)
        )
    for peer in (_onnx, _torch):
        try:
            peer(read, max_length, add)
        except NoPeerError as error:
            say(f"Left out: {error}")
        except ImportError as error:
            say(f"Left out: {error.name} is not installed; {PEERS} installs it.")
    return contenders


def stock(model: keras.Model, max_length: int, precision: str) -> bytes:
    """A .tflite file made by Keras's own export and TensorFlow's converter."""
    import tensorflow as tf

    tokens = tf.TensorSpec((1, max_length), tf.int32, "tokens")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda ids: tf.nn.softmax(model(ids)), input_signature=[tokens])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if precision == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter.convert()


def _onnx(read: Architecture, max_length: int, add: Add) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from studies.peers import onnx_model

    model = onnx_model.build(read, max_length)
    path = add("onnxruntime", "onnx", "float32", ".onnx")
    onnx.save(model, path)
    smaller = add("onnxruntime", "onnx", "int8", ".onnx")
    quantize_dynamic(path, smaller, weight_type=QuantType.QInt8)


def _torch(read: Architecture, max_length: int, add: Add) -> None:
    import torch

    from studies.peers import torch_model

    del max_length  # the module takes texts of any length
    packed = torch_model.pack(read)
    torch.save(packed, add("torch", "eager", "float32", ".pt"))
