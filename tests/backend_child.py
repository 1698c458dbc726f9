"""Trains on the backend that KERAS_BACKEND names; prints what came of it as JSON.

    python -m tests.backend_child epochs DATASET WEIGHTS OUTPUT

trains two epochs and prints the backend and the figures of each. The first backend that runs writes
WEIGHTS, the others start from them.

    python -m tests.backend_child step MODEL...

takes one step of each model and prints the losses by name, or the error.

    python -m tests.backend_child everything DATASET TEXTS OUTPUT

pretrains on TEXTS too, trains by the mixed objective, and prints the validation losses.

    python -m tests.backend_child masks

prints the largest difference of masked scans from a loop in Python, by model.

    python -m tests.backend_child padded

prints how far padding moves a text's logits, by model.

    python -m tests.backend_child stand-in

prints the largest difference of `Recurrent` from `keras.layers.RNN`, by what is done with it.

    python -m tests.backend_child of-keras

prints how far `keras.layers.RNN` itself is from its cell's steps at masked steps, by cell.

Backends other than TensorFlow run as if it were not installed.
"""

import csv
import json
import os
import sys
from pathlib import Path

if os.environ["KERAS_BACKEND"] != "tensorflow":
    sys.modules["tensorflow"] = None  # an import raises ImportError

import keras
import numpy as np

from zoo import catalogue
from zoo.training import TrainingConfig, train


def epochs(dataset: str, weights: str, output: str) -> dict:
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
        augment=0,
        keep="best",
        epochs=2,  # the second starts from weights that are no averages again
        batch_size=4,
        max_length=12,
        embed_dim=8,
        hidden_dim=8,
        dropout=0.0,
        learning_rate=0.05,
        average=0.5,
        # On TensorFlow, Keras takes the norm of an embedding's gradient before it adds up the
        # rows of a word that occurs twice, so a norm that clips would clip otherwise there.
        clip_norm=1e9,
        mixed_precision=False,
    )
    train(config, Path(output), tensorboard=False, verbose=False)
    with (Path(output) / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    figures = [{name: float(value) for name, value in row.items()} for row in rows]
    return {"backend": keras.backend.backend(), "epochs": figures}


def step(*names: str) -> dict:
    return {name: one_step(name) for name in names}


def one_step(name: str) -> float | str:
    ids = np.array([[1, 5, 6, 7, 0, 0], [1, 3, 0, 0, 0, 0]], np.int32)
    try:
        model = catalogue.create_model(
            name, vocab_size=10, num_classes=2, embed_dim=4, hidden_dim=4
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, jit_compile=keras.backend.backend() == "jax")
        return float(model.train_on_batch(ids, np.array([0, 1])))
    except Exception as error:  # whatever a backend raises
        return repr(error)


def everything(dataset: str, texts: str, output: str) -> list[float]:
    config = TrainingConfig(
        "bilstm-tiny",
        dataset,
        epochs=3,
        batch_size=8,
        max_length=12,
        embed_dim=8,
        hidden_dim=8,
        num_layers=1,
        learning_rate=0.05,
        pretrain=1,
        unlabelled=(texts,),
        objective="mixed",
    )
    train(config, Path(output), tensorboard=False, verbose=False)
    with (Path(output) / "history.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["val_loss"]) for row in csv.DictReader(file)]


if __name__ == "__main__":
    from tests import masks, stand_in

    commands = {
        "epochs": epochs,
        "step": step,
        "everything": everything,
        "masks": masks.worst,
        "padded": masks.padded,
        "stand-in": stand_in.everything,
        "of-keras": stand_in.of_keras,
    }
    print(json.dumps(commands[sys.argv[1]](*sys.argv[2:])))
