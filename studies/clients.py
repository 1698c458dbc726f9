"""The runtimes that people ship, behind one call: texts in, scores out, one after the other."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo import litert
from zoo.metadata import read_metadata

WEB = Path(__file__).parent / "web"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def _ids(path: Path, texts: Sequence[str]) -> np.ndarray:
    return read_metadata(path.read_bytes()).tokenizer().encode(texts)


def in_litert(path: Path, texts: Sequence[str]) -> np.ndarray:
    """LiteRT's interpreter."""
    return litert.load(path).scores(texts)


def in_tensorflow(path: Path, texts: Sequence[str]) -> np.ndarray:
    """The interpreter that comes with TensorFlow, by the file's signature."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_path=str(path))
    (detail,) = interpreter.get_output_details()
    call = interpreter.get_signature_runner("serving_default")
    rows = [call(tokens=row[None])["probabilities"] for row in _ids(path, texts)]
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
    """A client, to be closed: one that the garbage collector closes may wait for ever."""
    from mediapipe.tasks.python import BaseOptions, text

    options = text.TextClassifierOptions(base_options=BaseOptions(model_asset_buffer=content))
    return text.TextClassifier.create_from_options(options)


def ask_mediapipe(client, texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Scores [texts, labels] of one client."""
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
    """tflite-micro, for token ids [texts, L]."""
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


def in_browser(paths: Sequence[Path], texts: Sequence[str]) -> list[np.ndarray]:
    """MediaPipe's text classifier for the web in Chromium: several files, one browser.

    Raises:
        RuntimeError: If a file is refused; with what the page said.
    """
    ran = subprocess.run(
        ["node", WEB / "classify.mjs", *paths],
        input=json.dumps(list(texts)),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    found = []
    for path, line in zip(paths, ran.stdout.splitlines(), strict=True):
        labels = read_metadata(Path(path).read_bytes()).labels
        rows = [[row[label] for label in labels] for row in json.loads(line)]
        found.append(np.array(rows, np.float32))
    return found


def missing_for_browser() -> str:
    """What the browser's tests lack here; empty if nothing."""
    if shutil.which("node") is None:
        return "node is not installed"
    if shutil.which(CHROMIUM) is None:
        return f"there is no Chromium at {CHROMIUM}; install it, or set CHROMIUM"
    if not (WEB / "node_modules").is_dir():
        return "the web client is not installed; run `npm install` in tests/export/web"
    return ""


CLIENTS = {
    "litert": in_litert,
    "tf.lite": in_tensorflow,
    "compiled": in_compiled_model,
    "mediapipe": in_mediapipe,
    "micro": in_micro,
}


def expected_clients(lowering: str, precision: str, cell: str) -> set[str]:
    """The clients that are to run such a file.

    MediaPipe takes one subgraph and no int8 scores; CompiledModel knows no variables, in which the
    fused operators keep their state. tflite-micro has the plain LSTM alone of the fused operators,
    with all its weights float or all of them integer, and float loops (int8 weights with float
    activations give NaN there); what it can run of the other lowerings is for
    `results/measure_export.py` to find.
    """
    found = {"litert", "tf.lite"}
    if lowering != "loop" and precision != "integer":
        found |= {"mediapipe", "web"}
    if lowering != "fused":
        found.add("compiled")
    if lowering == "fused" and cell == "LSTMCell" and precision in ("float32", "integer"):
        found.add("micro")
    if lowering == "loop" and precision == "float32":
        found.add("micro")
    return found


def _real(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    if values.dtype == np.float32:
        return values
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
