"""Is there a hyperplane between two classes? A linear programme answers, with a proof either way.

Gordan's theorem: either some w, b have sᵢ (w·xᵢ + b) > 0 for every row (s = ±1 is the class), or
some λ ≥ 0 with Σ λᵢ = 1 have Σ λᵢ sᵢ [xᵢ, 1] = 0: a point of both convex hulls. Never both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data.matrices import as_matrix
from chainrule.data.targets import read_target
from chainrule.errors import DataError

__all__ = ["Certificate", "Hyperplane", "Separability", "separability"]

# HiGHS is exact to about 1e-7: what it leaves open is asked again around the hyperplane it found,
# in units that much smaller.
_UNITS = (1.0, 1e-5, 1e-10)
_HOPEFUL = 1e-6  # multipliers that miss by less may be made exact


@dataclass(frozen=True)
class Hyperplane:
    """w·x + b = 0 with the class `label` on its positive side and all other rows on the other.

    Attributes
    ----------
    label : object
    weights : ndarray of shape (columns,)
    bias : float
    margin : float
        Distance of the nearest row.
    most_mistakes : float
        A perceptron that starts from zeros makes no more mistakes than this, (R/γ)²: R is the
        largest length of a row [x, 1], γ the smallest distance of one from [w, b] (Novikoff 1962).
    """

    label: Any
    weights: np.ndarray
    bias: float
    margin: float
    most_mistakes: float


@dataclass(frozen=True)
class Certificate:
    """Proof that no hyperplane exists: a point that lies in the convex hull of both classes.

    Attributes
    ----------
    label : object
        The class that cannot be separated from the other rows.
    rows : ndarray of int, shape (k,)
        The rows involved, at most columns + 2.
    multipliers : ndarray of shape (k,)
        λ > 0 with Σ λ = 1 and Σ λ s [x, 1] = 0, where s is 1 for the class and −1 for the others.
    point : ndarray of shape (columns,)
        2 Σ λ x over the rows of the class, which is 2 Σ λ x over the others.
    residual : float
        Largest difference of the two sums, as a share of half the column's range.
    """

    label: Any
    rows: np.ndarray
    multipliers: np.ndarray
    point: np.ndarray
    residual: float

    def __str__(self) -> str:
        rows = ", ".join(map(str, self.rows[:6].tolist())) + (" …" if len(self.rows) > 6 else "")
        point = ", ".join(f"{x:.4g}" for x in self.point[:6]) + (
            " …" if len(self.point) > 6 else ""
        )
        return f"the point ({point}) lies in the convex hulls of both sides (rows {rows})"


@dataclass(frozen=True)
class Separability:
    """Whether hyperplanes separate the classes.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    answers : tuple of Hyperplane or Certificate
        For two classes one, the second class against the first; else one a class, against the rest.
    """

    classes: np.ndarray
    answers: tuple[Hyperplane | Certificate, ...]

    @property
    def separable(self) -> bool:
        """Whether every answer is a hyperplane."""
        return not self.certificates

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The proofs that something cannot be separated."""
        return tuple(answer for answer in self.answers if isinstance(answer, Certificate))

    @property
    def most_mistakes(self) -> float:
        """Novikoff's bound for all perceptrons together; infinite if one cannot succeed."""
        planes = [a.most_mistakes for a in self.answers if isinstance(a, Hyperplane)]
        return float(sum(planes)) if self.separable else np.inf

    def __str__(self) -> str:
        if self.separable:
            return "the classes are linearly separable"
        if len(self.classes) == 2:
            return f"the classes are not linearly separable: {self.certificates[0]}"
        labels = ", ".join(f"'{proof.label}'" for proof in self.certificates)
        first = self.certificates[0]
        return (
            f"not linearly separable from the other classes: {labels}; for '{first.label}' {first}"
        )


def separability(X: Any, y: Any) -> Separability:
    """Whether a hyperplane separates the classes, with a proof either way; nothing is trained.

    Parameters
    ----------
    X : array-like of shape (n, columns)
    y : array-like of shape (n,)
        Labels of two classes, or of more: then each class against the rest.

    Returns
    -------
    Separability
        Its `answers` are hyperplanes or certificates.

    Raises
    ------
    DataError
        If X has missing or infinite values, y a single class, or the classes come so close that
        64-bit numbers cannot tell.

    Notes
    -----
    The linear programme is max m with sᵢ (w·xᵢ + b) ≥ m and |w| ≤ 1, in columns scaled to [−1, 1];
    its multipliers are the λ of the certificate. Both answers are checked before they are given:
    a hyperplane on every row, a certificate by its sum. Rows closer than rounding, some 1e-15 of
    a column's range, count as one.

    Examples
    --------
    >>> corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> separability(corners, [0, 0, 0, 1]).separable
    True
    >>> answer = separability(corners, [0, 1, 1, 0])
    >>> answer.separable, answer.certificates[0].point.tolist()
    (False, [0.5, 0.5])
    """
    matrix, (targets, _) = as_matrix(X).astype(np.float64), read_target(y)
    if targets.shape != (len(matrix),):
        raise DataError(
            f"y has shape {targets.shape}: expected one label for each of {len(matrix)} rows."
        )
    classes = np.unique(targets)
    if len(classes) < 2:
        raise DataError(f"y has one class only, '{classes[0]}': there is nothing to separate.")
    positive = classes[1:] if len(classes) == 2 else classes
    scaled = _scaled(matrix)
    return Separability(
        classes,
        tuple(_answer(matrix, scaled, targets == label, label.item()) for label in positive),
    )


