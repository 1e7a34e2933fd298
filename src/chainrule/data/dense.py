"""Arrays of numbers: their columns without a copy, and encoding all of them at once.

A table of one row with 64 columns would spend its time on 64 columns of one number each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Self

import numpy as np

from chainrule.data.columns import Column
from chainrule.data.numbers import Number, scaled
from chainrule.data.reading import array_column

__all__ = ["NumberBlock", "NumberColumns"]

_ROWS = 1024  # encoded at a time: what is computed on the way stays in the cache


class NumberColumns(Mapping[str, np.ndarray]):
    """Columns "0", "1" … of an array of numbers, (rows,) each, where they lie.

    Parameters
    ----------
    matrix : ndarray of shape (rows, columns)
        None of them infinite.

    Examples
    --------
    >>> NumberColumns.read(np.array([[0, 2], [3, 0]]))["1"].tolist()
    [2, 0]
    """

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    @classmethod
    def read(cls, matrix: np.ndarray) -> Self:
        """The columns of an array of bool, whole numbers or floating type.

        Raises
        ------
        DataError
            Naming the column and the row that are infinite.
        """
        columns = cls(matrix)
        if matrix.dtype.kind == "f" and not _finite(matrix):  # then there are gaps, or worse
            for name, column in columns.items():
                array_column(column, name)
        return columns

    def __getitem__(self, name: str) -> np.ndarray:
        return self.matrix[:, int(name)]

    def __iter__(self) -> Iterator[str]:
        return map(str, range(len(self)))

    def __len__(self) -> int:
        return self.matrix.shape[1]


class NumberBlock:
    """What `Number.fill` does column by column, for the columns of numbers of an array at once.

    Parameters
    ----------
    columns : sequence of Column
        All of a table; those of other kinds, those written as texts, and of another
        scaling than the first, are `others`.

    Attributes
    ----------
    width : int
        Encoded columns of the whole table.
    everything, others : list of (int, int)
        Columns to encode, and those of them that are not encoded here: place in the table and
        first encoded column.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        widths = [column.width for column in columns]
        starts = [0, *accumulate(widths)]
        self.width = starts.pop()
        self.everything = [(k, start) for k, start in enumerate(starts) if widths[k]]
        numbers = {
            k: c for k, c in enumerate(columns) if isinstance(c, Number) and c.notation is None
        }
        scaling = next((c.scaling for c in numbers.values()), "standard")
        chosen = {k: c for k, c in numbers.items() if c.scaling == scaling}
        self.others = [(k, start) for k, start in self.everything if k not in chosen]
        self._columns, self._scaling = [*chosen.values()], scaling
        self._starts = np.array(starts, int)[[*chosen]]
        self._from, self._to = _slice([*chosen]), _slice(self._starts.tolist())
        learnt = [(c.median, c.mean, c.scale) for c in self._columns]
        self._median, self._mean, self._scale = np.array(learnt).reshape(-1, 3).T
        self._gaps = np.flatnonzero([c.gaps for c in self._columns])
        self._tails = np.flatnonzero([c.tail is not None for c in self._columns])

    def fill(self, result: np.ndarray, matrix: np.ndarray, rows: np.ndarray | None) -> bool:
        """Encode some rows of an array, all if None, into (n, encoded columns) of zeros.

        Returns
        -------
        bool
            Whether every number came out finite: else columns one by one know which did not.
        """
        for start in range(0, len(result), _ROWS):
            part = slice(start, start + _ROWS)
            if not self._fill(result[part], matrix[part if rows is None else rows[part]]):
                return False
        return True

    def _fill(self, part: np.ndarray, matrix: np.ndarray) -> bool:
        numbers = matrix[:, self._from].astype(np.float64, copy=False)
        with np.errstate(over="ignore"):
            values = self._scaled(numbers)
            if not (fine := bool(np.isfinite(values).all())):  # there are gaps, or worse
                missing = np.isnan(numbers)
                numbers = np.where(missing, self._median, numbers)
                values = self._scaled(numbers)
                fine = bool(np.isfinite(values).all())
                for k in self._gaps:
                    part[:, self._starts[k] + self._columns[k].width - 1] = missing[:, k]
        part[:, self._to] = values
        for k in self._tails:
            part[:, self._starts[k] + 1] = self._columns[k].far_out(numbers[:, k])
        return fine

    def _scaled(self, numbers: np.ndarray) -> np.ndarray:
        return scaled(numbers, self._mean, self._scale, self._scaling).astype(np.float32)


def _finite(matrix: np.ndarray) -> bool:
    """Whether every entry of a floating array, (n, columns), is a finite number."""
    parts = range(0, len(matrix), _ROWS)
    return all(bool(np.isfinite(matrix[k : k + _ROWS]).all()) for k in parts)


def _slice(places: list[int]) -> list[int] | slice:
    """Places as a slice where they follow each other: no copy is made of what it takes."""
    together = len(places) > 0 and places == [*range(places[0], places[0] + len(places))]
    return slice(places[0], places[0] + len(places)) if together else places
