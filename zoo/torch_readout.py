"""What a state dict does not say of a PyTorch classifier, and answers that it is checked by."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from zoo import scores as score_kinds
from zoo.text import Tokenizer

POOLINGS = ("last", "mean", "max", "last-step")
ACTIVATIONS = ("tanh", "relu")
SCORES = ("softmax", "one", "sigmoid")
NEAR, NEAR_LOGITS = 1e-4, 1e-3  # of a probability; of a logit, relative to the largest
HOW_TO_CHECK = """\
To check it, let PyTorch answer some texts, padded and tokenised as you do it:

    with open("answers.jsonl", "w") as file:
        for text in texts:
            logits = model(encode(text))[0].tolist()
            print(json.dumps({"text": text, "logits": logits}), file=file)

and import again with --check answers.jsonl."""


class TorchImportError(ValueError):
    """A PyTorch model that cannot be imported, or whose files do not fit each other."""


@dataclass(frozen=True)
class Readout:
    """How the PyTorch model goes from its recurrent layer to scores.

    Attributes:
        pooling: What its head reads of the top layer: the `last` state of each direction (`h_n`),
            the `mean` or the `max` over the real steps, or the output at the `last-step` of both
            directions (`out[:, -1]`).
        packed: Whether padding reaches no state (`pack_padded_sequence`, or texts one at a time).
        activation: Of an `nn.RNN`.
        scores: `softmax` over several logits, the sigmoid of `one` logit, or a `sigmoid` for each
            of several labels; None takes `one` for one logit, else `softmax`.
    """

    pooling: str = "last"
    packed: bool = True
    activation: str = "tanh"
    scores: str | None = None

    def __post_init__(self):
        for name, known in (("pooling", POOLINGS), ("activation", ACTIVATIONS)):
            if getattr(self, name) not in known:
                raise TorchImportError(
                    f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}."
                )
        if self.scores not in (None, *SCORES):
            raise TorchImportError(
                f"scores must be one of {', '.join(SCORES)}, not {self.scores!r}."
            )

    def require_known(self, outputs: int, kind: str) -> "Readout":
        """With the scores filled in; refuses what the zoo's models do not compute.

        Args:
            outputs: Rows of the head.
            kind: `lstm`, `gru` or `rnn`.
        """
        if self.pooling in ("max", "last-step"):
            what = {
                "max": "the maximum over the steps",
                "last-step": "out[:, -1], which for the backward direction is its first step",
            }[self.pooling]
            raise TorchImportError(
                f"A head that reads {what} cannot be imported: the zoo's models read the last "
                "state of each direction, or the mean. Train the head on h_n (both directions "
                "concatenated) or on the mean, and import that."
            )
        if not self.packed:
            raise TorchImportError(
                "A model whose states read the padding cannot be imported: its answer depends on "
                "how far a text was padded. Train with pack_padded_sequence, or import it as "
                "packed if it answers texts one at a time."
            )
        if self.activation != "tanh" and kind != "rnn":
            raise TorchImportError(f"An nn.{kind.upper()} has no other activation than tanh.")
        scores = self.scores or ("one" if outputs == 1 else "softmax")
        if scores == "sigmoid" and outputs > 1:
            raise TorchImportError(
                "A model with a sigmoid for each of several labels cannot be imported: a run "
                "folder holds a classifier that chooses one of its labels."
            )
        if (outputs == 1) != (scores in ("one", "sigmoid")):
            raise TorchImportError(
                f"The head gives {outputs} score{'s' * (outputs > 1)}, which do not go with "
                f"scores={scores!r}: one logit has a sigmoid, several have a softmax."
            )
        return Readout(
            self.pooling, self.packed, self.activation, "one" if outputs == 1 else scores
        )

    def lines(self, kind: str, labels: int) -> list[str]:
        """What is taken for granted, for people to read: a line each, with its flag."""
        reads = {"last": "the last state of each direction (h_n)", "mean": "the mean of all steps"}
        scores = {"softmax": f"softmax over {labels} labels", "one": "sigmoid of one logit"}
        lines = [
            f"the head reads {reads[self.pooling]} (--pooling)",
            "padding has id 0 and reaches no state (--no-packed)",
            f"scores: {scores[self.scores or 'softmax']} (--scores)",
        ]
        if kind == "rnn":
            lines.append(f"activation: {self.activation} (--activation)")
        return lines

    def record(self) -> dict:
        """For config.json."""
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What PyTorch says of one text.

    Attributes:
        ids: int32 [time].
        values: Its logits or probabilities, [labels].
        logits: Which of them.
        line: Of the file.
    """

    ids: np.ndarray
    values: np.ndarray
    logits: bool
    line: int


