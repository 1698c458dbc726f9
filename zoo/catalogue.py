"""The models by name, as a table."""

import difflib
import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

import keras

from zoo import cells
from zoo.classifier import build_classifier
from zoo.layers import Recurrent


@dataclass(frozen=True)
class Family:
    """A row of the catalogue: one kind of recurrent layer.

    Attributes:
        layer: `layer(units, return_sequences=...)` gives one direction.
        title: What it is, in a few words.
        source: Where the equations come from.
    """

    layer: Callable[..., keras.Layer]
    title: str
    source: str


@dataclass(frozen=True)
class Size:
    """Defaults of a model's size, by the parameters' names."""

    embed_dim: int
    hidden_dim: int
    num_layers: int
    dropout: float


def _scan(cell: type, **options) -> Callable[..., keras.Layer]:
    def layer(units: int, *, return_sequences: bool) -> keras.Layer:
        return Recurrent(cell(units, **options), return_sequences=return_sequences)

    return layer


FAMILIES = {
    "bilstm": Family(
        keras.layers.LSTM,
        "Keras's built-in LSTM",
        "Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000",
    ),
    "bigru": Family(
        keras.layers.GRU,
        "Keras's built-in GRU",
        "Cho et al. 2014",
    ),
    "peephole-bilstm": Family(
        _scan(cells.PeepholeLSTMCell),
        "LSTM, gates see their own cell",
        "Gers & Schmidhuber 2000",
    ),
    "full-peephole-bilstm": Family(
        _scan(cells.FullPeepholeLSTMCell),
        "LSTM, gates see all cells by a matrix",
        "Olah 2015",
    ),
    "coupled-bilstm": Family(
        _scan(cells.CoupledLSTMCell),
        "LSTM, input gate is 1 − forget gate",
        "Greff et al. 2017",
    ),
    "projected-bilstm": Family(
        _scan(cells.ProjectedLSTMCell),
        "LSTM, output projected to half",
        "Sak, Senior & Beaufays 2014",
    ),
    "layer-norm-bilstm": Family(
        _scan(cells.LayerNormLSTMCell),
        "LSTM, gates normalised",
        "Ba, Kiros & Hinton 2016",
    ),
    "diagonal-bilstm": Family(
        _scan(cells.DiagonalLSTMCell),
        "LSTM, gates see their own output",
        "Gonnet & Deselaers 2020",
    ),
}

# A model's name is its family's, then "-" and the size's; the plain name is the lessons' size.
SIZES = {
    "": Size(embed_dim=300, hidden_dim=256, num_layers=2, dropout=0.5),
    "medium": Size(embed_dim=128, hidden_dim=128, num_layers=2, dropout=0.5),
    "small": Size(embed_dim=64, hidden_dim=64, num_layers=1, dropout=0.5),
    "tiny": Size(embed_dim=32, hidden_dim=32, num_layers=1, dropout=0.3),
}


def list_models(pattern: str = "*") -> list[str]:
    """Names of the models that match a shell pattern such as `"*lstm*"`, in the table's order."""
    names = [f"{family}-{size}" if size else family for family in FAMILIES for size in SIZES]
    return fnmatch.filter(names, pattern)


def find(name: str) -> tuple[Family, Size]:
    """The row and the size that a model's name stands for.

    Raises:
        ValueError: If there is no such model; it names the nearest.
    """
    for size in SIZES:
        family = name.removesuffix(f"-{size}") if size else name
        if family in FAMILIES and (not size or family != name):
            return FAMILIES[family], SIZES[size]
    near = difflib.get_close_matches(name, list_models(), n=3, cutoff=0.4) or list(FAMILIES)
    raise ValueError(
        f"There is no model {name!r}. Did you mean {' or '.join(near)}? "
        "`python -m zoo list` shows them all."
    )


def create_model(
    name: str,
    *,
    vocab_size: int,
    num_classes: int,
    embed_dim: int | None = None,
    hidden_dim: int | None = None,
    num_layers: int | None = None,
    dropout: float | None = None,
) -> keras.Model:
    """A new model of the catalogue, its weights drawn at random.

    Args:
        name: A name of `list_models()`. The sizes below default to those of the name.
        vocab_size: Number of token ids, padding included.
        num_classes: Number of labels.
        embed_dim: Width of the embedding.
        hidden_dim: Units of each direction of each layer.
        num_layers: Number of bidirectional layers.
        dropout: Share of values dropped in training, in [0, 1).

    Returns:
        A Keras model from int32 [batch, time] token ids, padded on the right with 0, to float32
        [batch, num_classes] logits.

    Raises:
        ValueError: If the name or a size is wrong.
    """
    family, size = find(name)
    return build_classifier(
        family.layer,
        vocab_size=vocab_size,
        num_classes=num_classes,
        embed_dim=size.embed_dim if embed_dim is None else embed_dim,
        hidden_dim=size.hidden_dim if hidden_dim is None else hidden_dim,
        num_layers=size.num_layers if num_layers is None else num_layers,
        dropout=size.dropout if dropout is None else dropout,
        name=name.replace("-", "_"),
    )
