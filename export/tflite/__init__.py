"""TFLite files: the lowerings, their precisions, the metadata in them."""

from collections.abc import Callable

from export.architecture import Architecture
from export.tflite import fused, loop, parallel, unrolled
from export.tflite.graph import Model

LOWERINGS: dict[str, Callable[[Architecture, int], Model]] = {
    "fused": fused.build,
    "parallel": parallel.build,
    "loop": loop.build,
    "unrolled": unrolled.build,
}
SOME_CELLS = {"fused": fused.supports, "parallel": parallel.supports}


def available(architecture: Architecture) -> tuple[str, ...]:
    """The lowerings that a classifier has."""
    cells = [direction.cell for layer in architecture.layers for direction in layer.directions]
    return tuple(
        name
        for name in LOWERINGS
        if name not in SOME_CELLS or all(SOME_CELLS[name](cell) for cell in cells)
    )


def automatic(architecture: Architecture) -> tuple[str, ...]:
    """The file for MediaPipe, which takes one subgraph only, and the one for LiteRT."""
    first, *_ = available(architecture)
    if first == "parallel":
        return ("parallel",)  # as good for both
    return (first if first == "fused" else "unrolled", "loop")
