"""Sequences of different lengths as one matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError

__all__ = ["pad"]


def pad(sequences: Sequence[Any], value: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Fill short sequences up at their end, and say by weights which places count.

    The weights take the places that were filled up out of a loss that is measured at each step.
    A recurrent layer with ``returns="last"`` reads them like all others before its last step, so
    they change its answer: for one label a sequence give sequences of one length, or fill up in
    front and accept that the zeros are read.

    Parameters
    ----------
    sequences : sequence of array-like of shape (steps,) or (steps, features)
        Tokens, numbers or vectors of one length; at least one in each.
    value : float
        What to fill up with; for tokens one that the vocabulary has.

    Returns
    -------
    (ndarray, ndarray)
        The sequences, (n, steps of the longest) or (n, steps, features), whole numbers if all are;
        and weights (n, steps), 1 where a sequence goes on and 0 behind its end, to be given as
        `sample_weight`.

    Raises
    ------
    DataError
        If there is no sequence, or one is empty, holds no numbers or has another number of
        features, naming it.

    Examples
    --------
    >>> matrix, weights = pad([[3, 1, 4], [5]])
    >>> matrix.tolist(), weights.tolist()
    ([[3, 1, 4], [5, 0, 0]], [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    """
    if not isinstance(sequences, Iterable) or isinstance(sequences, str):
        raise DataError(f"sequences is {sequences!r}: expected a list, such as [[3, 1, 4], [5]].")
    rows = [_row(number, sequence) for number, sequence in enumerate(sequences)]
    if not rows:
        raise DataError("there are 0 sequences: give at least one.")
    _check_features(rows)
    lengths = np.array([len(row) for row in rows])
    kind = np.result_type(*rows, np.min_scalar_type(value))
    matrix = np.full((len(rows), lengths.max(), *rows[0].shape[1:]), value, dtype=kind)
    for line, row in zip(matrix, rows, strict=True):
        line[: len(row)] = row
    return matrix, (np.arange(lengths.max()) < lengths[:, None]).astype(np.float64)


def _row(number: int, sequence: Any) -> np.ndarray:
    try:
        row = np.asarray(sequence)
    except ValueError:
        row = np.empty((0, 0), dtype=object)
    if row.ndim not in (1, 2) or row.dtype.kind not in "iuf" or not row.size:
        shaped = row.ndim in (1, 2) and row.size
        given = f"holds {row.dtype}" if shaped else f"has shape {row.shape}"
        raise DataError(
            f"sequence {number} (counted from 0) {given}: expected a row of at least one number, "
            f"or vectors of one length, (steps, features)."
        )
    return row


def _check_features(rows: Sequence[np.ndarray]) -> None:
    """Refuse sequences of numbers beside vectors, or of vectors of different lengths."""
    for number, row in enumerate(rows):
        if row.shape[1:] != rows[0].shape[1:]:
            raise DataError(
                f"sequence {number} (counted from 0) has shape {row.shape}, sequence 0 "
                f"{rows[0].shape}: give all of them as many features a step."
            )
