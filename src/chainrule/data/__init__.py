"""Data: checks of matrices, tables with categories and missing values, files and streams.

The names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.data.augmentation import Compose, CutMix, Flip, GaussianNoise, Mixup, Shift
    from chainrule.data.hyperplane import separability
    from chainrule.data.readers import read_table
    from chainrule.data.sequences import pad
    from chainrule.data.streams import Stream
    from chainrule.data.whitening import MeanSubtraction, Whitening

__all__ = [
    "Compose",
    "CutMix",
    "Flip",
    "GaussianNoise",
    "MeanSubtraction",
    "Mixup",
    "Shift",
    "Stream",
    "Whitening",
    "pad",
    "read_table",
    "separability",
]

_HOME = dict.fromkeys(
    ("Compose", "CutMix", "Flip", "GaussianNoise", "Mixup", "Shift"), "augmentation"
) | {
    "MeanSubtraction": "whitening",
    "Stream": "streams",
    "Whitening": "whitening",
    "pad": "sequences",
    "read_table": "readers",
    "separability": "hyperplane",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule.data' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.data.{_HOME[name]}"), name)
