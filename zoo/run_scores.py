"""What the scores of a run mean: its model and its record, read together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo import kinds, records
from zoo.kinds import Kind
from zoo.records import RunError

if TYPE_CHECKING:
    import keras

    from zoo.scores import Scores


def read(model: keras.Model, record: Mapping[str, Any], labels: int) -> tuple[Scores, Kind]:
    """Determines how a model's outputs become scores, and what these mean.

    Args:
        model: The model of a run.
        record: The run's record.
        labels: Number of its labels or numbers.

    Raises:
        RunError: If neither the model nor the record determines it, or they contradict.
    """
    from zoo import scores
    from zoo.model_graph import UnsupportedModelError

    recorded = records.scores(record)
    try:
        found = scores.read(model, records.kind(record))
        found = scores.of_labels(found, model.output_shape[-1], labels)
        if recorded is None or found.single:
            return found, kinds.find(found.kind)
        return found, kinds.parse(recorded, labels)
    except (UnsupportedModelError, ValueError) as error:
        raise RunError(str(error)) from error
