"""L-BFGS with scikit-learn's criteria: SciPy's solver on chainrule's objective."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from sklearn.utils.optimize import (
    _check_optimize_result,  # type: ignore[missing-module-attribute]
)

from chainrule.compat.sklearn.problem import Loss, Rows
from chainrule.network import Network
from chainrule.training.objective import Objective

__all__ = ["solve"]


def solve(
    network: Network, rows: Rows, loss: Loss, *, max_iter: int, max_fun: int, tol: float
) -> tuple[int, float]:
    """Move the network to a minimum of its loss over all rows; iterations, and the loss there.

    `chainrule.training.LBFGS` asks for more digits than scikit-learn does, and counts evaluations
    by its own rule; here SciPy's own tolerances hold.

    Warns
    -----
    ConvergenceWarning
        If SciPy stops before it has converged.
    """
    objective = Objective(network, *rows.bind(network))
    every = np.arange(len(rows))

    def value(point: np.ndarray) -> tuple[float, np.ndarray]:
        _, gradient = objective(point)
        totals = objective.session.totals
        if objective.session.failed:
            return np.inf, np.full_like(gradient, np.nan)
        return loss.sum(totals.loss, every, rows.weights) / rows.total + totals.penalty, gradient

    with objective.session.limits(None):
        result = minimize(
            value,
            objective.point,
            method="L-BFGS-B",
            jac=True,
            options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
        )
    objective.point = result.x
    return _check_optimize_result("lbfgs", result, max_iter), float(result.fun)
