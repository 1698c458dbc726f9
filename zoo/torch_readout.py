"""How a PyTorch classifier computes scores from its recurrent layer, which a state dict lacks."""

from dataclasses import asdict, dataclass, replace

POOLINGS = ("last", "mean", "max", "last-step")
ACTIVATIONS = ("tanh", "relu")
HEADS = ("relu", "tanh", "gelu", "sigmoid", "elu", "leaky_relu", "silu", "linear")
SCORES = ("softmax", "one", "sigmoid")


class TorchImportError(ValueError):
    """A PyTorch model that cannot be imported, or whose files do not fit each other."""


@dataclass(frozen=True)
class Readout:
    """How the PyTorch model computes scores from its recurrent layer.

    Attributes:
        pooling: What the head reads from the top layer: the `last` state of each direction (`h_n`),
            the `mean` or `max` over the real steps, or the output of both directions at the
            `last-step` (`out[:, -1]`).
        packed: Whether padding does not change the state (`pack_padded_sequence`, or one text at a
            time).
        activation: Activation of an `nn.RNN`.
        scores: `softmax` over several logits, the sigmoid of `one` logit, or a `sigmoid` for each
            of several labels. None means `one` for a single logit, else `softmax`.
        head: Activation between the linear layers of the head, if it has several.
    """

    pooling: str = "last"
    packed: bool = True
    activation: str = "tanh"
    scores: str | None = None
    head: str = "relu"

    def __post_init__(self):
        for name, known in (
            ("pooling", POOLINGS),
            ("activation", ACTIVATIONS),
            ("head", HEADS),
        ):
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
        """Why the zoo's models do not support this readout, and the remedy; None if they do."""
        if self.pooling in ("max", "last-step"):
            what = {
                "max": "the maximum over the steps",
                "last-step": "out[:, -1] (which is the backward direction's first step)",
            }[self.pooling]
            return (
                f"A head that reads {what} cannot be imported: the zoo's models read the last "
                "state of each direction, or the mean. Train the head on h_n (both directions "
                "concatenated) or on the mean, and import that."
            )
        if not self.packed:
            return (
                "A model whose states read the padding cannot be imported: its output depends on "
                "how far a text was padded. Train with pack_padded_sequence, or import it as "
                "packed if it runs on one text at a time."
            )
        return None

    def require_known(self, outputs: int, kind: str) -> "Readout":
        """This readout with `scores` filled in.

        Args:
            outputs: Number of rows of the head.
            kind: `lstm`, `gru` or `rnn`.

        Raises:
            TorchImportError: If the zoo's models do not support it.
        """
        if self.refusal:
            raise TorchImportError(self.refusal)
        if self.activation != "tanh" and kind != "rnn":
            raise TorchImportError(f"The activation of an nn.{kind.upper()} is always tanh.")
        scores = self.scores or ("one" if outputs == 1 else "softmax")
        if scores == ("softmax" if outputs == 1 else "one"):
            raise TorchImportError(
                f"The head has {outputs} output{'s' * (outputs > 1)}, which does not fit "
                f"scores={scores!r}: one logit needs a sigmoid, several need a softmax, or a "
                "sigmoid each."
            )
        return replace(self, scores="one" if outputs == 1 else scores)

    def lines(self, kind: str, labels: int, linear: int = 1) -> list[str]:
        """The assumptions, for the user: one line each, with its flag.

        Args:
            kind: `lstm`, `gru` or `rnn`.
            labels: The number of labels.
            linear: The number of linear layers in the head.
        """
        reads = {
            "last": "h_n, the last state of each direction",
            "mean": "the mean of its outputs over the text",
        }
        scores = {
            "softmax": f"softmax over {labels} labels",
            "one": "sigmoid of one logit",
            "sigmoid": f"sigmoid of each of {labels} labels",
        }
        lines = [
            f"the head reads {reads[self.pooling]} (--pooling)",
            "padding does not change the state (--no-packed)",
            f"scores: {scores[self.scores or 'softmax']} (--scores)",
        ]
        if linear > 1:
            lines.append(f"between the head's {linear} linear layers: {self.head} (--head)")
        if kind == "rnn":
            lines.append(f"activation: {self.activation} (--activation)")
        return lines

    def record(self) -> dict:
        """The readout as a record for config.json."""
        return asdict(self)
