"""Softmax as a layer, PReLU with its trained slopes, and penalties on activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import HyperparameterError
from chainrule.layers.base import Builder, layer
from chainrule.ops.formulas import formula
from chainrule.ops.hyperparameters import Hyperparameter, Interval, hyperparameter
from chainrule.ops.penalties import penalty_function
from chainrule.tape.instruction import columns

__all__ = ["ActivityPenalty", "PReLU", "Softmax"]

_START = Hyperparameter("start", 0.25, Interval("(-inf, inf)"), "first slope α where z ≤ 0")
_STRENGTH = hyperparameter("penalty", name="strength")


@layer
@dataclass(frozen=True)
class Softmax:
    """ŷ = eᶻ / Σ eᶻ along each row; ∂ŷᵢ/∂zⱼ = ŷᵢ(δᵢⱼ − ŷⱼ) (000, 001).

    For classification leave it out: loss "cross_entropy" takes scores and includes it, which is
    faster and exact for large scores. Inside a network it makes weights that add up to 1.

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> cr.Network([Softmax()], input_shape=(2,)).predict(np.zeros((1, 2)))
    array([[0.5, 0.5]], dtype=float32)
    """

    def emit(self, builder: Builder, x: str) -> str:
        """Write the formula: (n, …, units) to the same shape."""
        name = [f"y{builder.number}"]
        return builder.tape.emit("formula", [x], name, formula=formula("softmax"))


@layer
@dataclass(frozen=True)
class PReLU:
    """y = z if z > 0 else αz, with a trained α for each channel (000; arXiv 1502.01852).

    Parameters
    ----------
    start : float
        First value of every α.

    Notes
    -----
    Parameter: "alpha" (channels,).

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([cr.Dense(3), PReLU()], input_shape=(2,)).parameters["1.alpha"]
    array([0.25, 0.25, 0.25], dtype=float32)
    """

    start: float = _START.default

    def __post_init__(self) -> None:
        _START.check(self.start)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the formula: (n, …, channels) to the same shape."""
        units = columns(builder.shape(x))
        alpha = builder.parameter(
            "alpha", "α", (1, units), lambda rng: np.full((1, units), self.start), (units,)
        )
        name = [f"y{builder.number}"]
        return builder.tape.emit("formula", [x, alpha], name, formula=formula("prelu"))


@layer
@dataclass(frozen=True)
class ActivityPenalty:
    """Adds a penalty on what the layer before puts out, so that few units answer a row (001).

    "l1": θ Σ|y| of each row; "l2": θ Σ ½y²; "sparsity": θ Σⱼ KL(ρ ‖ mean of yⱼ over the
    minibatch), for outputs between 0 and 1. The output itself is passed on unchanged.

    Parameters
    ----------
    strength : float
        θ.
    kind : str or mapping
        A name, or with settings ``{"name": "sparsity", "rho": 0.1}``.

    Examples
    --------
    >>> ActivityPenalty(1e-3, "l1")
    ActivityPenalty(strength=0.001, kind='l1')
    """

    strength: float
    kind: str | Mapping[str, Any] = "l1"

    def __post_init__(self) -> None:
        _STRENGTH.check(self.strength)
        self._function()

    def _function(self) -> Any:
        settings = dict(self.kind) if isinstance(self.kind, Mapping) else {"name": self.kind}
        if "name" not in settings:
            raise HyperparameterError(
                f"kind is {self.kind!r}, without a name: give one, such as "
                f"{{'name': 'sparsity', 'rho': 0.1}}."
            )
        return penalty_function(settings.pop("name"), **settings)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the penalty; the value itself goes on, (n, …, units)."""
        record, tape, k = self._function(), builder.tape, builder.number
        by_row = record.name != "sparsity"
        v = x if by_row else tape.emit("column_mean", [x], [f"m{k}"])
        builder.objective.append(
            tape.emit("penalty", [v], [f"R{k}"], role="total", penalty=record,
                      strength=float(self.strength), by_row=by_row)
        )  # fmt: skip
        return x
