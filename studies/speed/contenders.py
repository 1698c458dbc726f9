"""The same model as files for every runtime."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from export import architecture
from export.tflite import LOWERINGS, available
from export.tflite.quantize import quantize
from studies.speed.runtimes import NoPeerError

PEERS = "pip install '.[peers]'"


@dataclass(frozen=True)
class Contender:
    """A file to be timed.

    Attributes:
        runtime: `litert` for the project's files, or a peer.
        form: The lowering, or how the peer came by it.
        precision: float32, or int8 weights.
        path: The file.
    """

    runtime: str
    form: str
    precision: str
    path: Path


def make(model: keras.Model, max_length: int, folder: Path, say=print) -> list[Contender]:
    """Writes a model in every way that it has.

    Args:
        model: Of the shape that is exported.
        max_length: L.
        folder: Where the files go.
        say: Takes a line about each peer that is left out.
    """
    read = architecture.read(model)
    found = []

    def add(runtime: str, form: str, precision: str, ending: str) -> Path:
        path = folder / f"{runtime}-{form}-{precision}{ending}"
        found.append(Contender(runtime, form, precision, path))
        return path

    for lowering in available(read):
        if lowering == "unrolled":
            continue  # a copy of the weights for each step
        for precision in ("float32", "int8"):
            lowered = LOWERINGS[lowering](read, max_length)
            quantize(lowered, precision)
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
            say(f"Left out: {error.name} is not installed; {PEERS} brings it.")
    return found


def stock(model: keras.Model, max_length: int, precision: str) -> bytes:
    """What Keras's export and TensorFlow's converter make of a model by themselves."""
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


def _onnx(read, max_length, add) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from studies.speed import onnx_model

    model = onnx_model.build(read, max_length)
    path = add("onnxruntime", "onnx", "float32", ".onnx")
    onnx.save(model, path)
    smaller = add("onnxruntime", "onnx", "int8", ".onnx")
    quantize_dynamic(path, smaller, weight_type=QuantType.QInt8)


def _torch(read, max_length, add) -> None:
    import torch

    from studies.speed import torch_model

    del max_length  # any
    packed = torch_model.pack(read)
    torch.save(packed, add("torch", "eager", "float32", ".pt"))


def loud(model: keras.Model, seed: int = 0) -> None:
    """Gives a model weights under which its answers differ, as a trained one's do."""
    rng = np.random.default_rng(seed)
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([rng.normal(size=shape) / np.sqrt(shape[-1]) for shape in shapes])
