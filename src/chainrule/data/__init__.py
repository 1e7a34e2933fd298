"""Data: checks of matrices, tables with categories and missing values, files, a small real set.

`MeanSubtraction`, `Whitening` and `separability` are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.data.hyperplane import separability
    from chainrule.data.whitening import MeanSubtraction, Whitening

__all__ = ["MeanSubtraction", "Whitening", "separability"]

_HOME = {"MeanSubtraction": "whitening", "Whitening": "whitening", "separability": "hyperplane"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule.data' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.data.{_HOME[name]}"), name)
