"""Layers: frozen records that emit instructions."""

from chainrule.layers.activation import Activation
from chainrule.layers.base import LAYERS, Builder, Layer, config, from_config, layer
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout

__all__ = [
    "LAYERS",
    "Activation",
    "Builder",
    "Dense",
    "Dropout",
    "Layer",
    "config",
    "from_config",
    "layer",
]
