"""TFLite files: the lowerings, their precisions, the metadata in them."""

from collections.abc import Callable

from export.architecture import Architecture
from export.tflite import loop
from export.tflite.graph import Model

LOWERINGS: dict[str, Callable[[Architecture, int], Model]] = {"loop": loop.build}
