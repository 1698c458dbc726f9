"""Lowerings over as many steps as the text has tokens, for models of word pieces in MediaPipe.

     ids [1, n] ──► the first L − 1 ids and [SEP] ──► embedding [1, ≤ L, width]
                    ┌────────────────┴────────────────┐
                    │                              reversed
       fused LSTM or parallel scan       fused LSTM or parallel scan
                    │                                 │
                    │                              and back
                    └───────────── concat ────────────┘      or, from the top layer, the last step
                                     │                       of each direction, or their mean
                       the next layer, or dense and softmax

MediaPipe resizes the inputs to the number of tokens of each text, so there is no padding: no length
to compute, and no mask. Time and memory follow the text. Shapes in the graph are those of the
longest text, L; operators that fix a shape are not used.
"""

from collections.abc import Callable

import keras

from export.architecture import Architecture
from export.tflite import ops, parts, stages
from export.tflite.graph import Graph, Model, Tensor
from zoo.metadata import BERT_INPUTS


def supports(architecture: Architecture) -> bool:
    """Whether a classifier can be built without a fixed length.

    Its ids come from word pieces, are masked, and are padded at the end only; and it has recurrent
    and dense layers alone.
    """
    plain = architecture.hidden is None and all(
        layer.reads is None for layer in architecture.layers
    )
    masked = architecture.masked and architecture.right_padded
    return architecture.inputs == BERT_INPUTS and masked and plain


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
        A model from int32 ids [1, n], a mask and segment ids that it does not read, to float32
        [1, classes] probabilities.
    """
    model, graph, ids = parts.begin(architecture, max_length)
    model.dynamic_inputs = True
    table = graph.constant(architecture.embedding, name="embedding")
    x = ops.gather(graph, table, cut(graph, ids, max_length))
    for layer in architecture.layers:
        results = []
        for direction in layer.directions:
            turned = ops.reverse_steps(graph, x) if direction.go_backwards else x
            outputs = scan(graph, direction.cell, turned)
            if layer.gives == "last":
                last = ops.last_step(graph, outputs)
                outputs = ops.reshape(graph, last, (1, last.shape[2]))
            elif layer.gives == "mean":
                outputs = ops.mean_of_steps(graph, outputs)
            elif direction.go_backwards:
                outputs = ops.reverse_steps(graph, outputs)
            results.append(outputs)
        x = stages.merged(graph, results, layer.merge)
    parts.finish(graph, architecture, x)
    model.name_constants()
    return model


def cut(graph: Graph, ids: Tensor, longest: int) -> Tensor:
    """Cuts ids [1, n] to the first `longest` − 1 and the last one, `[SEP]`, as static inputs do."""
    text = ops.first_steps(graph, ops.without_last_step(graph, ids), longest - 1)
    return ops.concatenate(graph, [text, ops.last_step(graph, ids)], 1)
