"""Numbers that are written for people: 12%, $1,000, 1.234,5.

A column of texts is one of numbers if every text reads as a number, all with the same sign of a
currency or of per cent, or none; 12% is 12. Which mark stands for decimals is told by the texts
together. Where both readings remain, as in 1,234, nothing is guessed: the column is refused. But
money is not written with three decimals, so that $1,000 is a thousand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule.data.cells import Texts, place
from chainrule.errors import DataError

__all__ = ["Notation", "looks_written", "read_written"]

_MARKS = (",", "."), (".", ","), ("'", "."), (" ", "."), (" ", ",")  # of thousands, of decimals
_ENGLISH = _MARKS[0]
_PLAIN = r"^[+-]?\d+(\.\d+)?$"
_TIDY = ("[\u00a0\u202f]", " "), ("\u2019", "'"), ("\u2212", "-")
_ANY = r"^[+-]?(\p{Sc} ?)?[+-]?\d[\d.,' ]*( ?[%\p{Sc}])?$"


@dataclass(frozen=True)
class Notation:
    """How the texts of a column write numbers.

    Attributes
    ----------
    symbol : str
        The sign of a currency, "%", or "" for none.
    marks : tuple of (str, str)
        The marks of thousands and of decimals, each pair that the training rows leave possible.
    example : str
        A text of the training rows.
    """

    symbol: str
    marks: tuple[tuple[str, str], ...]
    example: str

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> Self:
        """The notation of a file, where pairs are lists."""
        marks = tuple((thousands, decimals) for thousands, decimals in data["marks"])
        return cls(data["symbol"], marks, data["example"])

    def read(self, name: str, texts: Texts, rows: np.ndarray | None) -> np.ndarray:
        """The numbers of a column, (n,), NaN for gaps.

        Raises
        ------
        DataError
            Naming column and row of a text that is no such number, or may be two.
        """
        tidy = _tidy(texts.levels)
        values, doubtful = _decided(_readings(tidy, self.symbol, self.marks), tidy, self.symbol)
        there, blank = texts.counts > 0, tidy == ""
        wrong = (np.isnan(values) | doubtful) & ~blank & there
        if wrong.any():
            row = int(np.argmax(np.append(wrong, False)[texts.codes]))
            level = int(texts.codes[row])
            if doubtful[level]:
                raise _two_readings(name, texts, level, rows, self.symbol)
            raise DataError(
                f"column '{name}' held numbers such as '{self.example}' in training and is "
                f"{texts.levels[level].as_py()!r} in {place(row, rows)}: write it alike."
            )
        return np.append(values, np.nan)[texts.codes]


def read_written(
    name: str, texts: Texts, rows: np.ndarray | None = None
) -> tuple[np.ndarray, Notation] | None:
    """The numbers of a column of training rows, (n,) with NaN for gaps, and how they are written.

    Parameters
    ----------
    name : str
        Of the column.
    texts : Texts of n rows
        Empty ones are gaps.
    rows : ndarray of int, shape (n,), or None
        Their places in the whole table, for messages.

    Returns
    -------
    (ndarray, Notation) or None
        None if some text is no number, if they have different symbols, or none needs a notation:
        digits alone may be codes.

    Raises
    ------
    DataError
        Naming a text that may be two numbers.

    Examples
    --------
    >>> numbers, notation = read_written("x", Texts.of_levels([0, 1], ["1.234,5 €", "7 €"], "text"))
    >>> numbers.tolist(), notation.symbol
    ([1234.5, 7.0], '€')
    """
    tidy = _tidy(texts.levels)
    known = np.flatnonzero((texts.counts > 0) & (tidy != ""))
    if not len(known):
        return None
    own = tidy[known]
    symbol = _symbol(own[0])
    if symbol is None or (not symbol and _may_be_codes(own)):
        return None
    readings = _readings(own, symbol, _MARKS)
    kept = np.flatnonzero(~np.isnan(readings).any(axis=1))
    if not len(kept):
        return None
    marks = tuple(_MARKS[k] for k in kept.tolist())
    values, doubtful = _decided(readings[kept], own, symbol)
    if doubtful.any():
        raise _two_readings(name, texts, int(known[np.argmax(doubtful)]), rows, symbol)
    if np.ptp(readings[kept], axis=0).any():  # of money
        marks = (_ENGLISH,)
    every = np.full(len(tidy) + 1, np.nan)
    every[known] = values
    return every[texts.codes], Notation(symbol, marks, own[0])


def looks_written(texts: Any) -> np.ndarray:
    """Which texts, an Arrow array of n, look like numbers that are written so, (n,) bool.

    Examples
    --------
    >>> import pyarrow as pa
    >>> looks_written(pa.array(["$1,000", "12 %", "12 kg"])).tolist()
    [True, True, False]
    """
    return _matches(_tidy(texts), _ANY)


def _tidy(levels: Any) -> np.ndarray:
    """Levels without blanks around them, with one sign for each mark, (n,)."""
    from pyarrow import compute

    call: Any = compute
    for pattern, mark in _TIDY:
        levels = call.replace_substring_regex(levels, pattern, mark)
    return call.utf8_trim_whitespace(levels).to_numpy(zero_copy_only=False)


def _matches(texts: np.ndarray, pattern: str) -> np.ndarray:
    """Which texts a pattern matches, (n,) bool."""
    import pyarrow as pa
    from pyarrow import compute

    call: Any = compute
    found = call.match_substring_regex(pa.array(texts, pa.string()), pattern)
    return found.to_numpy(zero_copy_only=False).astype(bool)


def _symbol(text: str) -> str | None:
    """The sign of a currency or of per cent in a text, "" for none, None for several."""
    signs = {c for c in text if c == "%" or unicodedata.category(c) == "Sc"}
    return "".join(signs) if len(signs) < 2 else None


def _may_be_codes(texts: np.ndarray) -> bool:
    """Whether they are digits, perhaps in groups, or as Python writes numbers."""
    return bool(_matches(texts, _PLAIN).all() or not _matches(texts, "[.,]").any())


def _readings(texts: np.ndarray, symbol: str, marks: tuple[tuple[str, str], ...]) -> np.ndarray:
    """The number of each text by each pair of marks, (pairs, n), NaN for what is none."""
    return np.array([_reading(texts, symbol, *pair) for pair in marks])


def _reading(texts: np.ndarray, symbol: str, thousands: str, decimals: str) -> np.ndarray:
    import pyarrow as pa

    group, point, sign = re.escape(thousands), re.escape(decimals), re.escape(symbol)
    number = rf"([1-9]\d{{0,2}}({group}\d{{3}})+|\d+)({point}\d+)?"
    before = rf"({sign} ?[+-]?|[+-]?{sign} ?)" if symbol not in ("", "%") else "[+-]?"
    like = _matches(texts, rf"^({before}{number}|[+-]?{number} ?{sign})$")
    if symbol == "%":
        like &= _matches(texts, "%$")
    digits = [re.sub(rf"[^-\d{point}]", "", text).replace(decimals, ".") for text in texts[like]]
    values = np.full(len(texts), np.nan)
    values[like] = pa.array(digits, pa.string()).cast(pa.float64()).to_numpy()
    return values


def _decided(readings: np.ndarray, texts: np.ndarray, symbol: str) -> tuple[np.ndarray, np.ndarray]:
    """The number of each text, (n,), from its readings, (pairs, n); and which may be two, (n,)."""
    low, high = np.fmin.reduce(readings), np.fmax.reduce(readings)
    doubtful = low < high
    if symbol not in ("", "%"):  # money
        doubtful &= ~_matches(texts, ",")
    return high, doubtful


def _two_readings(
    name: str, texts: Texts, level: int, rows: np.ndarray | None, symbol: str
) -> DataError:
    readings = _readings(_tidy(texts.levels)[[level]], symbol, _MARKS)
    row = int(np.argmax(texts.codes == level))
    return DataError(
        f"column '{name}' is {texts.levels[level].as_py()!r} in {place(row, rows)}, which may be "
        f"{np.nanmax(readings):.12g} or {np.nanmin(readings):.12g}: give numbers."
    )
