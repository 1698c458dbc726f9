"""The lowerings and precisions there are, for a command line that imports no Keras."""

from dataclasses import dataclass

LOWERINGS = ("fused", "parallel", "loop", "unrolled")


@dataclass(frozen=True)
class Precision:
    """What the numbers of a file are.

    Attributes:
        name: As files are named after it.
        largest_difference: Of a score from that of Keras, that it explains; of plain numbers, as a
            share of their spread. A float32 file that differs more is wrong; of others it is said.
        finer: The precision to write instead where this one changes too many labels.
        remedy: What to do where it does.
        step: What scores are rounded to.
    """

    name: str
    largest_difference: float
    remedy: str
    finer: str | None = None
    step: float = 0.0


_ROWS = (
    Precision("float32", 1e-4, "Train it again"),
    Precision("float16", 1e-2, "Export as float32", finer="float32"),
    Precision("int8", 0.25, "Export as float16 or float32", finer="float16"),
    Precision(
        "integer",
        0.25,
        "Calibrate with other texts, or export as float16 or float32",
        step=1 / 256,
    ),
)
PRECISION = {row.name: row for row in _ROWS}
INTEGER = "integer"  # a precision for microcontrollers, which `all` leaves out
PRECISIONS = tuple(name for name in PRECISION if name != INTEGER)
