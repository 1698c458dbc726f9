"""The source of an export: a run, a shipped model or a Keras model, with or without tokenizer."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from export import architecture, plain_names, questions, tokenized
from export.architecture import Architecture, UnsupportedModelError
from export.questions import Questions
from zoo import bundle as bundles
from zoo import kinds, models, scores, wordpiece
from zoo.kinds import Kind
from zoo.metadata import BERT_INPUTS
from zoo.samples import of_length
from zoo.scores import Scores
from zoo.text import PAD, PAD_ID
from zoo.tokenizers import AnyTokenizer
from zoo.wordpiece import WordPieceTokenizer

PADDINGS = ("right", "any")
SIXTEEN_BITS = 0.02  # largest change of a score by computing in 16 bits


@dataclass(frozen=True)
class Source:
    """The source of an export.

    Attributes:
        name: The beginning of file names.
        read: The architecture of the model.
        questions: The texts to verify its files with.
        length: L, the token ids per text.
        tokenizer: The tokenizer, or None.
        labels: The labels for the metadata; None for files without metadata.
        calibration: int32 [texts, L], ids of calibration texts; no rows if there are none.
        kind: What the scores mean.
    """

    name: str
    read: Architecture
    questions: Questions
    length: int
    tokenizer: AnyTokenizer | None
    labels: tuple[str, ...] | None
    calibration: np.ndarray
    kind: Kind

    @property
    def is_bare(self) -> bool:
        """Whether its files hold no tokenizer and labels."""
        return self.tokenizer is None or self.labels is None


def of(
    run_or_model: str | os.PathLike | bundles.Bundle | keras.Model,
    *,
    max_length: int | None,
    texts: Sequence[str] | np.ndarray,
    calibration: Sequence[str] | np.ndarray,
    metadata: bool,
    kind: str | None,
    padding: str | None,
    static_shapes: bool,
    tokenizer: AnyTokenizer | None = None,
    labels: Sequence[str] | None = None,
) -> Source:
    """Reads a run, a shipped model or a Keras model; arguments as for `export.export_model`.

    Raises:
        ValueError: If an argument is invalid.
        UnsupportedModelError: If the model cannot be exported.
    """
    if padding not in (None, *PADDINGS):
        raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, not {padding!r}.")
    tokenized.check_given(tokenizer, labels)
    name = None
    if isinstance(run_or_model, (str, os.PathLike)):
        reference = models.resolve(run_or_model, weights=True, tokenizer=False)
        if reference.kind == "keras":
            name, run_or_model = models.file_name(reference.path), reference.keras_model()
        else:
            run_or_model = reference.bundle()
    bundle: bundles.Bundle | None = None
    if isinstance(run_or_model, bundles.Bundle):
        if tokenizer is not None or labels is not None:
            raise ValueError("A run has its own tokenizer and labels; leave both out.")
        bundle = run_or_model
        _require_own(bundle, kind)
        model, name, tokenizer = bundle.model, bundle.name, bundle.tokenizer
        labels = bundle.labels
    else:
        model = run_or_model
        name = name or models.plain_name(str(getattr(model, "name", "")))
        model, tokenizer, max_length = tokenized.without_text_layer(model, tokenizer, max_length)
        if tokenizer is None and labels is not None:
            raise ValueError("labels are for files with a tokenizer; give tokenizer= too.")
    model = plain_names.of(model)
    plain = in_float32(model)
    read = architecture.read(plain, _asked(bundle) if bundle else kind)
    if tokenizer is not None and max_length is not None:
        tokenizer = tokenizer.resized(tokenized.require_length(max_length))
    length = tokenizer.max_length if tokenizer else tokenized.length_of(plain, max_length)
    if bundle is None:
        tokenized.require_fit(plain, read, tokenizer, labels)
    found = bundle.scores if bundle else _of_given_labels(read.scores, labels, len(read.bias))
    read = replace(_of_labels(read, found), static=static_shapes)
    meaning = bundle.kind if bundle else kinds.find(found.kind)
    if isinstance(tokenizer, WordPieceTokenizer):
        read = replace(read, inputs=BERT_INPUTS)
    if read.masked and (padding or _usual_padding(tokenizer)) == "any":
        read = replace(read, right_padded=False)
    asked = questions.of(
        plain,
        read,
        length,
        tokenizer=tokenizer,
        texts=texts,
        samples=bundle.samples if bundle else None,
        kind=meaning,
    )
    scores.check(read.scores, asked.outputs, name)
    if plain is not model:
        _require_near(model, plain, asked)
    given = calibration
    if not len(given) and bundle and bundle.samples:
        given = of_length(bundle.samples.train, length)
    return Source(
        name,
        read,
        asked,
        length,
        tokenizer,
        tuple(labels) if metadata and labels is not None else None,
        _calibration(given, tokenizer, length, read),
        meaning,
    )


def _asked(bundle: bundles.Bundle) -> str:
    """The kind of the model's own outputs, which for one sigmoid of two labels is no softmax."""
    return "sigmoid" if bundle.scores.single else bundle.scores.kind


