"""What array code for an instruction may ask of the session."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from chainrule.engines.base import Batches, Totals

__all__ = ["Array", "Arrays", "Context", "matrix"]

Array = Any
Arrays = tuple[Array, ...]


class Context(Protocol):
    """The part of a session that instructions use."""

    xp: Any
    data: dict[str, np.ndarray]
    batches: Batches
    totals: Totals
    rates: np.ndarray
    strengths: np.ndarray
    start: int
    step: int

    @property
    def number(self) -> Any:
        """The floating type."""
        ...

    def rows(self) -> np.ndarray:
        """The rows of this minibatch."""
        ...

    def value(self, formula: Any, /, **values: Array) -> Array:
        """A formula on the given values."""
        ...


def factor(s: Context, factors: np.ndarray) -> float:
    """The one of this minibatch, of (minibatches,)."""
    return float(factors[s.start // s.batches.size])


def matrix(s: Context, a: Array) -> Array:
    """An array of any number of dimensions as a matrix of its last one's columns."""
    return a if a.ndim == 2 else s.xp.reshape(a, (-1, a.shape[-1]))
