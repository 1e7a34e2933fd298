"""`TableEncoder`: a table with numbers, texts and gaps to a matrix that a network can read.

Fitted on training rows only. Numbers: a gap becomes the median and sets an indicator column, then
every number is standardised. Texts and yes/no: one column for each level that was seen; a gap or an
unseen level sets none of them. Any data frame that narwhals reads (pandas, polars, Arrow …), or an
array of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import narwhals as nw
import numpy as np
from sklearn.preprocessing import StandardScaler

from chainrule.errors import DataError, closest
from chainrule.ops.hyperparameters import HYPERPARAMETERS

__all__ = ["Column", "TableEncoder", "as_frame"]

Kind = Literal["number", "category"]


def as_frame(X: Any) -> nw.DataFrame[Any] | None:
    """A frame as narwhals sees it, or None for what is no data frame."""
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


@dataclass
class Column:
    """How one column of the table is encoded.

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    median, mean, scale : float
        Of the training rows: what a gap becomes; and (x − mean) / scale.
    gaps : bool
        Whether training rows had gaps, so that an indicator column marks them.
    levels : list of str
        Levels of a category in alphabetical order.
    """

    name: str
    kind: Kind
    median: float = 0.0
    mean: float = 0.0
    scale: float = 1.0
    gaps: bool = False
    levels: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Columns of the encoded matrix that this one fills."""
        return len(self.levels) if self.kind == "category" else 1 + self.gaps

    @property
    def labels(self) -> list[str]:
        """Names of these columns."""
        if self.kind == "category":
            return [f"{self.name} = {level}" for level in self.levels]
        return [self.name, f"{self.name} missing"][: self.width]


class TableEncoder:
    """Encode tables as float32 matrices; see the module's text for the rules.

    Parameters
    ----------
    max_levels : int
        A text column with more different texts than this is refused as an identifier.

    Attributes
    ----------
    columns_ : list of Column
    named_ : bool
        Whether columns have names (a data frame) or only places (an array).
    constant_ : list of str
        Columns that were the same in every row, from which nothing can be learnt.

    Examples
    --------
    >>> import numpy as np
    >>> TableEncoder().fit_transform(np.array([[1.0, 5.0], [3.0, np.nan]])).round(2).tolist()
    [[-1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    """

    def __init__(self, max_levels: int = HYPERPARAMETERS["max_levels"].default) -> None:
        self.max_levels = max_levels
        self.columns_: list[Column] = []
        self.named_ = False
        self.constant_: list[str] = []

    # ----------------------------------------------------------------- fitting

    def fit(self, X: Any) -> TableEncoder:
        """Learn medians, means, scales and levels.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Raises
        ------
        DataError
            Naming the column that is empty, infinite, of a type that cannot be used, or an
            identifier.
        """
        table = _Table.read(X)
        self.named_ = table.named
        self.columns_ = [self._fit_column(name, table.column(name)) for name in table.names]
        self.constant_ = [c.name for c in self.columns_ if _constant(c, table.column(c.name))]
        return self

    def _fit_column(self, name: str, values: np.ndarray) -> Column:
        if values.dtype == object:
            return self._fit_category(name, values)
        known = values[~np.isnan(values)]
        if not len(known):
            raise DataError(f"column '{name}' is missing in every row: drop it.")
        median = float(np.median(known))
        filled = np.where(np.isnan(values), median, values)[:, None]
        scaler: Any = StandardScaler().fit(filled)
        return Column(
            name,
            "number",
            median=median,
            mean=float(scaler.mean_[0]),
            scale=float(scaler.scale_[0]),
            gaps=len(known) < len(values),
        )

    def _fit_category(self, name: str, values: np.ndarray) -> Column:
        levels = sorted({v for v in values if v is not None})
        if not levels:
            raise DataError(f"column '{name}' is missing in every row: drop it.")
        if len(levels) > self.max_levels:
            raise DataError(
                f"column '{name}' has {len(levels)} different texts in {len(values)} rows, more "
                f"than max_levels = {self.max_levels}: drop it if it is an identifier, else give "
                f"a larger max_levels."
            )
        return Column(name, "category", levels=levels)

    # ------------------------------------------------------------ transforming

    def transform(self, X: Any) -> np.ndarray:
        """Encode a table.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)
            The columns of the training table; a frame may have them in another order.

        Returns
        -------
        ndarray of shape (n, encoded columns), float32

        Raises
        ------
        DataError
            Naming the columns that are missing, unknown or of another kind.
        """
        table = _Table.read(X)
        self._check_columns(table)
        result = np.zeros((table.rows, self.width), np.float32)
        start = 0
        for place, column in enumerate(self.columns_):
            name = column.name if self.named_ else table.names[place]
            part = result[:, start : start + column.width]
            _fill(part, column, table.column(name))
            start += column.width
        return result

    def fit_transform(self, X: Any) -> np.ndarray:
        """`fit`, then `transform`, (n, encoded columns)."""
        return self.fit(X).transform(X)

    def _check_columns(self, table: _Table) -> None:
        if not self.named_ or not table.named:
            if len(table.names) != len(self.columns_):
                raise DataError(
                    f"X has {len(table.names)} columns, the model was trained on "
                    f"{len(self.columns_)}."
                )
            return
        expected = [column.name for column in self.columns_]
        missing = [name for name in expected if name not in table.names]
        if missing:
            other = [name for name in table.names if name not in expected]
            hints = "".join(dict.fromkeys(closest(name, other) for name in missing))
            raise DataError(
                f"the table lacks {_listed(missing)}, which the model was trained on.{hints}"
            )

    @property
    def width(self) -> int:
        """Columns of the encoded matrix."""
        return sum(column.width for column in self.columns_)

    @property
    def labels(self) -> list[str]:
        """Names of the encoded columns."""
        return [label for column in self.columns_ for label in column.labels]

    # ------------------------------------------------------------------ keeping

    def config(self) -> dict[str, Any]:
        """All that was learnt, as data that JSON can hold."""
        return {
            "max_levels": self.max_levels,
            "named": self.named_,
            "columns": [vars(column) for column in self.columns_],
        }

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> TableEncoder:
        """The encoder that `config` described."""
        encoder = cls(data["max_levels"])
        encoder.named_ = data["named"]
        encoder.columns_ = [Column(**column) for column in data["columns"]]
        return encoder


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names[:8]]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(quoted)}{more}"


