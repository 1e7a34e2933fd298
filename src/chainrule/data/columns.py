"""One column of a table: how it is learnt and how it is written into the matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from sklearn.preprocessing import StandardScaler

from chainrule.data.frames import text
from chainrule.errors import DataError

__all__ = ["Column", "fill", "fit_column", "is_constant"]

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


# --------------------------------------------------------------------- fitting


def fit_column(
    name: str, values: np.ndarray, max_levels: int, weights: np.ndarray | None = None
) -> Column:
    """Learn a column of the training rows, (n,): numbers, or texts as objects.

    With weights, (n,), as if each row were there so many times.

    Raises
    ------
    DataError
        If it is empty, or has more than `max_levels` levels.
    """
    if values.dtype == object:
        return _fit_category(name, values, max_levels)
    return _fit_number(name, values, weights)


def _fit_number(name: str, values: np.ndarray, weights: np.ndarray | None) -> Column:
    missing = np.isnan(values)
    if missing.all():
        raise _all_missing(name)
    numbers = values.astype(np.float64)
    unit = _unit(numbers[~missing])  # so that no square overflows or vanishes
    scaled = numbers / unit
    median = _median(scaled[~missing], None if weights is None else weights[~missing])
    filled = np.where(missing, median, scaled)[:, None]
    scaler: Any = StandardScaler().fit(filled, sample_weight=weights)
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


def _median(numbers: np.ndarray, weights: np.ndarray | None) -> float:
    """The number with half of the rows' weight, (n,), below it; the mean of two if both do."""
    if weights is None:
        return float(np.median(numbers))
    order = np.argsort(numbers)
    total = np.cumsum(weights[order])
    half = total[-1] / 2
    places = np.searchsorted(total, half, side="left"), np.searchsorted(total, half, side="right")
    return float(numbers[order[list(places)]].mean())


def _fit_category(name: str, values: np.ndarray, max_levels: int) -> Column:
    levels = sorted({v for v in values if v is not None})
    if not levels:
        raise _all_missing(name)
    if len(levels) > max_levels:
        raise DataError(
            f"column '{name}' has {len(levels)} different texts in {len(values)} rows, more "
            f"than max_levels = {max_levels}: drop it if it is an identifier, else give "
            f"a larger max_levels."
        )
    return Column(name, "category", levels=levels)


def _all_missing(name: str) -> DataError:
    return DataError(f"column '{name}' is empty in every row to learn from: drop it.")


def _unit(numbers: np.ndarray) -> float:
    """The power of two next to the largest number: dividing by it is exact."""
    largest = float(np.abs(numbers).max())
    return float(np.ldexp(1.0, int(np.frexp(largest)[1]) - 1)) if largest else 1.0


def is_constant(column: Column, values: np.ndarray) -> bool:
    """Whether the training rows, (n,), were all the same."""
    if column.kind == "category":
        return len(column.levels) == 1 and not any(v is None for v in values)
    return not column.gaps and bool((values == values[0]).all())


# --------------------------------------------------------------------- filling


def fill(part: np.ndarray, column: Column, values: np.ndarray, rows: np.ndarray) -> None:
    """Write the encoding of some rows of a column into its part, (rows, width), of the matrix.

    Raises
    ------
    DataError
        If there are texts where training had numbers, or a number is too far from all of those.
    """
    write = _fill_category if column.kind == "category" else _fill_number
    write(part, column, values, rows)


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
