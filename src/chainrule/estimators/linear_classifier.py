"""`GeneralizedLinearClassifier`."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data  # type: ignore[missing-module-attribute]

from chainrule.data.targets import refuse_numbers
from chainrule.engines import Engine
from chainrule.errors import DataError
from chainrule.estimators.families import Family, family
from chainrule.estimators.generalized_linear import (
    MAX_ITERATIONS,
    TOLERANCE,
    GeneralizedLinear,
    one_for_each,
)

__all__ = ["GeneralizedLinearClassifier"]


class GeneralizedLinearClassifier(ClassifierMixin, GeneralizedLinear):
    """A generalised linear model of a class: logistic regression (000, 001, 003).

    =============  ===================  ================  =============================
    family         link (g⁻¹ in 000)    inverse link (g)  loss of a row
    =============  ===================  ================  =============================
    "binomial"     η = log(μ/(1 − μ))   μ = σ(η)          −y log μ − (1 − y) log(1 − μ)
    "multinomial"  η = log μ − mean     μ = softmax(η)    −log μ of the class
    =============  ===================  ================  =============================

    The border between two classes is a hyperplane, whatever g is: g rises with wᵀx + w₀.
    "multinomial" has one weight vector too many; the one whose sum over the classes is 0 is given.

    Parameters
    ----------
    family : {"auto", "binomial", "multinomial"}
        "auto" is "binomial" for two classes.
    solver : {"lbfgs", "gd"}
    max_iterations : int
    tolerance : float
    learning_rate : float, optional
    engine : {"compiled", "reference"} or Engine
        As for `GeneralizedLinearRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, features) or (n_classes, features)
        A single row for "binomial": of the second class.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    family_ : Family
    network_ : Network
    history_ : History
    n_iter_, n_features_in_ : int

    Notes
    -----
    There is no penalty. When a hyperplane separates the classes without error, the likelihood has
    no maximum: weights grow until the gradient is below the tolerance.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule.estimators import GeneralizedLinearClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GeneralizedLinearClassifier().fit(X[50:], y[50:])
    >>> model.coef_.round(1)
    array([[-2.5, -6.7,  9.4, 18.3]])
    """

    def __init__(
        self,
        family: Literal["auto", "binomial", "multinomial"] = "auto",
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
        auto = "binomial" if outputs == 2 else "multinomial"
        chosen = family(auto if self.family == "auto" else self.family, "classification")
        if chosen.name == "binomial" and outputs > 2:
            raise DataError(
                f"y has {outputs} classes: family 'binomial' takes two, give 'multinomial'."
            )
        return chosen

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the likeliest weights.

        Parameters
        ----------
        X : array-like of shape (n, features)
        y : array-like of shape (n,)
            Labels of two classes or more.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If there is one class, or more than "binomial" takes.
        UnknownNameError, HyperparameterError
            Naming the argument that is wrong.

        Warns
        -----
        ConvergenceWarning
            If `max_iterations` did not suffice.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        refuse_numbers(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise DataError(
                f"y has one class, {self.classes_[0]!r}: a classifier needs at least two classes."
            )
        chosen = self._family(count)
        weights = one_for_each(sample_weight, len(X))
        self._fit(X, indices, weights, 1 if chosen.name == "binomial" else count, chosen)
        weight, bias = self.network_.parameters.values()
        if chosen.name == "multinomial":
            weight -= weight.mean(axis=1, keepdims=True)
            bias -= bias.mean()
        self.coef_, self.intercept_ = weight.T, bias
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """The scores η: (n,) for "binomial", else (n, n_classes).

        Parameters
        ----------
        X : array-like of shape (n, features)
        """
        return self._two(self._scores(X))

    def _two(self, scores: np.ndarray) -> np.ndarray:
        """scikit-learn has one column of scores for two classes: how far the second leads."""
        if scores.shape[1] == 1:
            return scores[:, 0]
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class, (n, n_classes), in the order of `classes_`.

        Parameters
        ----------
        X : array-like of shape (n, features)
        """
        means = self._means(X)
        return np.column_stack([1 - means, means]) if means.shape[1] == 1 else means

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class, (n,).

        Parameters
        ----------
        X : array-like of shape (n, features)
        """
        scores = self._scores(X)
        best = scores[:, 0] > 0 if scores.shape[1] == 1 else np.argmax(scores, axis=1)
        return self.classes_[best.astype(int)]
