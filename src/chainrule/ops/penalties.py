"""Penalties: what is added to the loss for large weights or for busy units.

L2 (θ/2)‖w‖² and L1 θ‖w‖₁ act on weights (001, 003); the same records and the Kullback-Leibler
sparsity act on activations, where they make few units answer to each row (001).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import HyperparameterError, unknown_name
from chainrule.ops.configurable import Configurable
from chainrule.ops.expression import Expression, Variable, absolute, log, where
from chainrule.ops.hyperparameters import Hyperparameter, Interval, hyperparameter

__all__ = ["L1", "L2", "PENALTIES", "PenaltyFunction", "WeightPenalty", "penalty_function"]

_STRENGTH = hyperparameter("penalty", name="strength")


@dataclass(frozen=True)
class PenaltyFunction(Configurable):
    """A penalty on one number v, its slope, and how they are printed.

    Attributes
    ----------
    value, slope : callable
        ``value(v, **settings)``, elementwise.
    formula, slope_formula, source : str
    """

    value: Callable[..., Any]
    slope: Callable[..., Any]
    formula: str
    slope_formula: str
    source: str = ""

    @cached_property
    def value_expression(self) -> Expression:
        """The value, of v's shape, as a tree over `v` and the settings."""
        return self.value(Variable("v"), **self.symbols)

    @cached_property
    def slope_expression(self) -> Expression:
        """The slope, of v's shape, as a tree over `v` and the settings."""
        return self.slope(Variable("v"), **self.symbols)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle a record by its name: formulas are functions and live in the registry."""
        return _restored, (self.config(),)


def _restored(config: dict[str, Any]) -> PenaltyFunction:
    return penalty_function(config.pop("name"), **config)


PENALTIES: dict[str, PenaltyFunction] = {
    record.name: record
    for record in (
        PenaltyFunction("l2", lambda v: 0.5 * v * v, lambda v: v, "½v²", "v", "001, 003"),
        PenaltyFunction(
            "l1", absolute, lambda v: where(v > 0, 1, where(v < 0, -1, 0)), "|v|", "sign(v)",
            "001"),
        PenaltyFunction(
            "sparsity",
            lambda v, rho: rho * log(rho / v) + (1 - rho) * log((1 - rho) / (1 - v)),
            lambda v, rho: (1 - rho) / (1 - v) - rho / v,
            "ρ log(ρ/v) + (1 − ρ) log((1 − ρ)/(1 − v))", "(1 − ρ)/(1 − v) − ρ/v",
            "001; Ng 2011",
            parameters=(Hyperparameter("rho", 0.05, Interval("(0, 1)"),
                                       "ρ, the mean activity asked for"),)),
    )
}  # fmt: skip


def penalty_function(name: str, **settings: float) -> PenaltyFunction:
    """The record called `name`, with settings.

    Raises
    ------
    UnknownNameError
        Listing the penalties there are.

    Examples
    --------
    >>> penalty_function("l1").formula
    '|v|'
    """
    if name not in PENALTIES:
        raise unknown_name("penalty", name, PENALTIES)
    return PENALTIES[name](**settings) if settings else PENALTIES[name]


@dataclass(frozen=True, eq=False)
class WeightPenalty:
    """Base of the penalties on parameters.

    Parameters
    ----------
    strength : float or mapping of str to float or array
        θ; or one for each parameter by name, an array giving each weight its own.
    parameters : sequence of str, optional
        Names of the parameters it holds for, such as ``["0.weight"]``; all weights by default,
        biases never.
    """

    strength: float | Mapping[str, Any]
    parameters: Sequence[str] | None = None

    def __post_init__(self) -> None:
        given = self.strength
        values = list(given.values()) if isinstance(given, Mapping) else [given]
        if isinstance(given, Mapping) and self.parameters is not None:
            raise HyperparameterError(
                "a penalty has both a strength for each parameter and a list of parameters: give "
                "one of the two."
            )
        for value in values:
            array = np.asarray(value, dtype=np.float64)
            _STRENGTH.check(float(array.min() if array.size else -1.0))

    @property
    def function(self) -> PenaltyFunction:
        """What it computes for one weight."""
        return PENALTIES[type(self).__name__.lower()]

    def strengths(self, names: Sequence[str]) -> dict[str, Any]:
        """Parameter -> θ, a number or an array of its shape.

        Raises
        ------
        UnknownNameError
            For a parameter that the network has not.
        """
        if isinstance(self.strength, Mapping):
            chosen: dict[str, Any] = dict(self.strength)
        else:
            own = self.parameters
            wanted = [n for n in names if n.endswith("weight")] if own is None else own
            chosen = dict.fromkeys(wanted, self.strength)
        for name in chosen:
            if name not in names:
                raise unknown_name("parameter", name, names)
        return chosen

    def config(self) -> dict[str, Any]:
        """Name, strength and parameters as data that JSON can hold."""
        given = self.strength
        strength = (
            {name: np.asarray(v).tolist() for name, v in given.items()}
            if isinstance(given, Mapping)
            else float(given)
        )
        chosen = None if self.parameters is None else list(self.parameters)
        return {"name": type(self).__name__, "strength": strength, "parameters": chosen}

    @staticmethod
    def from_config(data: Mapping[str, Any]) -> WeightPenalty:
        """The penalty that `config` described."""
        made = {"L1": L1, "L2": L2}.get(data["name"])
        if made is None:
            raise unknown_name("penalty", data["name"], ("L1", "L2"))
        return made(data["strength"], data["parameters"])


class L2(WeightPenalty):
    """θ/2 ‖w‖², gradient θw: weights stay small (001, 003).

    Examples
    --------
    >>> L2(1e-3).strengths(["0.weight", "0.bias"])
    {'0.weight': 0.001}
    """


class L1(WeightPenalty):
    """θ‖w‖₁, gradient θ sign(w): weights that gain little become exactly 0 (001).

    Training shrinks each weight towards 0 by ηθ after its update and stops at 0, the proximal step
    of Tibshirani's lasso (1996); a plain gradient would step over 0 for ever.

    Examples
    --------
    >>> L1(0.1, ["1.weight"]).function.formula
    '|v|'
    """
