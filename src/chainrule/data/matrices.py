"""Checks of numeric matrices and targets: they name the place that is wrong and copy nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.ops.losses import Loss

__all__ = ["as_matrix", "as_targets", "as_weights", "finite"]

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


def as_targets(y: Any, loss: Loss, outputs: int, rows: int) -> tuple[np.ndarray, bool]:
    """Targets as a matrix that fits the loss.

    Returns
    -------
    (ndarray, bool)
        (n, 1) class indices and True, or (n, outputs) numbers and False.

    Raises
    ------
    DataError
        If shape or range do not fit the loss and the network's outputs.
    """
    array = np.asarray(y)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or len(array) != rows:
        raise DataError(f"y has shape {np.shape(y)}: expected one target for each of {rows} rows.")
    array = finite(_numeric(array, "y"), "y")
    if loss.targets == "classes" and array.shape[1] == 1:
        return _indices(array, outputs), True
    if array.shape[1] != outputs:
        raise DataError(
            f"y has {array.shape[1]} columns, the network has {outputs} outputs: they must agree."
        )
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


def as_weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Sample weights as a column, (n, 1), or None.

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
    if array.shape not in ((rows,), (rows, 1)):
        raise DataError(f"sample_weight has shape {array.shape}: expected ({rows},).")
    array = finite(array.reshape(rows, 1), "sample_weight")
    if array.min() < 0 or array.max() == 0:
        raise DataError("sample_weight must not be negative, and not zero in every row.")
    return array