def _fill(part: np.ndarray, column: Column, values: np.ndarray) -> None:
    """Write one column's encoding, (n, width)."""
    if column.kind == "category":
        if values.dtype != object:  # numbers where training had texts, such as codes
            values = np.array([None if np.isnan(v) else _text(v) for v in values], dtype=object)
        places = {level: k for k, level in enumerate(column.levels)}
        found = np.array([places.get(v, -1) for v in values], dtype=np.int64)
        rows = np.flatnonzero(found >= 0)
        part[rows, found[rows]] = 1
        return
    if values.dtype == object:
        if any(v is not None for v in values):
            example = next(v for v in values if v is not None)
            raise DataError(
                f"column '{column.name}' held numbers in training and now holds texts such as "
                f"{example!r}."
            )
        values = np.full(len(values), np.nan)
    missing = np.isnan(values)
    part[:, 0] = (np.where(missing, column.median, values) - column.mean) / column.scale
    if column.gaps:
        part[:, 1] = missing


def _constant(column: Column, values: np.ndarray) -> bool:
    if column.kind == "category":
        return len(column.levels) == 1 and not any(v is None for v in values)
    return not column.gaps and bool((values == values[0]).all())


# ---------------------------------------------------------------------- reading


@dataclass
class _Table:
    """Columns by name: float64 with NaN for gaps, or object arrays of texts with None for gaps."""

    columns: dict[str, np.ndarray]
    named: bool
    rows: int

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def column(self, name: str) -> np.ndarray:
        return self.columns[name]

    @classmethod
    def read(cls, X: Any) -> _Table:
        frame = as_frame(X)
        if frame is None:
            return cls._from_array(np.asarray(X))
        if not len(frame):
            raise DataError("the table has no rows.")
        if not frame.columns:
            raise DataError("the table has no columns besides the target.")
        columns = {str(name): _frame_column(frame[name]) for name in frame.columns}
        return cls(columns, True, len(frame))

    @classmethod
    def _from_array(cls, array: np.ndarray) -> _Table:
        if array.ndim != 2:
            raise DataError(
                f"X has shape {array.shape}: expected a table, (rows, columns). "
                f"A single row is X.reshape(1, -1)."
            )
        if not array.shape[0] or not array.shape[1]:
            raise DataError(f"X has shape {array.shape}: there is nothing in it.")
        if array.dtype.kind not in "fiubOUS":
            raise DataError(f"X has type {array.dtype}: expected numbers or texts.")
        names = [str(k) for k in range(array.shape[1])]
        columns = {name: _array_column(array[:, k], name) for k, name in enumerate(names)}
        return cls(columns, False, len(array))


def _array_column(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind in "fiub":
        return _numbers(values, name)
    try:
        return _numbers(np.array([np.nan if v is None else v for v in values], np.float64), name)
    except (TypeError, ValueError):
        return np.array([None if _gap(v) else _text(v) for v in values], dtype=object)


def _frame_column(series: nw.Series[Any]) -> np.ndarray:
    kind, name = series.dtype, str(series.name)
    if kind.is_numeric() or kind == nw.Boolean:
        if series.null_count():
            series = series.cast(nw.Float64)
        return _numbers(series.to_numpy(), name)
    if kind.is_temporal():
        raise DataError(
            f"column '{name}' holds dates or times ({kind}): replace it by numbers such as year, "
            f"month and day of the week."
        )
    values = series.to_list()
    if all(_gap(v) or isinstance(v, bool | int | float) for v in values):
        return _numbers(np.array([np.nan if _gap(v) else v for v in values], np.float64), name)
    return np.array([None if _gap(v) else _text(v) for v in values], dtype=object)


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise DataError(
            f"column '{name}', row {row} is infinite: replace it by a number or leave it empty."
        )
    return numbers


def _gap(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or value != value


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
