"""Exports a SavedModel for servers."""

import os
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from export import questions
from export.string_ops import tokenize_op
from export.verification import MADE_UP, VerificationError
from zoo import bundle as bundles
from zoo import models, scores
from zoo.kinds import Sigmoid

OUTPUTS = {"softmax": "probabilities", "sigmoid": "probabilities", "numbers": "numbers"}


def export_saved_model(
    run: str | os.PathLike | bundles.Bundle, folder: str | os.PathLike | None = None
) -> Path:
    """Writes a SavedModel with two signatures, verified against the run's tokenizer and model.

    - `serving_default`: `tokens` int32 [batch, time], padded on the right with 0, to
      `probabilities` float32 [batch, labels];
    - `texts`: `texts` string [batch] to `probabilities`, `label` string [batch] and `tokens`.
      Tokenised by TensorFlow operators, whose regular expressions are RE2, as on the device.

    For several labels, `labels` string [batch, labels] takes the place of `label`: the name of each
    label that the text gets, empty for the others. For plain numbers, there is `numbers` float32
    [batch, numbers] alone.

    Args:
        run: A run folder, the name of a shipped model, or a `zoo.bundle.Bundle`.
        folder: Where to write; `RUN/export/saved_model` by default. It is replaced.

    Returns:
        The folder.

    Raises:
        ValueError: If `folder` exists and is not a SavedModel.
        VerificationError: If it differs from the model. Nothing is written then.
    """
    if isinstance(run, bundles.Bundle):
        if folder is None:
            raise ValueError("folder is needed: there is no run folder to write to.")
        bundle = run
    else:
        reference = models.resolve(run, weights=True)
        folder = reference.exports() / "saved_model" if folder is None else folder
        bundle = reference.bundle()
    folder = Path(folder)
    if folder.exists() and not (folder / "saved_model.pb").is_file():
        raise ValueError(
            f"{folder} exists and is not a SavedModel, so it is not replaced. Give another folder."
        )
    archive = keras.export.ExportArchive()
    archive.track(bundle.model)
    tokenize = tokenize_op(bundle.tokenizer)
    archive.track(tokenize)
    name = OUTPUTS[bundle.kind.name]

    def from_tokens(tokens):
        return {name: _scores(bundle.scores, bundle.model(tokens))}

    def from_texts(texts):
        tokens = tokenize(texts)
        scores = _scores(bundle.scores, bundle.model(tokens))
        return {name: scores, **_answers(bundle, scores), "tokens": tokens}

    archive.add_endpoint(
        "serving_default", from_tokens, [tf.TensorSpec((None, None), tf.int32, "tokens")]
    )
    archive.add_endpoint("texts", from_texts, [tf.TensorSpec((None,), tf.string, "texts")])
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".saved_model-", dir=folder.parent))
    try:
        partial.chmod(0o755)  # temporary folders are private
        archive.write_out(str(partial), verbose=False)
        _verify(partial, bundle)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _scores(found: scores.Scores, outputs: tf.Tensor) -> tf.Tensor:
    """`Scores.of` in TensorFlow operators."""
    if found.single:
        second = outputs if found.applied else tf.sigmoid(outputs)
        return tf.concat([1 - second, second], axis=1)
    if found.applied or found.kind == "numbers":
        return tf.identity(outputs)
    return tf.nn.softmax(outputs) if found.kind == "softmax" else tf.sigmoid(outputs)


def _answers(bundle: bundles.Bundle, found: tf.Tensor) -> dict[str, tf.Tensor]:
    """The label or the labels of each text."""
    names, kind = tf.constant(bundle.labels), bundle.kind
    if isinstance(kind, Sigmoid):
        passed = tf.cast(found, tf.float64) >= kind.limits_of(len(bundle.labels))
        return {"labels": tf.where(passed, names, "")}
    return {"label": tf.gather(names, tf.argmax(found, axis=-1))} if kind.name == "softmax" else {}


def _verify(folder: Path, bundle: bundles.Bundle) -> None:
    asked = questions.made_up(bundle.tokenizer)
    loaded = tf.saved_model.load(str(folder))
    ids = bundle.tokenizer.encode(asked)
    by_text = loaded.signatures["texts"](texts=tf.constant([text.encode() for text in asked]))
    if not np.array_equal(by_text["tokens"].numpy(), ids):
        raise VerificationError("The SavedModel splits texts otherwise than the tokenizer.")
    by_token = loaded.signatures["serving_default"](tokens=tf.constant(ids))
    # Checks the kind of scores against the model's outputs.
    scores.check(bundle.scores, bundle.model.predict(ids, verbose=0), bundle.name)
    expected = bundle.probabilities(ids)
    for answer in (by_text, by_token):
        name = OUTPUTS[bundle.kind.name]
        apart = np.abs(answer[name].numpy() - expected) / bundle.kind.spread(expected)
        off = float(apart.max())
        if off > MADE_UP:
            raise VerificationError(f"The SavedModel's {name} are off by {off:.3g}.")
