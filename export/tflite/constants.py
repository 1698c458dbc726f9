"""Compares the constants in a file with those of its lowering.

Outputs alone may not reveal a single wrong weight, such as that of a rare word. So every number in
the file is read back and dequantised.
"""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite.graph import read_tensor
from export.tflite.quantize import SCALES


def wrong_constants(content: bytes, expected: Mapping[str, np.ndarray]) -> list[str]:
    """Describes what is wrong with a file's constants; nothing if all are right.

    float32 numbers and indices must be equal to the bit, float16 numbers the nearest ones, and
    quantised integers within half a step.

    Args:
        content: A .tflite file.
        expected: The constants of the lowering by name, see `Model.constants`.
    """
    stored = _read(content)
    wrong = [f"{name} is missing" for name in expected if name not in stored]
    for name, (values, scales) in stored.items():
        if name.endswith(SCALES) and name.removesuffix(SCALES) in stored:
            continue  # compared together with their integers
        if name not in expected:
            wrong.append(f"{name} has no place in the lowering")
            continue
        if f"{name}{SCALES}" in stored:
            scales = stored[f"{name}{SCALES}"][0]
        wrong += _compare(name, values, scales, expected[name])
    return wrong


def _compare(name, values, scales, expected) -> list[str]:
    if values.shape != expected.shape:
        return [f"{name} is {list(values.shape)}, not {list(expected.shape)}"]
    if values.dtype.kind == "i" and expected.dtype.kind == "f":
        if scales is None:
            return [f"{name} is {values.dtype} without a scale"]
        # float32 arithmetic may round a value halfway between to either side.
        step = np.abs(np.broadcast_to(scales, expected.shape).astype(np.float64))
        differs = ~(np.abs(values * step - expected) <= 0.5001 * step)
    elif values.dtype == np.float16:
        differs = values != expected.astype(np.float16)
    else:
        differs = (values.dtype != expected.dtype) | (values != expected)
    if not np.any(differs):
        return []
    places = np.argwhere(np.broadcast_to(differs, expected.shape))
    first = tuple(places[0].tolist())
    return [f"{name} differs in {len(places)} places, the first {list(first)}"]


def _read(content: bytes) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Values and, where they are quantised, scales [rows, 1…] of every constant by name."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    found = {}
    for stored in (tensor for subgraph in model.subgraphs for tensor in subgraph.tensors):
        tensor = read_tensor(stored, model.buffers)
        if tensor.data is None:
            continue
        scales = None
        if tensor.quantization is not None:
            axes = [1] * len(tensor.shape)
            axes[tensor.quantization.axis] = -1
            scales = tensor.quantization.scales.reshape(axes)
        found[tensor.name] = tensor.data, scales
    return found
