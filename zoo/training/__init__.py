"""Training: from settings and a data set to a run folder."""

from zoo.records import RunError
from zoo.training.config import TrainingConfig
from zoo.training.folder import read_config
from zoo.training.start import train

__all__ = ["RunError", "TrainingConfig", "read_config", "train"]
