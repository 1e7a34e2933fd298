"""Kernels that move numbers: copies, changed dimensions, rows of a table, sums of squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.engines.compiled.native.intrinsics import int64s, real

__all__ = ["ARRANGING"]


def copy(ops: Any, dims: Any, attrs: Any) -> None:
    """Y = x."""
    x, y = ops[0], ops[1]
    for j in range(dims[0]):
        y[j] = x[j]


def fill(ops: Any, dims: Any, attrs: Any) -> None:
    """Y = the same number everywhere."""
    y, value = ops[0], real(attrs[0], ops)
    for j in range(dims[0]):
        y[j] = value


def swap(ops: Any, dims: Any, attrs: Any) -> None:
    """y[b, a, :] = x[a, low + b, :]."""
    x, y, first, second, width = ops[0], ops[1], dims[0], dims[1], dims[2]
    low = dims[4]
    for b in range(dims[3]):
        for a in range(first):
            source, target = (a * second + low + b) * width, (b * first + a) * width
            for j in range(width):
                y[target + j] = x[source + j]


def select(ops: Any, dims: Any, attrs: Any) -> None:
    """y[i, j] = x[i, places[j]]."""
    x, y, width, n, places = ops[0], ops[1], dims[1], dims[2], int64s(dims[3])
    for i in range(dims[0]):
        for j in range(n):
            y[i * n + j] = x[i * width + places[j]]


def place(ops: Any, dims: Any, attrs: Any) -> None:
    """dx[i, places[j]] = dy[i, j], and 0 elsewhere."""
    dy, dx, n, width, places = ops[0], ops[1], dims[1], dims[2], int64s(dims[3])
    zero = real(0.0, ops)
    for j in range(dims[0] * width):
        dx[j] = zero
    for i in range(dims[0]):
        for j in range(n):
            dx[i * width + places[j]] = dy[i * n + j]


def join(ops: Any, dims: Any, attrs: Any) -> None:
    """y[i, :] = a[i, :] and then b[i, :]."""
    a, b, y, n, m = ops[0], ops[1], ops[2], dims[1], dims[2]
    for i in range(dims[0]):
        row = i * (n + m)
        for j in range(n):
            y[row + j] = a[i * n + j]
        for j in range(m):
            y[row + n + j] = b[i * m + j]


def spread(ops: Any, dims: Any, attrs: Any) -> None:
    """dz[i, :] = a number times dm in every row."""
    dm, dz, m, n = ops[0], ops[1], dims[0], dims[1]
    share = real(attrs[0], ops)
    for i in range(m):
        for j in range(n):
            dz[i * n + j] = dm[j] * share


def lookup(ops: Any, dims: Any, attrs: Any) -> None:
    """e[k, :] = table[token k, :]."""
    tokens, table, e, width = ops[0], ops[1], ops[2], dims[1]
    for k in range(dims[0]):
        row = int(tokens[k]) * width
        for j in range(width):
            e[k * width + j] = table[row + j]


def lookup_slope(ops: Any, dims: Any, attrs: Any) -> None:
    """dtable[v, :] = sum of de[k, :] over the places k of token low + v."""
    tokens, de, total, width, rows, low = ops[0], ops[1], ops[2], dims[1], dims[2], dims[3]
    for j in range(rows * width):
        total[j] = real(0.0, ops)
    for k in range(dims[0]):
        row = int(tokens[k]) - low
        if 0 <= row < rows:
            row *= width
            for j in range(width):
                total[row + j] += de[k * width + j]


def square_sum(ops: Any, dims: Any, attrs: Any) -> None:
    """S = Σ g², and what is at the third operand if asked for; eight sums side by side."""
    g, s, size = ops[0], ops[1], dims[0]
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
    whole = size - size % 8
    for j in range(0, whole, 8):
        a0 += np.float64(g[j]) * g[j]
        a1 += np.float64(g[j + 1]) * g[j + 1]
        a2 += np.float64(g[j + 2]) * g[j + 2]
        a3 += np.float64(g[j + 3]) * g[j + 3]
        a4 += np.float64(g[j + 4]) * g[j + 4]
        a5 += np.float64(g[j + 5]) * g[j + 5]
        a6 += np.float64(g[j + 6]) * g[j + 6]
        a7 += np.float64(g[j + 7]) * g[j + 7]
    total = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))
    for j in range(whole, size):
        total += np.float64(g[j]) * g[j]
    if dims[1]:
        total += ops[2][0]
    s[0] = real(total, ops)


def clip(ops: Any, dims: Any, attrs: Any) -> None:
    """G shortened when the length of all gradients, √s, is over the limit."""
    g, length = ops[0], np.sqrt(np.float64(ops[1][0]))
    if length > attrs[0]:
        factor = real(attrs[0] / length, ops)
        for j in range(dims[0]):
            g[j] *= factor


ARRANGING: dict[str, Callable[..., None]] = {
    "clip": clip,
    "copy": copy,
    "fill": fill,
    "join": join,
    "lookup": lookup,
    "lookup_slope": lookup_slope,
    "place": place,
    "select": select,
    "spread": spread,
    "square_sum": square_sum,
    "swap": swap,
}
