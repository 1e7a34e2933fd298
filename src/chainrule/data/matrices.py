"""Checks of numeric matrices and targets: they name the place that is wrong and copy nothing."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.ops.losses import Loss

__all__ = ["as_matrix", "as_row", "as_rows", "as_targets", "as_tokens", "as_weights", "finite"]

_CHUNK = 1 << 20  # numbers looked at in one go, so that a check needs no copy of the matrix
_SUM = 1e-3  # how far from 1 the sum of a row's class probabilities may be
_PAD = (
    "Fill the short ones up (chainrule.data.sequences.pad) and give the places that were filled up "
    "the sample_weight 0."
)
_FILLED = " NetworkClassifier and NetworkRegressor fill in missing values."


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
    array = _even(X, name, "Give all rows as many entries.")
    return finite(_matrix(array, columns, name), name)


def _matrix(array: np.ndarray, columns: int | None, name: str) -> np.ndarray:
    """Numbers in rows and columns, (n, columns)."""
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
    return _numeric(array, name)


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
    columns = prod(shape)
    array = _even(X, name, _PAD)
    if array.ndim > 2 and len(shape) > 1:
        if array.shape[1:] != shape:
            raise DataError(
                f"{name} has shape {array.shape}: the network expects rows of shape {shape}."
            )
        array = array.reshape(len(array), columns)
    return finite(_matrix(array, columns, name), name, shape, _FILLED)


def as_row(x: Any, shape: tuple[int, ...], name: str = "x") -> np.ndarray:
    """One row of a shape as an array of that shape, float64.

    Raises
    ------
    DataError
        If it has another shape, or an entry that is no finite number.

    Examples
    --------
    >>> as_row([1, 2], (2,))
    array([1., 2.])
    """
    array = _numeric(_even(x, name, "Give one row."), name).astype(np.float64)
    if array.shape not in (shape, (prod(shape),)):
        raise DataError(f"{name} has shape {array.shape}: expected one row of shape {shape}.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise DataError(f"{name}[{place}] is {array[tuple(bad[0])]}: expected a finite number.")
    return array


def _even(X: Any, name: str, remedy: str) -> np.ndarray:
    """An array; rows of different lengths are named."""
    try:
        return np.asarray(X)
    except ValueError:
        lengths = [len(row) if hasattr(row, "__len__") else 1 for row in X]
        odd = next((k for k, length in enumerate(lengths) if length != lengths[0]), None)
        if odd is None:
            raise DataError(
                f"{name} has parts of different lengths within a row. {remedy}"
            ) from None
        raise DataError(
            f"{name} has rows of different lengths: row 0 has {lengths[0]}, row {odd} has "
            f"{lengths[odd]}. {remedy}"
        ) from None


def as_tokens(X: Any, steps: int, tokens: Mapping[int, int]) -> np.ndarray:
    """A matrix (n, steps), some columns of which are tokens: whole numbers below a size.

    Parameters
    ----------
    X : array-like of shape (n, steps)
    steps : int
    tokens : mapping of int to int
        Column -> size of its vocabulary.

    Raises
    ------
    DataError
        Naming the first token that is outside, and its place.
    """
    array = as_matrix(_even(X, "X", _PAD), steps)
    places = np.fromiter(tokens, int)
    part, sizes = array[:, places], np.fromiter(tokens.values(), int)
    wrong = (part < 0) | (part >= sizes) | (part != np.floor(part))
    if wrong.any():
        row, k = (int(k) for k in np.argwhere(wrong)[0])
        raise DataError(
            f"token {part[row, k]:g} in row {row}, step {places[k]} (counted from 0) is outside "
            f"the vocabulary: give whole numbers from 0 to {sizes[k] - 1}, or make the "
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


def finite(
    array: np.ndarray, name: str, shape: tuple[int, ...] = (), filled: str = ""
) -> np.ndarray:
    """Return `array` (n, columns) if every entry is a finite number.

    `shape` is that of a row for the user, and `filled` what else to do about a missing entry.

    Raises
    ------
    DataError
        Naming the first row and column, or place in its shape, that is missing or infinite.
    """
    if array.dtype.kind != "f":
        return array
    step = max(1, _CHUNK // max(1, array.shape[1]))
    for start in range(0, len(array), step):
        part = array[start : start + step]
        fine = np.isfinite(part)
        if not fine.all():
            bad = ~fine
            row, column = (int(k) for k in np.argwhere(bad)[0])
            gap = bool(np.isnan(part[row, column]))
            place = f"column {column}"
            if len(shape) > 1:
                place = f"place {tuple(int(k) for k in np.unravel_index(column, shape))}"
            raise DataError(
                f"{name} is {'missing (NaN)' if gap else 'infinite'} in row {start + row}, {place} "
                f"(counted from 0): replace or drop such rows.{filled if gap else ''}"
            )
    return array


def as_targets(
    y: Any,
    loss: Loss,
    shape: tuple[int, ...],
    rows: int,
    name: str = "y",
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, bool]:
    """Targets as a matrix that fits the loss.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, outputs); (n, steps) or (n, steps, outputs) for sequences
    loss : Loss
    shape : tuple of int
        Of one row of the network's scores, (outputs,) or (steps, outputs).
    rows : int
    name : str
        For messages.
    weights : ndarray of shape (n, 1) or (n, steps), optional
        Places of weight 0 need no probabilities that add up to 1.

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
    array = _even(y, name, _PAD)
    given = array.shape
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim == 0 or array.ndim > max(3, len(shape) + 1) or len(array) != rows:
        raise DataError(f"{name} has shape {given}: expected one target for each of {rows} rows.")
    steps = int(np.prod(places))
    own = array.shape[1:]
    array = finite(_numeric(array.reshape(rows, -1), name), name, own)
    if loss.targets == "classes" and array.shape[1] == steps:
        return _indices(array, outputs, name), True
    if array.shape[1] != steps * outputs:
        raise _other_columns(array.shape[1], outputs, places, name)
    most = np.inf if loss.targets in ("numbers", "counts", "positive") else 1
    zero = loss.targets == "positive" and array.min() == 0
    if loss.targets != "numbers" and (array.min() < 0 or array.max() > most or zero):
        others = {"counts": "of 0 or more", "positive": "above 0"}
        allowed = others.get(loss.targets, "from 0 to 1")
        raise DataError(
            f"loss '{loss.name}' needs targets {allowed}, {name} goes from {array.min():g} to "
            f"{array.max():g}."
        )
    if loss.name in ("cross_entropy", "kullback_leibler"):
        _add_up(array.reshape(rows, steps, outputs), loss, weights, name)
    return array, False


