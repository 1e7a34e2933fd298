"""Schedules: the learning rate as a function of how many updates were made.

Conventions: t counts updates from 0, T is how many a whole run makes, τ = t/T goes from 0 to 1. A
schedule gives factors; the optimizer's own learning rate is the α₀ that they multiply.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import unknown_name
from chainrule.ops.hyperparameters import Hyperparameter, Interval

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "CosineCycles",
    "Exponential",
    "FlatCosine",
    "Inverse",
    "OneCycle",
    "Schedule",
    "Steps",
    "WarmUp",
    "schedule",
]


def _record(name: str, default: Any, interval: str, meaning: str, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, default, Interval(interval), meaning, **more)


_H = {
    record.name: record
    for record in (
        _record("factor", 0.5, "(0, 1]", "what the rate is multiplied by at each stair"),
        _record("every", 1000, "[1, inf)", "updates between two stairs", unit="updates",
                whole=True),
        _record("k", 1e-3, "[0, inf)", "decay of the rate in one update"),
        _record("tau", 1000, "[1, inf)", "updates before the rate falls", unit="updates",
                whole=True),
        _record("final", 0.0, "[0, 1]", "factor at the end of the run"),
        _record("start", 0.04, "(0, 1]", "factor at the start of the run"),
        _record("peak", 0.25, "(0, 1)", "share of the run at which the rate is highest"),
        _record("cycles", 4, "[1, inf)", "times that the rate goes up and down", whole=True),
        _record("updates", 100, "[1, inf)", "updates until the rate is full", unit="updates",
                whole=True),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Schedule:
    """Base of the schedules: a frozen record with `factors`."""

    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for item in fields(self):
            _H[item.name].check(getattr(self, item.name))

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """What to multiply the learning rate by.

        Parameters
        ----------
        t : ndarray of int, shape (n,)
            Updates made before each of n updates.
        total : int
            T, the updates of the whole run.

        Returns
        -------
        ndarray of shape (n,)
        """
        raise NotImplementedError

    def of_epoch(self, first: int, count: int, total: int) -> np.ndarray:
        """The factors of `count` updates one after another, before which `first` were made.

        Examples
        --------
        >>> Steps(factor=0.1, every=2).of_epoch(1, 3, 9).round(3).tolist()
        [1.0, 0.1, 0.1]
        """
        return self.factors(first + np.arange(count), total)


@dataclass(frozen=True)
class Constant(Schedule):
    """The learning rate as it is.

    Examples
    --------
    >>> Constant().factors(np.arange(2), 10).tolist()
    [1.0, 1.0]
    """

    formula: ClassVar[str] = "α₀"
    source: ClassVar[str] = "003"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """1 for each of the (n,) updates."""
        return np.ones(len(t))

    def of_epoch(self, first: int, count: int, total: int) -> np.ndarray:
        """1 for each of the updates, (count,)."""
        return np.ones(count)


@dataclass(frozen=True)
class Steps(Schedule):
    """Down by a factor every so many updates (003).

    Examples
    --------
    >>> Steps(factor=0.1, every=2).factors(np.arange(5), 5).round(3).tolist()
    [1.0, 1.0, 0.1, 0.1, 0.01]
    """

    factor: float = _H["factor"].default
    every: int = _H["every"].default
    formula: ClassVar[str] = "α₀ x^⌊t/n⌋"
    source: ClassVar[str] = "003"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """x^⌊t/n⌋, shape (n,)."""
        return self.factor ** (t // self.every).astype(float)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Exponential decay, α₀ e^(−kt) (003).

    Examples
    --------
    >>> float(Exponential(k=0.1).factors(np.array([10]), 20).round(4)[0])
    0.3679
    """

    k: float = _H["k"].default
    formula: ClassVar[str] = "α₀ e^(−kt)"
    source: ClassVar[str] = "003"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """e^(−kt), shape (n,)."""
        return np.exp(-self.k * t)


