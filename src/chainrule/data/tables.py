"""`TableEncoder`: a table with numbers, texts and gaps to a matrix that a network can read.

Fitted on training rows only. Numbers, yes/no as 1/0 among them: a gap becomes the median and sets
an indicator column, then the number is standardised. Texts, and what a frame declares to be
categories: one column for each level that was seen; a gap or an unseen level sets none of them.
Any data frame that narwhals reads (pandas, polars, Arrow …), or an array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from sklearn.preprocessing import StandardScaler

from chainrule.data.frames import Table, text
from chainrule.errors import DataError, closest
from chainrule.ops.hyperparameters import HYPERPARAMETERS

__all__ = ["Column", "TableEncoder"]

Kind = Literal["number", "category"]


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

    def fit(self, X: Any, rows: np.ndarray | None = None) -> TableEncoder:
        """Learn medians, means, scales and levels.

        Parameters
        ----------
        X : data frame, Table or array-like of shape (n, columns)
        rows : ndarray of int, optional
            The rows to learn from; all by default.

        Raises
        ------
        DataError
            Naming the column that is empty, infinite, of a type that cannot be used, or an
            identifier.
        """
        table = Table.read(X)
        self.named_, self.columns_, self.constant_ = table.named, [], []
        for name, values in table.columns.items():
            part = values if rows is None else values[rows]
            column = self._fit_column(name, part)
            self.columns_.append(column)
            if _constant(column, part):
                self.constant_.append(name)
        return self

    def _fit_column(self, name: str, values: np.ndarray) -> Column:
        if values.dtype == object:
            return self._fit_category(name, values)
        missing = np.isnan(values)
        if missing.all():
            raise _all_missing(name)
        numbers = values.astype(np.float64)
        unit = _unit(numbers[~missing])  # so that no square overflows or vanishes
        scaled = numbers / unit
        median = float(np.median(scaled[~missing]))
        scaler: Any = StandardScaler().fit(np.where(missing, median, scaled)[:, None])
        scale = float(scaler.scale_[0])
        constant = scale != np.sqrt(scaler.var_[0])  # so scikit-learn has judged
        return Column(
            name,
            "number",
            median=median * unit,
            mean=(median if constant else float(scaler.mean_[0])) * unit,
            scale=(not constant and scale * unit) or 1.0,
            gaps=bool(missing.any()),
        )

    def _fit_category(self, name: str, values: np.ndarray) -> Column:
        levels = sorted({v for v in values if v is not None})
        if not levels:
            raise _all_missing(name)
        if len(levels) > self.max_levels:
            raise DataError(
                f"column '{name}' has {len(levels)} different texts in {len(values)} rows, more "
                f"than max_levels = {self.max_levels}: drop it if it is an identifier, else give "
                f"a larger max_levels."
            )
        return Column(name, "category", levels=levels)

    # ------------------------------------------------------------ transforming

    def transform(self, X: Any, rows: np.ndarray | None = None) -> np.ndarray:
        """Encode a table.

        Parameters
        ----------
        X : data frame, Table or array-like of shape (n, columns)
            The columns of the training table; a frame may have them in another order.
        rows : ndarray of int, optional
            The rows to encode, in this order; all by default.

        Returns
        -------
        ndarray of shape (rows, encoded columns), float32

        Raises
        ------
        DataError
            Naming the columns that are missing, unknown or of another kind.
        """
        table = Table.read(X)
        self._check_columns(table)
        by_name = self.named_ and table.named
        names = [column.name for column in self.columns_] if by_name else table.names
        rows = np.arange(table.rows) if rows is None else rows
        result = np.zeros((len(rows), self.width), np.float32)
        start = 0
        for column, name in zip(self.columns_, names, strict=True):
            part = result[:, start : start + column.width]
            fill = _fill_category if column.kind == "category" else _fill_number
            fill(part, column, table.columns[name], rows)
            start += column.width
        return result

    def fit_transform(self, X: Any) -> np.ndarray:
        """`fit`, then `transform`, (n, encoded columns)."""
        table = Table.read(X)
        return self.fit(table).transform(table)

    def _check_columns(self, table: Table) -> None:
        if not self.named_ or not table.named:
            if len(table.names) != len(self.columns_):
                raise DataError(
                    f"X has {len(table.names)} columns, the model was trained on "
                    f"{len(self.columns_)}."
                )
            return
        expected = [column.name for column in self.columns_]
        missing = [name for name in expected if name not in table.columns]
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
            "constant": self.constant_,
            "columns": [vars(column) for column in self.columns_],
        }

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> TableEncoder:
        """The encoder that `config` described."""
        encoder = cls(data["max_levels"])
        encoder.named_ = data["named"]
        encoder.constant_ = list(data["constant"])
        encoder.columns_ = [Column(**column) for column in data["columns"]]
        return encoder


def _all_missing(name: str) -> DataError:
    return DataError(f"column '{name}' is empty in every row to learn from: drop it.")


def _unit(numbers: np.ndarray) -> float:
    """The power of two next to the largest number: dividing by it is exact."""
    largest = float(np.abs(numbers).max())
    return float(np.ldexp(1.0, int(np.frexp(largest)[1]) - 1)) if largest else 1.0


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names[:8]]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(quoted)}{more}"


def _constant(column: Column, values: np.ndarray) -> bool:
    if column.kind == "category":
        return len(column.levels) == 1 and not any(v is None for v in values)
    return not column.gaps and bool((values == values[0]).all())


def _fill_category(part: np.ndarray, column: Column, values: np.ndarray, rows: np.ndarray) -> None:
    """Set the column of each row's level, (rows, levels)."""
    chosen = values[rows]
    if chosen.dtype != object:  # numbers where training had texts, such as codes
        chosen = np.array([None if np.isnan(v) else text(v) for v in chosen], dtype=object)
    places = {level: k for k, level in enumerate(column.levels)}
    found = np.array([places.get(v, -1) for v in chosen], dtype=np.int64)
    seen = np.flatnonzero(found >= 0)
    part[seen, found[seen]] = 1


def _fill_number(part: np.ndarray, column: Column, values: np.ndarray, rows: np.ndarray) -> None:
    """Write standardised numbers and the indicator of gaps, (rows, 1 or 2)."""
    if values.dtype == object:
        _refuse_texts(column, values)
        values = np.full(len(values), np.nan)
    chosen = values[rows].astype(np.float64)
    missing = np.isnan(chosen)
    with np.errstate(over="ignore"):
        part[:, 0] = (np.where(missing, column.median, chosen) - column.mean) / column.scale
    far = ~np.isfinite(part[:, 0])
    if far.any():
        place = int(np.argmax(far))
        raise DataError(
            f"column '{column.name}' is {chosen[place]:.3g} in row {rows[place]} (counted from 0): "
            f"too far from the training rows, which had mean {column.mean:.3g} and spread "
            f"{column.scale:.3g}."
        )
    if column.gaps:
        part[:, 1] = missing


def _refuse_texts(column: Column, values: np.ndarray) -> None:
    """Name the first text that is no number; a column without any text is a column of gaps."""
    texts = [row for row, value in enumerate(values) if value is not None]
    if texts:
        row = next((row for row in texts if not _reads_as_number(values[row])), texts[0])
        raise DataError(
            f"column '{column.name}' held numbers in training and is the text {values[row]!r} in "
            f"row {row} (counted from 0): give numbers."
        )


def _reads_as_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
