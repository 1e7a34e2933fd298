"""Activations: value and slope side by side, one record each.

Conventions: `z` is what a unit sums up, `y = value(z)` what it puts out, both (rows, columns).
`slope(z, y)` is ∂y/∂z written over whichever of the two makes it short and accurate; one that
reads only `y` lets the engine overwrite `z`. At a kink the slope is one of the two.
No formula overflows: exponentials are taken of negative numbers only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from math import sqrt as root
from typing import Any

from chainrule.errors import HyperparameterError, unknown_name
from chainrule.ops.configurable import Configurable
from chainrule.ops.expression import (
    Expression,
    Variable,
    absolute,
    as_expression,
    cos,
    erfc,
    exp,
    expm1,
    log1p,
    maximum,
    minimum,
    sin,
    tanh,
    variables,
    where,
)
from chainrule.ops.hyperparameters import Hyperparameter, Interval

__all__ = ["ACTIVATIONS", "ActivationFunction", "activation", "sigmoid", "softplus"]


@dataclass(frozen=True)
class ActivationFunction(Configurable):
    """One activation: what it computes, how steep it is, and what a reader wants to know.

    Attributes
    ----------
    name : str
    value : callable
        ``value(z, **settings)`` over the functions of `chainrule.ops`.
    slope : callable or None
        ``slope(z, y, **settings)``; None where no gradient can train it (see `untrainable`).
    formula, slope_formula : str
        As a textbook prints them.
    range : tuple of float
        Least and largest output for the default settings.
    kinks : tuple of float
        Where the slope jumps.
    parameters : tuple of Hyperparameter
        Its settings, such as the α of ELU.
    settings : mapping
        Values given for them.
    source : str
        Paper, or the number of the lecture notes.
    untrainable : str
        Why gradients cannot train it; empty for the others.
    """

    value: Callable[..., Any]
    slope: Callable[..., Any] | None
    formula: str
    slope_formula: str
    range: tuple[float, float] = (-inf, inf)
    kinks: tuple[float, ...] = ()
    source: str = ""
    untrainable: str = ""

    @cached_property
    def value_expression(self) -> Expression:
        """The value, of z's shape, as a tree over the variable `z` and the settings."""
        return as_expression(self.value(Variable("z"), **self.symbols))

    @cached_property
    def slope_expression(self) -> Expression:
        """The slope, of z's shape, as a tree over `z`, `y` and the settings."""
        if self.slope is None:
            raise HyperparameterError(f"activation '{self.name}' has no slope: {self.untrainable}")
        return as_expression(self.slope(Variable("z"), Variable("y"), **self.symbols))

    @property
    def slope_reads(self) -> tuple[str, ...]:
        """Which of "z" and "y" the slope needs; nothing for a constant slope."""
        read = variables(self.slope_expression)
        return tuple(name for name in ("z", "y") if name in read)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle a record by its name: formulas are functions and live in the registry."""
        return activation, (self.config(),)


def sigmoid(z: Any) -> Any:
    """1 / (1 + e⁻ᶻ), from an exponential that cannot overflow; elementwise, any shape."""
    e = exp(-absolute(z))
    return where(z >= 0, 1, e) / (1 + e)


def softplus(z: Any) -> Any:
    """log(1 + eᶻ), from an exponential that cannot overflow; elementwise, any shape."""
    return maximum(z, 0) + log1p(exp(-absolute(z)))


def _gauss(z: Any) -> Any:
    """Φ(z), the normal distribution function."""
    return 0.5 * erfc(z * -root(0.5))


def _mish_parts(z: Any) -> tuple[Any, Any, Any]:
    """(z, u, n): u = eᶻ and n = u(u + 2), so tanh(softplus(z)) = n/(n + 2) without cancellation.

    Beyond 20 the quotient is 1 to the last digit: z goes no further, so that u stays finite.
    """
    z = minimum(z, 20)
    u = exp(z)
    return z, u, u * (u + 2)


def _mish(z: Any) -> Any:
    _, _, n = _mish_parts(z)
    return z * (n / (n + 2))


def _mish_slope(z: Any, y: Any) -> Any:
    z, u, n = _mish_parts(z)
    t, rest = n / (n + 2), 2 / (n + 2)  # rest = 1 − t
    return t + z * rest * (1 + t) * (u / (1 + u))


# Chosen so that mean 0 and variance 1 are a fixed point of the layer's map.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

_STEP = "its slope is 0 wherever it exists, so no gradient reaches the weights; use 'sigmoid' or \
'tanh' to train, or set the weights by hand"


def _alpha(name: str, default: float, meaning: str) -> Hyperparameter:
    return Hyperparameter(name, default, Interval("(0, inf)"), meaning)


ACTIVATIONS: dict[str, ActivationFunction] = {
    record.name: record
    for record in (
        ActivationFunction(
            "threshold", lambda z: where(z >= 0, 1, 0), None,
            "1 if z ≥ 0 else 0", "0", (0, 1), (0,), source="000", untrainable=_STEP),
        ActivationFunction(
            "sign", lambda z: where(z >= 0, 1, -1), None,
            "1 if z ≥ 0 else −1", "0", (-1, 1), (0,), source="000", untrainable=_STEP),
        ActivationFunction(
            "identity", lambda z: z, lambda z, y: 1, "z", "1", source="000"),
        ActivationFunction(
            "sigmoid", sigmoid, lambda z, y: y * (1 - y),
            "1/(1 + e⁻ᶻ)", "y(1 − y)", (0, 1), source="000, 001, 003"),
        ActivationFunction(
            "tanh", tanh, lambda z, y: (1 - y) * (1 + y),
            "(eᶻ − e⁻ᶻ)/(eᶻ + e⁻ᶻ)", "1 − y²", (-1, 1), source="000, 003"),
        ActivationFunction(
            "relu", lambda z: maximum(z, 0), lambda z, y: where(y > 0, 1, 0),
            "max(0, z)", "1 if z > 0 else 0", (0, inf), (0,), source="000, 002, 003"),
        ActivationFunction(
            "leaky_relu", lambda z, k: where(z > 0, z, k * z), lambda z, y, k: where(y > 0, 1, k),
            "max(kz, z)", "1 if z > 0 else k", kinks=(0,),
            parameters=(Hyperparameter("k", 0.01, Interval("(0, 1)"), "slope left of 0"),),
            source="003; Maas, Hannun & Ng 2013"),
        ActivationFunction(
            "elu", lambda z, alpha: where(z > 0, z, alpha * expm1(minimum(z, 0))),
            lambda z, y, alpha: where(y > 0, 1, y + alpha),
            "z if z > 0 else α(eᶻ − 1)", "1 if z > 0 else y + α", (-1, inf),
            parameters=(_alpha("alpha", 1.0, "−α is the output far to the left"),),
            source="000; arXiv 1511.07289"),
        ActivationFunction(
            "softplus", softplus, lambda z, y: -expm1(-y),
            "log(1 + eᶻ)", "1/(1 + e⁻ᶻ)", (0, inf), source="000"),
        ActivationFunction(
            "hard_tanh", lambda z: minimum(maximum(z, -1), 1),
            lambda z, y: where(absolute(y) < 1, 1, 0),
            "min(1, max(−1, z))", "1 if −1 < z < 1 else 0", (-1, 1), (-1, 1), source="003"),
        ActivationFunction(
            "softsign", lambda z: z / (1 + absolute(z)),
            lambda z, y: 1 / ((1 + absolute(z)) * (1 + absolute(z))),
            "z/(1 + |z|)", "1/(1 + |z|)²", (-1, 1), source="003"),
        ActivationFunction(
            "gelu", lambda z: z * _gauss(z),
            lambda z, y: _gauss(z) + z * (0.3989422804014327 * exp(-0.5 * z * z)),
            "z Φ(z)", "Φ(z) + z φ(z)", (-0.16998, inf), source="arXiv 1606.08415"),
        ActivationFunction(
            "silu", lambda z: z * sigmoid(z),
            lambda z, y: sigmoid(z) * (1 + z * sigmoid(-z)),
            "z σ(z)", "σ(z)(1 + z σ(−z))", (-0.27847, inf), source="arXiv 1702.03118"),
        ActivationFunction(
            "mish", _mish, _mish_slope,
            "z tanh(softplus(z))", "t + z(1 − t²)σ(z), t = tanh(softplus(z))", (-0.30885, inf),
            source="arXiv 1908.08681"),
        ActivationFunction(
            "cosine", cos, lambda z, y: -sin(z), "cos z", "−sin z", (-1, 1),
            source="arXiv 2203.05556"),
        ActivationFunction(
            "selu",
            lambda z: where(z > 0, SELU_SCALE * z,
                            SELU_SCALE * SELU_ALPHA * expm1(minimum(z, 0))),
            lambda z, y: where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
            "λz if z > 0 else λα(eᶻ − 1)", "λ if z > 0 else y + λα",
            (-SELU_SCALE * SELU_ALPHA, inf), (0,), source="arXiv 1706.02515"),
    )
}  # fmt: skip


def activation(given: str | ActivationFunction | Mapping[str, Any]) -> ActivationFunction:
    """The record for a name, a record, or ``{"name": …, setting: …}``.

    Raises
    ------
    UnknownNameError
        Listing the activations there are.

    Examples
    --------
    >>> activation("relu").formula
    'max(0, z)'
    """
    if isinstance(given, ActivationFunction):
        return given
    settings = dict(given) if isinstance(given, Mapping) else {}
    name = settings.pop("name", None) if isinstance(given, Mapping) else given
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise unknown_name("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name](**settings)
