"""Layers: frozen records that emit instructions."""

from chainrule.layers.activation import Activation
from chainrule.layers.base import LAYERS, Builder, Layer, config, from_config, layer
from chainrule.layers.columns import (
    Columns,
    Concatenate,
    Parametric,
    PerColumn,
    PiecewiseLinear,
    Scale,
)
from chainrule.layers.combining import Heads, Residual, Shared
from chainrule.layers.convolution import Conv1D, Conv2D
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout
from chainrule.layers.elementwise import ActivityPenalty, PReLU, Softmax
from chainrule.layers.embedding import Embedding
from chainrule.layers.normalisation import BatchNorm, LayerNorm
from chainrule.layers.pooling import AveragePool, Flatten, MaxPool
from chainrule.layers.recurrent import GRU, LSTM, Elman

__all__ = [
    "GRU",
    "LAYERS",
    "LSTM",
    "Activation",
    "ActivityPenalty",
    "AveragePool",
    "BatchNorm",
    "Builder",
    "Columns",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Dropout",
    "Elman",
    "Embedding",
    "Flatten",
    "Heads",
    "Layer",
    "LayerNorm",
    "MaxPool",
    "PReLU",
    "Parametric",
    "PerColumn",
    "PiecewiseLinear",
    "Residual",
    "Scale",
    "Shared",
    "Softmax",
    "config",
    "from_config",
    "layer",
]
