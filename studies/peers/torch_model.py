"""A classifier as a PyTorch module, with the weights of the Keras model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import torch

from studies.peers import NoPeerError, require_last

if TYPE_CHECKING:
    from export.architecture import Architecture

WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
KINDS = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "RNN": torch.nn.RNN}


class Classifier(torch.nn.Module):
    """Embedding, a stack of bidirectional `torch.nn` layers, dense, softmax.

    Args:
        kind: `LSTM`, `GRU` or `RNN`.
        embedding: Rows and width of the table.
        units: Of a direction of a layer.
        num_layers: Number of bidirectional layers.
        classes: Number of classes.
    """

    def __init__(
        self, kind: str, embedding: tuple[int, int], units: int, num_layers: int, classes: int
    ):
        super().__init__()
        self.embedding = torch.nn.Embedding(embedding[0], embedding[1])
        self.recurrent = KINDS[kind](
            embedding[1], units, num_layers, batch_first=True, bidirectional=True
        )
        self.logits = torch.nn.Linear(2 * units, classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Maps ids [1, time] without padding to probabilities [1, classes]."""
        _, last = self.recurrent(self.embedding(ids))
        h = last[0] if isinstance(last, tuple) else last
        return torch.softmax(self.logits(torch.cat([h[-2], h[-1]], dim=1)), dim=1)


def pack(architecture: Architecture) -> dict:
    """What `torch.save` writes of a classifier, for `load` to read.

    Raises:
        NoPeerError: If PyTorch has no layer for a cell, or the outputs are averaged.
    """
    from zoo import cells

    require_last(architecture)
    known = {cells.LSTMCell: "LSTM", cells.GRUCell: "GRU", cells.SimpleRNNCell: "RNN"}
    all_cells = [direction.cell for layer in architecture.layers for direction in layer.directions]
    kinds = {type(cell) for cell in all_cells}
    if len(kinds) > 1 or not kinds <= set(known) or len(all_cells) != 2 * len(architecture.layers):
        names = ", ".join(kind.__name__ for kind in kinds)
        raise NoPeerError(f"PyTorch has no layers for {names}.")
    (kind,) = kinds
    state = {
        "embedding.weight": architecture.embedding,
        "logits.weight": architecture.kernel.T,
        "logits.bias": architecture.bias,
    }
    for number, layer in enumerate(architecture.layers):
        for direction in layer.directions:
            place = f"l{number}{'_reverse' if direction.go_backwards else ''}"
            weights = _weights(known[kind], *direction.cell.get_weights())
            for name, value in zip(WEIGHTS, weights, strict=True):
                state[f"recurrent.{name}_{place}"] = value
    sizes = {
        "kind": known[kind],
        "embedding": tuple(architecture.embedding.shape),
        "units": all_cells[0].units,
        "num_layers": len(architecture.layers),
        "classes": len(architecture.bias),
    }
    tensors = {name: torch.tensor(np.ascontiguousarray(value)) for name, value in state.items()}
    return {"sizes": sizes, "state": tensors}


def _weights(kind: str, w, u, b, *recurrent_bias):
    zeros = np.zeros_like(b)
    if kind != "GRU":
        return w.T, u.T, b, zeros
    z, r, g = np.split(np.arange(len(b)), 3)
    order = np.concatenate([r, z, g])  # both multiply the old state by z
    zeros[g] = recurrent_bias[0]
    return w.T[order], u.T[order], b[order], zeros[order]


def load(path: str | os.PathLike) -> Classifier:
    """Reads a file that holds what `pack` returns."""
    content = torch.load(path, weights_only=True)
    module = Classifier(**content["sizes"])
    module.load_state_dict(content["state"])
    return module.eval()
