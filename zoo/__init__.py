"""BiRNN Zoo: bidirectional recurrent text classifiers that run on a phone."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.catalogue import create_model, list_models
    from zoo.inference import Classifier
    from zoo.registry import register
    from zoo.torch_import import import_torch

__version__ = "0.1.0"
__all__ = ["Classifier", "create_model", "import_torch", "list_models", "load", "register"]

# Keras and its backend are imported only when they are needed: a .tflite file runs without them.
_MODULES = {
    "Classifier": "zoo.inference",
    "create_model": "zoo.catalogue",
    "import_torch": "zoo.torch_import",
    "list_models": "zoo.catalogue",
    "register": "zoo.registry",
}


def load(model: str | os.PathLike) -> Classifier:
    """Loads a trained classifier.

    Args:
        model: The name of a model that comes with the package (`python -m zoo list --pretrained`),
            a run folder written by train.py, or a .tflite file written by `python -m export`. For
            a folder with the name of such a model, write `./NAME`.

    Returns:
        A classifier; `.predict(["a text"])` returns labels and scores.

    Raises:
        ValueError: If there is no such model, or it is damaged.
    """
    from zoo import models

    return models.resolve(model).classifier()


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
