"""Columns of dates and times: a number of days, and the place in year, week and day on circles.

Days are counted from the training median and scaled like other numbers. What comes round again is
the sine and cosine of its share φ of the whole circle, sin 2πφ and cos 2πφ, so that 31 December is
next to 1 January; only circles on which training rows differ are written. Clocks are those of the
column's time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from chainrule.data.cells import INSTANT, Cells, Instants, Texts, place
from chainrule.data.columns import Column, Role
from chainrule.data.numbers import Number, fit_number, quantiles
from chainrule.data.reading import no_common_zone
from chainrule.errors import DataError

__all__ = ["Date", "fit_date", "is_day_first", "read_dates"]

_DAY = np.timedelta64(1, "D")
_EPOCH = np.datetime64(0, "us")
_CLOCK = r"[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)"
_ISO = rf"^\s*\d{{4}}-\d{{2}}-\d{{2}}({_CLOCK}\s?{_ZONE}?)?\s*$"
_ZONED = rf":\d{{2}}.*{_ZONE}\s*$"
_DOTS = rf"^\s*\d{{1,2}}\.\d{{1,2}}\.\d{{4}}({_CLOCK}\s?{_ZONE}?)?\s*$"
_FROM_DOTS = (  # to ISO 8601, part by part
    (r"^\s*(\d)\.", r"0\1."),
    (r"^\s*(\d\d\.)(\d)\.", r"\10\2."),
    (r"^\s*(\d\d)\.(\d\d)\.(\d{4})", r"\3-\2-\1"),
)
_MOST = 0.5  # a column with a larger share of dates is meant to be one of dates


# ---------------------------------------------------------------------- circles


def _of_year(t: np.ndarray) -> np.ndarray:
    year = t.astype("datetime64[Y]")
    first, days = year.astype("datetime64[D]"), t.astype("datetime64[D]")
    length = (year + 1).astype("datetime64[D]") - first
    return (days - first) / length


def _of_week(t: np.ndarray) -> np.ndarray:
    """From Monday on; 1 January 1970 was a Thursday."""
    return (t.astype("datetime64[D]").astype(np.int64) + 3) % 7 / 7


def _of_day(t: np.ndarray) -> np.ndarray:
    return (t - t.astype("datetime64[D]")) / _DAY


_CIRCLES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "day of year": _of_year,
    "day of week": _of_week,
    "time of day": _of_day,
}


# ----------------------------------------------------------------------- column


@dataclass
class Date(Column):
    """A column of dates and times.

    Attributes
    ----------
    origin : float
        Median of the training rows, in days from the beginning of 1970.
    days : Number
        Scales days from there.
    circles : list of str
        Those of "day of year", "day of week" and "time of day" on which training rows differ.
    zone : str or None
        Time zone of the clock.
    day_first : bool
        Whether training rows were texts such as 31.12.2024.
    """

    kind = "date"
    origin: float = 0.0
    days: Number = field(default_factory=lambda: Number(""))
    circles: list[str] = field(default_factory=list)
    zone: str | None = None
    day_first: bool = False

    @property
    def labels(self) -> list[str]:
        ways = [f"{self.name} {c} {f}" for c in self.circles for f in ("sine", "cosine")]
        return [*self.days.labels, *ways]

    @property
    def roles(self) -> list[Role]:
        return [*self.days.roles, *["number"] * (2 * len(self.circles))]  # type: ignore[list-item]

    @property
    def values(self) -> str:
        ends = [self.shown(instant) for instant in self._ends]
        return " to ".join(dict.fromkeys(ends)) + (f" ({self.zone})" if self.zone else "")

    @property
    def _ends(self) -> list[np.datetime64]:
        ends = (self.days.low, self.days.high)
        return [self._instant(days) for days in ends if days is not None]

    def _instant(self, days: float) -> np.datetime64:
        return _EPOCH + np.timedelta64(round((days + self.origin) * 86_400_000_000), "us")

    def shown(self, instant: np.datetime64) -> str:
        """An instant of this column's clock, as precisely as the training rows were."""
        unit = "s" if "time of day" in self.circles else "D"
        text = str(np.datetime_as_string(instant, unit=unit)).replace("T", " ")
        no_day = all(end.astype("datetime64[D]") == _EPOCH for end in self._ends)
        return text.removeprefix("1970-01-01 ") if no_day else text  # a time of day, of no day

    @property
    def encoding(self) -> str:
        gaps = "; gaps filled and marked" if self.missing else ""
        read = "; read as day.month.year" if self.day_first else ""
        return ", ".join(["days", *self.circles]) + gaps + read

    @property
    def formula(self) -> str:
        circles = f"; sine and cosine of {', '.join(self.circles)}" if self.circles else ""
        return f"{self.days.formula}, x in days from {self.shown(self._instant(0))}{circles}"

    def fill(self, part: np.ndarray, cells: Cells, rows: np.ndarray | None) -> None:
        """Write scaled days, the indicator of gaps, and sines and cosines, (n, width)."""
        instants = self.on_clock(cells, rows)
        width = self.days.width
        self.days.fill(part[:, :width], _days(instants) - self.origin, rows)
        known = np.flatnonzero(~np.isnat(instants))
        for k, circle in enumerate(self.circles):
            angle = 2 * np.pi * _CIRCLES[circle](instants[known])
            at = width + 2 * k
            part[known, at], part[known, at + 1] = np.sin(angle), np.cos(angle)

    def on_clock(self, cells: Cells, rows: np.ndarray | None = None) -> np.ndarray:
        """What the clock of the training rows' zone shows, (n,); errors as of `fill`."""
        if isinstance(cells, Texts):
            read = read_dates(self.name, cells, rows, refuse=True)
            cells = Instants(np.full(len(cells.codes), "NaT", INSTANT)) if read is None else read
        if isinstance(cells, np.ndarray):
            if cells.dtype.kind != "f" or not np.isnan(cells).all():
                raise DataError(
                    f"column '{self.name}' held dates in training and holds numbers now: give "
                    f"dates, such as 2024-12-31."
                )
            cells = Instants(np.full(len(cells), "NaT", INSTANT))
        if (cells.zone is None) != (self.zone is None) and not np.isnat(cells.values).all():
            raise DataError(
                f"column '{self.name}' had {_with(self.zone)} in training and has "
                f"{_with(cells.zone)} now: give times as in training."
            )
        return _on_clock(replace(cells, zone=self.zone))

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> Self:
        return super().from_config({**data, "days": Number.from_config(data["days"])})


