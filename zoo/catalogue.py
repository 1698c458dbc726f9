"""The models by name, as a table.

The table is plain data: Keras is imported only when a model is created.
"""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo import cell_source

if TYPE_CHECKING:
    import keras


class UnknownModelError(ValueError):
    """A name of no model in the catalogue."""


def gate_names(gates: str) -> str:
    """The letters of `zoo.cells.Cell.gates` without the candidate, spaced; "–" for none."""
    return " ".join(gate for gate in gates if gate != "g") or "–"


@dataclass(frozen=True)
class Family:
    """A row of the catalogue: one kind of recurrent layer.

    Attributes:
        cell: The name of its cell in `zoo.cells`.
        title: A short description.
        lowerings: Names of its lowerings in `python -m export`.
        source: The reference for the equations.
        built_in: Name of the equivalent layer in `keras.layers`, which is used instead, if there
            is one.
    """

    cell: str
    title: str
    lowerings: str
    source: str
    built_in: str | None = None

    @property
    def gates(self) -> str:
        """Names of its gates in the cell's equations; "–" for none."""
        return gate_names(cell_source.gates(self.cell))

    @property
    def equations(self) -> str:
        """The cell's docstring: its equations, their source, its options."""
        return cell_source.docstring(self.cell)

    def layer(self, units: int, *, return_sequences: bool) -> keras.Layer:
        """A new layer of this kind, for one direction."""
        import keras

        if self.built_in:
            return getattr(keras.layers, self.built_in)(units, return_sequences=return_sequences)
        from zoo import cells
        from zoo.layers import Recurrent

        return Recurrent(getattr(cells, self.cell)(units), return_sequences=return_sequences)


@dataclass(frozen=True)
class Size:
    """Default arguments of `create_model` for one size."""

    embed_dim: int
    hidden_dim: int
    num_layers: int
    dropout: float


FUSED = "fused loop unrolled"
LOOP = "loop unrolled"
PARALLEL = "parallel loop unrolled"

# fmt: off
FAMILIES = {
    "birnn": Family(
        "SimpleRNNCell", "Keras's built-in simple RNN", FUSED, "Elman 1990", "SimpleRNN"
    ),
    "bilstm": Family(
        "LSTMCell", "Keras's built-in LSTM", FUSED,
        "Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000", "LSTM",
    ),
    "bigru": Family(
        "GRUCell", "Keras's built-in GRU", LOOP, "Cho et al. 2014", "GRU"
    ),
    "reset-before-bigru": Family(
        "ResetBeforeGRUCell", "textbook GRU, reset before the product", LOOP,
        "Cho et al. 2014; Chung et al. 2014",
    ),
    # LSTMs whose gates see the cell state
    "peephole-bilstm": Family(
        "PeepholeLSTMCell", "LSTM, each gate sees its own cell", FUSED,
        "Gers & Schmidhuber 2000",
    ),
    "full-peephole-bilstm": Family(
        "FullPeepholeLSTMCell", "LSTM, each gate sees all cells", LOOP,
        "Olah 2015",
    ),
    # Ablations of the LSTM, after "LSTM: a search space odyssey"
    "no-input-gate-bilstm": Family(
        "NoInputGateLSTMCell", "peephole LSTM without input gate", LOOP,
        "Greff et al. 2017",
    ),
    "no-forget-gate-bilstm": Family(
        "NoForgetGateLSTMCell", "peephole LSTM without forget gate", LOOP,
        "Greff et al. 2017; Hochreiter & Schmidhuber 1997",
    ),
    "no-output-gate-bilstm": Family(
        "NoOutputGateLSTMCell", "peephole LSTM without output gate", LOOP,
        "Greff et al. 2017",
    ),
    "no-input-activation-bilstm": Family(
        "NoInputActivationLSTMCell", "peephole LSTM, linear candidate", LOOP,
        "Greff et al. 2017",
    ),
    "no-output-activation-bilstm": Family(
        "NoOutputActivationLSTMCell", "peephole LSTM, linear output", LOOP,
        "Greff et al. 2017",
    ),
    "coupled-bilstm": Family(
        "CoupledLSTMCell", "LSTM, input gate is 1 − forget gate", FUSED,
        "Greff et al. 2017",
    ),
    "full-gate-bilstm": Family(
        "FullGateRecurrentLSTMCell", "peephole LSTM, gates see the last gates", LOOP,
        "Greff et al. 2017",
    ),
    # Smaller or normalised cells
    "projected-bilstm": Family(
        "ProjectedLSTMCell", "LSTM, output projected to half", FUSED,
        "Sak, Senior & Beaufays 2014",
    ),
    "diagonal-bilstm": Family(
        "DiagonalLSTMCell", "LSTM, each gate sees its own output", FUSED,
        "Gonnet & Deselaers 2020",
    ),
    "gate-norm-bilstm": Family(
        "GateNormLSTMCell", "LSTM, each gate normalised", FUSED,
        "TFLite's fused LSTM, after Ba, Kiros & Hinton 2016",
    ),
    "layer-norm-bilstm": Family(
        "LayerNormLSTMCell", "LSTM, gates and cell normalised", LOOP,
        "Ba, Kiros & Hinton 2016",
    ),
    "layer-norm-birnn": Family(
        "LayerNormSimpleRNNCell", "simple RNN, normalised", LOOP,
        "Ba, Kiros & Hinton 2016",
    ),
    # Fewer gates
    "light-bigru": Family(
        "LightGRUCell", "GRU without reset gate, rectified", LOOP,
        "Ravanelli et al. 2018",
    ),
    "bimgu": Family(
        "MGUCell", "minimal gated unit", LOOP, "Zhou et al. 2016"
    ),
    "bijanet": Family(
        "JANETCell", "LSTM with only a forget gate", LOOP,
        "van der Westhuizen & Lasenby 2018",
    ),
    "biugrnn": Family(
        "UGRNNCell", "update gate RNN", LOOP,
        "Collins, Sohl-Dickstein & Sussillo 2017",
    ),
    # No recurrent matrix product
    "biindrnn": Family(
        "IndRNNCell", "independently recurrent RNN", LOOP, "Li et al. 2018"
    ),
    "bisru": Family(
        "SRUCell", "simple recurrent unit", LOOP, "Lei et al. 2018"
    ),
    "biqrnn": Family(
        "QRNNCell", "quasi-recurrent, over two inputs", LOOP,
        "Bradbury et al. 2017",
    ),
    "min-bilstm": Family(
        "MinLSTMCell", "LSTM whose gates see only the input", PARALLEL,
        "Feng et al. 2024",
    ),
    "min-bigru": Family(
        "MinGRUCell", "GRU whose gate sees only the input", PARALLEL,
        "Feng et al. 2024",
    ),
    # Found by search; not trained
    "binas": Family(
        "NASCell", "found by architecture search", LOOP, "Zoph & Le 2017"
    ),
    "biesn": Family(
        "ESNCell", "echo-state, recurrent weights not trained", LOOP, "Jaeger 2001"
    ),
}
# fmt: on

