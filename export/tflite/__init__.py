"""TFLite files: the lowerings, their precisions, the metadata in them."""

from collections.abc import Callable

from export.architecture import Architecture
from export.tflite import fused, loop, unrolled
from export.tflite.graph import Model

LOWERINGS: dict[str, Callable[[Architecture, int], Model]] = {
    "fused": fused.build,
    "loop": loop.build,
    "unrolled": unrolled.build,
}


def available(architecture: Architecture) -> tuple[str, ...]:
    """The lowerings that a classifier has."""
    cells = [direction.cell for layer in architecture.layers for direction in layer.directions]
    fusable = all(fused.supports(cell) for cell in cells)
    return tuple(name for name in LOWERINGS if name != "fused" or fusable)


def automatic(architecture: Architecture) -> tuple[str, ...]:
    """The file for MediaPipe, which takes one subgraph only, and the one for LiteRT."""
    return ("fused" if "fused" in available(architecture) else "unrolled", "loop")