@dataclass(frozen=True)
class Inverse(Schedule):
    """Constant up to τ, then falling like 1/t: α₀ τ/max(t, τ) (003).

    Examples
    --------
    >>> Inverse(tau=2).factors(np.array([1, 2, 4]), 9).tolist()
    [1.0, 1.0, 0.5]
    """

    tau: int = _H["tau"].default
    formula: ClassVar[str] = "α₀ τ/max(t, τ)"
    source: ClassVar[str] = "003"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """τ/max(t, τ), shape (n,)."""
        return self.tau / np.maximum(t, self.tau)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from 1 down to `final` (Loshchilov & Hutter 2017, without restarts).

    Examples
    --------
    >>> Cosine().factors(np.array([0, 5, 10]), 10).round(3).tolist()
    [1.0, 0.5, 0.0]
    """

    final: float = _H["final"].default
    formula: ClassVar[str] = "α₀ (f + (1 − f)(1 + cos πτ)/2)"
    source: ClassVar[str] = "arXiv 1608.03983"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """F + (1 − f)(1 + cos πτ)/2, shape (n,)."""
        return self.final + (1 - self.final) * (1 + np.cos(np.pi * t / total)) / 2


@dataclass(frozen=True)
class FlatCosine(Schedule):
    """Constant for half the run, then half a cosine down to 0 (Holzmüller et al. 2024).

    Examples
    --------
    >>> FlatCosine().factors(np.array([0, 4, 6, 8]), 8).round(3).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """

    formula: ClassVar[str] = "α₀ (1 + cos(π max(0, 2τ − 1)))/2"
    source: ClassVar[str] = "arXiv 2407.04491"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """(1 + cos(π max(0, 2τ − 1)))/2, shape (n,)."""
        return (1 + np.cos(np.pi * np.maximum(0, 2 * t / total - 1))) / 2


@dataclass(frozen=True)
class CosineCycles(Schedule):
    """Whole cosines from 0 up and down again, each twice as long as the one before.

    For k cycles (1 − cos(2π log₂(1 + (2ᵏ − 1)τ)))/2: the rate starts low and is high again and
    again before the long last descent (Holzmüller et al. 2024, with four).

    Examples
    --------
    >>> CosineCycles(2).factors(np.array([0, 4, 12]), 12).round(3).tolist()
    [0.0, 0.0, 0.0]
    >>> CosineCycles(2).factors(np.array([7]), 12) > 0.9
    array([ True])
    """

    cycles: int = _H["cycles"].default
    formula: ClassVar[str] = "α₀ (1 − cos(2π log₂(1 + (2ᵏ − 1)τ)))/2"
    source: ClassVar[str] = "arXiv 2407.04491"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """(1 − cos(2π log₂(1 + (2ᵏ − 1)τ)))/2, shape (n,)."""
        turns = np.log2(1 + (2**self.cycles - 1) * t / total)
        return (1 - np.cos(2 * np.pi * turns)) / 2


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from `start` to 1, then down to `final`, both along a cosine (Smith & Topin 2018).

    Examples
    --------
    >>> OneCycle(start=0.1, peak=0.5).factors(np.array([0, 5, 10]), 10).round(3).tolist()
    [0.1, 1.0, 0.0]
    """

    start: float = _H["start"].default
    peak: float = _H["peak"].default
    final: float = _H["final"].default
    formula: ClassVar[str] = "up from s to α₀ until τ = p, then down to f, along cosines"
    source: ClassVar[str] = "arXiv 1708.07120"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """Two half cosines that meet at τ = p, shape (n,)."""
        share = t / total
        up = self.start + (1 - self.start) * (1 - np.cos(np.pi * share / self.peak)) / 2
        rest = (share - self.peak) / (1 - self.peak)
        down = self.final + (1 - self.final) * (1 + np.cos(np.pi * rest)) / 2
        return np.where(share < self.peak, up, down)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """From nearly 0 up to the full rate in a straight line, then constant (Goyal et al. 2017).

    Examples
    --------
    >>> WarmUp(updates=4).factors(np.arange(6), 6).tolist()
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    updates: int = _H["updates"].default
    formula: ClassVar[str] = "α₀ min(1, (t + 1)/n)"
    source: ClassVar[str] = "arXiv 1706.02677"

    def factors(self, t: np.ndarray, total: int) -> np.ndarray:
        """min(1, (t + 1)/n), shape (n,)."""
        return np.minimum(1, (t + 1) / self.updates)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "steps": Steps,
    "exponential": Exponential,
    "inverse": Inverse,
    "cosine": Cosine,
    "cosine_cycles": CosineCycles,
    "flat_cosine": FlatCosine,
    "one_cycle": OneCycle,
    "warm_up": WarmUp,
}


def schedule(given: str | Schedule) -> Schedule:
    """The schedule for a name or a record.

    Raises
    ------
    UnknownNameError
        Listing the schedules there are.
    """
    if isinstance(given, Schedule):
        return given
    if not isinstance(given, str) or given not in SCHEDULES:
        raise unknown_name("schedule", given, SCHEDULES)
    return SCHEDULES[given]()
