"""The forms of exported files: one for each pair of lowering and precision.

To build a model in a form:

    forms.find("loop", "int8").build(architecture.read(model), 128).pack()
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from export.architecture import Architecture
from export.choices import INTEGER, PRECISION, PRECISIONS, Precision
from export.tflite import dynamic, fused, integer, loop, parallel, unrolled
from export.tflite.graph import Model
from export.tflite.parts import NoLoweringError
from export.tflite.quantize import quantize

NO_TEXTS = np.zeros((0, 1), np.int32)


@dataclass(frozen=True)
class Form:
    """A form of exported files.

    Attributes:
        lowering: How the recurrence is written.
        precision: The numerical precision.
        lower: From an architecture, the ids per text (L) and the ids of calibration texts [texts,
            L] to the graphs before quantisation.
        require: Raises `NoLoweringError` for an architecture that does not have this form.
        shrink: Quantises the weights in place.
        calibrated: Whether it needs calibration texts.
    """

    lowering: str
    precision: Precision
    lower: Callable[[Architecture, int, np.ndarray], Model]
    require: Callable[[Architecture], None]
    shrink: Callable[[Model], None]
    calibrated: bool = False

    @property
    def name(self) -> str:
        return f"{self.lowering}-{self.precision.name}"

    def supports(self, architecture: Architecture) -> bool:
        """Whether an architecture has this form."""
        try:
            self.require(architecture)
        except NoLoweringError:
            return False
        return True

    def build(
        self, architecture: Architecture, max_length: int, calibration: np.ndarray = NO_TEXTS
    ) -> Model:
        """Builds a model in this form.

        Args:
            architecture: The architecture.
            max_length: L, the ids per text.
            calibration: int32 [texts, L], for a calibrated form.

        Raises:
            NoLoweringError: If the architecture does not have this form.
            export.tflite.quantize.BeyondFloat16Error: If a weight is too large for the precision.
        """
        model = self.lower(architecture, max_length, calibration)
        self.shrink(model)
        return model


def _any_architecture(architecture: Architecture) -> None:
    """For lowerings that have every cell."""


def _floats(
    lowering: str,
    build: Callable[[Architecture, int], Model],
    require: Callable[[Architecture], None] = _any_architecture,
) -> Iterable[Form]:
    def lower(architecture: Architecture, max_length: int, calibration: np.ndarray) -> Model:
        return build(architecture, max_length)

    for name in PRECISIONS:
        shrink = functools.partial(quantize, precision=name)
        yield Form(lowering, PRECISION[name], lower, require, shrink)


def _as_it_is(model: Model) -> None:
    """For a form whose lowering quantises already."""


def _dynamic_or(static):
    """The build of a lowering, without fixed shapes where the model allows it."""

    def build(architecture: Architecture, max_length: int) -> Model:
        if dynamic.supports(architecture):
            static.require(architecture)
            return dynamic.build(architecture, max_length, static.sequence)
        return static.build(architecture, max_length)

    return build


FORMS = (
    *_floats("fused", _dynamic_or(fused), fused.require),
    *_floats("parallel", _dynamic_or(parallel), parallel.require),
    *_floats("loop", loop.build),
    *_floats("unrolled", unrolled.build),
    Form(
        "fused",
        PRECISION[INTEGER],
        integer.build,
        integer.require,
        _as_it_is,
        calibrated=True,
    ),
)


def find(lowering: str, precision: str) -> Form:
    """Finds the form of a lowering and a precision.

    Raises:
        ValueError: If there is none.
    """
    for form in FORMS:
        if (form.lowering, form.precision.name) == (lowering, precision):
            return form
    if precision not in PRECISION:
        known = ", ".join(PRECISION)
        raise ValueError(f"There is no precision {precision!r}; choose one of {known}.")
    others = " or ".join(map(repr, lowerings_in(precision)))
    raise ValueError(
        f"There is no form {lowering}-{precision}: the precision {precision!r} is for the lowering "
        f"{others}."
    )


def lowerings_in(precision: str) -> tuple[str, ...]:
    """The lowerings that exist in a precision."""
    return tuple(form.lowering for form in FORMS if form.precision.name == precision)


def available(architecture: Architecture) -> tuple[str, ...]:
    """The lowerings that an architecture has in float precisions."""
    return tuple(
        form.lowering
        for form in FORMS
        if form.precision.name == "float32" and form.supports(architecture)
    )


def automatic(architecture: Architecture) -> tuple[str, ...]:
    """The lowering for MediaPipe, which takes one subgraph only, and the one for LiteRT."""
    first, *_ = available(architecture)
    if first == "parallel":
        return ("parallel",)  # as good for both
    return (first if first == "fused" else "unrolled", "loop")
