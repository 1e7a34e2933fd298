"""L-BFGS: all rows at every step, and a memory of how the gradient has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import HyperparameterError
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check
from chainrule.ops.schedules import Constant, Schedule
from chainrule.ops.schedules import schedule as schedule_record
from chainrule.training.objective import Objective

__all__ = ["LBFGS", "refuse_name"]

_H = HYPERPARAMETERS
_WORSE = 1e6  # a point without a finite loss counts as so many times the last loss
_TRIALS = 40  # evaluations of one line search, at most


def refuse_name(optimizer: Any) -> None:
    """Raise for an optimizer that is called "lbfgs": it is an object of its own.

    Raises
    ------
    HyperparameterError
        Saying which.
    """
    if isinstance(optimizer, str) and optimizer.lower().replace("-", "") == "lbfgs":
        raise HyperparameterError(
            f"optimizer = {optimizer!r} is no name of an optimizer for minibatches: L-BFGS takes "
            f"all rows at every step, give optimizer=chainrule.training.LBFGS()."
        )


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS (Liu & Nocedal 1989), through `scipy.optimize.minimize`.

    For small data and few parameters: it takes all rows at every step, learns the curvature from
    the last `memory` steps, needs no learning rate, and reaches a minimum to many digits. A network
    of float64 is advised: in float32 the loss is too coarse for the last ones.

    Parameters
    ----------
    max_iterations : int
        Steps at most; each is an epoch of the history, with a learning rate of 1.
    tolerance : float
        Converged when no entry of the gradient is larger; also when the loss no longer falls.
    memory : int
        How many steps the curvature is learnt from.

    Raises
    ------
    HyperparameterError
        Naming the argument and its interval.

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> from chainrule.training import LBFGS
    >>> net = cr.Network([cr.Dense(1)], input_shape=(2,), dtype="float64")
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [2.0, 1.0]])
    >>> history = cr.train(net, X, X @ [2.0, -1.0] + 3, optimizer=LBFGS())
    >>> net.parameters["0.weight"].ravel().round(6), net.parameters["0.bias"].round(6)
    (array([ 2., -1.]), array([3.]))
    >>> history.stopped
    'converged: no entry of the gradient exceeds 1e-08'
    """

    max_iterations: int = _H["max_iterations"].default
    tolerance: float = _H["tolerance"].default
    memory: int = _H["memory"].default

    def __post_init__(self) -> None:
        check(max_iterations=self.max_iterations, tolerance=self.tolerance, memory=self.memory)

    def refuse(
        self, schedule: str | Schedule, regularisation: str | Schedule, augment: Any = None
    ) -> None:
        """Raise unless nothing changes from step to step: neither rates nor data."""
        if augment is not None:
            raise HyperparameterError(
                "augment is not possible with LBFGS, which needs the same rows at every step: "
                "leave it out, or train with an optimizer such as 'adam'."
            )
        given = {"schedule": schedule, "regularisation_schedule": regularisation}
        for name, record in given.items():
            if not isinstance(schedule_record(record), Constant):
                raise HyperparameterError(
                    f"{name} = {record!r} is not possible with LBFGS, which has no learning rate "
                    f"and no weight decay: leave it out."
                )

    def minimise(self, objective: Objective, accepted: Callable[[], bool]) -> str:
        """Move the network's parameters to a minimum.

        Parameters
        ----------
        objective : Objective
        accepted : callable
            Called after each step, when the network, the objective's session and its gradients
            are at the new point; false ends the search there.

        Returns
        -------
        str
            Why it ended: converged, "loss not finite" at the start, no lower loss found, or
            "stopped" by `accepted`.
        """
        from scipy.optimize import minimize

        search = _Search(objective, accepted)
        if not search.begin():
            return "loss not finite"
        try:
            result = minimize(
                search.value, search.point, jac=True, method="L-BFGS-B", callback=search.step,
                options=self._options(objective),
            )  # fmt: skip
        finally:  # Ctrl-C comes in the middle of a line search: the last accepted point counts
            objective.point = search.point
        return self._reason(search, result)

    def _options(self, objective: Objective) -> dict[str, Any]:
        smallest = 64 * np.finfo(objective.network.engine.dtype).eps
        return {
            "maxiter": int(self.max_iterations),
            "maxfun": _TRIALS * int(self.max_iterations),
            "maxls": _TRIALS,
            "maxcor": int(self.memory),
            "gtol": self.tolerance,
            "ftol": smallest,
        }

    def _reason(self, search: _Search, result: Any) -> str:
        if search.stopped:
            return "stopped"
        if np.abs(search.gradient).max() <= self.tolerance:
            return f"converged: no entry of the gradient exceeds {self.tolerance:g}"
        if result.status == 0:
            return "converged: the loss no longer falls"
        return "no lower loss found along the search direction"


class _Search:
    """What passes between SciPy and the network: values there, accepted points back."""

    def __init__(self, objective: Objective, accepted: Callable[[], bool]) -> None:
        self.objective, self.accepted = objective, accepted
        self.point = self.tried = objective.point
        self.gradient = np.zeros_like(self.point)
        self.loss, self.stopped = np.inf, False

    def begin(self) -> bool:
        """Evaluate the first point; whether its loss and gradient are finite."""
        self.loss, self.gradient = self.objective(self.point)
        return bool(np.isfinite(self.loss) and np.isfinite(self.gradient).all())

    def value(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient, (n_parameters,); finite numbers, so that a line search turns back."""
        self.tried = point.copy()
        loss, gradient = self.objective(point)
        if np.isfinite(loss) and np.isfinite(gradient).all():
            return loss, gradient
        return _WORSE * (1 + abs(self.loss)), point - self.point

    def step(self, intermediate_result: Any) -> None:
        """Take over the point that SciPy accepted, (n_parameters,)."""
        self.point = intermediate_result.x.copy()
        if not np.array_equal(self.point, self.tried):
            self.objective(self.point)
        self.loss, self.gradient = self.objective.loss, self.objective.gradient
        if not self.accepted():
            self.stopped = True
            raise StopIteration
