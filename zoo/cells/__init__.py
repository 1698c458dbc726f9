"""Recurrent cells, one file per family. Each cell is a Keras layer that can be used alone."""

from zoo.cells.ablations import (
    FullGateRecurrentLSTMCell,
    NoForgetGateLSTMCell,
    NoInputActivationLSTMCell,
    NoInputGateLSTMCell,
    NoOutputActivationLSTMCell,
    NoOutputGateLSTMCell,
)
from zoo.cells.base import Cell, MemoryCell
from zoo.cells.builtin import as_cell, counterpart
from zoo.cells.echo_state import ESNCell
from zoo.cells.gru import GRUCell, ResetBeforeGRUCell
from zoo.cells.independent import IndRNNCell, QRNNCell, SRUCell
from zoo.cells.linear import LinearCell, MinGRUCell, MinLSTMCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.minimal import JANETCell, LightGRUCell, MGUCell, UGRNNCell
from zoo.cells.nas import NASCell
from zoo.cells.normalized import LayerNormLSTMCell, LayerNormSimpleRNNCell
from zoo.cells.peephole import FullPeepholeLSTMCell, PeepholeLSTMCell
from zoo.cells.simple import SimpleRNNCell
from zoo.cells.variants import (
    CoupledLSTMCell,
    DiagonalLSTMCell,
    GateNormLSTMCell,
    ProjectedLSTMCell,
)

__all__ = [
    "Cell",
    "CoupledLSTMCell",
    "DiagonalLSTMCell",
    "ESNCell",
    "FullGateRecurrentLSTMCell",
    "FullPeepholeLSTMCell",
    "GRUCell",
    "GateNormLSTMCell",
    "IndRNNCell",
    "JANETCell",
    "LSTMCell",
    "LayerNormLSTMCell",
    "LayerNormSimpleRNNCell",
    "LightGRUCell",
    "LinearCell",
    "MGUCell",
    "MemoryCell",
    "MinGRUCell",
    "MinLSTMCell",
    "NASCell",
    "NoForgetGateLSTMCell",
    "NoInputActivationLSTMCell",
    "NoInputGateLSTMCell",
    "NoOutputActivationLSTMCell",
    "NoOutputGateLSTMCell",
    "PeepholeLSTMCell",
    "ProjectedLSTMCell",
    "QRNNCell",
    "ResetBeforeGRUCell",
    "SRUCell",
    "SimpleRNNCell",
    "UGRNNCell",
    "as_cell",
    "counterpart",
]