def _days(instants: np.ndarray) -> np.ndarray:
    """Days from the beginning of 1970, (n,), NaN for NaT."""
    return (instants - _EPOCH) / _DAY


def _with(zone: str | None) -> str:
    return f"a time zone ({zone})" if zone else "no time zone"


def _on_clock(instants: Instants) -> np.ndarray:
    """What the clock of their time zone shows, (n,)."""
    if instants.zone is None:
        return instants.values
    import pyarrow as pa
    from pyarrow import compute

    call: Any = compute
    times = pa.array(instants.values, pa.timestamp("us", instants.zone))
    return call.local_timestamp(times).to_numpy(zero_copy_only=False)


def fit_date(
    name: str,
    instants: Instants,
    weights: np.ndarray | None = None,
    scaling: str = "standard",
    *,
    day_first: bool = False,
) -> Date:
    """Learn a column of training rows, (n,), not all of them gaps; weights are (n,) or None."""
    clock = _on_clock(instants)
    there = ~np.isnat(clock)
    days, known = _days(clock), clock[there]
    (origin,) = quantiles(days[there], [0.5], None if weights is None else weights[there])
    circles = [c for c, share in _CIRCLES.items() if len(np.unique(share(known))) > 1]
    number = fit_number(f"{name} days", days - origin, weights, scaling)
    return Date(
        name, origin, number, circles, instants.zone, day_first,
        missing=number.missing, constant=number.constant,
    )  # fmt: skip


# ---------------------------------------------------------------- texts as dates


