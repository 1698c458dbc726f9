"""The clients that run exported files in apps. Each function takes texts and returns scores.

The client in a web browser is in `studies.browser`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo import litert
from zoo.metadata import read_metadata
from zoo.text import PAD_ID


def _ids(path: Path, texts: Sequence[str]) -> np.ndarray:
    return read_metadata(path.read_bytes()).tokenizer().encode(texts)


def in_litert(path: Path, texts: Sequence[str]) -> np.ndarray:
    """LiteRT's interpreter."""
    return litert.load(path).scores(texts)


def in_tensorflow(path: Path, texts: Sequence[str]) -> np.ndarray:
    """TensorFlow's interpreter, through the signature of the file."""
    return ask_tensorflow(path.read_bytes(), _ids(path, texts))


def ask_tensorflow(content: bytes, ids: np.ndarray) -> np.ndarray:
    """Scores [texts, labels] of TensorFlow's interpreter for token ids [texts, L]."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=content)
    (detail,) = interpreter.get_output_details()
    call = interpreter.get_signature_runner("serving_default")
    rows = []
    for row in ids:
        one = row[None]
        others = {"mask": (one != PAD_ID).astype(np.int32), "segment_ids": np.zeros_like(one)}
        given = {name: others.get(name, one) for name in call.get_input_details()}
        rows.append(next(iter(call(**given).values())))
    return _real(np.concatenate(rows), *detail["quantization"])


def in_compiled_model(path: Path, texts: Sequence[str]) -> np.ndarray:
    """LiteRT's CompiledModel."""
    from ai_edge_litert.compiled_model import CompiledModel

    model = CompiledModel.from_file(str(path))
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    classes = len(read_metadata(path.read_bytes()).labels)
    rows = []
    for row in _ids(path, texts):
        inputs[0].write(row[None])
        model.run_by_index(0, inputs, outputs)
        rows.append(np.array(outputs[0].read(classes, np.float32)))
    return np.stack(rows)


def in_mediapipe(path: Path, texts: Sequence[str]) -> np.ndarray:
    """MediaPipe's text classifier in Python: raw strings in."""
    content = path.read_bytes()
    with mediapipe_classifier(content) as client:
        return ask_mediapipe(client, texts, read_metadata(content).labels)


def mediapipe_classifier(content: bytes):
    """A MediaPipe classifier. Close it yourself: the garbage collector may hang when it does."""
    from mediapipe.tasks.python import BaseOptions, text

    options = text.TextClassifierOptions(base_options=BaseOptions(model_asset_buffer=content))
    return text.TextClassifier.create_from_options(options)


def ask_mediapipe(client, texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Scores [texts, labels] of one MediaPipe classifier."""
    rows = []
    for one in texts:
        (head,) = client.classify(one).classifications
        by_label = {category.category_name: category.score for category in head.categories}
        rows.append([by_label[label] for label in labels])
    return np.array(rows, np.float32)


def in_micro(path: Path, texts: Sequence[str]) -> np.ndarray:
    """tflite-micro."""
    return ask_micro(path.read_bytes(), _ids(path, texts))


def ask_micro(content: bytes, ids: np.ndarray) -> np.ndarray:
    """Scores [texts, labels] of tflite-micro for token ids [texts, L]."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=8_000_000)
    scale, zero_point = 1.0, 0
    details = interpreter.get_output_details(0)
    if details["dtype"] == np.int8:
        parameters = details["quantization_parameters"]
        scale, zero_point = parameters["scales"][0], parameters["zero_points"][0]
    rows = []
    for row in ids:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        rows.append(interpreter.get_output(0)[0].copy())
    return _real(np.array(rows), scale, zero_point)


CLIENTS = {
    "litert": in_litert,
    "tf.lite": in_tensorflow,
    "compiled": in_compiled_model,
    "mediapipe": in_mediapipe,
    "micro": in_micro,
}


def expected_clients(lowering: str, precision: str, cell: str) -> set[str]:
    """The clients that must run a file of this lowering, precision and class of cell.

    MediaPipe takes a single subgraph and no int8 scores. CompiledModel lacks the variable tensors
    that hold the state of the fused operators. tflite-micro has only one of the fused operators,
    the LSTM, and only with all weights in floats or all in integers; float files need
    `--static-shapes`. It also runs float loops; int8
    weights with float activations give NaN there. `studies.export_catalogue` finds out which files
    of the other lowerings it runs.
    """
    names = {"litert", "tf.lite"}
    if lowering != "loop" and precision != "integer":
        names |= {"mediapipe", "web"}
    if lowering != "fused":
        names.add("compiled")
    if lowering == "fused" and cell == "LSTMCell" and precision in ("float32", "integer"):
        names.add("micro")
    if lowering == "loop" and precision == "float32":
        names.add("micro")
    return names


def _real(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    if values.dtype == np.float32:
        return values
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
