"""Reading a target from whatever holds it: a list, an array, a series, a frame with one column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import narwhals as nw
import numpy as np

from chainrule.data.frames import as_frame, is_gap, is_number
from chainrule.data.sparse import is_sparse
from chainrule.errors import DataError, HyperparameterError, LeftOutWarning, unknown_name, warn

__all__ = [
    "FEW_CLASSES",
    "REPEATS",
    "called",
    "class_weights",
    "guess_task",
    "read_known_targets",
    "read_target",
    "refuse_numbers",
]

FEW_CLASSES = 20  # whole numbers with at most so many different values are classes
REPEATS = 3  # if each value is there so often on average


def called(name: str | None) -> str:
    """The target in a message: by its name if it has one.

    Examples
    --------
    >>> called("species")
    "the target 'species'"
    """
    return "the target" if name is None else f"the target '{name}'"


def read_target(y: Any) -> tuple[np.ndarray, str | None]:
    """A target as an array of numbers, booleans or texts, and its name.

    Parameters
    ----------
    y : array-like, series or data frame of shape (n,) or (n, outputs)

    Returns
    -------
    (ndarray, str or None)
        (n,), or (n, outputs) if there are several columns.

    Raises
    ------
    DataError
        If there are gaps, dates, or labels of different types.
    """
    return _read(_source(y))


def read_known_targets(y: Any) -> tuple[np.ndarray, str | None, np.ndarray | None]:
    """A target of which some rows are missing, as `read_target` has it.

    Parameters
    ----------
    y : array-like, series or data frame of shape (n,) or (n, outputs)

    Returns
    -------
    (ndarray, str or None, ndarray of int or None)
        The target, (n,) or (n, outputs), its name, and the rows that are known, None if all are.
        Others hold the target of a known row, so that the array is of one type.

    Raises
    ------
    DataError
        If no row is known, or as `read_target` does.

    Warns
    -----
    LeftOutWarning
        Saying how many rows are missing, and which come first.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     read_known_targets(["a", None, "b"])
    (array(['a', 'a', 'b'], dtype='<U1'), None, array([0, 2]))
    >>> print(caught[0].message)
    the target is missing in 1 of 3 rows (row 1, counted from 0): they were left out.
    """
    source = _source(y)
    missing = _missing_rows(source)
    known = np.flatnonzero(~missing)
    if len(known) in (0, len(missing)):  # a target without any value is refused there
        return *_read(source), None
    chosen = source[known] if isinstance(source, np.ndarray) else source[known.tolist()]
    values, name = _read(chosen)
    said = _missing(np.flatnonzero(missing).tolist(), len(missing), name)
    warn(f"{said}: they were left out.", LeftOutWarning)
    nearest = np.maximum(np.cumsum(~missing) - 1, 0)
    return values[nearest], name, known


def _source(y: Any) -> nw.DataFrame[Any] | nw.Series[Any] | np.ndarray:
    """What holds the target, (n, …): a frame, a series or an array."""
    if y is None:
        raise DataError("fit requires y to be passed, but the target y is None.")
    y = y.toarray() if is_sparse(y) else y
    frame = as_frame(y)
    if frame is not None:
        return frame
    series = nw.from_native(y, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return series
    array = y if isinstance(y, np.ndarray) else np.asarray(y, dtype=object)
    if array.ndim == 0:
        raise DataError(f"y is {array.item()!r}: expected one target for each row.")
    return array


def _read(source: nw.DataFrame[Any] | nw.Series[Any] | np.ndarray) -> tuple[np.ndarray, str | None]:
    if isinstance(source, nw.DataFrame):
        read = [_from_series(series) for series in source.iter_columns()]
        return read[0] if len(read) == 1 else (_side_by_side([values for values, _ in read]), None)
    if isinstance(source, nw.Series):
        return _from_series(source)
    array = _from_array(source)
    return (array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array), None


def _missing_rows(source: nw.DataFrame[Any] | nw.Series[Any] | np.ndarray) -> np.ndarray:
    """Rows without a target, or without one of several, (n,) bool."""
    if isinstance(source, nw.DataFrame):
        return np.any([_missing_rows(series) for series in source.iter_columns()], axis=0)
    if isinstance(source, nw.Series):
        missing = source.is_null().to_numpy()
        return missing | np.isnan(source.to_numpy()) if source.dtype.is_float() else missing
    cells = source.reshape(len(source), -1) if source.size else np.zeros((len(source), 1))
    if cells.dtype.kind == "O":
        cells = np.array([[is_gap(cell) for cell in row] for row in cells.tolist()])
    elif cells.dtype.kind == "f":
        cells = np.isnan(cells)
    else:
        return np.zeros(len(cells), bool)
    return np.any(cells, axis=1)


def guess_task(y: np.ndarray) -> Literal["classification", "regression"]:
    """Whether a target, (n,), is most likely one of classes or of numbers.

    Texts, and few whole numbers that each occur several times, are classes.

    Returns
    -------
    {"classification", "regression"}

    Examples
    --------
    >>> guess_task(np.array(["a", "b"])), guess_task(np.array([1.5, 2.0]))
    ('classification', 'regression')
    """
    if y.dtype.kind not in "iuf":
        return "classification"
    levels = len(np.unique(y))
    few = levels <= min(FEW_CLASSES, max(2, len(y) // REPEATS))
    return "classification" if few and bool((y == np.floor(y)).all()) else "regression"


def refuse_numbers(y: np.ndarray) -> None:
    """Refuse real numbers with many different values, (n,), as classes.

    Raises
    ------
    DataError
        Saying what to do with them.
    """
    levels = len(np.unique(y))
    if y.dtype.kind == "f" and levels > FEW_CLASSES and guess_task(y) == "regression":
        raise DataError(
            f"y has {levels} different real numbers in {len(y)} rows, more than {FEW_CLASSES}: "
            f"that is a regression, use a regressor; if they are classes, give whole numbers "
            f"(y.astype(int)) or texts."
        )


def _from_series(series: nw.Series[Any]) -> tuple[np.ndarray, str | None]:
    name = series.name if isinstance(series.name, str) and series.name else None
    if series.dtype.is_temporal():
        raise _unusable(name, "dates or times")
    if series.null_count() or not (series.dtype.is_numeric() or series.dtype == nw.Boolean):
        return _from_cells(series.to_list(), name), name
    values = series.to_numpy()
    if values.dtype.kind == "O":
        return _from_cells(values.tolist(), name), name
    _no_gaps(values, name)
    return values, name


def _side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Columns, (n,) each, as (n, columns): objects if some hold texts and others numbers."""
    texts = {values.dtype.kind == "U" for values in columns}
    kept = columns if len(texts) == 1 else [values.astype(object) for values in columns]
    return np.column_stack(kept)


