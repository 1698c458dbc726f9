"""Opens a file in its runtime: token ids in, probabilities out.

A runtime is imported only when one of its files is opened.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Ask = Callable[[np.ndarray], np.ndarray]  # ids [1, L] to probabilities [1, classes]


def load(path: Path, threads: int = 1) -> Ask:
    """Opens a .tflite, .onnx or .pt file."""
    return {".tflite": _litert, ".onnx": _onnx_runtime, ".pt": _torch}[path.suffix](path, threads)


def _litert(path: Path, threads: int) -> Ask:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    (given,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()

    def ask(ids: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], ids)
        interpreter.invoke()
        return interpreter.get_tensor(output["index"])

    return ask


def _onnx_runtime(path: Path, threads: int) -> Ask:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, {"tokens": ids})[0]


def _torch(path: Path, threads: int) -> Ask:
    import torch

    from studies.peers import torch_model

    module = torch_model.load(path)

    def ask(ids: np.ndarray) -> np.ndarray:
        # PyTorch takes texts of any length, so it gets them without padding.
        steps = max(int(np.count_nonzero(ids)), 1)
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return module(torch.from_numpy(ids[:, :steps])).numpy()

    return ask
