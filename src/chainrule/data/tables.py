"""`TableEncoder`: a table with numbers, texts and gaps to a matrix that a network can read.

Fitted on training rows only. Numbers, yes/no as 1/0 among them: a gap becomes the median and sets
an indicator column, then the number is standardised. Texts, and what a frame declares to be
categories: one column for each level that was seen; a gap or an unseen level sets none of them.
Any data frame that narwhals reads (pandas, polars, Arrow …), or an array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.data.columns import Column, fill, fit_column, is_constant
from chainrule.data.frames import Table
from chainrule.data.sparse import refuse_if_too_large
from chainrule.errors import DataError, closest
from chainrule.ops.hyperparameters import HYPERPARAMETERS

__all__ = ["TableEncoder"]


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

    def fit(
        self, X: Any, rows: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> TableEncoder:
        """Learn medians, means, scales and levels.

        Parameters
        ----------
        X : data frame, Table or array-like of shape (n, columns)
        rows : ndarray of int, optional
            The rows to learn from; all by default.
        weights : ndarray of shape (n,), optional
            A row of weight 2 counts as two rows.

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
            own = weights if weights is None or rows is None else weights[rows]
            column = fit_column(name, part, self.max_levels, own)
            self.columns_.append(column)
            if is_constant(column, part):
                self.constant_.append(name)
        return self

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
        refuse_if_too_large(len(rows), self.width, table.columns)
        result = np.zeros((len(rows), self.width), np.float32)
        start = 0
        for column, name in zip(self.columns_, names, strict=True):
            part = result[:, start : start + column.width]
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


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names[:8]]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(quoted)}{more}"
