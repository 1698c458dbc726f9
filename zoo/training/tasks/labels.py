"""Training for any number of labels of each text."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from zoo.classifier import with_sigmoid
from zoo.datasets import Split
from zoo.kinds import Kind, Sigmoid
from zoo.training.tasks.base import Task
from zoo.training.thresholds import choose
from zoo.training.watch import Watch


class LabelsTask(Task):
    """Binary cross-entropy of each label; the epoch is chosen by micro F1 at the threshold 0.5.

    The thresholds of the saved model are chosen on the validation texts, label by label.
    """

    watch = Watch("val_micro_f1", "micro F1 at the threshold 0.5")

    def targets(self, truth: np.ndarray) -> np.ndarray:
        return truth.astype(np.float32)

    def loss(self) -> keras.losses.Loss:
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def metrics(self) -> list:
        return [MicroF1()]

    def finished(self, model: keras.Model) -> keras.Model:
        return with_sigmoid(model)

    def settled(self, scores: Callable[[Sequence[str]], np.ndarray], valid: Split) -> Kind:
        return Sigmoid(choose(scores(valid.texts), valid.labels == 1))

    def watched(self, scores: np.ndarray, truth: np.ndarray) -> float:
        return Sigmoid().figures(scores, truth)["micro_f1"]


class MicroF1(keras.metrics.Metric):
    """Micro F1 of logits, a label being predicted where its logit is at least 0.

    Its state is a sum over texts, as resuming within an epoch needs it.
    """

    def __init__(self, name: str = "micro_f1", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_variable((), "zeros", name="hits")
        self.errors = self.add_variable((), "zeros", name="errors")

    def update_state(self, y_true, y_pred, sample_weight=None):
        true, found = ops.cast(y_true, "bool"), ops.greater_equal(y_pred, 0)
        hits = ops.sum(ops.cast(ops.logical_and(true, found), "float32"))
        errors = ops.sum(ops.cast(ops.logical_xor(true, found), "float32"))
        self.hits.assign(self.hits + hits)
        self.errors.assign(self.errors + errors)

    def result(self):
        twice = 2 * self.hits
        return twice / ops.maximum(twice + self.errors, 1)
