"""Prints the KB that loading a .tflite file and answering once add to a process (Linux only)."""

import re
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def status(field: str) -> int:
    """A field of /proc/self/status, in KB."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE)[1])


Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
before = status("VmRSS")
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
(detail,) = interpreter.get_input_details()
interpreter.set_tensor(detail["index"], np.ones(detail["shape"], detail["dtype"]))
interpreter.invoke()
print(max(status("VmHWM") - before, 0))
