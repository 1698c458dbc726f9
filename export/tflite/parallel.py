"""The parallel lowering: no loop and no state, for cells that are linear in their state.

    h₁, h₂, …, h_L of h' = a ∘ h + b in ⌈log₂ L⌉ rounds: in each, every step joins the one that
    stands 1, 2, 4, … before it, and so twice as many.

         [b₁  b₂  b₃  b₄ …]            b₂ + a₂b₁     b₄ + a₄(b₃ + a₃b₂) …
          └──┐└──┐└──┐                                                     each round: one SLICE,
          b + a · shifted b            a · shifted a                       CONCATENATION, MUL, ADD

The rest is the graph of the fused lowering: one subgraph, for MediaPipe. No state persists between
calls, and the recurrence needs products, sums and copies only.
"""

import keras
import numpy as np

from export.architecture import Architecture
from export.tflite import ops, parts
from export.tflite.graph import Graph, Model, Tensor
from export.tflite.traced import Traced
from zoo.cells import LinearCell


def build(architecture: Architecture, max_length: int) -> Model:
    """Lowers a classifier of linear cells.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.

    Returns:
        A model from int32 [1, L] ids to float32 [1, classes] probabilities.

    Raises:
        parts.NoLoweringError: If a cell is not linear in its state.
    """
    require(architecture)
    return parts.one_graph(max_length, parts.Floats(architecture, _scan))


def require(architecture: Architecture) -> None:
    """Raises `parts.NoLoweringError` if this lowering does not support a cell."""
    parts.require("parallel", supports, architecture, "linear cells (MinGRUCell, MinLSTMCell)")


def supports(cell: keras.Layer) -> bool:
    """Whether a cell is linear in its state."""
    return isinstance(cell, LinearCell)


def sequence(graph: Graph, cell: keras.Layer, x: Tensor) -> Tensor:
    """Runs a cell over x [1, time, features], whatever the time is: [1, time, units]."""
    time, features = x.shape[1:]
    rows = ops.unknown_rows(graph, x, (time, features))
    outputs = _scan(graph, cell, rows, _later_of_any)
    return ops.unknown_rows(graph, outputs, (1, *outputs.shape))


def _scan(graph: Graph, cell: keras.Layer, x: Tensor, later=None) -> Tensor:
    later = later or _later
    traced = Traced(
        lambda inputs: list(cell.coefficients(cell.project(inputs))),
        [x.shape],
        [cell.variables],
        f"{type(cell).__name__}.coefficients",
    )
    a, b = traced.place(graph, x)
    time, distance = x.shape[0], 1
    while distance < time:
        b = ops.add(graph, b, ops.multiply(graph, a, later(graph, b, distance)))
        distance *= 2
        if distance < time:
            a = ops.multiply(graph, a, later(graph, a, distance // 2))
    return b


def _later(graph: Graph, x: Tensor, distance: int) -> Tensor:
    """Shifts x [time, units] towards the end, filling with zeros."""
    zeros = graph.constant(np.zeros((distance, x.shape[1]), np.float32))
    return ops.concatenate(graph, [zeros, ops.slice_rows(graph, x, x.shape[0] - distance)], 0)


def _later_of_any(graph: Graph, x: Tensor, distance: int) -> Tensor:
    """As `_later`, whatever the time is."""
    zeros = graph.constant(np.zeros((distance, x.shape[1]), np.float32))
    return ops.without_last_rows(graph, ops.concatenate(graph, [zeros, x], 0), distance)