def read_answers(path: str | os.PathLike, tokenizer: Tokenizer, token_ids: int) -> list[Answer]:
    """Reads JSON lines: `text` or `ids`, and `logits` or `scores`.

    Raises:
        TorchImportError: If a line is something else; the message names it.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise TorchImportError(f"{path} is not UTF-8 ({error.reason}).") from None
    found = [
        _answer(f"{path}, line {number}", number, line, tokenizer, token_ids)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not found:
        raise TorchImportError(f"{path} holds no answers. {HOW_TO_CHECK}")
    return found


def _answer(where: str, number: int, line: str, tokenizer: Tokenizer, token_ids: int) -> Answer:
    form = '{"text": "…" or "ids": […], "logits": […] or "scores": […]}'
    try:
        row = json.loads(line)
    except ValueError as error:
        raise TorchImportError(f"{where}: not JSON ({error}); a line is {form}.") from None
    names = set(row) if isinstance(row, dict) else set()
    if len(names & {"text", "ids"}) != 1 or len(names & {"logits", "scores"}) != 1:
        raise TorchImportError(f"{where}: a line is {form}.")
    logits = "logits" in names
    try:
        values = np.asarray(row["logits" if logits else "scores"], np.float64).reshape(-1)
        if "text" in names:
            ids = tokenizer.encode([row["text"]])[0]
        else:
            ids = np.asarray(row["ids"], np.int32).reshape(-1)
    except (TypeError, ValueError) as error:
        raise TorchImportError(f"{where}: {error}; a line is {form}.") from None
    if not len(ids) or ids.min() < 0 or ids.max() >= token_ids or not np.isfinite(values).all():
        raise TorchImportError(f"{where}: ids are from 0 to {token_ids - 1}, scores finite.")
    return Answer(ids, values, logits, number)


def check(
    model: keras.Model,
    answers: list[Answer],
    readout: Readout,
    alternatives: Callable[[], Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]],
) -> dict:
    """Holds an imported model against PyTorch's answers.

    Args:
        model: Ids to logits, two for a single one of PyTorch's.
        answers: PyTorch's.
        readout: What was assumed.
        alternatives: Gives other readings of the same weights: their flag, and ids to logits.

    Returns:
        For config.json: the number of texts and the largest difference.

    Raises:
        TorchImportError: If they differ; the message says by how much, and which other reading
            agrees.
    """
    off, worst = differences(lambda ids: np.asarray(model(ids)), answers, readout)
    if off <= 1:
        return {"texts": len(answers), "largest_difference": off * NEAR}
    agree = [
        flag for flag, reading in alternatives() if differences(reading, answers, readout)[0] <= 1
    ]
    hint = (
        f"It agrees with {' or '.join(agree)}."
        if agree
        else "No other reading of the weights agrees either: look at the tokenisation, the ids of "
        "padding and unknown words, and at layers that the state dict does not show."
    )
    raise TorchImportError(
        f"The imported model does not answer as PyTorch does: {off * NEAR:.2g} off in line "
        f"{worst.line} of the answers, where {NEAR:g} is allowed. {hint}"
    )


def differences(reading, answers: list[Answer], readout: Readout) -> tuple[float, Answer]:
    """The largest difference as a multiple of what is allowed, and where it is."""
    worst, largest = answers[0], -1.0
    for answer in answers:
        got = reading(answer.ids[None])[0].astype(np.float64)
        wanted, allowed = answer.values, NEAR
        if readout.scores == "one":
            got = got[1:] - got[:1]  # the logit
            if len(wanted) == 2 and not answer.logits:
                wanted = wanted[1:]
            if not answer.logits:
                got = score_kinds.sigmoid(got)
        elif not answer.logits:
            got = score_kinds.softmax(got)
        if answer.logits:
            allowed = NEAR_LOGITS * max(1.0, float(np.abs(wanted).max()))
        if got.shape != wanted.shape:
            raise TorchImportError(
                f"Line {answer.line} of the answers has {len(wanted)} numbers; the model gives "
                f"{len(got)}."
            )
        off = float(np.abs(got - wanted).max()) / allowed
        if off > largest:
            worst, largest = answer, off
    return largest, worst
