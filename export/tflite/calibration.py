"""Ranges of the values in a model of plain LSTMs, for quantisation."""

from dataclasses import dataclass

import numpy as np

from export.architecture import Architecture, Direction


@dataclass(frozen=True)
class Ranges:
    """The largest magnitudes, without padding.

    Attributes:
        hidden: Of the outputs, per layer.
        cell: Of the cell states, [layer][direction].
        logits: Minimum and maximum.
    """

    hidden: tuple[float, ...]
    cell: tuple[tuple[float, ...], ...]
    logits: tuple[float, float]


def calibrate(architecture: Architecture, ids: np.ndarray) -> Ranges:
    """Runs the texts and records the ranges.

    Args:
        architecture: A classifier whose cells are all `zoo.cells.LSTMCell`.
        ids: int32 [texts, time], padded on the right with 0.
    """
    time = ids.shape[1]
    lengths = np.count_nonzero(ids, axis=1) if architecture.masked else np.full(len(ids), time)
    real = np.arange(time) < lengths[:, None]
    backwards = np.maximum(lengths[:, None] - 1 - np.arange(time), 0)[:, :, None]
    x = architecture.embedding[ids]
    hidden, cell = [], []
    for layer in architecture.layers:
        results, outputs, cells = [], [], []
        for direction in layer.directions:
            seen = np.take_along_axis(x, backwards, 1) if direction.go_backwards else x
            h, c = _lstm(direction, seen)
            outputs.append(np.abs(h[real]).max(initial=0))
            cells.append(float(np.abs(c[real]).max(initial=0)))
            if layer.gives == "last":
                h = h[np.arange(len(h)), np.maximum(lengths - 1, 0)] * (lengths > 0)[:, None]
            elif direction.go_backwards:
                h = np.take_along_axis(h, backwards, 1)
            results.append(h)
        x = np.concatenate(results, axis=-1)
        hidden.append(float(max(outputs)))
        cell.append(tuple(cells))
    logits = x @ architecture.kernel + architecture.bias
    return Ranges(tuple(hidden), tuple(cell), (float(logits.min()), float(logits.max())))


def _lstm(direction: Direction, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All outputs and all cell states, [texts, time, units] each."""
    cell = direction.cell
    kernel, recurrent_kernel, bias = (np.asarray(weight) for weight in cell.weights)
    h = c = np.zeros((len(x), cell.units), np.float32)
    outputs, states = [], []
    for step in range(x.shape[1]):
        sums = x[:, step] @ kernel + h @ recurrent_kernel + bias
        gate = dict(zip(cell.gates, np.split(sums, len(cell.gates), axis=1), strict=True))
        c = _sigmoid(gate["f"]) * c + _sigmoid(gate["i"]) * np.tanh(gate["g"])
        h = _sigmoid(gate["o"]) * np.tanh(c)
        outputs.append(h)
        states.append(c)
    return np.stack(outputs, axis=1), np.stack(states, axis=1)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * z))
