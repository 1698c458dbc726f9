"""Prints the KB that loading a .tflite file and answering once add to a process (Linux only)."""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from studies import memory


def answer() -> None:
    """Loads the file and asks it for one full text."""
    interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    interpreter.set_tensor(detail["index"], np.ones(detail["shape"], detail["dtype"]))
    interpreter.invoke()


print(memory.added(answer))
