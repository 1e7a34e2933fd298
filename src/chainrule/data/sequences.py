"""Sequences of different lengths as one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError

__all__ = ["pad"]


def pad(sequences: Sequence[Any], value: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Fill short sequences up at their end, and say by weights which places count.

    Parameters
    ----------
    sequences : sequence of array-like of shape (steps,)
        Tokens or numbers; at least one in each.
    value : float
        What to fill up with; for tokens one that the vocabulary has.

    Returns
    -------
    (ndarray, ndarray)
        The matrix, (n, steps of the longest), whole numbers if all are; and weights of the same
        shape, 1 where a sequence goes on and 0 behind its end, to be given as `sample_weight`.

    Raises
    ------
    DataError
        If there is no sequence, or one is empty or no row of numbers, naming it.

    Examples
    --------
    >>> matrix, weights = pad([[3, 1, 4], [5]])
    >>> matrix.tolist(), weights.tolist()
    ([[3, 1, 4], [5, 0, 0]], [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    """
    rows = [_row(number, sequence) for number, sequence in enumerate(sequences)]
    if not rows:
        raise DataError("there are 0 sequences: give at least one.")
    lengths = np.array([len(row) for row in rows])
    kind = np.result_type(*rows, np.min_scalar_type(value))
    matrix = np.full((len(rows), lengths.max()), value, dtype=kind)
    for line, row in zip(matrix, rows, strict=True):
        line[: len(row)] = row
    return matrix, (np.arange(lengths.max()) < lengths[:, None]).astype(np.float64)


def _row(number: int, sequence: Any) -> np.ndarray:
    try:
        row = np.asarray(sequence)
    except ValueError:
        row = np.empty((0, 0), dtype=object)
    if row.ndim != 1 or row.dtype.kind not in "iuf" or not len(row):
        given = f"has shape {row.shape}" if row.ndim != 1 or not len(row) else f"holds {row.dtype}"
        raise DataError(
            f"sequence {number} (counted from 0) {given}: expected a row of at least one number."
        )
    return row
