"""Runs a training step or a prediction of a textbook model: prints its memory as JSON.

`python -m studies.processes.step FAMILY training_step|answer`
"""

import argparse
import json

import keras
import numpy as np

from studies import memory, models
from zoo import catalogue


def measure(family: str, kind: str) -> dict[str, float | None]:
    """Builds a model and takes three steps.

    Returns:
        The KB that they add to a process in which TensorFlow is loaded (`peak_kb`).
    """
    # The first step of a small model loads what TensorFlow needs for itself.
    small = catalogue.create_model(
        family, vocab_size=9, num_classes=2, embed_dim=2, hidden_dim=2, num_layers=1
    )
    small.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    ids = np.ones((1, 2), np.int32)
    small.train_on_batch(ids, ids[:, 0])
    small.predict_on_batch(ids)

    def work() -> None:
        step = models.STEPS[kind](models.compiled(family))
        for _ in range(3):
            step()

    return {"peak_kb": memory.peak(work)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family")
    parser.add_argument("kind", choices=models.STEPS)
    options = parser.parse_args()
    print(json.dumps(measure(options.family, options.kind)))
