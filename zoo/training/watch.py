"""The validation figure that chooses the epoch."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Watch:
    """A validation figure, of which the best epoch has the best.

    Attributes:
        figure: Its name in the history.
        title: Its name for people.
        is_loss: Whether it is a mean squared error, of which less is better; else it is a share
            from 0 to 1, of which more is better.
    """

    figure: str = "val_accuracy"
    title: str = "accuracy"
    is_loss: bool = False

    def rank(self, row: dict[str, float]) -> tuple[float, float]:
        """The better, the higher; of equal figures, the lower loss is better."""
        value = row[self.figure]
        return (-value if self.is_loss else value, -row["val_loss"])

    def is_near(self, value: float, best: float, texts: int) -> bool:
        """Whether a figure of so many texts is within one standard error of the best one."""
        if self.is_loss:
            # Of the mean of squares of normal errors.
            return value <= best * (1 + math.sqrt(2 / texts))
        return value >= best - _standard_error(best, texts)

    def is_same(self, value: float, noted: float, mixed: bool) -> bool:
        """Whether a figure is the noted one but for rounding, coarser in mixed precision."""
        allowed = 0.02 if mixed else 0.002
        return abs(value - noted) <= allowed * (max(noted, 1) if self.is_loss else 1)


ACCURACY = Watch()


def _standard_error(share: float, texts: int) -> float:
    """Standard error of a share, not zero if all texts are right (Laplace's rule)."""
    share = (share * texts + 1) / (texts + 2)
    return math.sqrt(share * (1 - share) / texts)
