"""Answers of a PyTorch model, and what an imported model says to the same texts."""

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from zoo import scores as score_kinds
from zoo.text import PAD_ID, Tokenizer, lengths
from zoo.torch_readout import Readout, TorchImportError

TOLERANCE = {"scores": 1e-4, "logits": 1e-3}
"""The largest difference that counts as equal; of logits, relative to the largest of the text, or
absolute where that is below 1."""

FORM = '{"text": "…" or "ids": […], "logits": […] or "scores": […]}'
HOW_TO_CHECK = """\
To check it, save what the PyTorch model answers, its texts tokenised and padded as you do it:

    model.eval()
    with open("answers.jsonl", "w") as file:
        for text in texts:
            logits = model(encode(text))[0].tolist()
            print(json.dumps({"text": text, "logits": logits}), file=file)

and import again with --check answers.jsonl. In the place of "text", a line may have "ids", padding
(0) included; in the place of "logits", "scores" (probabilities)."""

Reading = Callable[[np.ndarray], np.ndarray]
"""From int32 [texts, time] ids, padded on the right with 0, to logits [texts, labels]."""


@dataclass(frozen=True)
class Answer:
    """What PyTorch says of one text.

    Attributes:
        ids: int32 [time], with the padding that the file gives.
        values: Its logits or scores, float64 [labels].
        kind: `logits`, or `scores` for probabilities.
        line: Of the file, from 1 on.
        cut: Whether the text has more tokens than the model reads.
        from_text: Whether the file gives the text, and its ids are the tokenizer's.
    """

    ids: np.ndarray
    values: np.ndarray
    kind: str
    line: int
    cut: bool = False
    from_text: bool = False


