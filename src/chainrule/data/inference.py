"""What kind of column it is: a number, yes/no, a category, a date, an identifier, or empty."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from chainrule.data.categories import fit_levels
from chainrule.data.cells import Cells, Instants, Texts, place
from chainrule.data.columns import Column, LeftOut
from chainrule.data.dates import fit_date, is_day_first, read_dates
from chainrule.data.notation import looks_written, read_written
from chainrule.data.numbers import fit_number, reads_as_number
from chainrule.errors import DataError

__all__ = ["Settings", "fit_column"]

_ENOUGH = 20  # rows from which it means something that all of them differ
_FEW = 5  # the same for whole numbers without a hole, and a name that says what they are
_NUMBERS = 0.8  # share of the different texts from which on a column was meant to hold numbers
_NEARLY = 0.95  # share of the rows whose text is another one
_IDENTIFIER = re.compile(r"(?i)(.*[ _.-])?id|index|row_?names?|unnamed: ?\d+|__index_level_\d+__")


@dataclass(frozen=True)
class Settings:
    """The arguments of `TableEncoder` that say how columns are learnt."""

    max_levels: int
    scaling: str
    min_level_count: int
    embed_levels: int | None


def fit_column(
    name: str,
    cells: Cells,
    settings: Settings,
    rows: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Column:
    """Learn a column of the training rows: texts that write dates or numbers are such.

    Parameters
    ----------
    name : str
    cells : Cells of n rows
    settings : Settings
    rows : ndarray of int, shape (n,), or None
        Places of the rows in the whole table, for messages.
    weights : ndarray of shape (n,), or None
        As if each row were there so many times; levels count rows.

    Raises
    ------
    DataError
        If there are more than `max_levels` levels, most cells are dates and others are not, or a
        text may be two numbers.
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "b":
        cells = Texts.of_booleans(cells)
    if isinstance(cells, Texts):
        return _fit_texts(name, cells, settings, rows, weights)
    if isinstance(cells, Instants):
        if np.isnat(cells.values).all():
            return _empty(name, len(cells.values))
        return fit_date(name, cells, weights, settings.scaling)
    if cells.dtype.kind == "f" and np.isnan(cells).all():
        return _empty(name, len(cells))
    if _counts_rows(name, cells):
        found = f"{cells.min():.12g} to {cells.max():.12g}, another in every row"
        return LeftOut(name, "identifier", found)
    return fit_number(name, cells, weights, settings.scaling)


def _empty(name: str, rows: int) -> LeftOut:
    return LeftOut(name, "empty", "nothing", missing=rows)


def _counts_rows(name: str, numbers: np.ndarray) -> bool:
    """Whether whole numbers, (n,), only tell rows apart, and are called so."""
    if len(numbers) < _FEW or not _IDENTIFIER.fullmatch(name):
        return False
    values = numbers.astype(np.float64)
    if np.isnan(values).any() or (values % 1).any() or len(np.unique(values)) < len(values):
        return False
    return len(values) >= _ENOUGH or values.max() - values.min() == len(values) - 1


def _refuse_spoilt_numbers(name: str, texts: Texts, rows: np.ndarray | None) -> None:
    """Refuse a column of numbers that a few texts turn into texts: it would be left out."""
    levels = texts.levels.to_pylist()
    other = ~looks_written(texts.levels) & [not reads_as_number(level) for level in levels]
    if not other.any() or other.mean() > 1 - _NUMBERS:
        return
    row = int(np.flatnonzero(np.append(other, False)[texts.codes])[0])
    raise DataError(
        f"column '{name}' holds numbers but for {int(other.sum())} of its {len(levels)} different "
        f"values, such as {levels[texts.codes[row]]!r} in {place(row, rows)}: give a number there "
        f"or leave it empty; an identifier is to be dropped."
    )


def _fit_texts(
    name: str,
    texts: Texts,
    settings: Settings,
    rows: np.ndarray | None,
    weights: np.ndarray | None,
) -> Column:
    counts = texts.counts
    known, different = int(counts.sum()), int((counts > 0).sum())
    missing = len(texts.codes) - known
    if not known:
        return _empty(name, missing)
    if texts.origin == "text":
        instants = read_dates(name, texts, rows)
        if instants is not None:
            first = is_day_first(texts)
            return fit_date(name, instants, weights, settings.scaling, day_first=first)
        written = read_written(name, texts, rows)
        if written is not None:
            return fit_number(name, written[0], weights, settings.scaling, written[1])
        if known >= _ENOUGH and different >= _NEARLY * known:
            _refuse_spoilt_numbers(name, texts, rows)
            found = f"{different} different texts in {known} rows"
            return LeftOut(name, "identifier", found, missing=missing)
    return fit_levels(
        name, texts, settings.max_levels, settings.min_level_count, settings.embed_levels
    )
