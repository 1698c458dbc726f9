"""Trains one epoch on the backend that KERAS_BACKEND names, from given weights.

    python -m tests.backend_child DATASET WEIGHTS OUTPUT

The first backend that runs writes WEIGHTS, the others start from them. Prints the backend and the
figures of the epoch as JSON. Backends other than TensorFlow run as if it were not installed.
"""

import csv
import json
import os
import sys
from pathlib import Path

if os.environ["KERAS_BACKEND"] != "tensorflow":
    sys.modules["tensorflow"] = None  # an import raises ImportError

import keras

from zoo import catalogue
from zoo.training import TrainingConfig, train


def main(dataset: str, weights: str, output: str) -> None:
    create = catalogue.create_model

    def create_from_weights(*arguments, **options):
        model = create(*arguments, **options)
        if not Path(weights).exists():
            model.save_weights(weights)
        model.load_weights(weights)
        return model

    catalogue.create_model = create_from_weights
    config = TrainingConfig(
        "peephole-bilstm-tiny",
        dataset,
        epochs=1,
        batch_size=4,
        max_length=12,
        embed_dim=8,
        hidden_dim=8,
        dropout=0.0,
        learning_rate=0.05,
        # On TensorFlow, Keras takes the norm of an embedding's gradient before it adds up the
        # rows of a word that occurs twice, so a norm that clips would clip otherwise there.
        clip_norm=1e9,
        mixed_precision=False,
    )
    train(config, Path(output), tensorboard=False, verbose=False)
    with (Path(output) / "history.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    figures = {name: float(value) for name, value in row.items()}
    print(json.dumps({"backend": keras.backend.backend(), **figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
