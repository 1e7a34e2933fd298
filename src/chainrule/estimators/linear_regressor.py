"""`GeneralizedLinearRegressor`."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data  # type: ignore[missing-module-attribute]

from chainrule.engines import Engine
from chainrule.errors import DataError
from chainrule.estimators.families import Family, family
from chainrule.estimators.generalized_linear import (
    MAX_ITERATIONS,
    TOLERANCE,
    GeneralizedLinear,
    one_for_each,
)

__all__ = ["GeneralizedLinearRegressor"]


class GeneralizedLinearRegressor(RegressorMixin, GeneralizedLinear):
    """A generalised linear model of a number or a count: μ = g(wᵀx + w₀) (000, 001).

    ============  =====================  ====================  ===================
    family        link (g⁻¹ in 000)      inverse link (g)      loss of a row
    ============  =====================  ====================  ===================
    "gaussian"    η = μ                  μ = η                 ½(η − y)²
    "poisson"     η = log μ              μ = exp(η)            exp(η) − y η
    ============  =====================  ====================  ===================

    No penalty: the weights are the likeliest ones; for "gaussian" those of least squares.

    Parameters
    ----------
    family : {"gaussian", "poisson"}
    solver : {"lbfgs", "gd"}
        L-BFGS, or gradient descent over all rows from zeros, as in 001.
    max_iterations : int
    tolerance : float
        Converged when no entry of the gradient exceeds it, in standardised columns ("gd": when its
        norm does not).
    learning_rate : float, optional
        Of "gd"; by default one over a bound of the curvature, so that no step overshoots.
    engine : {"compiled", "reference"} or Engine

    Attributes
    ----------
    coef_ : ndarray of shape (features,)
    intercept_ : float
    family_ : Family
    network_ : Network
        A single dense layer; its tape and equations are those of any network.
    history_ : History
        Of the search, in standardised columns and target.
    n_iter_, n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.estimators import GeneralizedLinearRegressor
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = GeneralizedLinearRegressor("poisson").fit(X, [1, 2, 4, 8])
    >>> model.predict([[4.0]]).round(4)
    array([16.])
    """

    def __init__(
        self,
        family: Literal["gaussian", "poisson"] = "gaussian",
        *,
        solver: Literal["lbfgs", "gd"] = "lbfgs",
        max_iterations: int = MAX_ITERATIONS.default,
        tolerance: float = TOLERANCE.default,
        learning_rate: float | None = None,
        engine: str | Engine = "compiled",
    ) -> None:
        self.family = family
        self.solver = solver
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self.learning_rate = learning_rate
        self.engine = engine

    def _family(self, outputs: int) -> Family:
        return family(self.family, "regression")

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the likeliest weights.

        Parameters
        ----------
        X : array-like of shape (n, features)
        y : array-like of shape (n,)
            Counts of 0 or more for "poisson".
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If a count is negative, or all are 0.
        UnknownNameError, HyperparameterError
            Naming the argument that is wrong.

        Warns
        -----
        ConvergenceWarning
            If `max_iterations` did not suffice.
        """
        chosen = self._family(1)
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = np.asarray(y, np.float64)
        weights = one_for_each(sample_weight, len(X))
        shift, scale = _shift_and_scale(y, weights, chosen)
        self._fit(X, (y - shift) / scale, weights, 1, chosen)
        weight, bias = self.network_.parameters.values()
        if chosen.name == "poisson":  # exp(η) scale = exp(η + log scale)
            bias += np.log(scale)
        else:
            weight *= scale
            bias[...] = bias * scale + shift
        self.coef_, self.intercept_ = weight[:, 0], float(bias[0])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The mean μ of the target, (n,).

        Parameters
        ----------
        X : array-like of shape (n, features)
        """
        return self._means(X)[:, 0]


def _shift_and_scale(
    y: np.ndarray, weights: np.ndarray | None, chosen: Family
) -> tuple[float, float]:
    """What to subtract from the target, (n,), and divide it by, so that any unit is as good."""
    mean = float(np.average(y, weights=weights))
    if chosen.name == "poisson":
        if y.min() < 0 or mean == 0:
            what = f"a count of {y.min():g}" if y.min() < 0 else "no count above 0"
            raise DataError(f"y has {what}: family 'poisson' needs counts of 0 or more, not all 0.")
        return 0.0, mean
    spread = float(np.sqrt(np.average((y - mean) ** 2, weights=weights)))
    return mean, spread or 1.0
