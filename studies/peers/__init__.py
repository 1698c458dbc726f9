"""Models of other runtimes with the weights of a Keras model, and how each runtime is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from export.architecture import Architecture


class NoPeerError(ValueError):
    """Another runtime has no operator or layer for a model."""


def require_last(architecture: Architecture) -> None:
    """Raises `NoPeerError` for a model that averages the outputs of its top layer."""
    if architecture.layers[-1].gives == "mean":
        raise NoPeerError("only models with the pooling 'last' are timed beside other runtimes.")
