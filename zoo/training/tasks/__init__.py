"""What training does for each kind of scores: its targets, loss, figures and last layer."""

from zoo.datasets import Dataset
from zoo.training.tasks.base import Task
from zoo.training.tasks.labels import LabelsTask
from zoo.training.tasks.numbers import NumbersTask
from zoo.training.tasks.one_label import OneLabelTask

__all__ = ["Task", "of"]


def of(dataset: Dataset) -> Task:
    """The task of a data set."""
    if dataset.scores == "softmax":
        return OneLabelTask(len(dataset.labels))
    if dataset.scores == "sigmoid":
        return LabelsTask()
    return NumbersTask.of(dataset.train.labels)
