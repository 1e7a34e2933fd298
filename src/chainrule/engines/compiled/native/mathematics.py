"""exp, log, tanh and their kin as polynomials: loops over them become vector code.

The C library's functions are called for one number at a time, which is 5 to 10 times slower.
Every constant has the type of `x`, so nothing is promoted to float64; every polynomial is a
Taylor series, long enough for the type, so the coefficients need no source.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from chainrule.engines.compiled.native.intrinsics import (
    choose,
    larger,
    power_of_two,
    smaller,
    split_float,
)

_INLINED: Any = {
    "forceinline": True,
    "fastmath": {"contract", "nsz", "arcp"},
    "error_model": "numpy",
}
__all__ = ["cos", "erfc", "exp", "expm1", "log", "log1p", "sin", "sqrt", "tanh"]


def _stub(x: Any) -> Any:
    raise NotImplementedError("only kernels call this")


def exp(x: Any) -> Any:
    """E to the power x; 0 and infinity beyond the type's range, NaN for NaN."""
    return _stub(x)


def expm1(x: Any) -> Any:
    """exp(x) − 1 without cancellation."""
    return _stub(x)


def log(x: Any) -> Any:
    """Natural logarithm of a normal number; −inf at 0, NaN below."""
    return _stub(x)


def log1p(x: Any) -> Any:
    """log(1 + x) without cancellation."""
    return _stub(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return _stub(x)


def cos(x: Any) -> Any:
    """Cosine; NaN for infinite angles."""
    return _stub(x)


def sin(x: Any) -> Any:
    """Sine; NaN for infinite angles."""
    return _stub(x)


def sqrt(x: Any) -> Any:
    """Square root."""
    return _stub(x)


def erfc(x: Any) -> Any:
    """Complementary error function, from the C library."""
    return _stub(x)


# x = n ln 2 + r with |r| ≤ ½ ln 2. ln 2 comes in two parts so that n · high is exact.
_FLOAT32 = {"degree": 7, "least": -104.0, "most": 89.0, "high": 0.693359375, "low": -2.12194440e-4}
_FLOAT64 = {
    "degree": 13, "least": -746.0, "most": 710.0,
    "high": 0.693145751953125, "low": 1.42860682030941723212e-6,
}  # fmt: skip


def _of(x: Any) -> tuple[Callable[[float], Any], dict[str, Any]]:
    single = x == types.float32
    return (np.float32, _FLOAT32) if single else (np.float64, _FLOAT64)


def _reduction(x: Any) -> tuple[Any, ...]:
    real, table = _of(x)
    coefficients = tuple(real(1 / math.factorial(k)) for k in range(table["degree"], 0, -1))
    numbers = (table["least"], table["most"], table["high"], table["low"], math.log2(math.e), 0.5)
    return (real, coefficients, *(real(c) for c in numbers))


@overload(exp, jit_options=_INLINED)
def _exp(x: Any) -> Any:
    real, coefficients, least, most, high, low, log2e, half = _reduction(x)
    zero, one = real(0), real(1)

    def implementation(x: Any) -> Any:
        bounded = larger(smaller(x, most), least)
        n = np.int32(bounded * log2e + choose(bounded > zero, half, -half))
        r = bounded - real(n) * high - real(n) * low
        p = coefficients[0]
        for c in coefficients[1:]:
            p = p * r + c
        # In two halves: 2**n alone may lie outside the normal numbers.
        m = n >> np.int32(1)
        y = (p * r + one) * power_of_two(m, x) * power_of_two(n - m, x)
        return choose(x == x, y, x)

    return implementation


@overload(expm1, jit_options=_INLINED)
def _expm1(x: Any) -> Any:
    real, coefficients, least, most, high, low, log2e, half = _reduction(x)
    zero, one = real(0), real(1)

    def implementation(x: Any) -> Any:
        bounded = larger(smaller(x, most), least)
        n = np.int32(bounded * log2e + choose(bounded > zero, half, -half))
        r = bounded - real(n) * high - real(n) * low
        p = coefficients[0]
        for c in coefficients[1:]:
            p = p * r + c
        m = n >> np.int32(1)
        a, b = power_of_two(m, x), power_of_two(n - m, x)
        y = (p * r) * a * b + (a * b - one)
        return choose(x == x, y, x)

    return implementation


def _atanh_series(x: Any) -> tuple[Any, ...]:
    """Log m = 2 (s + s³/3 + s⁵/5 …), s = (m − 1)/(m + 1), |s| ≤ 0.172: coefficients of s²."""
    real, _ = _of(x)
    terms = 5 if real is np.float32 else 11
    return real, tuple(real(2 / (2 * k + 1)) for k in range(terms, 0, -1))


@overload(log, jit_options=_INLINED)
def _log(x: Any) -> Any:
    real, series = _atanh_series(x)
    _, table = _of(x)
    high, low, one, two = (real(c) for c in (table["high"], table["low"], 1, 2))
    zero, least = real(0), np.finfo(real).tiny
    minus, nan = real(-np.inf), real(np.nan)
    infinite = real(np.inf)

    def implementation(x: Any) -> Any:
        m, e = split_float(larger(x, least))
        s = (m - one) / (m + one)
        q = s * s
        p = series[0]
        for c in series[1:]:
            p = p * q + c
        y = e * high + (s * two + (s * q * p + e * low))
        y = choose(x < infinite, y, x)  # +inf and NaN are their own logarithms
        return choose(x < least, choose(x == zero, minus, choose(x < zero, nan, y)), y)

    return implementation


@overload(log1p, jit_options=_INLINED)
def _log1p(x: Any) -> Any:
    real, _ = _of(x)
    one = real(1)

    def implementation(x: Any) -> Any:
        # log(u) + error of u / u, where u = 1 + x is rounded.
        u = one + x
        return log(u) + (x - (u - one)) / u

    return implementation


@overload(tanh, jit_options=_INLINED)
def _tanh(x: Any) -> Any:
    real, _ = _of(x)
    two, zero = real(2), real(0)

    def implementation(x: Any) -> Any:
        e = expm1(-two * abs(x))
        y = -e / (two + e)
        return choose(x >= zero, y, -y)

    return implementation


# π/2 to 50 digits. It comes in three parts: m times the first two is exact for the m there are.
_HALF_PI = Fraction("1.5707963267948966192313216916397514420985846996876")
_TURNS: dict[Any, tuple[int, int, int]] = {
    np.float32: (8, 11, 2**13),
    np.float64: (26, 26, 2**26),
}


def _parts_of_half_pi(real: Any) -> tuple[Any, Any, Any]:
    """The three parts, of as many bits as `_TURNS` says, and what is left."""
    first, second, _ = _TURNS[real]
    high = Fraction(round(_HALF_PI * 2**first), 2**first)
    middle = Fraction(round((_HALF_PI - high) * 2 ** (first + second)), 2 ** (first + second))
    return tuple(real(float(part)) for part in (high, middle, _HALF_PI - high - middle))


def _sine_of_rest(x: Any, quarter: int) -> Any:
    """Code for sin(x + quarter · π/2) by x = m π/2 + r, |r| ≤ π/2, and the sine's series in r.

    Beyond as many turns as the parts are exact for, the angle is not reduced any further: the
    result there is a number between −1 and 1 that means nothing.
    """
    real: Any = _of(x)[0]
    high, middle, low = _parts_of_half_pi(real)
    terms = 6 if real is np.float32 else 11
    series = tuple(real((-1) ** k / math.factorial(2 * k + 1)) for k in range(terms, 0, -1))
    most = real(_TURNS[real][2])
    turn, half, zero, infinite = real(1 / math.pi), real(0.5), real(0), real(np.inf)
    shift, two = real(quarter / 2), np.int32(2)

    def implementation(x: Any) -> Any:
        bounded = larger(smaller(x, most), -most)
        t = bounded * turn + shift
        n = np.int32(t + choose(t > zero, half, -half))
        m = real(two * n - np.int32(quarter))
        r = ((bounded - m * high) - m * middle) - m * low
        q = r * r
        p = series[0]
        for c in series[1:]:
            p = p * q + c
        y = r + r * (q * p)
        y = choose((n & np.int32(1)) == np.int32(0), y, -y)
        return choose(abs(x) < infinite, y, x - x)

    return implementation


@overload(sin, jit_options=_INLINED)
def _sin(x: Any) -> Any:
    return _sine_of_rest(x, 0)


@overload(cos, jit_options=_INLINED)
def _cos(x: Any) -> Any:
    return _sine_of_rest(x, 1)


@overload(sqrt, jit_options=_INLINED)
def _sqrt(x: Any) -> Any:
    def implementation(x: Any) -> Any:
        return np.sqrt(x)

    return implementation


@overload(erfc, jit_options=_INLINED)
def _erfc(x: Any) -> Any:
    def implementation(x: Any) -> Any:
        return math.erfc(x)

    return implementation
