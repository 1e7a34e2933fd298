"""Permutation importance of the columns of any table, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule.data.cells import take
from chainrule.data.frames import Table

__all__ = ["REPEATS", "importances"]

REPEATS = 10
_MOST_ROWS, _FEWEST_ROWS = 1000, 100
_CELLS = 5_000_000  # rows × columns², what shuffling every column once has to read


@dataclass
class _ByPlaces:
    """The model for scikit-learn: entry (i, k) of X says which row's value of column k to take.

    So the columns keep their types, whatever they are.
    """

    model: Any
    table: Table
    names: Sequence[str]

    def fit(self, X: Any, y: Any) -> Self:
        """Nothing: the model has been fitted."""
        return self

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """The model's score on the rows that X, (n, columns), describes."""
        columns = {
            name: take(self.table.columns[name], X[:, k]) for k, name in enumerate(self.names)
        }
        return self.model.score(Table(columns, self.table.named, len(X)), y)


def importances(model: Any, table: Table, names: Sequence[str], y: np.ndarray) -> tuple[Any, int]:
    """scikit-learn's permutation importance by the model's score, and of how many rows.

    Many rows or columns take long: then a random part of the rows is used.

    Parameters
    ----------
    model : estimator
        Fitted; its `score` takes a Table.
    table : Table
    names : sequence of str
        The columns to shuffle, all that the model reads.
    y : ndarray of shape (n,)

    Returns
    -------
    (Bunch, int)
        `importances_mean` and `importances_std` are (columns,), `importances` (columns, repeats).
    """
    from sklearn.inspection import permutation_importance

    n, columns = len(y), len(names)
    count = min(n, int(np.clip(_CELLS // columns**2, _FEWEST_ROWS, _MOST_ROWS)))
    rows = np.arange(n)
    if count < n:
        rows = np.sort(np.random.default_rng(0).choice(n, count, replace=False))
    places = np.repeat(rows[:, None], columns, axis=1)
    asked: Any = _ByPlaces(model, table, names)
    return permutation_importance(asked, places, y[rows], n_repeats=REPEATS, random_state=0), count
