"""Turns a trained model into what a device runs. Needs Keras on TensorFlow."""

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
