"""Recurrent cells: one file a family, each cell a Keras layer that can be used alone."""

from zoo.cells.base import Cell
from zoo.cells.builtin import as_cell
from zoo.cells.gru import GRUCell, ResetBeforeGRUCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.peephole import FullPeepholeLSTMCell, PeepholeLSTMCell
from zoo.cells.simple import SimpleRNNCell
from zoo.cells.variants import (
    CoupledLSTMCell,
    DiagonalLSTMCell,
    LayerNormLSTMCell,
    ProjectedLSTMCell,
)

__all__ = [
    "Cell",
    "CoupledLSTMCell",
    "DiagonalLSTMCell",
    "FullPeepholeLSTMCell",
    "GRUCell",
    "LSTMCell",
    "LayerNormLSTMCell",
    "PeepholeLSTMCell",
    "ProjectedLSTMCell",
    "ResetBeforeGRUCell",
    "SimpleRNNCell",
    "as_cell",
]
