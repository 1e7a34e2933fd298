"""What generalised linear models f(x) = g(wᵀx + w₀) share: networks of a single layer (000)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data  # type: ignore[missing-module-attribute]

from chainrule.data.matrices import as_weights
from chainrule.engines import Engine
from chainrule.errors import HyperparameterError, unknown_name, warn
from chainrule.estimators.families import Family
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.ops.hyperparameters import hyperparameter
from chainrule.ops.optimizers import SGD
from chainrule.training import LBFGS, Convergence, train

__all__ = ["MAX_ITERATIONS", "TOLERANCE", "GeneralizedLinear", "one_for_each"]

TOLERANCE = hyperparameter("tolerance")
MAX_ITERATIONS = hyperparameter("max_iterations", default=10_000)
_SOLVERS = ("lbfgs", "gd")


class GeneralizedLinear(BaseEstimator):
    """What both models share: the likeliest weights of a single layer.

    The search takes place in standardised columns, where steps of one size suit all weights; the
    network that is left speaks of the columns as they are.
    """

    family: str
    solver: Literal["lbfgs", "gd"]
    max_iterations: int
    tolerance: float
    learning_rate: float | None
    engine: str | Engine

    @abstractmethod
    def _family(self, outputs: int) -> Family:
        """The family asked for, with so many classes."""

    def _fit(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, outputs: int, chosen: Family
    ) -> None:
        """Learn from rows X (n, features), targets y (n,), weights (n,) or None."""
        self._check()
        self.family_ = chosen
        scaler = StandardScaler().fit(X, sample_weight=weights)
        scaled = scaler.transform(X)
        self.network_ = Network(
            [Dense(outputs)], chosen.loss, input_shape=X.shape[1], engine=self.engine,
            dtype="float64" if isinstance(self.engine, str) else None,
        )  # fmt: skip
        for p in self.network_.parameters.values():
            p[...] = 0
        self._train(scaled, y, weights)
        self._unscale(scaler)

    def _check(self) -> None:
        TOLERANCE.check(self.tolerance)
        MAX_ITERATIONS.check(self.max_iterations)
        if self.learning_rate is not None:
            hyperparameter("learning_rate").check(self.learning_rate)
        if self.solver not in _SOLVERS:
            raise unknown_name("solver", self.solver, _SOLVERS)
        if self.learning_rate is not None and self.solver != "gd":
            raise HyperparameterError(
                f"learning_rate = {self.learning_rate} is for solver='gd': L-BFGS chooses its "
                f"steps itself, leave it out or give solver='gd'."
            )

    def _train(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> None:
        limit, tolerance = int(self.max_iterations), float(self.tolerance)
        how: dict[str, Any] = {"optimizer": LBFGS(limit, tolerance)}
        if self.solver == "gd":
            rate = self.learning_rate or 1 / self._steepness(X, y, weights)
            how = {
                "optimizer": SGD(rate), "batch_size": None, "epochs": limit, "shuffle": False,
                "callbacks": [Convergence(gradient_norm=tolerance)],
            }  # fmt: skip
        self.history_ = train(self.network_, X, y, sample_weight=weights, progress=False, **how)
        self.n_iter_ = len(self.history_)
        if not self.history_.stopped.startswith("converged"):
            warn(
                f"{type(self).__name__} has not converged after {self.n_iter_} iterations "
                f"({self.history_.stopped}): give a larger max_iterations or tolerance.",
                ConvergenceWarning,
            )

    def _steepness(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
        """Bound of the Hessian's eigenvalues: gradient descent by its inverse cannot overshoot.

        Exact for a bounded g; for exp it holds while no mean exceeds the largest count.
        """
        shares = np.ones(len(X)) if weights is None else weights
        rows = np.column_stack([X, np.ones(len(X))]) * np.sqrt(shares / shares.sum())[:, None]
        largest = max(1.0, float(y.max())) if self.family_.name == "poisson" else 1.0
        return self.family_.curvature * largest * float(np.linalg.norm(rows, 2)) ** 2

    def _unscale(self, scaler: Any) -> None:
        """Rewrite the network for the columns as they were."""
        weight, bias = self.network_.parameters.values()
        weight /= scaler.scale_[:, None]
        bias -= scaler.mean_ @ weight

    def _scores(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "network_")
        return self.network_.predict(validate_data(self, X, dtype=np.float64, reset=False))

    def _means(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "network_")
        return self.network_.predict_proba(validate_data(self, X, dtype=np.float64, reset=False))


def one_for_each(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Checked sample weights, (n,), or None."""
    weights = as_weights(sample_weight, rows)
    return None if weights is None else weights[:, 0]
