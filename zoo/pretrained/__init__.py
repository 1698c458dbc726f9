"""Small trained models that come with the package.

Each is a folder of four files:

    README.md       the model card
    config.json     its training record and test results
    model.tflite    the file for MediaPipe and LiteRT: int8 weights, with vocabulary and labels
    weights.npz     the weights for further training: the embedding in int8 with a scale for each
                    row, as in model.tflite, and the others in float16

The recipes that made them are in the project's folder `recipes/`.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoo.bundle import Bundle

FOLDER = Path(__file__).parent
CARD, CONFIG, FILE, WEIGHTS = "README.md", "config.json", "model.tflite", "weights.npz"
COLUMNS = ("name", "labels", "model", "MB", "accuracy", "interval", "texts", "year", "licence")
# The training data: year of publication and licence.
RESEARCH = "none named: for research"
DATA = {
    "ag_news": ("2015", "non-commercial use"),
    "clinc150": ("2019", "CC BY 3.0"),
    "imdb_reviews": ("2011", RESEARCH),
    "sms_spam": ("2011", "CC BY 4.0"),
    "snips": ("2018", "CC0 1.0"),
    "sst2": ("2013", RESEARCH),
    "trec": ("2002", RESEARCH),
}


def names() -> list[str]:
    """The names of the models, in alphabetical order."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{CONFIG}"))


def is_name(model: str | os.PathLike) -> bool:
    """Whether it is the name of a shipped model, not a path such as `./NAME` or a `Path`."""
    return isinstance(model, str) and model in names()


def file(name: str) -> Path:
    """The path of a model's .tflite file, to copy into an app."""
    return FOLDER / name / FILE


def config(name: str) -> dict:
    """A model's training record, as in a run folder, with its test results under `measured`."""
    return json.loads((FOLDER / name / CONFIG).read_text(encoding="utf-8"))


def load(name: str) -> Bundle:
    """Loads a model with its weights, for further training or export.

    Raises:
        ValueError: If the weights are damaged.
    """
    from zoo import catalogue
    from zoo.bundle import Bundle
    from zoo.metadata import read_metadata

    record = config(name)
    options = {key: value for key, value in record["model"].items() if key != "parameters"}
    model = catalogue.create_model(options.pop("name"), **options)
    weights = FOLDER / name / WEIGHTS
    if hashlib.sha256(weights.read_bytes()).hexdigest() != record["measured"]["sha256"][WEIGHTS]:
        raise ValueError(f"{weights} is damaged: install the package again.")
    model.set_weights(read_weights(weights))
    metadata = read_metadata(file(name).read_bytes())
    return Bundle(model, metadata.tokenizer(), metadata.labels, record)


def read_weights(path: Path) -> list[np.ndarray]:
    """The arguments of `Model.set_weights`, float32."""
    with np.load(path) as file:
        embedding, scales, *others = (file[key].astype(np.float32) for key in file.files)
    return [embedding * scales, *others]


def table() -> list[tuple[str, ...]]:
    """Rows of `COLUMNS`, as text."""
    rows: list[tuple[str, ...]] = []
    for name in names():
        record = config(name)
        measured = record["measured"]
        low, high = measured["interval"]
        rows.append(
            (
                name,
                str(record["model"]["num_classes"]),
                record["model"]["name"],
                f"{file(name).stat().st_size / 1e6:.1f}",
                f"{measured['accuracy']:.3f}",
                f"{low:.3f}–{high:.3f}",
                f"{measured['texts']:,} of {record['data']['name']}",
                *DATA[record["data"]["name"]],
            )
        )
    return rows
