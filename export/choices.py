"""What `python -m export` lets one choose from, for a command line that imports no Keras."""

LOWERINGS = ("fused", "parallel", "loop", "unrolled")
PRECISIONS = ("float32", "float16", "int8")
INTEGER = "integer"  # a precision for microcontrollers, which `all` leaves out
