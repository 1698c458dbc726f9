"""What the studies that draw need of matplotlib."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def require() -> None:
    """Raises `ValueError` if matplotlib is missing. Call it before hours of measuring."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError("drawing needs matplotlib; pip install '.[plots]'.")


def save(figure: Figure, path: Path, dpi: int = 120) -> None:
    """Writes a picture, whole or not at all."""
    with replacing(path) as partial:
        figure.savefig(partial, dpi=dpi)