def read_dates(
    name: str, texts: Texts, rows: np.ndarray | None, refuse: bool = False
) -> Instants | None:
    """Texts as dates and times, by ISO 8601 or as 31.12.2024; None if they are other texts.

    Parameters
    ----------
    name : str
        Of the column.
    texts : Texts of n rows
        Empty ones are gaps.
    rows : ndarray of int, shape (n,), or None
        Their places in the whole table, for messages.
    refuse : bool
        Whether a text that is no date is an error even where most are none.

    Returns
    -------
    Instants or None
        In UTC if they have offsets from it.

    Raises
    ------
    DataError
        Naming column and row, if most texts are dates and some are not.
    """
    there, levels = texts.counts > 0, _as_iso(texts.levels)
    like = _matches(levels, _ISO)
    if not refuse and not like[there].any():
        return None
    stripped, zoned = _stripped(levels), _matches(levels, _ZONED)
    blank = stripped == ""
    instants = np.full(len(like), "NaT", INSTANT)
    for some, zone in ((like & ~zoned, None), (like & zoned, "UTC")):
        instants[some] = _parse(stripped[some].tolist(), zone)
    counts, bad = texts.counts, np.isnat(instants) & ~blank & there
    good = there & ~np.isnat(instants)
    if not good.any() and not refuse:
        return None
    if bad.any():
        if not refuse and counts[good].sum() <= _MOST * counts[good | bad].sum():
            return None
        raise _no_date(name, texts, bad, rows)
    if (good & zoned).any() and (good & ~zoned).any():
        first = [_first(texts, good & kind, rows) for kind in (zoned, ~zoned)]
        raise no_common_zone(name, *first)
    zone = "UTC" if (good & zoned).any() else None
    every = np.append(instants, np.array("NaT", INSTANT))[texts.codes]
    return Instants(every, zone) if good.any() else None


def is_day_first(texts: Texts) -> bool:
    """Whether some texts are written as 31.12.2024.

    Examples
    --------
    >>> is_day_first(Texts.of_levels(np.array([0]), ["1.2.2024"], "text"))
    True
    """
    return bool(_matches(texts.levels, _DOTS)[texts.counts > 0].any())


def _as_iso(levels: Any) -> Any:
    """Levels, (n,), those written as 31.12.2024 by ISO 8601."""
    from pyarrow import compute

    call: Any = compute
    dotted = call.match_substring_regex(levels, _DOTS)
    iso = levels
    for pattern, form in _FROM_DOTS:
        iso = call.replace_substring_regex(iso, pattern, form)
    return call.if_else(dotted, iso, levels)


def _matches(levels: Any, pattern: str) -> np.ndarray:
    """Which levels a pattern matches but for blanks around them, (n,)."""
    from pyarrow import compute

    call: Any = compute
    return call.match_substring_regex(levels, pattern).to_numpy(zero_copy_only=False)


def _stripped(levels: Any) -> np.ndarray:
    """Levels without blanks around them, (n,)."""
    from pyarrow import compute

    call: Any = compute
    return call.utf8_trim_whitespace(levels).to_numpy(zero_copy_only=False)


def _parse(texts: list[str], zone: str | None) -> np.ndarray:
    """Texts that look like dates as instants, (n,); NaT for days that there are not."""
    import pyarrow as pa
    from pyarrow import compute

    call: Any = compute
    tidy = call.replace_substring_regex(pa.array(texts, pa.string()), r"[.,](\d{1,6})\d*", r".\1")
    tidy = call.replace_substring_regex(tidy, r"\s(Z|[+-])", r"\1")
    try:
        return _cast(tidy, zone)
    except pa.ArrowInvalid:  # does not say which
        return np.array([_one(text, zone) for text in tidy.to_pylist()], INSTANT)


def _cast(texts: Any, zone: str | None) -> np.ndarray:
    import pyarrow as pa

    return texts.cast(pa.timestamp("us", zone)).to_numpy(zero_copy_only=False)


def _one(text: str, zone: str | None) -> np.datetime64:
    import pyarrow as pa

    try:
        return _cast(pa.array([text]), zone)[0]
    except pa.ArrowInvalid:
        return np.datetime64("NaT")


def _first(texts: Texts, levels: np.ndarray, rows: np.ndarray | None) -> int:
    """The first row, in the whole table, that has one of some levels, (levels,) bool."""
    row = int(np.argmax(np.append(levels, False)[texts.codes]))
    return row if rows is None else int(rows[row])


def _no_date(name: str, texts: Texts, bad: np.ndarray, rows: np.ndarray | None) -> DataError:
    row = _first(texts, bad, None)
    return DataError(
        f"column '{name}' holds dates and is {texts.levels[int(texts.codes[row])].as_py()!r} in "
        f"{place(row, rows)}: give a date such as 2024-12-31 or 2024-12-31T23:59, or leave it "
        f"empty."
    )
