"""Compares the outputs of an imported model with those of the PyTorch model."""

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from zoo import scores as score_kinds
from zoo.text import PAD_ID, lengths
from zoo.tokenizers import AnyTokenizer
from zoo.torch_readout import Readout, TorchImportError

TOLERANCE = {"scores": 1e-4, "logits": 1e-3}
"""Largest difference that counts as equal. For logits it is relative to the largest logit of the
text, or absolute if that is below 1."""

FORM = '{"text": "…" or "ids": […], "logits": […] or "scores": […]}'
HOW_TO_CHECK = """\
To check it, save the outputs of the PyTorch model, with your own tokenisation and padding:

    model.eval()
    with open("answers.jsonl", "w") as file:
        for text in texts:
            logits = model(encode(text))[0].tolist()
            print(json.dumps({"text": text, "logits": logits}), file=file)

and import again with --check answers.jsonl. Instead of "text", a line may have "ids", including the
padding; instead of "logits", "scores" (probabilities)."""

Reading = Callable[[np.ndarray], np.ndarray]
"""From int32 [texts, time] ids, padded on the right with 0, to logits [texts, labels]."""


@dataclass(frozen=True)
class Answer:
    """PyTorch's output for one text.

    Attributes:
        ids: int32 [time], with padding if the file has it.
        values: The logits or scores, float64 [labels].
        kind: `logits`, or `scores` for probabilities.
        line: Line number in the file, from 1.
        cut: Whether the text has more tokens than the model reads.
        from_text: Whether the file has the text, so that the ids come from the tokenizer.
    """

    ids: np.ndarray
    values: np.ndarray
    kind: str
    line: int
    cut: bool = False
    from_text: bool = False