def _other_columns(columns: int, outputs: int, places: tuple[int, ...], name: str) -> DataError:
    """What to say of a target, (n, columns), that does not fit the scores."""
    kind = "steps" if len(places) == 1 else "places"
    at = f" at each of {' × '.join(map(str, places))} {kind}" if places else ""
    hint = ""
    if places and columns in (1, outputs):
        hint = (
            " For one target a row put Flatten() in front of the last Dense, or let the last "
            "recurrent layer have returns='last'."
        )
    return DataError(
        f"{name} has {columns} column{'' if columns == 1 else 's'}, the network has {outputs} "
        f"output{'' if outputs == 1 else 's'}{at}: they must agree.{hint}"
    )


def _add_up(t: np.ndarray, loss: Loss, weights: np.ndarray | None, name: str) -> None:
    """Refuse class probabilities, (n, steps, outputs), that do not add up to 1."""
    sums = t.sum(axis=2, dtype=np.float64)
    wrong = np.abs(sums - 1) > _SUM
    if weights is not None:
        wrong &= weights > 0
    rows = np.flatnonzero(wrong.any(axis=1))
    if len(rows):
        first = sums[rows[0]][wrong[rows[0]]][0]
        listed = ", ".join(map(str, rows[:5])) + (" …" if len(rows) > 5 else "")
        raise DataError(
            f"{name} holds class probabilities that do not add up to 1 in {len(rows)} of {len(t)} "
            f"rows (row {listed}, counted from 0; the first to {first:g}): loss '{loss.name}' "
            f"needs a distribution, divide each row by its sum. For several labels a row use "
            f"'binary_cross_entropy'."
        )


def _indices(array: np.ndarray, outputs: int, name: str) -> np.ndarray:
    low, high = array.min(), array.max()
    whole = array.dtype.kind in "iub" or bool((array == np.floor(array)).all())
    if low < 0 or high >= outputs or not whole:
        raise DataError(
            f"class indices must be whole numbers from 0 to {outputs - 1} (the network has "
            f"{outputs} outputs); {name} goes from {low:g} to {high:g}. For labels of your own use "
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
