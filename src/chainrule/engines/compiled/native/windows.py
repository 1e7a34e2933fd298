"""Kernels for windows over a grid: a convolution's patches, pooling, and what they pass back.

The table that `dims[0]` points to: rows of the batch, height, width, channels, then two numbers
each for size, stride, zeros before, and positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import register_jitable

from chainrule.engines.compiled.native.intrinsics import choose, int64s, larger, real

__all__ = ["WINDOWS"]


def _patched(folds: bool) -> Callable[..., None]:
    """Between an input and its patches: a run of columns at a time."""

    def patches(ops: Any, dims: Any, attrs: Any) -> None:
        x, p = ops[0], ops[1]
        t = int64s(dims[0])
        n, height, width, channels = t[0], t[1], t[2], t[3]
        run, at = t[5] * channels, 0
        for b in range(n):
            for row in range(t[10]):
                for column in range(t[11]):
                    first = (column * t[7] - t[9]) * channels
                    low, high = max(0, -first), min(run, width * channels - first)
                    for k in range(t[4]):
                        line = row * t[6] - t[8] + k
                        inside = 0 <= line < height
                        begin = low if inside else run
                        end = high if inside else run
                        source = (b * height + line) * width * channels + first
                        for j in range(begin):
                            p[at + j] = real(0.0, ops)
                        for j in range(begin, end):
                            p[at + j] = x[source + j]
                        for j in range(end, run):
                            p[at + j] = real(0.0, ops)
                        at += run

    def fold(ops: Any, dims: Any, attrs: Any) -> None:
        p, x = ops[0], ops[1]
        t = int64s(dims[0])
        n, height, width, channels = t[0], t[1], t[2], t[3]
        run, at = t[5] * channels, 0
        for j in range(n * height * width * channels):
            x[j] = real(0.0, ops)
        for b in range(n):
            for row in range(t[10]):
                for column in range(t[11]):
                    first = (column * t[7] - t[9]) * channels
                    low, high = max(0, -first), min(run, width * channels - first)
                    for k in range(t[4]):
                        line = row * t[6] - t[8] + k
                        if 0 <= line < height:
                            target = (b * height + line) * width * channels + first
                            for j in range(low, high):
                                x[target + j] += p[at + j]
                        at += run

    return fold if folds else patches


@register_jitable
def _corner(t: Any, b: Any, row: Any, column: Any) -> Any:
    """Place of the first number under a window."""
    return ((b * t[1] + row * t[6]) * t[2] + column * t[7]) * t[3]


def max_pool(ops: Any, dims: Any, attrs: Any) -> None:
    """The largest number under each window, for each channel."""
    x, y = ops[0], ops[1]
    t = int64s(dims[0])
    channels, at = t[3], 0
    for b in range(t[0]):
        for row in range(t[10]):
            for column in range(t[11]):
                corner = _corner(t, b, row, column)
                for c in range(channels):
                    y[at + c] = x[corner + c]
                for k in range(t[4]):
                    for place in range(t[5]):
                        source = corner + (k * t[2] + place) * channels
                        for c in range(channels):
                            y[at + c] = larger(y[at + c], x[source + c])
                at += channels


def max_pool_slope(ops: Any, dims: Any, attrs: Any) -> None:
    """Each δ to the first place of its window that was the largest."""
    dy, x, y, dx = ops[0], ops[1], ops[2], ops[3]
    t = int64s(dims[0])
    channels, at = t[3], 0
    for j in range(t[0] * t[1] * t[2] * channels):
        dx[j] = real(0.0, ops)
    for b in range(t[0]):
        for row in range(t[10]):
            for column in range(t[11]):
                corner = _corner(t, b, row, column)
                for c in range(channels):
                    target = corner + c
                    found = False
                    for k in range(t[4]):
                        for place in range(t[5]):
                            source = corner + (k * t[2] + place) * channels + c
                            if not found and x[source] == y[at + c]:
                                found = True
                                target = source
                    dx[target] += dy[at + c]
                at += channels


def max_pool_slope_2x2(ops: Any, dims: Any, attrs: Any) -> None:
    """The same for windows of 2 × 2 side by side, the usual ones: all channels at once."""
    dy, x, y, dx, zero = ops[0], ops[1], ops[2], ops[3], real(0.0, ops)
    t = int64s(dims[0])
    channels, at = t[3], 0
    for b in range(t[0]):
        for row in range(t[10]):
            for column in range(t[11]):
                first = _corner(t, b, row, column)
                second, third = first + channels, first + t[2] * channels
                fourth = third + channels
                for c in range(channels):
                    left, largest = dy[at + c], y[at + c]
                    hit = x[first + c] == largest
                    dx[first + c] = choose(hit, left, zero)
                    left = choose(hit, zero, left)
                    hit = x[second + c] == largest
                    dx[second + c] = choose(hit, left, zero)
                    left = choose(hit, zero, left)
                    hit = x[third + c] == largest
                    dx[third + c] = choose(hit, left, zero)
                    dx[fourth + c] = choose(hit, zero, left)
                at += channels


def mean_pool(ops: Any, dims: Any, attrs: Any) -> None:
    """The mean under each window, for each channel."""
    x, y, share = ops[0], ops[1], real(attrs[0], ops)
    t = int64s(dims[0])
    channels, at = t[3], 0
    for b in range(t[0]):
        for row in range(t[10]):
            for column in range(t[11]):
                corner = _corner(t, b, row, column)
                for c in range(channels):
                    y[at + c] = real(0.0, ops)
                for k in range(t[4]):
                    for place in range(t[5]):
                        source = corner + (k * t[2] + place) * channels
                        for c in range(channels):
                            y[at + c] += x[source + c]
                for c in range(channels):
                    y[at + c] *= share
                at += channels


def mean_pool_slope(ops: Any, dims: Any, attrs: Any) -> None:
    """Each δ in equal shares to the places of its window."""
    dy, dx, share = ops[0], ops[1], real(attrs[0], ops)
    t = int64s(dims[0])
    channels, at = t[3], 0
    for j in range(t[0] * t[1] * t[2] * channels):
        dx[j] = real(0.0, ops)
    for b in range(t[0]):
        for row in range(t[10]):
            for column in range(t[11]):
                corner = _corner(t, b, row, column)
                for k in range(t[4]):
                    for place in range(t[5]):
                        target = corner + (k * t[2] + place) * channels
                        for c in range(channels):
                            dx[target + c] += dy[at + c] * share
                at += channels


WINDOWS: dict[str, Callable[..., None]] = {
    "patches": _patched(folds=False),
    "fold": _patched(folds=True),
    "max_pool": max_pool,
    "max_pool_slope": max_pool_slope,
    "max_pool_slope_2x2": max_pool_slope_2x2,
    "mean_pool": mean_pool,
    "mean_pool_slope": mean_pool_slope,
}
