"""What a column of a table holds once it is read: numbers, texts by number, or instants.

Numbers and yes/no are plain arrays, NaN for gaps. A text is kept as the number of its level, so
that work is done once for each different text and not once for each row.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Real
from typing import Any, Literal, Self, TypeAlias

import numpy as np

__all__ = [
    "INSTANT",
    "Cells",
    "Instants",
    "Texts",
    "is_gap",
    "is_number",
    "place",
    "plain",
    "take",
    "text",
]

INSTANT = np.dtype("datetime64[us]")


def is_gap(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, or pandas' NA and NaT."""
    if value is None or isinstance(value, str):
        return value is None
    if isinstance(value, float | np.floating | Decimal):
        return bool(value != value)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
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
class Texts:
    """A column of texts, each kept as the number of its level.

    Attributes
    ----------
    codes : ndarray of int, shape (rows,)
        Places in `levels`; −1 for a gap.
    levels : pyarrow.Array of strings
        The different texts, in no order; some may not occur.
    origin : {"text", "declared", "yes-no"}
        Texts, what a frame declares to be categories, or yes/no as "False" and "True".
    """

    codes: np.ndarray
    levels: Any
    origin: Literal["text", "declared", "yes-no"] = "text"

    @classmethod
    def of_levels(cls, codes: np.ndarray, levels: Sequence[Any], origin: Any) -> Self:
        """Texts from codes, (rows,), and levels of any type, of which some may read the same."""
        import pyarrow as pa

        names = [None if is_gap(level) else text(level) for level in levels]
        known = dict.fromkeys(name for name in names if name is not None)
        different = {name: k for k, name in enumerate(known)}
        places = np.array([-1 if n is None else different[n] for n in names] + [-1], np.int64)
        return cls(places[codes], pa.array(list(different), pa.string()), origin)

    @classmethod
    def of_booleans(cls, values: np.ndarray) -> Self:
        """Yes/no, (rows,) bool, as "False" and "True"."""
        import pyarrow as pa

        return cls(values.astype(np.int64), pa.array(["False", "True"]), "yes-no")

    @classmethod
    def of_numbers(cls, values: np.ndarray) -> Self:
        """Numbers, (rows,) with NaN for gaps, as the levels they read as."""
        gaps = np.isnan(values)
        levels, codes = np.unique(values[~gaps], return_inverse=True)
        every = np.full(len(values), -1)
        every[~gaps] = codes
        return cls.of_levels(every, levels.tolist(), "text")

    def take(self, rows: np.ndarray) -> Texts:
        """Some rows, with the same levels."""
        return Texts(self.codes[rows], self.levels, self.origin)

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each level, (levels,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))


@dataclass(frozen=True)
class Instants:
    """A column of dates and times.

    Attributes
    ----------
    values : ndarray of datetime64[us], shape (rows,)
        NaT for gaps; in UTC if there is a time zone.
    zone : str or None
        The time zone whose clock is meant; None for times without any.
    """

    values: np.ndarray
    zone: str | None = None

    def take(self, rows: np.ndarray) -> Instants:
        """Some rows."""
        return Instants(self.values[rows], self.zone)


Cells: TypeAlias = np.ndarray | Texts | Instants


def take(cells: Cells, rows: np.ndarray | None) -> Cells:
    """Some rows of a column; all if None."""
    if rows is None:
        return cells
    return cells[rows] if isinstance(cells, np.ndarray) else cells.take(rows)


def plain(cells: Cells) -> np.ndarray:
    """A column as an array, (rows,): texts as objects with None for gaps, instants as they are.

    Examples
    --------
    >>> plain(Texts.of_numbers(np.array([2.0, np.nan]))).tolist()
    ['2', None]
    """
    if isinstance(cells, Instants):
        return cells.values
    if isinstance(cells, Texts):
        levels = np.array([*cells.levels.to_pylist(), None], dtype=object)
        return levels[cells.codes]  # −1, a gap, is the last of them
    return cells


def place(row: int, rows: np.ndarray | None) -> str:
    """A row of those chosen, as a message names it: by its place in the whole table.

    Examples
    --------
    >>> place(1, np.array([4, 7]))
    'row 7 (counted from 0)'
    """
    return f"row {row if rows is None else rows[row]} (counted from 0)"


def midnight(time: datetime.time) -> datetime.datetime:
    """A time of day as an instant of the first day of 1970."""
    return datetime.datetime.combine(datetime.date(1970, 1, 1), time)
