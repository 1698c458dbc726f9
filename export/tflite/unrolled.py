"""The unrolled lowering: every step written out, in one subgraph, for MediaPipe and any cell.

The graph of the fused lowering (see `export.tflite.fused`), with the cell's step L times in place
of the operator. The weights are stored once, but the file's structure and the runtime's memory grow
with L.
"""

import keras

from export.architecture import Architecture
from export.tflite import ops, parts
from export.tflite.graph import Graph, Model, Tensor


def build(architecture: Architecture, max_length: int) -> Model:
    """Lowers a classifier with unrolled steps.

    Args:
        architecture: The classifier.
        max_length: L, the number of ids in the file's input.

    Returns:
        A model from int32 [1, L] ids to float32 [1, classes] probabilities.
    """
    return parts.one_graph(max_length, parts.Floats(architecture, _scan))


def _scan(graph: Graph, cell: keras.Layer, x: Tensor) -> Tensor:
    time = x.shape[0]
    traced = parts.TracedCell([cell], *x.shape)
    (projected,) = traced.project(graph, [x])
    states = traced.initial_states(graph)
    outputs = []
    for inputs in ops.unstack_rows(graph, projected):
        output, *states = traced.step.place(graph, inputs, *states)
        outputs.append(output)
    return ops.concatenate(graph, outputs, 0) if time > 1 else outputs[0]
