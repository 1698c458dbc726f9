"""Small trained models that come with the package.

Each is a folder of four files:

    README.md       the model card
    config.json     how it was trained, and what it was measured at
    model.tflite    the file for MediaPipe and LiteRT: int8 weights; vocabulary and labels inside
    weights.npz     the weights to go on training with: the embedding as the file has it, int8 and
                    a scale for each row, the others as float16

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
# Of the data that a model learnt from: when they were published, and what may be done with them.
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
    """Whether that is the name of a model here, rather than a path: `./NAME` or a `Path`."""
    return isinstance(model, str) and model in names()


def file(name: str) -> Path:
    """The path of a model's .tflite file, to copy into an app."""
    return FOLDER / name / FILE


def config(name: str) -> dict:
    """How a model was trained, as in a run folder; under `measured`, its figures."""
    return json.loads((FOLDER / name / CONFIG).read_text(encoding="utf-8"))


def load(name: str) -> Bundle:
    """A model with its weights, to go on training with or to export anew.

    Raises:
        ValueError: If the weights are not those of the record.
    """
    from zoo import catalogue
    from zoo.bundle import Bundle
    from zoo.metadata import read_metadata

    record = config(name)
    made = {key: value for key, value in record["model"].items() if key != "parameters"}
    model = catalogue.create_model(made.pop("name"), **made)
    weights = FOLDER / name / WEIGHTS
    if hashlib.sha256(weights.read_bytes()).hexdigest() != record["measured"]["sha256"][WEIGHTS]:
        raise ValueError(f"{weights} is damaged: install the package again.")
    model.set_weights(read_weights(weights))
    metadata = read_metadata(file(name).read_bytes())
    return Bundle(model, metadata.tokenizer(), metadata.labels, record)


def read_weights(path: Path) -> list[np.ndarray]:
    """What `Model.set_weights` takes, float32."""
    with np.load(path) as file:
        embedding, scales, *others = (file[key].astype(np.float32) for key in file.files)
    return [embedding * scales, *others]


def table() -> list[tuple[str, ...]]:
    """Rows of `COLUMNS`, for people to read."""
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
