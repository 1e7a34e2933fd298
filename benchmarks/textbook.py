"""The textbook formulas of every activation once more, in as many digits as mpmath is set to.

They are independent of `chainrule.ops`: written over z alone, as the books print them, with exact
arithmetic instead of care for rounding. The tests and the page of accuracies compare with them.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath
from mpmath import mpf

__all__ = ["SLOPES", "VALUES", "Exact"]

Exact = Callable[[mpf], mpf]

LEAK = mpf(0.01)
ALPHA, SCALE = mpf(1.6732632423543772), mpf(1.0507009873554805)
FAR = 500  # from here on log(1 + eᶻ) is z, and Φ(±z) 1 and 0, to more than 200 digits


def _sigmoid(z: mpf) -> mpf:
    return 1 / (1 + mpmath.exp(-z))


def _softplus(z: mpf) -> mpf:
    return mpmath.log1p(mpmath.exp(z)) if z < FAR else z


def _normal(z: mpf) -> mpf:
    """Φ(z); mpmath's own gives up far out."""
    return mpmath.ncdf(z) if abs(z) < FAR else mpf(z > 0)


def _bell(z: mpf) -> mpf:
    """σ(z)(1 − σ(z)), without a difference of two numbers that are nearly alike."""
    return mpmath.exp(-abs(z)) / (1 + mpmath.exp(-abs(z))) ** 2


def _mish_slope(z: mpf) -> mpf:
    s = _softplus(z)
    return mpmath.tanh(s) + z * _sech(s) ** 2 * _sigmoid(z)


def _sech(z: mpf) -> mpf:
    return 2 * mpmath.exp(-abs(z)) / (1 + mpmath.exp(-2 * abs(z)))


VALUES: dict[str, Exact] = {
    "threshold": lambda z: mpf(z >= 0),
    "sign": lambda z: mpf(1 if z >= 0 else -1),
    "identity": lambda z: z,
    "sigmoid": _sigmoid,
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else LEAK * z,
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
    "softplus": _softplus,
    "hard_tanh": lambda z: min(max(z, mpf(-1)), mpf(1)),
    "softsign": lambda z: z / (1 + abs(z)),
    "gelu": lambda z: z * _normal(z),
    "silu": lambda z: z * _sigmoid(z),
    "mish": lambda z: z * mpmath.tanh(_softplus(z)),
    "cosine": mpmath.cos,
    "selu": lambda z: SCALE * (z if z > 0 else ALPHA * mpmath.expm1(z)),
}
# The derivatives; at a kink the one that the activation's slope formula names.
SLOPES: dict[str, Exact] = {
    "identity": lambda z: mpf(1),
    "sigmoid": _bell,
    "tanh": lambda z: _sech(z) ** 2,
    "relu": lambda z: mpf(z > 0),
    "leaky_relu": lambda z: mpf(1) if z > 0 else LEAK,
    "elu": lambda z: mpf(1) if z > 0 else mpmath.exp(z),
    "softplus": _sigmoid,
    "hard_tanh": lambda z: mpf(-1 < z < 1),
    "softsign": lambda z: 1 / (1 + abs(z)) ** 2,
    "gelu": lambda z: _normal(z) + z * mpmath.npdf(z),
    "silu": lambda z: _sigmoid(z) + z * _bell(z),
    "mish": _mish_slope,
    "cosine": lambda z: -mpmath.sin(z),
    "selu": lambda z: SCALE if z > 0 else SCALE * ALPHA * mpmath.exp(z),
}