def read_answers(path: str | os.PathLike, tokenizer: Tokenizer, token_ids: int) -> list[Answer]:
    """Reads JSON lines, each with `text` or `ids`, and `logits` or `scores`.

    Args:
        path: The file.
        tokenizer: Of the imported model.
        token_ids: Rows of its embedding.

    Raises:
        TorchImportError: If a line is something else; the message names it.
        OSError: If the file cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TorchImportError(f"{path} is not UTF-8 ({error.reason}).") from None
    found = []
    # Not splitlines: JSON may hold other line ends inside of a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                found.append(_answer(line, number, tokenizer, token_ids))
            except ValueError as error:
                raise TorchImportError(f"{path}, line {number}: {error}") from None
    if not found:
        raise TorchImportError(f"{path} holds no answers; a line is {FORM}.")
    return found


def _answer(line: str, number: int, tokenizer: Tokenizer, token_ids: int) -> Answer:
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
        raise ValueError(f"{kind} are numbers, one for each label, not {row[kind]!r:.60}.")
    cut = False
    if "text" in names:
        if not isinstance(row["text"], str):
            raise ValueError(f"text is a string, not {row['text']!r:.60}.")
        ids = tokenizer.encode([row["text"]])[0]
        ids = ids[: max(_length(ids), 1)]
        more = tokenizer.vocabulary.start is not None
        cut = len(tokenizer.split(row["text"])) + more > tokenizer.max_length
    else:
        ids = _ids(row["ids"], token_ids)
    return Answer(ids, np.array(values, np.float64), kind, number, cut, "text" in names)


def _ids(given, token_ids: int) -> np.ndarray:
    if not (isinstance(given, list) and given and all(type(one) is int for one in given)):
        raise ValueError(f"ids are a list of integers, not {given!r:.60}.")
    if min(given) < 0 or max(given) >= token_ids:
        raise ValueError(f"ids are from 0 to {token_ids - 1}, the embedding's last row.")
    ids = np.array(given, np.int32)
    if np.count_nonzero(ids != PAD_ID) < _length(ids):
        raise ValueError(
            "id 0 stands before other ids, and the zoo's models are padded behind the text. Move "
            "the padding to the right, in the PyTorch model, too."
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
    """Holds an imported model against PyTorch's answers.

    Args:
        reading: The imported model.
        answers: PyTorch's.
        readout: What was assumed.
        others: Other readings of the same weights, which are tried if this one disagrees.

    Returns:
        For config.json: the number of `texts`, the `largest_difference` of what the file gives
        (logits or scores), and whether padding was among the texts (`padding_seen`).

    Raises:
        TorchImportError: If they differ; the message says by how much, and which other reading
            agrees.
    """
    found = _differences(reading, answers, readout)
    if max(found, key=_excess).ratio <= 1:
        return {
            "texts": len(answers),
            "largest_difference": max(one.difference for one in found),
            # A file of texts was made with PyTorch's own padding.
            "padding_seen": any(one.from_text or (one.ids == PAD_ID).any() for one in answers),
        }
    worst = max(found, key=_excess)
    off = sum(one.ratio > 1 for one in found)
    raise TorchImportError(
        f"The imported model does not answer as PyTorch does: {worst.answer.kind} of line "
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
        "Else look at the order of the labels and of the two directions, at tokens and their ids "
        '(give "ids" in the place of "text"), and at layers that have no weights.'
    )


def _flags(other: Readout, readout: Readout) -> str:
    """What to add to the command for another readout."""
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
    """Of one answer: the largest `difference`, and what is `allowed`."""

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
    wanted = answer.values
    if readout.scores == "one":
        logits = logits[1:] - logits[:1]  # PyTorch's one
        if answer.kind == "scores" and len(wanted) == 2:
            wanted = wanted[1:]
        given = logits if answer.kind == "logits" else score_kinds.sigmoid(logits)
    else:
        given = logits if answer.kind == "logits" else score_kinds.softmax(logits)
    if given.shape != wanted.shape:
        raise TorchImportError(
            f"Line {answer.line} of the answers has {len(wanted)} {answer.kind}; the model gives "
            f"{len(given)}."
        )
    _check_scores(answer, readout)
    allowed = TOLERANCE[answer.kind]
    if answer.kind == "logits":
        allowed *= max(1.0, float(np.abs(wanted).max()))
    return _Difference(answer, float(np.abs(given - wanted).max()), allowed)


def _check_scores(answer: Answer, readout: Readout) -> None:
    if answer.kind == "logits":
        return
    low, high, total = answer.values.min(), answer.values.max(), answer.values.sum()
    if low < -1e-6 or high > 1 + 1e-6:
        raise TorchImportError(
            f'Line {answer.line} of the answers has scores outside of 0 to 1. "scores" are '
            'probabilities; call it "logits" if the PyTorch model gives those.'
        )
    if readout.scores == "softmax" and abs(total - 1) > 1e-2:
        raise TorchImportError(
            f"The scores in line {answer.line} of the answers add up to {total:.3g}, so they come "
            "from no softmax; the zoo imports no model with a sigmoid for each label."
        )


def other_readings(
    readout: Readout,
    activations: Iterable[str],
    steps_of: Callable[[str], tuple[keras.Model, Reading, int]],
    ways: int,
) -> Iterator[tuple[Readout, Reading]]:
    """The same weights with every other readout, also those that cannot be imported.

    Args:
        readout: The one that is left out.
        activations: That the recurrent module can have.
        steps_of: From an activation to a model of ids to the top layer's outputs [texts, time,
            width], the head, from [texts, width] to logits, and an id with the embedding of
            padding that is not masked.
        ways: Number of directions, side by side in the outputs.
    """
    for activation in activations:
        model, head, padding = steps_of(activation)
        for packed in (True, False):
            # Of what was not packed, people read the real steps, or all.
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
                        pooled = [_POOLED[pooling](row[:length], ways) for row, length in rows]
                        return head(np.stack(pooled))

                    yield other, reading


def _last(outputs: np.ndarray, ways: int) -> np.ndarray:
    """The last output of each direction; the backward one's stands at the first step."""
    forward, *backward = np.split(outputs, ways, axis=1)
    return np.concatenate([forward[-1], *(one[0] for one in backward)])


# From the outputs of one text [time, width] and the number of directions to [width].
_POOLED: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "last": _last,
    "mean": lambda outputs, ways: outputs.mean(axis=0),
    "max": lambda outputs, ways: outputs.max(axis=0),
    "last-step": lambda outputs, ways: outputs[-1],
}
