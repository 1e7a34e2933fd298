"""Columns of numbers: gaps are filled in and marked, then numbers are brought to one scale.

"standard" is (x − mean) / standard deviation. "robust" is built on quantiles, which outliers do
not move, and ends in a smooth clip to (−3, 3):

    z = (x − median) / (q₇₅ − q₂₅)        y = z / √(1 + (z/3)²)

with (max − min) / 2 for a quartile range of 0, and y = 0 for a constant column (Holzmüller,
Grinsztajn & Steinwart, "Better by default", NeurIPS 2024, arXiv 2407.04491). What lies far out is
hard to tell apart in y: where some |z| > 4, a second column holds the number standardised, and
cut off at the smallest and the largest of the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from chainrule.data.cells import Cells, Instants, Texts, place
from chainrule.data.columns import Column, Role
from chainrule.data.notation import Notation
from chainrule.errors import DataError

__all__ = ["Number", "fit_number", "quantiles", "reads_as_number", "scaled", "smooth_clip"]

_CLIP = 3.0  # no number of a robust column is farther from 0
_FAR = 4.0  # from here on the clip leaves less than a fifth of a number's differences
_LARGEST = float(np.finfo(np.float64).max)


@dataclass
class Number(Column):
    """A column of numbers.

    Attributes
    ----------
    median, mean, scale : float
        Of the training rows: what a gap becomes; and (x − mean) / scale. With robust scaling
        the centre, which is the median, takes the place of the mean.
    gaps : bool
        Whether training rows had gaps, so that an indicator column marks them.
    scaling : {"standard", "robust"}
    low, high : float or None
        The smallest and the largest of the training rows.
    tail : tuple of float, or None
        Mean and standard deviation for the second column, if there is one.
    notation : Notation or None
        How the training rows wrote numbers as texts, if they did.
    """

    kind = "number"
    median: float = 0.0
    mean: float = 0.0
    scale: float = 1.0
    gaps: bool = False
    scaling: str = "standard"
    low: float | None = None
    high: float | None = None
    tail: tuple[float, float] | None = None
    notation: Notation | None = None

    def __post_init__(self) -> None:
        self.tail = None if self.tail is None else (self.tail[0], self.tail[1])  # a list in files
        if isinstance(self.notation, Mapping):  # in files as well
            self.notation = Notation.from_config(self.notation)

    @property
    def labels(self) -> list[str]:
        tail = [f"{self.name} far out"] if self.tail else []
        return [self.name, *tail, *([f"{self.name} missing"] if self.gaps else [])]

    @property
    def roles(self) -> list[Role]:
        others: list[Role] = ["indicator"] * (len(self.labels) - 1)
        return ["number", *others]

    @property
    def values(self) -> str:
        if self.low is None or self.high is None:
            return ""
        same = self.low == self.high
        unit = f" {self.notation.symbol}".rstrip() if self.notation else ""
        return (f"{self.low:.6g}" if same else f"{self.low:.6g} to {self.high:.6g}") + unit

    @property
    def encoding(self) -> str:
        how = "standardised" if self.scaling == "standard" else "robustly scaled, clipped"
        how += " and standardised" if self.tail else ""
        how += "; gaps filled and marked" if self.gaps else ""
        read = f"; read from texts such as '{self.notation.example}'" if self.notation else ""
        return how + read

    @property
    def formula(self) -> str:
        value = f"(x {_signed(-self.mean)}) / {self.scale:.4g}"
        if self.scaling == "robust":
            value = f"z / √(1 + (z/{_CLIP:g})²), z = {value}" if self.scale else "0"
        return value + (f"; a gap is {self.median:.4g}, and 1 marks it" if self.gaps else "")

    def fill(self, part: np.ndarray, cells: Cells, rows: np.ndarray | None) -> None:
        """Write scaled numbers, the far ones again, and the indicator of gaps, (n, 1 to 3)."""
        numbers = self.numbers(cells, rows)
        missing = np.isnan(numbers)
        numbers[missing] = self.median
        with np.errstate(over="ignore"):
            part[:, 0] = scaled(numbers, self.mean, self.scale, self.scaling)
        far = ~np.isfinite(part[:, 0])
        if far.any():
            row = int(np.argmax(far))
            raise DataError(
                f"column '{self.name}' is {numbers[row]:.3g} in {place(row, rows)}: too far from "
                f"the training rows, which had mean {self.mean:.3g} and spread {self.scale:.3g}."
            )
        if self.tail:
            part[:, 1] = self.far_out(numbers)
        if self.gaps:
            part[:, -1] = missing

    def far_out(self, numbers: np.ndarray) -> np.ndarray:
        """The second column, where there is one, from numbers without gaps, (n,)."""
        assert self.tail is not None
        mean, scale = self.tail
        return np.clip(numbers, self.low, self.high) / scale - mean / scale

    def numbers(self, cells: Cells, rows: np.ndarray | None = None) -> np.ndarray:
        """Cells as numbers, (n,) float64, in memory of their own; errors as of `fill`."""
        if self.notation is None:
            return _as_numbers(self.name, cells, rows)
        if isinstance(cells, Texts) and cells.origin != "yes-no":
            return self.notation.read(self.name, cells, rows)
        numbers = _as_numbers(self.name, cells, rows)
        if self.notation.symbol == "%" and not np.isnan(numbers).all():
            raise DataError(
                f"column '{self.name}' held texts such as '{self.notation.example}' in training "
                f"and holds numbers now, which may be shares or per cent: write it alike."
            )
        return numbers


def scaled(numbers: np.ndarray, mean: Any, scale: Any, scaling: str) -> np.ndarray:
    """Numbers on one scale: of one column, (n,), or of several, (n, k), by their (k,) means.

    Examples
    --------
    >>> scaled(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([2, 5]), np.array([2, 0]), "robust")
    array([[-0.49319696,  0.        ],
           [ 0.49319696,  0.        ]])
    """
    if scaling == "standard":
        return (numbers - mean) / scale
    constant = scale == 0
    z = smooth_clip((numbers / 2 - mean / 2) / (scale + constant) * 2)
    return np.where(constant, 0.0, z)


def _signed(x: float) -> str:
    return f"{'−' if x < 0 else '+'} {abs(x):.4g}"


def smooth_clip(z: np.ndarray) -> np.ndarray:
    """An array of any shape as z / √(1 + (z/3)²): nearly z where that is small, within (−3, 3).

    Examples
    --------
    >>> smooth_clip(np.array([0.0, 0.1, 3.0, -np.inf])).round(4).tolist()
    [0.0, 0.0999, 2.1213, -3.0]
    """
    bounded = np.clip(z, -1e150, 1e150)  # so that the quotient of two infinities is none
    return bounded / np.hypot(1, bounded / _CLIP)


def _as_numbers(name: str, cells: Cells, rows: np.ndarray | None) -> np.ndarray:
    """Cells as numbers, (n,) float64, in memory of their own."""
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64)
    if isinstance(cells, Instants):
        if np.isnat(cells.values).all():
            return np.full(len(cells.values), np.nan)
        raise DataError(
            f"column '{name}' held numbers in training and holds dates or times now: give numbers."
        )
    if cells.origin == "yes-no":
        return np.where(cells.codes < 0, np.nan, cells.codes)
    known = np.flatnonzero(cells.codes >= 0)
    if len(known):
        raise _not_a_number(name, cells, known, rows)
    return np.full(len(cells.codes), np.nan)


def _not_a_number(name: str, cells: Texts, known: np.ndarray, rows: np.ndarray | None) -> DataError:
    """Names the first text that does not read as a number, or else the first text."""
    levels = cells.levels.to_pylist()
    others = np.array([not reads_as_number(level) for level in levels])[cells.codes[known]]
    row = int(known[np.argmax(others)])
    return DataError(
        f"column '{name}' held numbers in training and is the text {levels[cells.codes[row]]!r} in "
        f"{place(row, rows)}: give numbers."
    )


def reads_as_number(value: str) -> bool:
    """Whether a text is how Python writes a number.

    Examples
    --------
    >>> reads_as_number("1e3"), reads_as_number("1,5")
    (True, False)
    """
    try:
        float(value)
    except ValueError:
        return False
    return True


# ---------------------------------------------------------------------- fitting


def fit_number(
    name: str,
    values: np.ndarray,
    weights: np.ndarray | None = None,
    scaling: str = "standard",
    notation: Notation | None = None,
) -> Number:
    """Learn a column of training rows, (n,) with NaN for gaps, not all of them gaps.

    With weights, (n,), as if each row were there so many times. The notation is that of the texts
    from which the numbers were read.
    """
    numbers = values.astype(np.float64)
    missing = np.isnan(numbers)
    known = numbers[~missing]
    low, high = float(known.min()), float(known.max())
    unit = _unit(max(abs(low), abs(high)))  # so that no square overflows or vanishes
    own = None if weights is None else weights[~missing]
    fit = _robust if scaling == "robust" else _standard
    median, mean, scale = fit(numbers / unit, known / unit, weights, own)
    tail = None
    if scaling == "robust" and scale and max(high / unit - mean, mean - low / unit) > _FAR * scale:
        _, *standard = _standard(numbers / unit, known / unit, weights, own)
        tail = (standard[0] * unit, min(standard[1] * unit, _LARGEST))
    gaps = int(missing.sum())
    return Number(
        name, median * unit, mean * unit, min(scale * unit, _LARGEST), gaps > 0, scaling, low, high,
        tail, notation, missing=gaps, constant=low == high and not gaps,
    )  # fmt: skip


def _standard(
    numbers: np.ndarray, known: np.ndarray, weights: np.ndarray | None, own: np.ndarray | None
) -> tuple[float, float, float]:
    """Median, mean and standard deviation, where gaps are filled in by the median."""
    (median,) = quantiles(known, [0.5], own)
    filled = np.where(np.isnan(numbers), median, numbers)[:, None]
    scaler: Any = StandardScaler().fit(filled, sample_weight=weights)
    scale = float(scaler.scale_[0])
    if scale != np.sqrt(scaler.var_[0]):  # so scikit-learn has judged that it is constant
        return median, median, 1.0
    return median, float(scaler.mean_[0]), scale or 1.0


def _robust(
    numbers: np.ndarray, known: np.ndarray, weights: np.ndarray | None, own: np.ndarray | None
) -> tuple[float, float, float]:
    """Median twice, and the range of the quartiles, or half of that of all."""
    low, median, high = quantiles(known, [0.25, 0.5, 0.75], own)
    return median, median, high - low or float(known.max() / 2 - known.min() / 2)


def quantiles(
    numbers: np.ndarray, shares: list[float], weights: np.ndarray | None = None
) -> list[float]:
    """The numbers, (n,), with such shares of the rows' weight below them; the mean of two if both.

    That is the inverse of the distribution function, averaged where it is flat: a weight of 2 is
    as good as two rows, and only the proportions of weights matter.

    Examples
    --------
    >>> quantiles(np.array([1.0, 2.0, 9.0]), [0.5], np.array([1.0, 1.0, 2.0]))
    [5.5]
    """
    if weights is None:
        return np.quantile(numbers, shares, method="averaged_inverted_cdf").tolist()
    order = np.argsort(numbers)
    total = np.cumsum(weights[order])
    wanted = np.array(shares) * total[-1]
    both = [np.searchsorted(total, wanted, side=side) for side in ("left", "right")]
    return numbers[order[np.minimum(both, len(order) - 1)]].mean(axis=0).tolist()


def _unit(largest: float) -> float:
    """The power of two next to the largest number: dividing by it is exact."""
    return float(np.ldexp(1.0, int(np.frexp(largest)[1]) - 1)) if largest else 1.0
