"""What a killed training run needs to go on as if nothing had been."""

import csv
import io
import math
import shutil
import time
from pathlib import Path

import keras
import numpy as np

from zoo.files import replacing, write_text


class Checkpoint(keras.callbacks.Callback):
    """Weights, optimizer and history, written after each epoch.

    As a callback it stands before one that exchanges weights for validation.

    The files are written in the order validated weights, history, best weights, state. A kill
    between two of them is healed on resuming: the state says how many epochs are whole, rows beyond
    it are dropped, and the epoch that is trained again writes the same again.

    Args:
        folder: Where the files are.
        patience: Epochs without a better one after which training stops.
        seed: The run's.
        keep: Which epoch's weights are kept, as in `TrainingConfig`.
        validation: Number of validation texts; `keep="latest"` needs it.
    """

    def __init__(
        self, folder: Path, patience: int, seed: int = 0, *, keep: str = "best", validation: int = 0
    ):
        super().__init__()
        self.seed, self.keep, self.validation = seed, keep, validation
        self.folder, self.patience = folder, patience
        self.validated = folder / "validated.weights.h5"
        self.best_weights = folder / "best.weights.h5"
        self.last = folder / "state.npz"
        self.pretrained = folder / "pretrained.weights.h5"
        self.history: list[dict[str, float]] = []

    @property
    def best(self) -> dict[str, float]:
        return max(self.history, key=lambda row: (row["val_accuracy"], -row["val_loss"]))

    @property
    def kept(self) -> dict[str, float]:
        """The epoch whose weights are kept."""
        best = self.best
        if self.keep == "best":
            return best
        least = best["val_accuracy"] - _standard_error(best["val_accuracy"], self.validation)
        return [row for row in self.history if row["val_accuracy"] >= least][-1]

    @property
    def is_over(self) -> bool:
        return bool(self.history) and len(self.history) - self.best["epoch"] >= self.patience

    @property
    def table(self) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        return text.getvalue()

    def restore(self, model: keras.Model) -> int:
        """Puts the state after the last whole epoch into a compiled model; that epoch's number."""
        if not self.last.is_file():
            return 0
        with np.load(self.last) as state:
            epoch = int(state["epoch"])
            for number, variable in enumerate(_state(model)):
                variable.assign(state[f"arr_{number}"])
        with (self.folder / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))[:epoch]
        self.history = [
            {key: int(value) if key == "epoch" else float(value) for key, value in row.items()}
            for row in rows
        ]
        return epoch

    def remove(self):
        # The settings first: without them, what a kill leaves is not taken for a run to resume.
        (self.folder / "config.json").unlink()
        shutil.rmtree(self.folder)

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()
        if keras.backend.backend() == "torch":
            import torch

            # Keras's dropout draws from PyTorch's own generator here, which no variable holds.
            torch.manual_seed(1_000_003 * self.seed + epoch)

    def on_test_end(self, logs=None):
        # In here the weights are those that were validated: with averaged weights, not those that
        # training goes on from.
        with replacing(self.validated) as partial:
            getattr(self.model, "classifier", self.model).save_weights(partial)

    def on_epoch_end(self, epoch, logs=None):
        seconds = round(time.monotonic() - self._started, 2)
        figures = {key: float(value) for key, value in logs.items()}
        self.history.append({"epoch": epoch + 1, **figures, "seconds": seconds})
        write_text(self.folder / "history.csv", self.table)
        if self.kept is self.history[-1]:
            self.validated.replace(self.best_weights)
        with replacing(self.last) as partial:
            state = [keras.ops.convert_to_numpy(variable) for variable in _state(self.model)]
            np.savez(partial, *state, epoch=epoch + 1)
        if self.is_over:
            self.model.stop_training = True


def _standard_error(accuracy: float, texts: int) -> float:
    """Of an accuracy on so many texts; not zero where all were right (Laplace's rule)."""
    share = (accuracy * texts + 1) / (texts + 2)
    return math.sqrt(share * (1 - share) / texts)


def _state(model: keras.Model) -> list[keras.Variable]:
    """All that training changes. A .keras file leaves out the random state of dropout."""
    return [*model.variables, *model.optimizer.variables]