def read_answers(
    path: str | os.PathLike, tokenizer: AnyTokenizer, order: np.ndarray
) -> list[Answer]:
    """Reads JSON lines, each with `text` or `ids`, and `logits` or `scores`.

    Args:
        path: The file.
        tokenizer: Tokenizer of the imported model.
        order: int [rows of its embedding], its id for each of PyTorch's.

    Raises:
        TorchImportError: If a line is invalid; the message names it.
        OSError: If the file cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TorchImportError(f"{path} is not UTF-8 ({error.reason}).") from None
    answers = []
    # Not splitlines: JSON strings may contain other line ends.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                answers.append(_answer(line, number, tokenizer, order))
            except ValueError as error:
                raise TorchImportError(f"{path}, line {number}: {error}") from None
    if not answers:
        raise TorchImportError(f"{path} has no answers; a line is {FORM}.")
    return answers


def _answer(line: str, number: int, tokenizer: AnyTokenizer, order: np.ndarray) -> Answer:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"not JSON ({error}); a line is {FORM}.") from None
    names = set(row) if isinstance(row, dict) else set()
    if len(names & {"text", "ids"}) != 1 or len(names & {"logits", "scores"}) != 1:
        raise ValueError(f"a line is {FORM}.")
    kind = "logits" if "logits" in names else "scores"
    values = row[kind] if isinstance(row[kind], list) else [row[kind]]
    if not values or not all(_is_number(value) for value in values):
        raise ValueError(f"{kind} must be numbers, one for each label, not {row[kind]!r:.60}.")
    cut = False
    if "text" in names:
        if not isinstance(row["text"], str):
            raise ValueError(f"text must be a string, not {row['text']!r:.60}.")
        ids = tokenizer.encode([row["text"]])[0]
        ids = ids[: max(_length(ids), 1)]
        cut = len(tokenizer.split(row["text"])) + tokenizer.added > tokenizer.max_length
    else:
        ids = _ids(row["ids"], order)
    return Answer(ids, np.array(values, np.float64), kind, number, cut, "text" in names)


def _ids(value, order: np.ndarray) -> np.ndarray:
    if not (isinstance(value, list) and value and all(type(number) is int for number in value)):
        raise ValueError(f"ids must be a list of integers, not {value!r:.60}.")
    if min(value) < 0 or max(value) >= len(order):
        raise ValueError(f"ids must be from 0 to {len(order) - 1}, the embedding's last row.")
    ids = order[value].astype(np.int32)
    if np.count_nonzero(ids != PAD_ID) < _length(ids):
        raise ValueError(
            "padding occurs before other ids, but the zoo's models are padded on the right. Move "
            "the padding to the right, also in the PyTorch model."
        )
    return ids


def _length(ids: np.ndarray) -> int:
    """Length of one text without its padding."""
    return int(lengths(ids[None])[0])


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value)


def check(
    reading: Reading,
    answers: list[Answer],
    readout: Readout,
    others: Iterable[tuple[Readout, Reading]],
) -> dict:
    """Compares an imported model with PyTorch's answers.

    Args:
        reading: The imported model.
        answers: PyTorch's answers.
        readout: The assumed readout.
        others: Other readings of the same weights, tried if this one disagrees.

    Returns:
        A record for config.json: the number of `texts`, the `largest_difference` of the logits or
        scores, and whether any text was padded (`padding_seen`).

    Raises:
        TorchImportError: If they differ; the message states by how much, and which other reading
            agrees.
    """
    differences = _differences(reading, answers, readout)
    if max(differences, key=_excess).ratio <= 1:
        return {
            "texts": len(answers),
            "largest_difference": max(one.difference for one in differences),
            # Texts were padded by the PyTorch code itself.
            "padding_seen": any(one.from_text or (one.ids == PAD_ID).any() for one in answers),
        }
    worst = max(differences, key=_excess)
    off = sum(one.ratio > 1 for one in differences)
    raise TorchImportError(
        f"The imported model's outputs differ from PyTorch's: {worst.answer.kind} of line "
        f"{worst.answer.line} differ by {worst.difference:.2g}, where {worst.allowed:.2g} is "
        f"allowed; {off} of {len(answers)} lines differ, and nothing was written. "
        f"{_advice(answers, readout, others, worst.answer)}"
    )


def _advice(answers, readout: Readout, others, worst: Answer) -> str:
    agree = [
        other
        for other, reading in others
        if max(_differences(reading, answers, readout), key=_excess).ratio <= 1
    ]
    for other in agree:
        if not other.refusal:
            return f"They agree with {_flags(other, readout)}."
    if agree:
        return f"They agree with {_flags(agree[0], readout)}. {agree[0].refusal}"
    if worst.cut:
        return "That text has more tokens than --max-length, which cuts it; give a larger one."
    return (
        "No other reading of the weights agrees either. Was the PyTorch model in model.eval()? "
        "Otherwise check the order of the labels and of the two directions, the tokens' ids (give "
        '"ids" instead of "text"), and layers without weights.'
    )


def _flags(other: Readout, readout: Readout) -> str:
    """The flags of another readout."""
    flags = []
    if other.activation != readout.activation:
        flags.append(f"--activation {other.activation}")
    if other.pooling != readout.pooling:
        flags.append(f"--pooling {other.pooling}")
    if not other.packed:
        flags.append("--no-packed")
    return " ".join(flags)


@dataclass(frozen=True)
class _Difference:
    """The largest `difference` in one answer, and the `allowed` one."""

    answer: Answer
    difference: float
    allowed: float

    @property
    def ratio(self) -> float:
        return self.difference / self.allowed


def _excess(one: _Difference) -> float:
    return one.ratio


def _differences(reading: Reading, answers: list[Answer], readout: Readout) -> list[_Difference]:
    time = max(len(answer.ids) for answer in answers)
    ids = np.full((len(answers), time), PAD_ID, np.int32)
    for row, answer in zip(ids, answers, strict=True):
        row[: len(answer.ids)] = answer.ids
    logits = np.asarray(reading(ids), np.float64)
    return [_difference(one, answer, readout) for one, answer in zip(logits, answers, strict=True)]


def _difference(logits: np.ndarray, answer: Answer, readout: Readout) -> _Difference:
    expected = answer.values
    if readout.scores == "one":
        logits = logits[1:] - logits[:1]  # back to PyTorch's single logit
        if answer.kind == "scores" and len(expected) == 2:
            expected = expected[1:]
        actual = logits if answer.kind == "logits" else score_kinds.sigmoid(logits)
    else:
        function = score_kinds.sigmoid if readout.scores == "sigmoid" else score_kinds.softmax
        actual = logits if answer.kind == "logits" else function(logits)
    if actual.shape != expected.shape:
        raise TorchImportError(
            f"Line {answer.line} of the answers has {len(expected)} {answer.kind}; the model gives "
            f"{len(actual)}."
        )
    _check_scores(answer, readout)
    allowed = TOLERANCE[answer.kind]
    if answer.kind == "logits":
        allowed *= max(1.0, float(np.abs(expected).max()))
    return _Difference(answer, float(np.abs(actual - expected).max()), allowed)


def _check_scores(answer: Answer, readout: Readout) -> None:
    if answer.kind == "logits":
        return
    low, high, total = answer.values.min(), answer.values.max(), answer.values.sum()
    if low < -1e-6 or high > 1 + 1e-6:
        raise TorchImportError(
            f'Line {answer.line} of the answers has scores outside of 0 to 1. "scores" are '
            'probabilities; use "logits" if the PyTorch model returns those.'
        )
    if readout.scores == "softmax" and abs(total - 1) > 1e-2:
        raise TorchImportError(
            f"The scores in line {answer.line} of the answers add up to {total:.3g}, so they are "
            "not from a softmax; for a model with a sigmoid for each label, give --scores sigmoid."
        )


def other_readings(
    readout: Readout,
    activations: Iterable[str],
    steps_of: Callable[[str], tuple[keras.Model, Reading, int]],
    directions: int,
) -> Iterator[tuple[Readout, Reading]]:
    """The same weights with every other readout, including those that cannot be imported.

    Args:
        readout: The readout to leave out.
        activations: The possible activations of the recurrent module.
        steps_of: Maps an activation to a model from ids to the top layer's outputs [texts, time,
            width], the head from [texts, width] to logits, and an unmasked id that has the
            embedding of padding.
        directions: Number of directions, concatenated in the outputs.
    """
    for activation in activations:
        model, head, padding = steps_of(activation)
        for packed in (True, False):
            # Without packing, a head may read the real steps only, or all.
            for all_steps in (False,) if packed else (True, False):
                for pooling in _POOLED:
                    other = replace(readout, pooling=pooling, packed=packed, activation=activation)
                    if other == readout:
                        continue

                    def reading(ids, pooling=pooling, packed=packed, all_steps=all_steps,
                                model=model, head=head, padding=padding):  # fmt: skip
                        read = np.maximum(lengths(ids), 1)
                        if not packed:
                            ids = np.where(ids == PAD_ID, padding, ids)
                        if all_steps:
                            read[:] = ids.shape[1]
                        outputs = np.asarray(model.predict_on_batch(ids))
                        rows = zip(outputs, read, strict=True)
                        pooled = [
                            _POOLED[pooling](row[:length], directions) for row, length in rows
                        ]
                        return head(np.stack(pooled))

                    yield other, reading


def _last(outputs: np.ndarray, directions: int) -> np.ndarray:
    """The last output of each direction; that of the backward one is at the first step."""
    forward, *backward = np.split(outputs, directions, axis=1)
    return np.concatenate([forward[-1], *(one[0] for one in backward)])


# Map the outputs of one text [time, width] and the number of directions to [width].
_POOLED: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "last": _last,
    "mean": lambda outputs, directions: outputs.mean(axis=0),
    "max": lambda outputs, directions: outputs.max(axis=0),
    "last-step": lambda outputs, directions: outputs[-1],
}