def _require_own(bundle: bundles.Bundle, kind: str | None) -> None:
    if kind not in (None, bundle.scores.kind, _asked(bundle)):
        raise ValueError(
            f"{bundle.name} gives {bundle.scores.kind} scores, as its run says, not {kind!r}; "
            "scores= is for a Keras model that does not say it. Leave it out."
        )


def _of_labels(read: Architecture, found: Scores) -> Architecture:
    """The architecture with the scores of a run, for one sigmoid of two labels with two logits.

    A softmax of [0, logit] gives [1 − p, p], so files of such a model are those of a softmax.
    """
    if not found.single:
        return read
    kernel, bias = read.kernel, read.bias
    return replace(
        read,
        kernel=np.concatenate([np.zeros_like(kernel), kernel], axis=1),
        bias=np.concatenate([np.zeros_like(bias), bias]),
        scores=found,
    )


def _of_given_labels(found: Scores, labels: Sequence[str] | None, outputs: int) -> Scores:
    """The scores of a Keras model: of one sigmoid with two labels, those of both."""
    if labels is not None and len(labels) == 2 and outputs == 1:
        return replace(found, kind="softmax", single=True)
    return found


def _usual_padding(tokenizer: AnyTokenizer | None) -> str:
    """`right` if a tokenizer pads the text and has no other token with id 0, else `any`."""
    if tokenizer is None:
        return "any"
    vocabulary = tokenizer.vocabulary
    zeros = [token for token, number in vocabulary.items() if number == PAD_ID]
    return "right" if zeros in ([PAD], [wordpiece.PAD]) else "any"


def in_float32(model: keras.Model) -> keras.Model:
    """Returns the model in float32, itself if it is.

    Raises:
        UnsupportedModelError: If it cannot be rebuilt from its configuration.
    """
    if not isinstance(model, keras.Model) or not model.built:
        return model  # reading the architecture gives a better error
    policies = {layer.dtype_policy.name for layer in _all_layers(model)}
    if policies <= {"float32"}:
        return model
    try:
        config = _with_float32(model.get_config())
        plain = type(model).from_config(config)
        if not plain.built:
            plain.build(model.input_shape)
        plain.set_weights([np.asarray(w, np.float32) for w in model.get_weights()])
    except Exception as error:  # subclasses may have any constructor
        raise UnsupportedModelError(
            f"Model {model.name!r} computes in {', '.join(sorted(policies))} and cannot be made "
            "again in float32 from its configuration. Build it under the policy float32, and load "
            "its weights."
        ) from error
    if model.compiled and getattr(model, "loss", None) is not None:
        plain.compile(loss=model.loss)  # it determines the kind of scores
    return plain


def _all_layers(model: keras.Model):
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.Layer):
            yield layer


def _with_float32(config):
    """Replaces floating-point policies in a configuration by float32."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        found = {key: _with_float32(value) for key, value in config.items()}
        if isinstance(config.get("dtype"), str) and "float" in config["dtype"]:
            found["dtype"] = "float32"
        return found
    if isinstance(config, (list, tuple)):
        return type(config)(_with_float32(value) for value in config)
    return config


def _require_near(model: keras.Model, plain: keras.Model, asked: Questions) -> None:
    """Compares the float32 model with the original."""
    outputs = questions.predicted(model, asked.ids)
    off = float(np.abs(asked.scores.of(outputs) - asked.expected).max())
    if not off <= SIXTEEN_BITS * max(1.0, float(np.abs(asked.expected).max())):
        raise UnsupportedModelError(
            f"Model {model.name!r} answers otherwise in float32: a score moves by {off:.2g}. "
            "Load its weights into a model of the policy float32, and evaluate that."
        )


def _calibration(given, tokenizer, length: int, read: Architecture) -> np.ndarray:
    """Checks and returns the ids of calibration texts."""
    if not len(given):
        return np.zeros((0, length), np.int32)
    ids = given
    if not isinstance(ids, np.ndarray):
        if tokenizer is None:
            raise ValueError("calibration has to be ids: a Keras model has no tokenizer.")
        ids = tokenizer.encode(ids)
    rows = len(read.embedding)
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or ids.shape[1] != length:
        raise ValueError(
            f"calibration must be integers [texts, {length}], not {ids.dtype} {list(ids.shape)}."
        )
    if not ids.any() or ids.min() < 0 or ids.max() >= rows:
        raise ValueError(
            f"calibration holds ids from {ids.min()} to {ids.max()}; the model knows 0 to "
            f"{rows - 1}, and texts of padding alone say nothing."
        )
    return ids
