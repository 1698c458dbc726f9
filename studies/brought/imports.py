"""Kinds of PyTorch classifiers that are imported, with the scores of PyTorch itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from studies.brought.makers import LENGTH, WORDS


@dataclass(frozen=True)
class Import:
    """A kind of PyTorch classifier.

    Attributes:
        what: What it has, for people.
        module: From `torch.nn` to the recurrent module, of 6 inputs and 24 units.
        head: From `torch.nn` and the width to the head, with 3 outputs.
        padding: The id of padding.
        readout: Arguments of `zoo.torch_readout.Readout`.
    """

    what: str
    module: Callable[[Any], Any]
    head: Callable[[Any, int], Any] = lambda nn, width: nn.Linear(width, 3)
    padding: int = 0
    readout: Mapping[str, Any] = field(default_factory=dict)


def _lstm(nn: Any, **options: Any) -> Any:
    return nn.LSTM(6, 24, batch_first=True, bidirectional=True, **options)


def _two_layers(nn: Any, width: int) -> Any:
    return nn.Sequential(nn.Linear(width, 5), nn.ReLU(), nn.Dropout(0.2), nn.Linear(5, 3))


IMPORTS = (
    Import("PyTorch: bidirectional LSTM, padding packed away", _lstm),
    Import("PyTorch: two layers", lambda nn: _lstm(nn, num_layers=2)),
    Import("PyTorch: padding with id 1", _lstm, padding=1),
    Import("PyTorch: two linear layers behind", _lstm, head=_two_layers),
    Import("PyTorch: GRU", lambda nn: nn.GRU(6, 24, batch_first=True, bidirectional=True)),
    Import("PyTorch: LSTM with a projection", lambda nn: _lstm(nn, proj_size=16)),
    Import(
        "PyTorch: RNN with ReLU",
        lambda nn: nn.RNN(6, 24, batch_first=True, nonlinearity="relu"),
        readout={"activation": "relu"},
    ),
)


def made(case: Import) -> tuple[dict[str, np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """A state dict, and PyTorch's function from ids, int32 [texts, LENGTH], to scores."""
    import torch
    from torch import nn

    torch.manual_seed(3)
    embedding, module = nn.Embedding(WORDS, 6, padding_idx=case.padding), case.module(nn)
    width = (module.proj_size or module.hidden_size) * (2 if module.bidirectional else 1)
    head = case.head(nn, width).eval()
    parts = {"embedding": embedding, "rnn": module, "fc": head}

    def scores(ids: np.ndarray) -> np.ndarray:
        rows = []
        with torch.no_grad():
            for row in ids:  # one text at a time needs no packing
                words = torch.tensor(row[row != case.padding][None].astype(np.int64))
                if not words.shape[1]:
                    rows.append(head(torch.zeros(1, width)).softmax(1))
                    continue
                _, last = module(embedding(words))
                h = last[0] if isinstance(last, tuple) else last
                features = torch.cat(list(h[-2:] if module.bidirectional else h[-1:]), 1)
                rows.append(head(features).softmax(1))
        return torch.cat(rows).numpy()

    state = {
        f"{name}.{key}": value.detach().numpy()
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    return state, scores


def ids_of(case: Import) -> np.ndarray:
    """Ids padded on the right, int32 [texts, LENGTH]; the last text is empty."""
    rng = np.random.default_rng(5)
    rows = rng.integers(2, WORDS, (16, LENGTH), dtype=np.int32)
    rows[np.arange(LENGTH) >= np.arange(16)[:, None] % (LENGTH + 1)] = case.padding
    return np.roll(rows, -1, axis=0)
