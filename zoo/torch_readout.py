"""How a PyTorch classifier computes scores from its recurrent layer, which no state dict says."""

from dataclasses import asdict, dataclass, replace

POOLINGS = ("last", "mean", "max", "last-step")
ACTIVATIONS = ("tanh", "relu")
SCORES = ("softmax", "one", "sigmoid")


class TorchImportError(ValueError):
    """A PyTorch model that cannot be imported, or whose files do not fit each other."""


@dataclass(frozen=True)
class Readout:
    """How the PyTorch model computes scores from its recurrent layer.

    Attributes:
        pooling: What its head takes from the top layer: the `last` state of each direction (`h_n`),
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

    @property
    def refusal(self) -> str | None:
        """Why the zoo's models cannot compute this, and what to do; None if they can."""
        if self.pooling in ("max", "last-step"):
            what = {
                "max": "the maximum over the steps",
                "last-step": "out[:, -1] (of the backward direction that is its first step)",
            }[self.pooling]
            return (
                f"A head that reads {what} cannot be imported: the zoo's models read the last "
                "state of each direction, or the mean. Train the head on h_n (both directions "
                "concatenated) or on the mean, and import that."
            )
        if not self.packed:
            return (
                "A model whose states read the padding cannot be imported: its answer depends on "
                "how far a text was padded. Train with pack_padded_sequence, or import it as "
                "packed if it answers texts one at a time."
            )
        return None

    def require_known(self, outputs: int, kind: str) -> "Readout":
        """Fills in `scores`, and refuses what the zoo's models cannot compute.

        Args:
            outputs: Rows of the head.
            kind: `lstm`, `gru` or `rnn`.
        """
        if self.refusal:
            raise TorchImportError(self.refusal)
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
        return replace(self, scores="one" if outputs == 1 else scores)

    def lines(self, kind: str, labels: int) -> list[str]:
        """The assumptions as text, one per line, each with its flag."""
        reads = {
            "last": "h_n, the last state of each direction",
            "mean": "the mean of its outputs over the text",
        }
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
