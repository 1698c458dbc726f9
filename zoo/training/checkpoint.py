"""Checkpoints, from which a run is resumed exactly."""

import csv
import io
import json
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from zoo import digest, records
from zoo.files import write_text
from zoo.training.watch import ACCURACY, Watch

LARGEST_LOSS = 1e6  # far above any cross-entropy; weights overflow soon after


class DivergedError(ValueError):
    """Training diverged: the loss is NaN, infinite or extremely large."""


class Checkpoint(keras.callbacks.Callback):
    """Writes weights, optimizer and history after each epoch and when the run is interrupted.

    As a callback, it must come before callbacks that swap weights for validation.

    The files are written in this order: validated weights, best weights, state. After a kill
        between
    two of them, the run resumes from the last complete epoch, and that epoch writes the same files
    again. Each file ends in a digest (`zoo.digest`), which is checked before it is read.

    Args:
        folder: Where the files are.
        patience: Epochs without improvement after which training stops.
        seed: The run's seed.
        keep: Which epoch's weights are kept, as in `TrainingConfig`.
        validation: Number of validation texts; `keep="latest"` needs it.
        watch: The validation figure that decides which epoch is the best.
    """

    def __init__(
        self,
        folder: Path,
        patience: int,
        seed: int = 0,
        *,
        keep: str = "best",
        validation: int = 0,
        watch: Watch = ACCURACY,
    ):
        super().__init__()
        self.watch = watch
        self.seed, self.keep, self.validation = seed, keep, validation
        self.folder, self.patience = folder, patience
        self.config, self.data = folder / records.SETTINGS, folder / records.INPUTS
        self.validated = folder / records.VALIDATED
        self.best_weights = folder / records.BEST
        self.last = folder / records.STATE
        self.pretrained = folder / records.PRETRAINED
        self.history: list[dict[str, float]] = []
        self.step = 0  # number of completed steps in an interrupted epoch
        self.diverged = ""  # where training diverged
        self._metrics: list[np.ndarray] = []  # after these steps
        self._generator: np.ndarray | None = None  # PyTorch's, after these steps
        self._signal = 0  # received signal

    @property
    def best(self) -> dict[str, float]:
        """The row of the epoch with the best watched figure, then the lowest validation loss."""
        return max(self._finite, key=self.watch.rank)

    @property
    def _finite(self) -> list[dict[str, float]]:
        return [row for row in self.history if _is_sound(row["val_loss"])]

    @property
    def kept(self) -> dict[str, float]:
        """The epoch whose weights are kept."""
        best = self.best
        if self.keep == "best":
            return best
        figure = self.watch.figure
        near = [
            row
            for row in self._finite
            if self.watch.is_near(row[figure], best[figure], self.validation)
        ]
        return near[-1]

    @property
    def is_over(self) -> bool:
        """Whether the patience is exhausted."""
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
        """Checks the files that a run is resumed from.

        Raises:
            zoo.digest.DamagedFileError: If one of them is missing, cut or changed.
        """
        if not self._is_of_this_version():
            return  # started by an older version, whose files have no digest
        digest.check(self.last)
        if self._has_whole_epochs():
            digest.check(self.best_weights)
        for path in (self.pretrained, *self.folder.glob(records.ANSWERS.format("*"))):
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

    def _has_whole_epochs(self) -> bool:
        with np.load(self.last, allow_pickle=False) as state:
            return int(state["epoch"]) > 0

    def restore(self, model: keras.Model) -> int:
        """Restores the last saved state into a compiled model.

        Returns:
            The number of complete epochs; `step` is the number of steps after them.
        """
        if not self.last.is_file():
            return 0
        with np.load(self.last, allow_pickle=False) as state:
            epoch = int(state["epoch"])
            if "step" in state.files:
                self.step = int(state["step"])
                self._metrics = [state[f"metric_{n}"] for n in range(int(state["metrics"]))]
                self._generator = state["generator"] if self.step else None
            for number, variable in enumerate(_state(model)):
                variable.assign(state[f"arr_{number}"])
            self.history = (
                json.loads(str(state["history"]))
                if "history" in state.files
                else _read_history(self.folder / records.HISTORY)[:epoch]
            )
        return epoch

    def remove(self) -> None:
        """Removes the folder, when the run is finished."""
        # The settings first: without them, a kill here does not leave a run that could be resumed.
        self.config.unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def on_epoch_begin(self, epoch, logs=None):
        self._started, self._epoch, self._skipped = time.monotonic(), epoch, 0
        if keras.backend.backend() == "torch":
            import torch

            # Keras's dropout draws from PyTorch's own generator here, which no variable holds.
            torch.manual_seed(1_000_003 * self.seed + epoch)
            if self._generator is not None:
                torch.set_rng_state(torch.from_numpy(self._generator))
        self._skipped, self.step, self._generator = self.step, 0, None

    def on_train_batch_end(self, batch, logs=None):
        if self._metrics:
            self._add_metrics()
        done = self._skipped + batch + 1
        # The mean over the epoch so far, which a single NaN turns into NaN.
        if not _is_sound(float((logs or {}).get("loss", 0.0))):
            self.diverged = f"at step {done} of epoch {self._epoch + 1}"
            raise _Diverged
        if self._signal and done < self._skipped + self.params["steps"]:
            self._sync()
            self._save(self._epoch, done)
            raise _Interrupted

    def _add_metrics(self) -> None:
        """Adds the metrics of the steps before the interruption to those of the first step after
        it.

        Keras creates the variables in that step.
        """
        self._sync()
        for variable, value in zip(self.model.metrics_variables, self._metrics, strict=True):
            variable.assign_add(value)
        self._metrics = []

    def _sync(self) -> None:
        """On JAX, copies the current state into the model's variables."""
        getattr(self.model, "jax_state_sync", lambda: None)()

    def on_test_end(self, logs=None):
        # Here the model has the validated weights: with weight averaging, not those that training
        # continues with.
        with digest.writing(self.validated) as partial:
            getattr(self.model, "classifier", self.model).save_weights(partial)

    def on_epoch_end(self, epoch, logs=None):
        seconds = round(time.monotonic() - self._started, 2)
        figures = {key: float(value) for key, value in logs.items()}
        if not _is_sound(figures["val_loss"]):
            self.diverged = f"in the last steps of epoch {epoch + 1}"
            raise _Diverged
        self.history.append({"epoch": epoch + 1, **figures, "seconds": seconds})
        write_text(self.folder / records.HISTORY, self.table)  # for people to look at
        if self.kept is self.history[-1]:
            self.validated.replace(self.best_weights)
        self._save(epoch + 1, 0)
        if self.is_over:
            self.model.stop_training = True
        elif self._signal:
            raise _Interrupted

    def _save(self, epoch: int, step: int) -> None:
        """Writes the state after a number of complete epochs and steps of the next one."""
        metrics = self.model.metrics_variables if step else []
        values = {f"metric_{n}": keras.ops.convert_to_numpy(one) for n, one in enumerate(metrics)}
        generator = np.zeros(0, np.uint8)
        if step and keras.backend.backend() == "torch":
            import torch

            generator = torch.get_rng_state().numpy()
        with digest.writing(self.last) as partial:
            np.savez(
                partial,
                *[keras.ops.convert_to_numpy(variable) for variable in _state(self.model)],
                epoch=epoch,
                step=step,
                history=json.dumps(self.history),
                metrics=len(values),
                generator=generator,
                **values,
            )

    @contextmanager
    def saving_when_interrupted(self) -> Iterator[None]:
        """On SIGINT or SIGTERM, saves after the current step, then lets the signal take effect.

        A second signal takes effect immediately.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread can handle signals
            return
        handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        # Ignored signals, as under nohup, stay ignored; Python cannot restore a handler of None.
        before = {one: old for one, old in handlers.items() if old not in (signal.SIG_IGN, None)}

        def come(number, frame):
            signal.signal(number, before[number])
            self._signal = number

        for one in before:
            signal.signal(one, come)
        try:
            yield
        except _Interrupted:
            pass
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
        if self._signal:
            os.kill(os.getpid(), self._signal)

    @contextmanager
    def stopping_where_it_diverges(self) -> Iterator[None]:
        """Stops training at the step where the loss diverges; `diverged` says which step.

        Raises:
            DivergedError: If no epoch was complete, so that there are no weights to keep.
        """
        try:
            yield
        except _Diverged:
            if not self.history:
                self.remove()  # resuming would end at the same step
                raise DivergedError(
                    f"The loss became NaN or overflowed {self.diverged}, before any epoch was "
                    "whole, so no weights are kept. Train with a lower --learning-rate or "
                    "--clip-norm."
                ) from None


def _is_sound(loss: float) -> bool:
    return math.isfinite(loss) and abs(loss) < LARGEST_LOSS


class _Diverged(Exception):
    """Ends `fit` from inside of a callback."""


class _Interrupted(Exception):
    """Ends `fit` once the state is saved."""


def _read_history(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: int(value) if key == "epoch" else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _state(model: keras.Model) -> list[keras.Variable]:
    """All variables that training changes. A .keras file lacks the random state of dropout."""
    return [*model.variables, *model.optimizer.variables]
