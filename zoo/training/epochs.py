"""Progress of an epoch: Keras's bar on a terminal, one line elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import Any

import keras

from zoo import terminal

FIGURES = {
    "loss": "loss",
    "accuracy": "accuracy",
    "micro_f1": "micro F1",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
    "val_micro_f1": "validation micro F1",
}


class EpochLine(keras.callbacks.Callback):
    """Prints the figures and the time of each epoch."""

    def __init__(self, say: Callable[[str], None], total: int):
        super().__init__()
        self.say, self.total = say, total

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        figures = [f"{name} {logs[key]:.4f}" for key, name in FIGURES.items() if key in logs]
        seconds = time.monotonic() - self.started
        self.say(f"Epoch {epoch + 1} of {self.total}: {', '.join([*figures, f'{seconds:.1f} s'])}")


def shown(verbose: bool, say: Callable[[str], None], total: int) -> tuple[int, list[Any]]:
    """The `verbose` argument of `keras.Model.fit`, and callbacks.

    The bar uses control characters, which do not belong in files.
    """
    if verbose and terminal.is_interactive(sys.stdout):
        return 1, []
    return 0, [EpochLine(say, total)] if verbose else []
