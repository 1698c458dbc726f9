"""Training: from a data set's name to a run folder."""

from zoo.training.config import TrainingConfig
from zoo.training.loop import train
from zoo.training.run import RunError, read_config

__all__ = ["RunError", "TrainingConfig", "read_config", "train"]
