"""Lowerings over as many steps as the text has tokens, in one subgraph.

    ids [1, L] ──► the first n, those that are not padding ──► embedding [1, n, width]
                         ┌───────────────────┴───────────────────┐
                         │                                    reversed
                    zero states                              zero states
                    fused LSTM                               fused LSTM
                         │                                       │
                         │                                   and back
                         └──────────────── concat ───────────────┘   or, from the top layer, the
                                             │                       last step of each direction,
                               the next layer, or dense and softmax  or the mean of its steps

The end of the slice is computed from the ids, so the runtime learns the shapes behind it in each
call: time and memory follow the text. There is no padding in the recurrence, and so no mask.
Shapes in the graph are those of the longest text, L; operators that fix a shape are not used.
Microcontrollers and some accelerators need fixed shapes instead: `Architecture.static`.
"""

from collections.abc import Callable

import keras
import numpy as np

from export.architecture import Architecture
from export.tflite import ops, parts, stages
from export.tflite.graph import Graph, Model, Tensor


def supports(architecture: Architecture) -> bool:
    """Whether a classifier can be built without fixed shapes.

    It masks its padding, and has recurrent and dense layers alone: other layers are traced for a
    fixed length.
    """
    plain = all(layer.reads is None for layer in architecture.layers)
    plain = plain and architecture.hidden is None
    return plain and architecture.masked and not architecture.static


def build(
    architecture: Architecture,
    max_length: int,
    scan: Callable[[Graph, keras.Layer, Tensor], Tensor],
) -> Model:
    """Lowers a classifier.

    Args:
        architecture: The classifier, of which `supports` is true.
        max_length: L, the largest number of ids that are read.
        scan: From a graph, a cell and x [1, time, features] to all outputs [1, time, outputs],
            whatever the time is.

    Returns:
        A model from int32 [1, L] ids to float32 [1, classes] probabilities.
    """
    model, graph, ids = parts.begin(architecture, max_length)
    ids = parts.compact_ids(graph, architecture, ids)
    count = parts.length(graph, architecture, ids)
    zero, one = (graph.constant([value], np.int32) for value in (0, 1))
    # The kernels need a step. For a text without any, the result is set to zero.
    ids = ops.first_steps(graph, ids, ops.maximum(graph, count, one))
    any_step = ops.cast(graph, ops.less(graph, zero, count), np.float32)
    x = ops.gather(graph, graph.constant(architecture.embedding, name="embedding"), ids)
    for layer in architecture.layers:
        results = []
        for direction in layer.directions:
            turned = ops.reverse_steps(graph, x) if direction.go_backwards else x
            outputs = scan(graph, direction.cell, turned)
            if layer.gives == "last":
                last = ops.last_step(graph, outputs)
                last = ops.reshape(graph, last, (1, last.shape[2]))
                outputs = ops.multiply(graph, last, any_step)
            elif layer.gives == "mean":
                mean = ops.mean_of_steps(graph, outputs)
                outputs = ops.multiply(graph, mean, any_step)
            elif direction.go_backwards:
                outputs = ops.reverse_steps(graph, outputs)
            results.append(outputs)
        x = stages.merged(graph, results, layer.merge)
    parts.finish(graph, architecture, x)
    model.name_constants()
    return model
