"""A sweep of the learning rate, to choose one before training (Smith 2017, arXiv 1506.01186)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engines import Batches, Session, Totals
from chainrule.errors import HyperparameterError, warn
from chainrule.network import Network
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check
from chainrule.ops.optimizers import Optimizer, settings
from chainrule.ops.optimizers import optimizer as optimizer_record
from chainrule.training.lbfgs import LBFGS, refuse_name
from chainrule.training.method import training_session

__all__ = ["RateSweep", "learning_rate_finder"]

_H = HYPERPARAMETERS
_BLOW_UP = 0.1  # the rise over the untrained network's loss, as a share of it, that is too much
_ROUNDING = 1e-5  # a fall by a smaller share of the loss is none
_MARGIN = 10.0  # how far below the blow-up a rate is safe


@dataclass(frozen=True)
class RateSweep:
    """What a sweep of learning rates found.

    Attributes
    ----------
    rates : ndarray of shape (steps,)
        Learning rates, rising by the same factor from one update to the next.
    losses : ndarray of shape (steps,)
        Smoothed loss before the update with each rate.
    steepest : float or None
        The rate at which the smoothed loss falls fastest, per factor of the rate; None if it
        never falls.
    blow_up : float or None
        The first rate at which the loss has blown up; None if none did.
    suggestion : float or None
        The smaller of `steepest` and a tenth of `blow_up`; None if the loss never falls, or that
        lies below the sweep.
    """

    rates: np.ndarray
    losses: np.ndarray
    steepest: float | None
    blow_up: float | None

    @property
    def suggestion(self) -> float | None:
        """A learning rate to start with."""
        if self.steepest is None:
            return None
        safe = math.inf if self.blow_up is None else self.blow_up / _MARGIN
        rate = min(self.steepest, safe)
        return rate if rate >= self.rates[0] else None

    def __str__(self) -> str:
        end = "none blew up" if self.blow_up is None else f"blows up at {self.blow_up:.2g}"
        falls = "never falls" if self.steepest is None else f"steepest at {self.steepest:.2g}"
        rate = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        return (
            f"RateSweep({len(self.rates)} updates, {self.rates[0]:.2g} to {self.rates[-1]:.2g}: "
            f"{falls}, {end}; suggestion {rate})"
        )


def learning_rate_finder(
    network: Network,
    X: Any,
    y: Any,
    *,
    optimizer: str | Optimizer = "adam",
    sample_weight: Any = None,
    lowest_rate: float = _H["lowest_rate"].default,
    highest_rate: float = _H["highest_rate"].default,
    steps: int = _H["steps"].default,
    batch_size: int | None = _H["batch_size"].default,
    smoothing: float = _H["smoothing"].default,
    seed: int = _H["seed"].default,
    threads: int | None = _H["threads"].default,
) -> RateSweep:
    """Train a copy of the network while the learning rate rises, and see where the loss falls.

    The rate of update k of n is lowest (highest/lowest)^(k/(n − 1)). What is smoothed is the change
    of each minibatch's loss against the untrained network, which takes out how minibatches differ;
    the mean loss of the untrained network is added. The sweep ends when the loss is no finite
    number, or a tenth above that of the untrained network: it has blown up. The network itself
    stays as it is.

    Parameters
    ----------
    network : Network
    X : array-like of shape (n, inputs)
    y : array-like of shape (n,) or (n, outputs)
    optimizer : str or Optimizer
        Its own learning rate plays no part.
    sample_weight : array-like of shape (n,), optional
    lowest_rate, highest_rate : float
    steps : int
        Updates of the whole sweep, over as many epochs as that takes.
    batch_size : int or None
        None takes all rows at every update.
    smoothing : float
        Weight of the past in the exponential mean.
    seed : int
        Start of shuffling and dropout.
    threads : int, optional

    Returns
    -------
    RateSweep

    Raises
    ------
    DataError
        If the data do not fit the network.
    HyperparameterError
        If a number lies outside its interval, the loss is not finite at the very start, or the
        optimizer is L-BFGS.

    Warns
    -----
    UserWarning
        If there is nothing to suggest: the loss never falls, or blows up too close to
        `lowest_rate`.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.training import learning_rate_finder
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> net = cr.Network([cr.Dense(8, "tanh"), cr.Dense(3)], loss="cross_entropy", input_shape=(4,))
    >>> sweep = learning_rate_finder(net, X, y)
    >>> 1e-4 < sweep.suggestion < 1
    True
    """
    check(lowest_rate=lowest_rate, highest_rate=highest_rate, steps=steps, seed=seed)
    check(smoothing=smoothing)
    for name, value in {"batch_size": batch_size, "threads": threads}.items():
        if value is not None:
            check(**{name: value})
    refuse_name(optimizer)
    if isinstance(optimizer, LBFGS):
        raise HyperparameterError(
            "optimizer is LBFGS, which has no rate to find: it chooses the length of its steps."
        )
    if not lowest_rate < highest_rate:
        raise HyperparameterError(
            f"lowest_rate = {lowest_rate} is not below highest_rate = {highest_rate}: the rate has "
            f"to rise in a sweep."
        )
    twin, rule = network.with_engine(network.engine), optimizer_record(optimizer)
    data, form = twin.bind(X, y, sample_weight)
    rows = np.arange(len(data["inputs"]))
    batches = Batches(batch_size or len(rows), rows, seed)
    trained = training_session(twin, data, form, rule, batches).session
    untrained = network.evaluation_session(data, form, batches)
    rates = np.geomspace(lowest_rate, highest_rate, int(steps))
    with trained.limits(threads):
        trial = _Minibatches(trained, rates / settings(rule)["learning_rate"])
        losses, blew_up = _sweep(trial, _Minibatches(untrained), len(rates), smoothing)
    found = _found(rates[: len(losses)], losses, blew_up)
    if found.suggestion is None:
        warn(_no_suggestion(found), UserWarning)
    return found


def _no_suggestion(found: RateSweep) -> str:
    """Why there is none, and what to do."""
    if found.steepest is None and found.blow_up is not None:
        return (
            f"the loss never falls before it blows up at a learning rate of {found.blow_up:.2g}, "
            f"so there is none to suggest: lower lowest_rate or scale X; with dropout give a "
            f"larger smoothing."
        )
    if found.steepest is None:
        return (
            f"the loss never falls between learning rates of {found.rates[0]:.2g} and "
            f"{found.rates[-1]:.2g}, so there is none to suggest: check the data and the network, "
            f"or sweep other rates."
        )
    return (
        f"the loss blows up at a learning rate of {found.blow_up:.2g}, less than {_MARGIN:g} times "
        f"the lowest of the sweep, {found.rates[0]:.2g}, so there is none to suggest: lower "
        f"lowest_rate."
    )


class _Minibatches:
    """The loss of one minibatch after the other, over as many epochs as it takes."""

    def __init__(self, session: Session, factors: np.ndarray | None = None) -> None:
        self.session, self.factors = session, factors
        self.step, self.before = 0, Totals()

    def next(self) -> float:
        """Run a minibatch; its mean loss, infinite when that is no finite number."""
        per_epoch = self.session.batches.per_epoch
        epoch, place = divmod(self.step, per_epoch)
        if place == 0:
            self.session.start_epoch(epoch, shuffle=True, rates=self._rates(per_epoch))
            self.before = Totals()
        self.session.run(1)
        self.step += 1
        now, before = self.session.totals, self.before
        self.before = Totals(now.loss, now.weight, now.metric)
        if self.session.failed:
            return math.inf
        return (now.loss - before.loss) / (now.weight - before.weight or 1)

    def _rates(self, per_epoch: int) -> np.ndarray | None:
        """Factors of the coming epoch, (minibatches,); what is beyond the sweep is not run."""
        if self.factors is None:
            return None
        part = self.factors[self.step : self.step + per_epoch]
        return np.pad(part, (0, per_epoch - len(part)))


def _sweep(
    trained: _Minibatches, untrained: _Minibatches, steps: int, smoothing: float
) -> tuple[np.ndarray, bool]:
    """Smoothed losses, (steps done,), of which the last may be infinite; whether they blew up."""
    changes, mean, level = [], 0.0, 0.0
    for done in range(steps):
        now, start = trained.next(), untrained.next()
        level += (start - level) / (done + 1)
        mean = smoothing * mean + (1 - smoothing) * (now - start)
        changes.append(mean)
        if not mean <= _BLOW_UP * max(abs(level), -min(changes)):
            return level + np.array(changes), True
    return level + np.array(changes), False


def _found(rates: np.ndarray, losses: np.ndarray, blew_up: bool) -> RateSweep:
    """The record of a sweep: rates and losses, (steps done,) each."""
    blow_up = float(rates[-1]) if blew_up else None
    finite = np.isfinite(losses)
    rates, losses = rates[finite], losses[finite]
    if len(losses) < 2:
        raise HyperparameterError(
            "the loss is not finite from the start of the sweep: lower lowest_rate or scale X."
        )
    if losses[0] - losses.min() <= _ROUNDING * abs(losses[0]):
        return RateSweep(rates, losses, None, blow_up)
    slopes = np.gradient(losses, np.log(rates))
    falling = slopes[: max(1, int(np.argmin(losses))) + 1]
    return RateSweep(rates, losses, float(rates[np.argmin(falling)]), blow_up)
