"""A TFLite model whose scores are its input ids, to see what the device's tokenizer computes."""

from collections.abc import Sequence

import numpy as np

from export.tflite import dynamic as dynamic_lowering
from export.tflite import ops
from export.tflite.graph import Model


def echo_model(length: int, inputs: Sequence[str] = ("ids",), *, dynamic: bool = False) -> bytes:
    """A model from int32 ids [1, length] to float32 scores [1, length].

    Args:
        length: The number of scores.
        inputs: Names of the inputs; the first one holds the ids.
        dynamic: Whether the inputs take any number of ids. Of more than `length`, the first ones
            and the last one have scores; missing ones are 0.
    """
    model = Model(input_names=tuple(inputs), output_names=("scores",), dynamic_inputs=dynamic)
    graph = model.graph("main")
    ids, *_ = (graph.input((1, length), np.int32, name) for name in inputs)
    if dynamic:
        zeros = graph.constant(np.zeros((1, length)), np.int32)
        ids = ops.concatenate(graph, [dynamic_lowering.cut(graph, ids, length), zeros], 1)
        ids = ops.first_steps(graph, ids, length)
    graph.outputs = [ops.cast(graph, ids, np.float32)]
    return model.pack()
