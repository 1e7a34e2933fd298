"""`TableEncoder`: a table with numbers, texts, dates and gaps to a matrix that a network can read.

Fitted on training rows only. What the columns are is inferred, and `describe` says what was:

- Numbers, durations in seconds among them: a gap becomes the median and sets an indicator column,
  then the number is scaled. Texts such as 12%, $1,000 or 1.234,5 are numbers if all of a column
  are (see `notation`).
- Dates and times, also as texts (ISO 8601, 31.12.2024): days, scaled likewise, and sine and cosine
  of the day of the year, the day of the week and the time of day.
- Yes/no and categories of two levels: −1 or +1 in one column, 0 for a gap or an unseen level.
- Texts, and what a frame declares to be categories: one column for each level, or the number of
  the level. Levels of few rows share a column, where unseen ones go too; a gap sets none.
- Identifiers, which differ in every row, and columns without any value are left out with a warning.

Any data frame that narwhals reads (pandas, polars, Arrow …), or an array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.data.categories import Category, YesNo
from chainrule.data.cells import take
from chainrule.data.columns import Column, LeftOut
from chainrule.data.dates import Date
from chainrule.data.dense import NumberBlock, NumberColumns
from chainrule.data.description import Description, describe
from chainrule.data.frames import Table
from chainrule.data.inference import Settings, fit_column
from chainrule.data.numbers import Number
from chainrule.data.sparse import refuse_if_too_large
from chainrule.errors import DataError, LeftOutWarning, closest, warn
from chainrule.ops.hyperparameters import CHOICES, HYPERPARAMETERS, check

__all__ = ["Groups", "TableEncoder"]

_FEW_ROWS = 256
_KINDS: dict[str, type[Column]] = {c.kind: c for c in (Number, YesNo, Category, Date, LeftOut)}


@dataclass(frozen=True)
class Groups:
    """Which encoded columns hold what.

    Attributes
    ----------
    numbers : ndarray of int
        Scaled numbers, and sines and cosines of dates.
    indicators : ndarray of int
        0 and 1, or −1, 0 and +1; and numbers again whose tails are long.
    levels : dict of int to int
        Columns of level numbers, and how many different numbers each may hold: whole numbers from
        0 to that, without the end.
    """

    numbers: np.ndarray
    indicators: np.ndarray
    levels: dict[int, int]


class TableEncoder:
    """Encode tables as float32 matrices; see the module's text for the rules.

    Parameters
    ----------
    max_levels : int
        A text column with more different texts than this, rare ones aside, is refused.
    scaling : {"standard", "robust"}
        Of numbers: by mean and standard deviation, or by median and quartiles with a smooth clip.
    min_level_count : int
        Levels of fewer training rows share one column, if they have less than 1/20 of the rows
        each and others remain: in a column of 20 rows no level is rare.
    embed_levels : int, optional
        A category with more levels than this is kept as one column of level numbers, for an
        embedding; never if None.

    Attributes
    ----------
    columns_ : list of Column
    named_ : bool
        Whether columns have names (a data frame) or only places (an array).
    constant_ : list of str
        Columns that were the same in every row, from which nothing can be learnt.
    left_out_ : list of str
        Columns that are not encoded: identifiers, and those without any value.

    Examples
    --------
    >>> import numpy as np
    >>> TableEncoder().fit_transform(np.array([[1.0, 5.0], [3.0, np.nan]])).round(2).tolist()
    [[-1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        max_levels: int = HYPERPARAMETERS["max_levels"].default,
        *,
        scaling: str = CHOICES["scaling"].default,
        min_level_count: int = HYPERPARAMETERS["min_level_count"].default,
        embed_levels: int | None = HYPERPARAMETERS["embed_levels"].default,
    ) -> None:
        self.max_levels = max_levels
        self.scaling = scaling
        self.min_level_count = min_level_count
        self.embed_levels = embed_levels
        self.columns_: list[Column] = []
        self.named_ = False

    # ----------------------------------------------------------------- fitting

    def fit(
        self, X: Any, rows: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> TableEncoder:
        """Learn medians, means, scales, levels and dates.

        Parameters
        ----------
        X : data frame, Table or array-like of shape (n, columns)
        rows : ndarray of int, optional
            The rows to learn from; all by default.
        weights : ndarray of shape (n,), optional
            A row of weight 2 counts as two rows, but where levels are counted.

        Raises
        ------
        DataError
            Naming the column that is infinite, of mixed types or a type that cannot be used, or
            has too many levels; or if no column is left to learn from.
        HyperparameterError
            Naming the argument that is wrong.

        Warns
        -----
        LeftOutWarning
            Naming the columns that are left out.
        """
        settings = self._settings()
        table = Table.read(X)
        own = weights if weights is None or rows is None else weights[rows]
        self.named_ = table.named
        self.columns_ = [
            fit_column(name, take(cells, rows), settings, table.called(rows), own)
            for name, cells in table.columns.items()
        ]
        self.__dict__.pop("_block", None)
        self._report_left_out()
        return self

    @cached_property
    def _block(self) -> NumberBlock:
        return NumberBlock(self.columns_)

    def _settings(self) -> Settings:
        check(max_levels=self.max_levels, min_level_count=self.min_level_count)
        CHOICES["scaling"].check(self.scaling)
        if self.embed_levels is not None:
            check(embed_levels=self.embed_levels)
        return Settings(self.max_levels, self.scaling, self.min_level_count, self.embed_levels)

    def _report_left_out(self) -> None:
        left = [column for column in self.columns_ if isinstance(column, LeftOut)]
        reasons = {
            "identifier": "an identifier, which differs in (nearly) every row",
            "empty": "empty in every row to learn from",
        }
        said = [
            f"{_listed([c.name for c in left if c.why == why])}: {reason}"
            for why, reason in reasons.items()
            if any(c.why == why for c in left)
        ]
        if len(left) == len(self.columns_):
            raise DataError(f"no column is left to learn from; {'; '.join(said)}.")
        if left:
            warn(f"left out of the table: {'; '.join(said)}.", LeftOutWarning)

    @property
    def constant_(self) -> list[str]:
        """Columns that were the same in every row, from which nothing can be learnt."""
        return [column.name for column in self.columns_ if column.constant]

    @property
    def left_out_(self) -> list[str]:
        """Columns that are not encoded: identifiers, and those without any value."""
        return [column.name for column in self.columns_ if isinstance(column, LeftOut)]

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
        n = table.rows if rows is None else len(rows)
        columns, block = table.columns, self._block
        refuse_if_too_large(n, self.width, columns)
        result = np.zeros((n, self.width), np.float32)
        wanted = block.everything
        if isinstance(columns, NumberColumns) and block.fill(result, columns.matrix, rows):
            wanted = block.others
        if not wanted:
            return result
        names = [column.name for column in self.columns_] if by_name else table.names
        called = table.called(rows)
        for place, start in wanted:
            column, cells = self.columns_[place], take(columns[names[place]], rows)
            column.fill(result[:, start : start + column.width], cells, called)
        return result

    def transform_numbers(self, X: np.ndarray) -> np.ndarray | None:
        """`transform` of a few rows of which there is nothing to say: what it asks takes longer.

        Returns
        -------
        ndarray of shape (n, encoded columns), float32, or None
            None where a closer look is needed: at more rows, columns of other kinds, another number
            of columns, numbers that are missing or infinite.
        """
        block = self._block
        if X.dtype.kind != "f" or X.ndim != 2 or not 0 < len(X) <= _FEW_ROWS or block.others:
            return None
        if X.shape[1] != len(self.columns_) or not np.isfinite(X).all():
            return None
        result = np.zeros((len(X), block.width), np.float32)
        return result if block.fill(result, X, None) else None

    def fit_transform(self, X: Any) -> np.ndarray:
        """`fit`, then `transform`, (n, encoded columns)."""
        table = Table.read(X)
        return self.fit(table).transform(table)

    def _check_columns(self, table: Table) -> None:
        if not self.named_ or not table.named:
            if len(table.columns) != len(self.columns_):
                raise DataError(
                    f"X has {len(table.columns)} columns, the model was trained on "
                    f"{len(self.columns_)}."
                )
            return
        expected = [column.name for column in self.columns_ if column.width]
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
        return self._block.width

    @property
    def labels(self) -> list[str]:
        """Names of the encoded columns."""
        return [label for column in self.columns_ for label in column.labels]

    def groups(self) -> Groups:
        """Which encoded columns are numbers, which indicators, and which numbers of levels.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"size": [1.5, None, 2.0], "town": ["Bonn", "Ulm", "Jena"]})
        >>> TableEncoder(embed_levels=2).fit(table).groups()
        Groups(numbers=array([0]), indicators=array([1]), levels={2: 4})
        """
        roles = np.array([role for column in self.columns_ for role in column.roles])
        sizes = [column.vocabulary for column in self.columns_ for _ in column.roles]
        return Groups(
            np.flatnonzero(roles == "number"),
            np.flatnonzero(roles == "indicator"),
            {int(k): sizes[k] for k in np.flatnonzero(roles == "level")},
        )

    def describe(self) -> Description:
        """What was inferred of the training rows and what was made of it, a record a column.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"size": [1.5, None, 2.0], "town": ["Bonn", "Ulm", "Ulm"]})
        >>> print(TableEncoder().fit(table).describe())
        column   kind     values        gaps   encoded as
        size     number   1.5 to 2         1   standardised; gaps filled and marked
        town     yes-no   Bonn or Ulm      0   −1 or +1
        """
        return describe(self.columns_)

    # ------------------------------------------------------------------ keeping

    def config(self) -> dict[str, Any]:
        """All that was learnt, as data that JSON can hold."""
        return {
            "max_levels": self.max_levels,
            "scaling": self.scaling,
            "min_level_count": self.min_level_count,
            "embed_levels": self.embed_levels,
            "named": self.named_,
            "columns": [column.config() for column in self.columns_],
        }

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> TableEncoder:
        """The encoder that `config` described, of this version or an older one."""
        names = "max_levels", "scaling", "min_level_count", "embed_levels"
        encoder = cls(**{name: data[name] for name in names if name in data})
        encoder.named_ = data["named"]
        older = data.get("constant", ())
        for column in data["columns"]:
            marked = {"constant": column["name"] in older, **column}
            encoder.columns_.append(_KINDS[column["kind"]].from_config(marked))
        return encoder


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names[:8]]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(quoted)}{more}"