# The user's cells, see `zoo.registry`.
REGISTERED: dict[str, Family] = {}

# A model's name is that of its family, then "-" and the size; no suffix means the base size.
SIZES = {
    "": Size(embed_dim=300, hidden_dim=256, num_layers=2, dropout=0.5),
    "medium": Size(embed_dim=128, hidden_dim=128, num_layers=2, dropout=0.5),
    "small": Size(embed_dim=64, hidden_dim=64, num_layers=1, dropout=0.5),
    "tiny": Size(embed_dim=32, hidden_dim=32, num_layers=1, dropout=0.3),
}


def families() -> dict[str, Family]:
    """The table and the registered cells, by name."""
    return FAMILIES | REGISTERED


def list_models(pattern: str = "*") -> list[str]:
    """Names of the models that match a shell pattern such as `"*lstm*"`, in the table's order.

    Registered cells come last.
    """
    names = [f"{family}-{size}" if size else family for family in families() for size in SIZES]
    return fnmatch.filter(names, pattern)


def find(name: str) -> tuple[Family, Size]:
    """The family and the size of a model's name.

    Raises:
        UnknownModelError: If there is no such model; the message suggests similar names.
    """
    for size in SIZES:
        family = name.removesuffix(f"-{size}") if size else name
        if family in families() and (not size or family != name):
            return families()[family], SIZES[size]
    near = difflib.get_close_matches(name, list_models(), n=3, cutoff=0.4) or list(FAMILIES)
    raise UnknownModelError(
        f"There is no model {name!r}. Did you mean {' or '.join(near)}? "
        "`python -m zoo list` shows all models; a cell of your own needs --import."
    )


def recurrent_parameters(name: str) -> int:
    """Number of parameters of a model's recurrent layers."""
    from zoo.layers import output_size

    family, size = find(name)
    total, features = 0, size.embed_dim
    for _ in range(size.num_layers):
        cell = family.layer(size.hidden_dim, return_sequences=True).cell
        cell.build((None, features))
        total += 2 * cell.count_params()
        features = 2 * output_size(cell)
    return total


def create_model(
    name: str,
    *,
    vocab_size: int,
    num_classes: int,
    embed_dim: int | None = None,
    hidden_dim: int | None = None,
    num_layers: int | None = None,
    dropout: float | None = None,
    pooling: str = "last",
) -> keras.Model:
    """Creates a model of the catalogue with random weights.

    Args:
        name: One of `list_models()`. It determines the defaults of the sizes below.
        vocab_size: Number of token ids, including padding.
        num_classes: Number of labels, or of numbers in a regression.
        embed_dim: Width of the embedding.
        hidden_dim: Units per direction of each layer.
        num_layers: Number of bidirectional layers.
        dropout: Fraction of values dropped in training, in [0, 1).
        pooling: How the top layer's outputs are pooled: `last`, the last output of each direction,
            or `mean`, the mean of all outputs, which suits long texts.

    Returns:
        A Keras model from int32 [batch, time] token ids, padded on the right with 0, to float32
        [batch, num_classes] logits or numbers.

    Raises:
        ValueError: If the name or a size is invalid.
    """
    from zoo.classifier import build_classifier

    family, size = find(name)
    return build_classifier(
        family.layer,
        vocab_size=vocab_size,
        num_classes=num_classes,
        embed_dim=size.embed_dim if embed_dim is None else embed_dim,
        hidden_dim=size.hidden_dim if hidden_dim is None else hidden_dim,
        num_layers=size.num_layers if num_layers is None else num_layers,
        dropout=size.dropout if dropout is None else dropout,
        pooling=pooling,
        name=name.replace("-", "_"),
    )
