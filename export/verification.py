"""Holds an exported file against the Keras model it was made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from export.tflite.constants import wrong_constants
from zoo import litert

# The largest difference of a probability that a precision may make; int8 is judged by labels.
LARGEST_DIFFERENCE = {"float32": 1e-4, "float16": 1e-2, "int8": 0.25, "integer": 0.25}
REMEDIES = {
    "int8": " Export as float16 or float32.",
    "integer": " Calibrate with other texts, or export as float16 or float32.",
}
LEAST_AGREEMENT = 0.99  # share of texts with the same label
# Labels whose probabilities in Keras differ by no more than this count as the same: of an untrained
# or symmetric model, and of texts that no one wrote, where a trained one cannot decide either.
ROUNDING, UNDECIDED = 1e-4, 0.05


class VerificationError(ValueError):
    """An exported file that does not answer as the Keras model does."""


@dataclass(frozen=True)
class Verified:
    """What a verification found.

    Attributes:
        texts: Number of texts that were asked.
        largest_difference: Of a probability, over all texts and labels.
        label_agreement: Share of texts with the same label.
    """

    texts: int
    largest_difference: float
    label_agreement: float


def verify(
    content: bytes,
    reference: Callable[[np.ndarray], np.ndarray],
    ids: np.ndarray,
    *,
    precision: str,
    constants: Mapping[str, np.ndarray],
    near: float | np.ndarray = ROUNDING,
    packed: bool = True,
) -> Verified:
    """Asks the file and the Keras model the same, in two orders; and reads the weights back.

    Args:
        content: A .tflite file.
        reference: Keras: int32 [texts, L] to probabilities [texts, classes].
        ids: int32 [texts, L], padded on the right.
        precision: Of the file: `float32`, `float16`, `int8` or `integer`.
        constants: What the file is to hold, by name, before its precision was lowered.
        near: One number, or one for each text: labels whose probabilities in Keras differ by no
            more count as the same. `ROUNDING` for real texts, `UNDECIDED` for made-up ones.
        packed: Whether weights may be packed, see `zoo.litert.runner`.

    Raises:
        VerificationError: If a weight or shapes differ, an answer is no probability or depends on
            what was asked before, or the difference is larger than the precision explains.
    """
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
    rounding = classes / 512 if precision == "integer" else 0  # scores in steps of 1/256
    if not np.isfinite(scores).all() or np.abs(scores.sum(axis=1) - 1).max() > rounding + 1e-3:
        raise VerificationError("The file's scores are no probabilities.")
    again = forward(ids[::-1])[::-1]
    changed = int((scores != again).any(axis=1).sum())
    if changed:
        raise VerificationError(
            f"{changed} of {len(ids)} answers were others when the texts came in another order: "
            "the file keeps something from one call to the next."
        )
    found = Verified(
        texts=len(ids),
        largest_difference=float(np.abs(scores - expected).max()),
        label_agreement=_agreement(scores, expected, near),
    )
    remedy = REMEDIES.get(precision, "")
    if found.largest_difference > LARGEST_DIFFERENCE[precision]:
        worst = int(np.abs(scores - expected).max(axis=1).argmax())
        raise VerificationError(
            f"A probability is off by {found.largest_difference:.3g}; {precision} explains "
            f"{LARGEST_DIFFERENCE[precision]:g} at most. Worst is text {worst}, of "
            f"{np.count_nonzero(ids[worst])} ids.{remedy}"
        )
    if found.label_agreement < LEAST_AGREEMENT:
        raise VerificationError(
            f"Only {found.label_agreement:.1%} of {found.texts} texts get the same label; "
            f"{LEAST_AGREEMENT:.0%} are asked for.{remedy}"
        )
    return found


def _agreement(scores: np.ndarray, expected: np.ndarray, near: float | np.ndarray) -> float:
    """Share of texts with the same label, or one that is as near as that to it in Keras."""
    chosen = np.take_along_axis(expected, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    return float(np.mean(expected.max(axis=1) - chosen <= near))