@dataclass(frozen=True)
class _Scaled:
    """Rows in columns from −1 to 1: which hyperplanes exist does not depend on units."""

    rows: np.ndarray
    centre: np.ndarray
    unit: np.ndarray


def _scaled(X: np.ndarray) -> _Scaled:
    low, high = X.min(axis=0), X.max(axis=0)
    centre, half = low / 2 + high / 2, high / 2 - low / 2
    unit = np.where(half > 0, half, 1.0)
    rows = (X - centre) / unit
    rows[:, half == 0] = 0
    return _Scaled(rows, centre, unit)


def _answer(
    X: np.ndarray, scaled: _Scaled, positive: np.ndarray, label: Any
) -> Hyperplane | Certificate:
    s = np.where(positive, 1.0, -1.0)
    conditions = np.c_[scaled.rows, np.ones(len(s))].T * s  # conditions @ λ = 0
    w, b, residual = np.zeros(X.shape[1]), 0.0, np.inf
    noise = 4 * np.finfo(float).eps * len(conditions)  # of a product of rows in [−1, 1] with w
    for unit in _UNITS:
        step, multipliers = _programme(scaled.rows, s, s * (scaled.rows @ w + b), unit)
        w, b = w + unit * step[:-1], b + unit * step[-1]
        scores = scaled.rows @ w
        ends = scores[positive].min(), scores[~positive].max()
        if ends[0] - ends[1] > noise * max(1.0, np.abs(w).sum()):
            return _hyperplane(X, scaled, w, ends, label)
        multipliers, residual = _polished(conditions, multipliers, noise)
        if residual <= noise:
            return _certificate(X, positive, multipliers, residual, label)
    raise DataError(
        f"class '{label}' and the other rows come so close, {residual:.1g} of the columns' ranges, "
        f"that 64-bit numbers cannot tell whether a hyperplane separates them: leave out rows that "
        f"nearly coincide, or use NetworkClassifier."
    )


def _polished(
    conditions: np.ndarray, multipliers: np.ndarray, noise: float
) -> tuple[np.ndarray, float]:
    """Multipliers, (n,), with conditions @ λ nearer to 0, and the largest entry of that.

    The solver takes numbers below 1e-9 for 0; non-negative least squares takes them as they are.
    """
    residual = float(np.abs(conditions @ multipliers).max())
    if noise < residual < _HOPEFUL:
        from scipy.optimize import nnls

        system = np.vstack([conditions, np.ones(len(multipliers))])
        try:
            better = nnls(system, np.r_[np.zeros(len(conditions)), 1.0])[0]
        except RuntimeError:  # it did not converge
            return multipliers, residual
        better /= better.sum()
        return better, float(np.abs(conditions @ better).max())
    return multipliers, residual


def _certificate(
    X: np.ndarray, positive: np.ndarray, multipliers: np.ndarray, residual: float, label: Any
) -> Certificate:
    rows = np.flatnonzero(multipliers)
    ours = rows[positive[rows]]
    point = multipliers[ours] @ X[ours] / multipliers[ours].sum()
    return Certificate(label, rows, multipliers[rows], point, residual)


def _programme(
    rows: np.ndarray, s: np.ndarray, scores: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """The best small step [w, b] from a hyperplane, (columns + 1,), and multipliers, (n,).

    Steps and margin are measured in `unit`. They are bounded, so rows far from the hyperplane
    cannot matter and are left out.
    """
    from scipy.optimize import linprog

    columns = rows.shape[1]
    most = columns + 1.0
    near = np.flatnonzero(scores <= 4 * most * unit)
    sides = s[near, None]
    answer = linprog(
        np.r_[np.zeros(columns + 1), -1.0],
        A_ub=np.hstack([-sides * rows[near], -sides, np.ones_like(sides)]),
        b_ub=scores[near] / unit,
        bounds=[(-1, 1)] * columns + [(-most, most), (None, 2 * most)],
        method="highs",
    )
    if answer.x is None:
        raise DataError(f"the linear programme failed: {answer.message} Scale the columns of X.")
    multipliers = np.zeros(len(rows))
    multipliers[near] = np.maximum(-answer.ineqlin.marginals, 0)
    return answer.x[:-1], multipliers / max(multipliers.sum(), np.finfo(float).tiny)


def _hyperplane(
    X: np.ndarray, scaled: _Scaled, w: np.ndarray, ends: tuple[float, float], label: Any
) -> Hyperplane:
    """In the user's columns, half way between the nearest rows of the two sides."""
    weights = w / scaled.unit
    bias = -float(sum(ends) / 2 + weights @ scaled.centre)
    half_gap = (ends[0] - ends[1]) / 2
    longest = np.linalg.norm(X, axis=1).max()
    ratio = np.hypot(longest, 1.0) * np.linalg.norm(np.r_[weights, bias]) / half_gap
    return Hyperplane(
        label, weights, bias, float(half_gap / np.linalg.norm(weights)), float(ratio**2)
    )
