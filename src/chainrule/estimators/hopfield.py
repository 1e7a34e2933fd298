"""`Hopfield`: an associative memory of ±1 patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from chainrule.data.matrices import as_matrix
from chainrule.errors import DataError, warn
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.ops.hyperparameters import Hyperparameter, Interval, hyperparameter

__all__ = ["Hopfield", "capacity"]

_MAX_SWEEPS = hyperparameter("max_sweeps")
_UNITS = Hyperparameter("n_units", 200, Interval("[2, inf)"), "units of the network", whole=True)
_LOAD = Hyperparameter("load", None, Interval("(0, inf)"), "patterns per unit")
_OVERLAP = Hyperparameter("overlap", 0.9, Interval("[-1, 1]"), "what counts as held")
_REPEATS = Hyperparameter("repeats", 3, Interval("[1, inf)"), "networks a load", whole=True)


class Hopfield(BaseEstimator):
    """A network whose units all read each other and settle into the patterns it was shown.

    Storing: W = Σ ξ ξᵀ over the patterns ξ (Hebb), with 0 on the diagonal. Recall: s ← sign(W s),
    with sign(0) = 1 as in a McCulloch-Pitts neuron, until nothing changes. One unit at a time the
    energy E = −½ sᵀ W s never rises, so recall ends; all at once it may alternate between two
    states. Some 0.138 patterns a unit can be held (Amit, Gutfreund & Sompolinsky 1985).

    Parameters
    ----------
    synchronous : bool
        Whether all units change at once, instead of one after the other in a random order.
    max_sweeps : int
        Times that every unit is looked at.
    random_state : int, RandomState or None
        Start of the order.

    Attributes
    ----------
    weights_ : ndarray of shape (n_units, n_units)
        Whole numbers, so sums are exact and both ways to compute a step agree.
    network_ : Network
        The synchronous step: one dense layer with the activation "sign" and no bias.
    n_features_in_ : int
        Units.

    References
    ----------
    Hopfield 1982, Neural networks and physical systems with emergent collective computational
    abilities. Named in 000.

    Examples
    --------
    >>> import numpy as np
    >>> patterns = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    >>> memory = Hopfield(random_state=0).fit(patterns)
    >>> corrupted = patterns[:1] * [[-1, 1, 1, 1, 1, 1, 1, 1]]
    >>> memory.recall(corrupted).tolist()
    [[1, 1, 1, 1, -1, -1, -1, -1]]
    >>> memory.energy(corrupted) > memory.energy(patterns[:1])
    array([ True])
    """

    def __init__(
        self,
        *,
        synchronous: bool = False,
        max_sweeps: int = _MAX_SWEEPS.default,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.synchronous = synchronous
        self.max_sweeps = max_sweeps
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Store patterns.

        Parameters
        ----------
        X : array-like of shape (n_patterns, n_units)
            Of 1 and −1.
        y : None
            Not used.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If an entry is neither 1 nor −1, or there is a single unit.
        """
        _MAX_SWEEPS.check(self.max_sweeps)
        patterns = _states(X)
        if patterns.shape[1] < 2:
            raise DataError("a pattern has 1 unit, which has none to read: give two or more.")
        self.n_features_in_ = patterns.shape[1]
        self.weights_ = patterns.T @ patterns
        np.fill_diagonal(self.weights_, 0)
        layer = Dense(self.n_features_in_, "sign", bias=False)
        self.network_ = Network([layer], input_shape=(self.n_features_in_,), dtype="float64")
        self.network_.parameters["0.weight"][...] = self.weights_
        return self

    def energy(self, X: Any) -> np.ndarray:
        """E = −½ sᵀ W s.

        Parameters
        ----------
        X : array-like of shape (n, n_units)

        Returns
        -------
        ndarray of shape (n,)
        """
        states = self._checked(X)
        return -0.5 * np.einsum("ij,ij->i", states @ self.weights_, states)

    def recall(self, X: Any) -> np.ndarray:
        """The state that each row settles into.

        Parameters
        ----------
        X : array-like of shape (n, n_units)
            Of 1 and −1.

        Returns
        -------
        ndarray of int, shape (n, n_units)

        Raises
        ------
        DataError
            If the number of units differs or an entry is neither 1 nor −1.

        Warns
        -----
        ConvergenceWarning
            If rows still change after `max_sweeps`.
        """
        states = self._checked(X)
        rng = check_random_state(self.random_state)
        moving = np.arange(len(states))
        for _ in range(self.max_sweeps):
            before = states[moving]
            step = self.network_.predict(before) if self.synchronous else self._sweep(before, rng)
            states[moving] = step
            moving = moving[(step != before).any(axis=1)]
            if not len(moving):
                return states.astype(int)
        remedy = "synchronous=False" if self.synchronous else "a larger max_sweeps"
        warn(
            f"{len(moving)} of {len(states)} states still change after {self.max_sweeps} sweeps: "
            f"use {remedy}.",
            ConvergenceWarning,
        )
        return states.astype(int)

    def _checked(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "weights_")
        return _states(X, self.n_features_in_)

    def _sweep(self, states: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Each unit of every state once, in one random order, reading the newest of the others."""
        after = states.copy()
        for unit in rng.permutation(after.shape[1]):
            after[:, unit] = np.where(after @ self.weights_[unit] >= 0, 1.0, -1.0)
        return after


def _states(X: Any, units: int | None = None) -> np.ndarray:
    states = as_matrix(X, units).astype(np.float64)
    wrong = np.argwhere(np.abs(states) != 1)
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"X is {states[row, column]:g} in row {row}, column {column} (counted from 0): a unit "
            f"is 1 or −1; of 0 and 1 make 2 X − 1."
        )
    return states


def capacity(
    n_units: int = _UNITS.default,
    loads: Sequence[float] = (0.05, 0.1, 0.138, 0.2, 0.3),
    *,
    overlap: float = _OVERLAP.default,
    repeats: int = _REPEATS.default,
    random_state: int | np.random.RandomState | None = None,
) -> np.ndarray:
    """How many random patterns a Hopfield network still holds as their number grows.

    Parameters
    ----------
    n_units : int
    loads : sequence of float
        Patterns per unit; the theory's limit for many units is 0.138.
    overlap : float
        A pattern counts as held if recall, started from it, ends where at least this (s·ξ)/n_units
        is left of it.
    repeats : int
        Networks for each load.
    random_state : int, RandomState or None

    Returns
    -------
    ndarray of shape (loads,)
        Fraction held.

    Raises
    ------
    HyperparameterError
        Naming the argument and its interval.

    Examples
    --------
    >>> held = capacity(100, [0.02, 0.5], repeats=1, random_state=0)
    >>> held.round(1).tolist()
    [1.0, 0.0]
    """
    for record, value in ((_UNITS, n_units), (_OVERLAP, overlap), (_REPEATS, repeats)):
        record.check(value)
    for load in loads:
        _LOAD.check(load)
    rng = check_random_state(random_state)
    counts = [max(1, round(load * n_units)) for load in loads]
    return np.array(
        [np.mean([_held(n_units, count, overlap, rng) for _ in range(repeats)]) for count in counts]
    )


def _held(n_units: int, count: int, overlap: float, rng: np.random.RandomState) -> float:
    """Fraction of `count` random patterns that one network holds."""
    patterns = rng.choice([-1.0, 1.0], size=(count, n_units))
    ends = Hopfield(random_state=rng).fit(patterns).recall(patterns)
    return float(np.mean((ends * patterns).mean(axis=1) >= overlap))
