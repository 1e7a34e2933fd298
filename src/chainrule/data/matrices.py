"""Checks of numeric matrices and targets: they name the place that is wrong and copy nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.ops.losses import Loss

__all__ = ["as_matrix", "as_rows", "as_targets", "as_tokens", "as_weights", "finite"]

_CHUNK = 1 << 20  # numbers looked at in one go, so that a check needs no copy of the matrix


def as_matrix(X: Any, columns: int | None = None, name: str = "X") -> np.ndarray:
    """`X` as a two-dimensional numeric array, the same memory where that is possible.

    Parameters
    ----------
    X : array-like of shape (n, columns)
    columns : int, optional
        The number expected.
    name : str
        For messages.

    Raises
    ------
    DataError
        If the shape is wrong, an entry is no number, or one is missing or infinite.
    """
    array = np.asarray(X)
    if array.ndim == 1 and columns is not None and array.shape[0] == columns and columns > 1:
        raise DataError(
            f"{name} has shape {array.shape}: one row must still be two-dimensional, "
            f"{name}.reshape(1, -1)."
        )
    if array.ndim != 2:
        raise DataError(f"{name} has shape {array.shape}: expected (rows, columns).")
    if array.shape[0] == 0:
        raise DataError(f"{name} has no rows.")
    if columns is not None and array.shape[1] != columns:
        raise DataError(f"{name} has {array.shape[1]} columns, the network expects {columns}.")
    return finite(_numeric(array, name), name)


def as_rows(X: Any, shape: tuple[int, ...], name: str = "X") -> np.ndarray:
    """`X` as a matrix with one line for each row, the same memory where that is possible.

    Parameters
    ----------
    X : array-like of shape (n, *shape)
        Or (n, product of the shape).
    shape : tuple of int
        Of one row.
    name : str
        For messages.

    Raises
    ------
    DataError
        As `as_matrix`; and if rows have different lengths.
    """
    columns = int(np.prod(shape))
    array = _even(X, name)
    if array.ndim <= 2 or len(shape) == 1:
        return as_matrix(array, columns, name)
    if array.shape[1:] != shape:
        raise DataError(
            f"{name} has shape {array.shape}: the network expects rows of shape {shape}."
        )
    return as_matrix(array.reshape(len(array), columns), columns, name)


def _even(X: Any, name: str) -> np.ndarray:
    """An array; rows of different lengths are named."""
    try:
        return np.asarray(X)
    except ValueError:
        lengths = [len(row) for row in X]
        odd = next(k for k, length in enumerate(lengths) if length != lengths[0])
        raise DataError(
            f"{name} has rows of different lengths: row 0 has {lengths[0]}, row {odd} has "
            f"{lengths[odd]}. Fill the short ones up (chainrule.data.sequences.pad) and give the "
            f"places that were filled up the sample_weight 0."
        ) from None


def as_tokens(X: Any, steps: int, vocabulary: int) -> np.ndarray:
    """Tokens as a matrix (n, steps) of whole numbers below the size of the vocabulary.

    Raises
    ------
    DataError
        Naming the first token that is outside, and its place.
    """
    array = as_matrix(_even(X, "X"), steps)
    wrong = (array < 0) | (array >= vocabulary) | (array != np.floor(array))
    if wrong.any():
        row, column = (int(k) for k in np.argwhere(wrong)[0])
        raise DataError(
            f"token {array[row, column]:g} in row {row}, step {column} (counted from 0) is outside "
            f"the vocabulary: give whole numbers from 0 to {vocabulary - 1}, or make the "
            f"Embedding's vocabulary larger."
        )
    return array


def _numeric(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{name} has entries that are no numbers: {error}.") from None
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        return array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} has type {array.dtype}: expected numbers.")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def finite(array: np.ndarray, name: str) -> np.ndarray:
    """Return `array` (n, columns) if every entry is a finite number.

    Raises
    ------
    DataError
        Naming the first row and column that is missing or infinite.
    """
    if array.dtype.kind != "f":
        return array
    step = max(1, _CHUNK // max(1, array.shape[1]))
    for start in range(0, len(array), step):
        part = array[start : start + step]
        bad = ~np.isfinite(part)
        if bad.any():
            row, column = (int(k) for k in np.argwhere(bad)[0])
            what = "missing (NaN)" if np.isnan(part[row, column]) else "infinite"
            raise DataError(
                f"{name} is {what} in row {start + row}, column {column} (counted from 0): replace "
                f"or drop such rows. NetworkClassifier and NetworkRegressor fill in missing values."
            )
    return array


def as_targets(y: Any, loss: Loss, shape: tuple[int, ...], rows: int) -> tuple[np.ndarray, bool]:
    """Targets as a matrix that fits the loss.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, outputs); (n, steps) or (n, steps, outputs) for sequences
    loss : Loss
    shape : tuple of int
        Of one row of the network's scores, (outputs,) or (steps, outputs).
    rows : int

    Returns
    -------
    (ndarray, bool)
        Class indices and True, (n, 1) or (n, steps); or numbers and False, (n, outputs) or
        (n, steps · outputs).

    Raises
    ------
    DataError
        If shape or range do not fit the loss and the network's outputs.
    """
    outputs, places = shape[-1] // len(loss.scores), shape[:-1]
    array = _even(y, "y")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim > max(3, len(shape) + 1) or len(array) != rows:
        raise DataError(f"y has shape {np.shape(y)}: expected one target for each of {rows} rows.")
    steps = int(np.prod(places))
    array = array.reshape(rows, -1)
    array = finite(_numeric(array, "y"), "y")
    if loss.targets == "classes" and array.shape[1] == steps:
        return _indices(array, outputs), True
    if array.shape[1] != steps * outputs:
        what = f"{outputs} outputs" + (f" at each of {steps} steps" if places else "")
        raise DataError(f"y has {array.shape[1]} columns, the network has {what}: they must agree.")
    most = {"numbers": np.inf, "counts": np.inf}.get(loss.targets, 1)
    if loss.targets != "numbers" and (array.min() < 0 or array.max() > most):
        allowed = "from 0 to 1" if most == 1 else "of 0 or more"
        raise DataError(
            f"loss '{loss.name}' needs targets {allowed}, y goes from {array.min():g} to "
            f"{array.max():g}."
        )
    return array, False


def _indices(array: np.ndarray, outputs: int) -> np.ndarray:
    low, high = array.min(), array.max()
    whole = array.dtype.kind in "iub" or bool((array == np.floor(array)).all())
    if low < 0 or high >= outputs or not whole:
        raise DataError(
            f"class indices must be whole numbers from 0 to {outputs - 1} (the network has "
            f"{outputs} outputs); y goes from {low:g} to {high:g}. For labels of your own use "
            f"NetworkClassifier."
        )
    return array


def as_weights(sample_weight: Any, rows: int, places: tuple[int, ...] = ()) -> np.ndarray | None:
    """Sample weights as a matrix, (n, 1), or (n, steps) for rows of shape (steps, …); or None.

    Raises
    ------
    DataError
        If there is not one for each row, or one is negative, or all are 0.
    """
    if sample_weight is None:
        return None
    try:
        array = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"sample_weight must hold a number for each row: {error}.") from None
    steps = int(np.prod(places))
    if array.shape not in ((rows,), (rows, 1), (rows, steps), (rows, *places)):
        also = f" or {(rows, steps)}" if places else ""
        raise DataError(f"sample_weight has shape {array.shape}: expected ({rows},){also}.")
    array = finite(array.reshape(rows, -1), "sample_weight")
    if array.min() < 0 or array.max() == 0:
        raise DataError("sample_weight must not be negative, and not zero in every row.")
    return array if array.shape[1] == steps else np.repeat(array, steps, axis=1)
