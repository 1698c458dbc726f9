"""What a run says about the labels of its data."""

from collections.abc import Callable

from zoo.datasets import Dataset
from zoo.datasets.labels import are_numbers
from zoo.training.config import TrainingConfig

MANY = 10  # labels that are all numbers


def size(dataset: Dataset) -> str:
    """What is predicted, and how much of it."""
    count = len(dataset.labels)
    if dataset.scores == "numbers":
        return "1 number" if count == 1 else f"{count} numbers"
    if dataset.scores == "sigmoid":
        mean = float(dataset.train.labels.sum(axis=1).mean())
        return f"{count} label{'s' * (count > 1)}, {mean:.2f} for a text"
    return f"{count} labels"


def say_doubts(config: TrainingConfig, dataset: Dataset, say: Callable[..., None]) -> None:
    """Prints a hint if the labels look as if other flags were meant."""
    undecided = config.scores is None and dataset.scores == "softmax"
    if undecided and len(dataset.labels) > MANY and are_numbers(dataset.labels):
        say(
            f"Hint: the {len(dataset.labels)} labels are numbers, and each is a label of its own. "
            "Give --scores numbers to predict a number."
        )
    if config.label_separator and dataset.train.labels.sum(axis=1).max() < 2:
        say(
            f"Hint: no text has several labels. Is {config.label_separator!r} the "
            "--label-separator of the file?"
        )
