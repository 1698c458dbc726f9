"""Reads files that `torch.save` wrote, without running code in them."""

import os
from pathlib import Path
from typing import Any

ENDINGS = (".pt", ".pth", ".bin", ".ckpt")


class TorchFileError(ValueError):
    """A file that PyTorch cannot load without running code, or a package that is missing."""


def load(path: str | os.PathLike, what: str, remedy: str) -> Any:
    """Loads a file with PyTorch's `weights_only`.

    Args:
        path: The file, one of `ENDINGS`.
        what: What the file should hold, for the error.
        remedy: How to save it, for the error.

    Raises:
        TorchFileError: If PyTorch is not installed, or the file holds other objects.
    """
    path = Path(path)
    try:
        import torch
    except ImportError:
        raise missing(path, "torch") from None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch's errors for a bad file have no common class
        # Its message advises to load the file unsafely, which would run code in it.
        raise TorchFileError(
            f"{path} contains more than {what}, or is not a PyTorch file, and was not loaded. "
            f"{remedy}"
        ) from None


def missing(path: Path, package: str) -> TorchFileError:
    """The error for a package that reading a file takes."""
    return TorchFileError(
        f"{path}: reading it requires the package {package}; pip install '.[torch]'."
    )
