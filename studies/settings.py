"""The training settings that the studies of layers share."""

from typing import Any

# The same for all data sets, and without a teacher: it is the layers that are compared.
PLAIN: dict[str, Any] = {
    "patience": 3,
    "keep": "best",
    "word_dropout": 0.1,
    "average": 0.0,
    "augment": 0,
}