def _from_array(y: np.ndarray) -> np.ndarray:
    if y.dtype.kind == "O":
        if y.ndim == 1:
            return _from_cells(y.tolist(), None)
        if y.ndim == 2:
            return _side_by_side([_from_cells(cells, None) for cells in y.T.tolist()])
        y = _from_cells(y.reshape(-1).tolist(), None).reshape(y.shape)
    if y.dtype.kind == "c":
        raise DataError(
            f"Complex data not supported: y has type {y.dtype}, give real and imaginary parts."
        )
    if y.dtype.kind not in "fiubU":
        raise _unusable(None, f"values of type {y.dtype}")
    _no_gaps(y, None)
    return y


def _from_cells(cells: Sequence[Any], name: str | None) -> np.ndarray:
    """An array of one type from Python objects."""
    _refuse_gaps([row for row, cell in enumerate(cells) if is_gap(cell)], len(cells), name)
    if all(isinstance(cell, str) for cell in cells):
        return np.array(cells, dtype=str)
    if all(isinstance(cell, bool | np.bool_) for cell in cells):
        return np.array(cells, dtype=bool)
    if all(is_number(cell) for cell in cells):
        whole = all(isinstance(cell, int | np.integer) for cell in cells)
        return np.asarray(cells) if whole else np.array([float(cell) for cell in cells])
    kinds = sorted({type(cell).__name__ for cell in cells})
    if len(kinds) > 1:
        raise DataError(
            f"{called(name)} mixes {' and '.join(kinds)}: give all rows one type of value."
        )
    raise _unusable(name, f"values of type {kinds[0]}")


def _unusable(name: str | None, what: str) -> DataError:
    return DataError(f"{called(name)} holds {what}: give numbers or texts.")


def _no_gaps(y: np.ndarray, name: str | None) -> None:
    if y.dtype.kind == "f":
        gaps = np.isnan(y.reshape(len(y), -1)).any(axis=1) if len(y) else np.zeros(0, bool)
        _refuse_gaps(np.flatnonzero(gaps).tolist(), len(y), name)


def _refuse_gaps(rows: Sequence[int], n: int, name: str | None) -> None:
    """Refuse a target with gaps, naming the rows."""
    if rows:
        raise DataError(f"{_missing(rows, n, name)}: leave these rows out.")


def _missing(rows: Sequence[int], n: int, name: str | None) -> str:
    """What is said of a target with gaps."""
    listed = ", ".join(map(str, rows[:5])) + (" …" if len(rows) > 5 else "")
    return f"{called(name)} is missing in {len(rows)} of {n} rows (row {listed}, counted from 0)"


def class_weights(
    class_weight: str | Mapping[Any, float] | None, y: np.ndarray, known: Any = None
) -> np.ndarray:
    """Weights of rows from weights of classes, as scikit-learn has them.

    Parameters
    ----------
    class_weight : "balanced", mapping or None
        "balanced": n / (number of classes × rows of the class), so that all classes count the
        same in total. A mapping gives the weight of a class by its label; others weigh 1.
    y : ndarray of shape (n,)
        Labels.
    known : array-like, optional
        All labels, where y may lack some.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    UnknownNameError
        If a label of the mapping is not in `y`, nor among those known.
    HyperparameterError
        If a weight is no number of 0 or more, or all rows get 0.

    Examples
    --------
    >>> class_weights("balanced", np.array(["a", "a", "a", "b"])).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    from sklearn.utils.class_weight import compute_sample_weight

    if isinstance(class_weight, Mapping):
        classes = np.unique(y if known is None else known).tolist()
        for label, weight in class_weight.items():
            if label not in classes:
                raise unknown_name("class in class_weight", label, map(str, classes))
            _check_class_weight(label, weight)
    weights = compute_sample_weight(class_weight, y)
    if not weights.any():
        raise HyperparameterError(f"class_weight = {class_weight!r} leaves no row to learn from.")
    return weights


def _check_class_weight(label: object, weight: object) -> None:
    if isinstance(weight, bool) or not is_number(weight) or not 0 <= weight < np.inf:  # type: ignore[operator]
        raise HyperparameterError(
            f"class_weight has {weight!r} for class {label!r}: give a number in [0, ∞)."
        )
