"""TFLite files: the lowerings, their precisions, the metadata in them."""

from export.tflite.forms import FORMS, Form, automatic, available, find

__all__ = ["FORMS", "Form", "automatic", "available", "find"]
