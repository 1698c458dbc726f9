"""TFLite files: lowerings, precisions, metadata."""

from export.tflite.forms import FORMS, Form, automatic, available, find

__all__ = ["FORMS", "Form", "automatic", "available", "find"]
