"""Formulas of losses that are minus the logarithm of a likelihood, and of the pinball loss.

Each comes as its value, one number a row, and its slope. A constant that no score moves is left
out but for the normal distribution, whose loss is the whole logarithm.
"""

from __future__ import annotations

from typing import Any

from chainrule.ops.expression import absolute, exp, maximum, row_sum, where

__all__ = [
    "distance_of_means", "gamma", "gaussian", "gaussian_slope", "pinball", "pinball_slope",
    "poisson", "tweedie", "tweedie_slope",
]  # fmt: skip

_LOG_TWO_PI = 1.8378770664093453


def gaussian(mean: Any, log_variance: Any, t: Any) -> Any:
    """Σ ½(s + (t − m)²e⁻ˢ + log 2π), (rows, 1); the normal distribution's."""
    e = t - mean
    return row_sum(0.5 * (log_variance + e * e * exp(-log_variance) + _LOG_TWO_PI))


def gaussian_slope(mean: Any, log_variance: Any, t: Any) -> tuple[Any, Any]:
    """(m − t)e⁻ˢ and ½(1 − (t − m)²e⁻ˢ), (rows, outputs) each."""
    e, precision = t - mean, exp(-log_variance)
    return -e * precision, 0.5 * (1 - e * e * precision)


def poisson(z: Any, t: Any) -> Any:
    """Σ eᶻ − t z, (rows, 1)."""
    return row_sum(exp(z) - t * z)


def gamma(z: Any, t: Any) -> Any:
    """Σ z + t e⁻ᶻ, (rows, 1); the gamma distribution's, over its shape."""
    return row_sum(z + t * exp(-z))


def tweedie(z: Any, t: Any, power: Any) -> Any:
    """Σ μ²⁻ᵖ/(2 − p) − t μ¹⁻ᵖ/(1 − p) with μ = eᶻ, (rows, 1); over the dispersion."""
    return row_sum(exp((2 - power) * z) / (2 - power) - t * exp((1 - power) * z) / (1 - power))


def tweedie_slope(z: Any, t: Any, power: Any) -> Any:
    """μ²⁻ᵖ − t μ¹⁻ᵖ, (rows, outputs)."""
    return exp((2 - power) * z) - t * exp((1 - power) * z)


def distance_of_means(z: Any, t: Any) -> Any:
    """Σ |eᶻ − t|, (rows, 1)."""
    return row_sum(absolute(exp(z) - t))


def pinball(z: Any, t: Any, level: Any) -> Any:
    """Σ max(q(t − z), (q − 1)(t − z)), (rows, 1)."""
    return row_sum(maximum(level * (t - z), (level - 1) * (t - z)))


def pinball_slope(z: Any, t: Any, level: Any) -> Any:
    """−q where t > z, else 1 − q, (rows, outputs)."""
    return where(t > z, -level, 1 - level)
