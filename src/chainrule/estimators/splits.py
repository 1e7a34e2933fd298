"""Which rows to hold out."""

from __future__ import annotations

import numpy as np

__all__ = ["random_share", "stratified_share"]


def random_share(n: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """A mask, (n,) bool, of a random share of the rows.

    Examples
    --------
    >>> int(random_share(50, 0.2, np.random.default_rng(0)).sum())
    10
    """
    held = np.zeros(n, bool)
    held[rng.permutation(n)[: round(n * share)]] = True
    return held


def stratified_share(y: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A mask, (n,) bool, of the same share of every class; each class keeps a row outside it.

    Examples
    --------
    >>> y = np.array(["a"] * 8 + ["b"] * 2)
    >>> held = stratified_share(y, 0.5, np.random.default_rng(0))
    >>> int(held[:8].sum()), int(held[8:].sum())
    (4, 1)
    """
    held = np.zeros(len(y), bool)
    for label in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == label))
        held[members[: min(round(len(members) * share), len(members) - 1)]] = True
    return held
