"""Verifies an exported file against its Keras model.

Two questions are separate. First, does the file compute the model? Its weights are read back, its
float32 form is compared with Keras on every text, and outputs must not depend on previous inputs. A
file that fails is wrong and is never written. Second, what does a lower precision cost? That is
judged by the answers to real texts, since random words can take a model far outside its data:
their label, the labels that reach their thresholds, or numbers that are close (see `zoo.kinds`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from export.choices import PRECISION
from export.tflite.constants import wrong_constants
from zoo import kinds, litert
from zoo.kinds import Kind

# Largest difference of a float32 score on made-up texts, where rounding errors are larger.
MADE_UP = 1e-3
LEAST_AGREEMENT = 0.99  # minimum share of texts with the same answer
# Labels whose scores in Keras differ by at most this count as the same: ROUNDING for untrained or
# symmetric models, UNDECIDED where Keras itself is undecided.
ROUNDING, UNDECIDED = 1e-4, 0.05
LOSS = 0.01  # largest drop of accuracy on real texts, plus one text


class VerificationError(ValueError):
    """An exported file that differs from the Keras model."""


class PrecisionError(VerificationError):
    """A correct file whose precision changes too many labels."""


@dataclass(frozen=True)
class Verified:
    """The result of a verification.

    Attributes:
        texts: Number of texts.
        real_texts: Number of real texts. The figures below are for these, or for all texts if there
            are none.
        largest_difference: Largest difference of a score; of plain numbers, as a share of their
            range or size.
        label_agreement: Share of texts with the same label, the same labels, or numbers that differ
            by 5 % of their range at most.
        accuracy: Share of texts whose label (or whose labels, all of them) the file gets right, if
            that is known.
        keras_accuracy: The same of Keras.
        warnings: Findings, one sentence each.
    """

    texts: int
    real_texts: int
    largest_difference: float
    label_agreement: float
    accuracy: float | None = None
    keras_accuracy: float | None = None
    warnings: list[str] = field(default_factory=list)


def verify(
    content: bytes,
    reference: Callable[[np.ndarray], np.ndarray],
    ids: np.ndarray,
    *,
    precision: str,
    constants: Mapping[str, np.ndarray],
    real: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    kind: Kind | str = "softmax",
    packed: bool = True,
    force: bool = False,
) -> Verified:
    """Compares a file with its Keras model, in two orders, and reads the weights back.

    Args:
        content: A .tflite file.
        reference: The Keras model: int32 [texts, L] to scores [texts, classes].
        ids: int32 [texts, L].
        precision: The file's precision, of `export.choices.PRECISION`.
        constants: The expected constants by name, before quantisation.
        real: bool [texts], whether a text is real; all by default.
        labels: The truth about the texts, as of `zoo.kinds.Kind`: int [texts], the label ids, -1 if
            unknown.
        kind: The kind of scores, or its name of `zoo.kinds.KINDS`.
        packed: Whether weights may be packed, see `zoo.litert.runner`.
        force: Warn instead of raising `PrecisionError`.

    Raises:
        VerificationError: If weights or shapes differ, or an output is invalid, depends on previous
            inputs, or differs in float32.
        PrecisionError: If a lower precision changes too many labels of real texts.
    """
    kind = kinds.find(kind) if isinstance(kind, str) else kind
    wrong = wrong_constants(content, constants)
    if wrong:
        raise VerificationError(
            f"The file holds other numbers than the model, {len(wrong)} constants: "
            f"{'; '.join(wrong[:3])}."
        )
    forward, max_length, classes = litert.runner(content, packed=packed)
    expected = reference(ids)
    if (max_length, classes) != (ids.shape[1], expected.shape[1]):
        raise VerificationError(
            f"The file takes {max_length} ids and gives {classes} scores; the Keras model was "
            f"asked with {ids.shape[1]} ids and gives {expected.shape[1]}."
        )
    scores = forward(ids)
    _require_scores(scores, kind, precision)
    again = forward(ids[::-1])[::-1]
    changed = int((scores != again).any(axis=1).sum())
    if changed:
        raise VerificationError(
            f"{changed} of {len(ids)} answers were others when the texts came in another order: "
            "the file keeps something from one call to the next."
        )
    real = np.ones(len(ids), bool) if real is None else real
    labels = kind.unknown(*expected.shape) if labels is None else labels
    off = (np.abs(scores - expected) / kind.spread(expected)).max(axis=1)
    if precision == "float32":
        _require_equal(off, real, ids)
    return _judged(scores, expected, off, real, labels, kind, precision, force)


def _require_scores(scores: np.ndarray, kind: Kind, precision: str) -> None:
    if not np.isfinite(scores).all():
        raise VerificationError("The file gives scores that are not numbers.")
    flaw = kind.flaw(scores, scores.shape[1] * PRECISION[precision].step / 2)
    if flaw:
        raise VerificationError(f"The file's scores {flaw}.")


def _require_equal(off: np.ndarray, real: np.ndarray, ids: np.ndarray) -> None:
    allowed = np.where(real, PRECISION["float32"].largest_difference, MADE_UP)
    if (off > allowed).any():
        worst = int((off / allowed).argmax())
        raise VerificationError(
            f"A score is off by {off[worst]:.3g}; float32 explains {allowed[worst]:g} at most. "
            f"Worst is text {worst}, of {np.count_nonzero(ids[worst])} ids."
        )


def _judged(
    scores: np.ndarray,
    expected: np.ndarray,
    off: np.ndarray,
    real: np.ndarray,
    labels: np.ndarray,
    kind: Kind,
    precision: str,
    force: bool,
) -> Verified:
    """Judges the cost of the precision; raises `PrecisionError` if it is too high."""
    judges = real if real.any() else np.ones(len(off), bool)
    count = int(judges.sum())
    agreement = _agreement(scores, expected, judges, kind, ROUNDING)
    # Either answer is right if Keras is undecided.
    decided = _agreement(scores, expected, judges, kind, UNDECIDED)
    accuracy = keras_accuracy = None
    fine = decided >= LEAST_AGREEMENT - (1 / count if real.any() else 0)
    known = judges & kind.is_known(labels)
    if known.any():
        accuracy = kind.right(scores[known], labels[known])
        keras_accuracy = kind.right(expected[known], labels[known])
    if accuracy is not None and keras_accuracy is not None:
        fine = fine or accuracy >= keras_accuracy - LOSS - 1 / known.sum()
    largest = float(off[judges].max())
    warnings = []
    if not fine:
        texts = "real texts" if real.any() else "made-up texts"
        finding = f"{precision} changes too much: {agreement:.1%} of {count} {texts} keep their "
        finding += kind.answer
        if accuracy is not None:
            finding += f", and accuracy falls from {keras_accuracy:.1%} to {accuracy:.1%}"
        if not force:
            raise PrecisionError(f"{finding}. {PRECISION[precision].remedy}.")
        warnings.append(f"{finding}.")
    elif real.any() and not real.all():
        far = float(off[~real].max())
        others = _agreement(scores, expected, ~real, kind, UNDECIDED)
        if far > PRECISION[precision].largest_difference or others < LEAST_AGREEMENT:
            warnings.append(
                f"On texts of random words, unlike those that it is for, {precision} is off by up "
                f"to {far:.2g}, and {others:.1%} of them keep their {kind.answer}."
            )
    return Verified(
        texts=len(off),
        real_texts=int(real.sum()),
        largest_difference=largest,
        label_agreement=agreement,
        accuracy=accuracy,
        keras_accuracy=keras_accuracy,
        warnings=warnings,
    )


def _agreement(
    scores: np.ndarray, expected: np.ndarray, chosen: np.ndarray, kind: Kind, near: float
) -> float:
    """Share of the chosen texts with the same answer, or one within `near` of it."""
    return float(np.mean(kind.same(scores[chosen], expected[chosen], near)))
