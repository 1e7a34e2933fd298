"""Reading any table into columns: numbers as they lie, texts by number, dates as instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.exceptions import DuplicateError

from chainrule.data.cells import Cells, is_gap, is_number, text
from chainrule.data.dense import NumberColumns
from chainrule.data.reading import array_column, frame_column
from chainrule.data.sparse import SparseColumns, is_sparse
from chainrule.errors import DataError

__all__ = ["Table", "as_frame", "is_gap", "is_number", "text"]


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


@dataclass(frozen=True)
class Table:
    """Columns by name: numbers (NaN for gaps), texts or dates.

    Attributes
    ----------
    columns : mapping of str to ndarray of shape (rows,), Texts or Instants
        Numbers are views of what was given wherever that is possible; those of a sparse matrix
        are made when they are asked for.
    named : bool
        Whether columns have names (a data frame) or only places (an array).
    rows : int
    numbers : ndarray of int, shape (rows,), or None
        What messages call the rows: their places in a file, say; their places here if None.
    """

    columns: Mapping[str, Cells]
    named: bool
    rows: int
    numbers: np.ndarray | None = None

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
        if isinstance(X, np.ndarray):
            return cls._from_array(X)
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
        columns: dict[str, Cells] = {}
        for series in frame.iter_columns():
            name = str(series.name)
            if name in columns:
                raise DataError(f"two columns are called '{name}': rename one.")
            columns[name] = frame_column(series, name)
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
        if array.dtype.kind not in "fiubOUmM":
            raise DataError(f"X has type {array.dtype}: expected numbers, texts or dates.")
        if array.dtype.kind in "fiub":
            return cls(NumberColumns.read(array), False, len(array))
        columns = {str(k): array_column(array[:, k], str(k)) for k in range(array.shape[1])}
        return cls(columns, False, len(array))

    def renumbered(self, numbers: np.ndarray | None) -> Table:
        """The same table, whose messages call its rows by these numbers, (rows,)."""
        return replace(self, numbers=numbers)

    def called(self, rows: np.ndarray | None) -> np.ndarray | None:
        """What messages call some rows, or all if None; None if that is their places."""
        if self.numbers is None or rows is None:
            return rows if self.numbers is None else self.numbers
        return self.numbers[rows]

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
