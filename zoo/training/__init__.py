"""Training: from a data set's name to a run folder."""

from zoo.training.config import TrainingConfig
from zoo.training.run import RunError, is_interrupted, read_config
from zoo.training.start import train

__all__ = ["RunError", "TrainingConfig", "is_interrupted", "read_config", "train"]
