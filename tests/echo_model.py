"""A TFLite model whose scores are its input ids, to see what the device's tokenizer computes."""

from collections.abc import Sequence

import numpy as np

from export.tflite import ops
from export.tflite.graph import Model


def echo_model(length: int, inputs: Sequence[str] = ("ids",)) -> bytes:
    """A model from int32 ids [1, length] to float32 scores [1, length].

    Args:
        length: The number of ids and scores.
        inputs: Names of the inputs; the first one holds the ids.
    """
    model = Model(input_names=tuple(inputs), output_names=("scores",))
    graph = model.graph("main")
    ids, *_ = [graph.input((1, length), np.int32, name) for name in inputs]
    graph.outputs = [ops.cast(graph, ids, np.float32)]
    return model.pack()
