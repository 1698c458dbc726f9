"""Exports trained models for devices. Needs Keras on TensorFlow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from export.architecture import UnsupportedModelError
    from export.exporter import ExportedFile, export_model
    from export.saved_model import export_saved_model
    from export.verification import VerificationError, Verified, verify

__all__ = [
    "ExportedFile",
    "UnsupportedModelError",
    "VerificationError",
    "Verified",
    "export_model",
    "export_saved_model",
    "verify",
]

# Imported on first use, since TensorFlow takes seconds.
_HOME = {
    "ExportedFile": "export.exporter",
    "UnsupportedModelError": "export.architecture",
    "VerificationError": "export.verification",
    "Verified": "export.verification",
    "export_model": "export.exporter",
    "export_saved_model": "export.saved_model",
    "verify": "export.verification",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
