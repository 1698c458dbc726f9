"""What a killed training run needs to go on as if nothing had been."""

import csv
import io
import json
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from zoo import digest
from zoo.files import replacing, write_text

FOLDER = "checkpoint"
KEPT_ANSWERS = "answers-{}.npy"  # of each teacher, by its place


LARGEST_LOSS = 1e6  # beyond what any cross-entropy is before weights overflow


class DivergedError(ValueError):
    """A training whose loss is NaN, infinite or far beyond any cross-entropy."""


class Checkpoint(keras.callbacks.Callback):
    """Weights, optimizer and history, written after each epoch.

    As a callback it stands before one that exchanges weights for validation.

    The files are written in the order validated weights, best weights, state. A kill between two
    of them is healed on resuming: the state says how many epochs are whole, and the epoch that is
    trained again writes the same again. Each file ends in a digest (`zoo.digest`), which is checked
    before anything is read from it.
    """

    def __init__(self, folder: Path, patience: int, seed: int = 0):
        super().__init__()
        self.seed = seed
        self.folder, self.patience = folder, patience
        self.config, self.data = folder / "config.json", folder / "data.json"
        self.validated = folder / "validated.weights.h5"
        self.best_weights = folder / "best.weights.h5"
        self.last = folder / "state.npz"
        self.pretrained = folder / "pretrained.weights.h5"
        self.history: list[dict[str, float]] = []
        self.diverged = ""  # where, if it did

    @property
    def best(self) -> dict[str, float]:
        """The row of the epoch whose weights are kept."""
        return max(self._finite, key=lambda row: (row["val_accuracy"], -row["val_loss"]))

    @property
    def _finite(self) -> list[dict[str, float]]:
        return [row for row in self.history if _is_sound(row["val_loss"])]

    @property
    def is_over(self) -> bool:
        """Whether the patience is at its end."""
        return bool(self.history) and len(self.history) - self.best["epoch"] >= self.patience

    @property
    def table(self) -> str:
        """The history as CSV."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        return text.getvalue()

    def check(self) -> None:
        """Checks the files that a run goes on from.

        Raises:
            zoo.digest.DamagedFileError: If one of them is missing, cut or changed.
        """
        if not self._is_of_this_version():
            return  # a run that was begun by an older version, whose files have no digest
        digest.check(self.last)
        digest.check(self.best_weights)
        for path in (self.pretrained, *self.folder.glob(KEPT_ANSWERS.format("*"))):
            if path.is_file():
                digest.check(path)

    def _is_of_this_version(self) -> bool:
        if not self.last.is_file():
            return False
        try:
            with np.load(self.last, allow_pickle=False) as state:
                return "history" in state.files
        except Exception as error:  # zipfile, zlib and NumPy each have their own
            raise digest.DamagedFileError(f"{self.last} is damaged ({error}).") from error

    def restore(self, model: keras.Model) -> int:
        """Puts the state after the last whole epoch into a compiled model; that epoch's number."""
        if not self.last.is_file():
            return 0
        with np.load(self.last, allow_pickle=False) as state:
            epoch = int(state["epoch"])
            for number, variable in enumerate(_state(model)):
                variable.assign(state[f"arr_{number}"])
            self.history = (
                json.loads(str(state["history"]))
                if "history" in state.files
                else _read_history(self.folder / "history.csv")[:epoch]
            )
        return epoch

    def remove(self) -> None:
        """Removes the folder, when the run is finished."""
        # The settings first: without them, what a kill leaves is not taken for a run to resume.
        self.config.unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def on_epoch_begin(self, epoch, logs=None):
        self._started, self._epoch = time.monotonic(), epoch + 1
        if keras.backend.backend() == "torch":
            import torch

            # Keras's dropout draws from PyTorch's own generator here, which no variable holds.
            torch.manual_seed(1_000_003 * self.seed + epoch)

    def on_train_batch_end(self, batch, logs=None):
        # The mean over the epoch so far, which one step that is no number makes no number.
        if not _is_sound(float((logs or {}).get("loss", 0.0))):
            self.diverged = f"at step {batch + 1} of epoch {self._epoch}"
            raise _Diverged

    def on_test_end(self, logs=None):
        # In here the weights are those that were validated: with averaged weights, not those that
        # training goes on from.
        with writing(self.validated) as partial:
            getattr(self.model, "classifier", self.model).save_weights(partial)

    def on_epoch_end(self, epoch, logs=None):
        seconds = round(time.monotonic() - self._started, 2)
        figures = {key: float(value) for key, value in logs.items()}
        if not _is_sound(figures["val_loss"]):
            self.diverged = f"in the last steps of epoch {epoch + 1}"
            raise _Diverged
        self.history.append({"epoch": epoch + 1, **figures, "seconds": seconds})
        write_text(self.folder / "history.csv", self.table)  # for people to look at
        if self.best is self.history[-1]:
            self.validated.replace(self.best_weights)
        with writing(self.last) as partial:
            state = [keras.ops.convert_to_numpy(variable) for variable in _state(self.model)]
            np.savez(partial, *state, epoch=epoch + 1, history=json.dumps(self.history))
        if self.is_over:
            self.model.stop_training = True

    @contextmanager
    def stopping_where_it_diverges(self) -> Iterator[None]:
        """Ends the training inside at the step whose loss is no number; `diverged` says which.

        Raises:
            DivergedError: If no epoch was whole before, so that there are no weights to keep.
        """
        try:
            yield
        except _Diverged:
            if not self.history:
                self.remove()  # going on would end at the same step
                raise DivergedError(
                    f"The loss became NaN or overflowed {self.diverged}, before any epoch was "
                    "whole, so no weights are kept. Train with a lower --learning-rate or "
                    "--clip-norm."
                ) from None


def _is_sound(loss: float) -> bool:
    return math.isfinite(loss) and abs(loss) < LARGEST_LOSS


class _Diverged(Exception):
    """Ends `fit` from inside of a callback."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """As `zoo.files.replacing`, with a digest at the file's end."""
    with replacing(path) as partial:
        yield partial
        digest.append(partial)


def _read_history(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: int(value) if key == "epoch" else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _state(model: keras.Model) -> list[keras.Variable]:
    """All that training changes. A .keras file leaves out the random state of dropout."""
    return [*model.variables, *model.optimizer.variables]
