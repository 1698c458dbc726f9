"""Kinds of scores: what the outputs of a model mean, with a rule for each thing that differs.

    softmax   probabilities of labels of which one is right; they add up to 1
    sigmoid   a probability for each label by itself; any number of labels is right, also none
    numbers   plain numbers, as in regression

`zoo.scores` reads the kind of a Keras model. This package needs NumPy alone, so that a .tflite file
runs without Keras.
"""

from collections.abc import Mapping
from typing import Any

from zoo.kinds.base import Kind, Label
from zoo.kinds.numbers import Numbers
from zoo.kinds.sigmoid import HALF, Sigmoid
from zoo.kinds.softmax import Softmax

__all__ = ["HALF", "KINDS", "Kind", "Label", "Numbers", "Sigmoid", "Softmax", "find", "parse"]

_CLASSES: dict[str, type[Kind]] = {one.name: one for one in (Softmax, Sigmoid, Numbers)}
KINDS = tuple(_CLASSES)


def find(name: str) -> Kind:
    """Returns the kind of a name, for sigmoid with the threshold 0.5 for each label.

    Raises:
        ValueError: If there is none.
    """
    if name not in _CLASSES:
        raise ValueError(f"scores must be one of {', '.join(KINDS)}, not {name!r:.60}.")
    return _CLASSES[name]()


def parse(record: Any, outputs: int) -> Kind:
    """Reads what `Kind.record` gives, from config.json or the metadata of a file.

    Args:
        record: The JSON value.
        outputs: Number of labels or numbers.

    Raises:
        ValueError: If it is damaged.
    """
    if not isinstance(record, Mapping) or not isinstance(record.get("kind"), str):
        raise ValueError(f"scores must be an object with a kind, not {record!r:.60}.")
    kind = find(record["kind"])
    thresholds = record.get("thresholds")
    if not isinstance(kind, Sigmoid) or thresholds is None:
        return kind
    if not isinstance(thresholds, list) or len(thresholds) != outputs:
        raise ValueError(f"thresholds must be a list of {outputs} numbers, one for each label.")
    wrong = [one for one in thresholds if type(one) not in (int, float) or not 0 <= one <= 1]
    if wrong:
        raise ValueError(f"thresholds must be numbers from 0 to 1, not {wrong[0]!r:.60}.")
    return Sigmoid(tuple(map(float, thresholds)))
