"""The lowerings and precisions, in a module that does not import Keras."""

from dataclasses import dataclass

LOWERINGS = ("fused", "parallel", "loop", "unrolled")


@dataclass(frozen=True)
class Precision:
    """A numerical precision of exported files.

    Attributes:
        name: Its name, which is part of file names.
        largest_difference: Largest expected difference of a score from Keras; for plain numbers,
            relative to their range. A float32 file that differs more is wrong.
        finer: The precision to use if this one changes too many labels.
        remedy: What a user can do in that case.
        step: Quantisation step of the scores.
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
