"""Reading any table into columns: numbers as they lie, texts as objects with None for gaps."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.exceptions import DuplicateError

from chainrule.data.sparse import SparseColumns, is_sparse
from chainrule.errors import DataError

__all__ = ["Table", "as_frame", "is_gap", "is_number", "text"]

_TIMES = datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64
_NO_CELLS = bytes, bytearray, list, tuple, set, dict, np.ndarray


def as_frame(X: Any) -> nw.DataFrame[Any] | None:
    """A frame as narwhals sees it, or None for what is no data frame.

    Raises
    ------
    DataError
        If two columns have one name.
    """
    try:
        frame = nw.from_native(X, eager_only=True, pass_through=True)
    except DuplicateError as error:
        raise DataError(
            f"two columns have the same name ({' '.join(str(error).split())}): rename one."
        ) from None
    return frame if isinstance(frame, nw.DataFrame) else None


def is_gap(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, or pandas' NA and NaT."""
    if value is None or isinstance(value, str):
        return value is None
    if isinstance(value, float | np.floating | Decimal):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")


def is_number(value: Any) -> bool:
    """Whether a cell is a number, yes/no included."""
    return isinstance(value, Real | Decimal | np.bool_)


def text(value: Any) -> str:
    """A cell as a level of a category; 2.0 and 2 are the same level."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class Table:
    """Columns by name: numbers (NaN for gaps), or texts as object arrays (None for gaps).

    Attributes
    ----------
    columns : mapping of str to ndarray of shape (rows,)
        Numbers are views of what was given wherever that is possible; those of a sparse matrix
        are made when they are asked for.
    named : bool
        Whether columns have names (a data frame) or only places (an array).
    rows : int
    """

    columns: Mapping[str, np.ndarray]
    named: bool
    rows: int

    @classmethod
    def read(cls, X: Any) -> Table:
        """A table from a data frame, an array, a list of rows or a sparse matrix.

        Raises
        ------
        DataError
            Naming the column that is infinite or of a type that cannot be used.
        """
        if isinstance(X, Table):
            return X
        if is_sparse(X):
            columns = SparseColumns.read(X)
            return cls(columns, False, columns.rows)
        frame = as_frame(X)
        return cls._from_array(_as_array(X)) if frame is None else cls._from_frame(frame)

    @classmethod
    def _from_frame(cls, frame: nw.DataFrame[Any]) -> Table:
        if not len(frame):
            raise DataError("the table has no rows.")
        if not frame.columns:
            raise DataError("the table has no columns besides the target.")
        columns: dict[str, np.ndarray] = {}
        for series in frame.iter_columns():
            name = str(series.name)
            if name in columns:
                raise DataError(f"two columns are called '{name}': rename one.")
            columns[name] = _frame_column(series, name)
        return cls(columns, True, len(frame))

    @classmethod
    def _from_array(cls, array: np.ndarray) -> Table:
        if array.ndim != 2:
            raise DataError(
                f"X has shape {array.shape}: expected a table, (rows, columns). Reshape your data: "
                f"a single row is X.reshape(1, -1), a single column X.reshape(-1, 1)."
            )
        if not array.shape[0]:
            raise DataError("X has no rows.")
        if not array.shape[1]:
            raise DataError(
                f"X has no columns: 0 feature(s) (shape={array.shape}) while a minimum of 1 is "
                f"required."
            )
        if array.dtype.kind == "c":
            raise DataError(
                f"Complex data not supported: X has type {array.dtype}, give real and imaginary "
                f"parts."
            )
        if array.dtype.kind not in "fiubOU":
            raise DataError(f"X has type {array.dtype}: expected numbers or texts.")
        columns = {str(k): _array_column(array[:, k], str(k)) for k in range(array.shape[1])}
        return cls(columns, False, len(array))

    @property
    def names(self) -> list[str]:
        """Names of the columns; "0", "1" … for an array."""
        return list(self.columns)


def _as_array(X: Any) -> np.ndarray:
    """An array; lists keep the types of their cells."""
    if isinstance(X, np.ndarray):
        return X
    if isinstance(X, nw.LazyFrame) or hasattr(X, "collect"):
        raise DataError(f"X is a {type(X).__name__}: give X.collect().")
    if isinstance(X, dict | str):
        raise DataError(f"X is a {type(X).__name__}: expected a data frame or an array.")
    try:
        array = np.asarray(X)
        return np.asarray(X, dtype=object) if array.dtype.kind in "US" else array
    except ValueError:
        raise DataError("the rows of X have different lengths: expected a table.") from None


def _array_column(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind == "O":
        return _mixed_column(values.tolist(), name)
    if values.dtype.kind == "U":  # where one column is a text, NumPy makes texts of all
        try:
            return _finite(values.astype(np.float64), name)
        except ValueError:
            return values.astype(object)
    return _finite(values, name)


def _frame_column(series: nw.Series[Any], name: str) -> np.ndarray:
    kind = series.dtype
    if kind.is_temporal():
        raise _no_times(name, kind)
    if kind in (nw.Categorical, nw.Enum):  # declared to be categories, whatever the labels are
        return _texts(series.to_list())
    if not kind.is_numeric() and kind != nw.Boolean:
        return _mixed_column(series.to_list(), name)
    if series.null_count():
        series = series.cast(nw.Float64)
    values = series.to_numpy()
    return _finite(values if values.dtype.kind in "fiub" else values.astype(np.float64), name)


def _mixed_column(values: Sequence[Any], name: str) -> np.ndarray:
    """Numbers if every cell is one, else texts."""
    for value in values:
        if isinstance(value, _NO_CELLS):
            raise DataError(
                f"column '{name}' holds values of type {type(value).__name__}: give numbers or "
                f"texts, or drop it."
            )
        if isinstance(value, _TIMES) and not is_gap(value):
            raise _no_times(name, type(value).__name__)
    if all(is_gap(v) or is_number(v) for v in values):
        return _finite(np.array([np.nan if is_gap(v) else float(v) for v in values]), name)
    return _texts(values)


def _texts(values: Sequence[Any]) -> np.ndarray:
    return np.array([None if is_gap(v) else text(v) for v in values], dtype=object)


def _no_times(name: str, kind: object) -> DataError:
    return DataError(
        f"column '{name}' holds dates or times ({kind}): replace it by numbers such as year, month "
        f"and day of the week, or drop it."
    )


def _finite(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind == "f":
        infinite = np.isinf(values)
        if infinite.any():
            raise DataError(
                f"column '{name}' is infinite in row {int(np.argmax(infinite))} (counted from 0): "
                f"give a number or leave it empty."
            )
    return values
