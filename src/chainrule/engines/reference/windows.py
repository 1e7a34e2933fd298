"""Convolution's patches and pooling as array code: one shifted view for each place of a window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.engines.reference.context import Array, Arrays, Context
from chainrule.tape import Instruction
from chainrule.tape.window import Grid, Window

__all__ = ["fold", "max_pool", "max_pool_slope", "mean_pool", "mean_pool_slope", "patches"]

Slices = tuple[slice, slice]


def _places(grid: Grid) -> Iterator[tuple[int, Slices]]:
    """Each place of the window: its number, and where it lies in the padded input."""
    for row in range(grid.size[0]):
        for column in range(grid.size[1]):
            reach = (
                slice(row, row + grid.stride[0] * (grid.outputs[0] - 1) + 1, grid.stride[0]),
                slice(column, column + grid.stride[1] * (grid.outputs[1] - 1) + 1, grid.stride[1]),
            )
            yield row * grid.size[1] + column, reach


def _padded(grid: Grid, x: np.ndarray) -> np.ndarray:
    """(n, height, width, channels) with zeros as far as any window reaches."""
    images = x.reshape(len(x), grid.height, grid.width, grid.channels)
    after = [
        max(0, (o - 1) * s + k - before - length)
        for o, s, k, before, length in zip(
            grid.outputs, grid.stride, grid.size, grid.before, (grid.height, grid.width),
            strict=True,
        )
    ]  # fmt: skip
    edges = [(0, 0), *zip(grid.before, after, strict=True), (0, 0)]
    return np.pad(images, edges)


def _inside(grid: Grid, padded: np.ndarray) -> np.ndarray:
    top, left = grid.before
    return padded[:, top : top + grid.height, left : left + grid.width]


def _grid(i: Instruction, shape: tuple[int, ...]) -> Grid:
    window: Window = i.attributes["window"]
    return Grid.of(tuple(shape), window)


def _result(s: Context, values: np.ndarray, shape: tuple[int, ...]) -> Arrays:
    return (s.xp.asarray(values.reshape(shape)),)


def patches(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """(n, …, channels) to (n, positions …, window · channels)."""
    x = np.asarray(a[0])
    grid = _grid(i, x.shape)
    padded = _padded(grid, x)
    seen = [padded[:, reach[0], reach[1]] for _, reach in _places(grid)]
    outputs = i.attributes["window"].outputs
    return _result(s, np.stack(seen, axis=3), (len(x), *outputs, len(seen) * x.shape[-1]))


def fold(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """The sum over all patches that a place is in: the adjoint of `patches`."""
    given = np.asarray(a[0])
    shape = (len(given), *i.attributes["shape"][1:])
    grid = _grid(i, shape)
    padded = _padded(grid, np.zeros(shape, given.dtype))
    parts = given.reshape(len(given), *grid.outputs, -1, grid.channels)
    for number, reach in _places(grid):
        padded[:, reach[0], reach[1]] += parts[..., number, :]
    return _result(s, _inside(grid, padded), shape)


def max_pool(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """The largest number under each window."""
    x = np.asarray(a[0])
    grid = _grid(i, x.shape)
    images = x.reshape(len(x), grid.height, grid.width, grid.channels)
    result = np.max([images[:, r[0], r[1]] for _, r in _places(grid)], axis=0)
    return _result(s, result, (len(x), *i.attributes["window"].outputs, grid.channels))


def max_pool_slope(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """Each δ goes to the first place of its window that was the largest."""
    given, x, y = (np.asarray(v) for v in a)
    grid = _grid(i, x.shape)
    images = x.reshape(len(x), grid.height, grid.width, grid.channels)
    result = np.zeros_like(images)
    left, largest = (v.reshape(len(x), *grid.outputs, -1) for v in (given.copy(), y))
    for _, r in _places(grid):
        hit = images[:, r[0], r[1]] == largest
        result[:, r[0], r[1]] += np.where(hit, left, 0)
        left = np.where(hit, 0, left)
    return _result(s, result, x.shape)


def mean_pool(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """The mean under each window."""
    x = np.asarray(a[0])
    grid = _grid(i, x.shape)
    images = x.reshape(len(x), grid.height, grid.width, grid.channels)
    result = np.mean([images[:, r[0], r[1]] for _, r in _places(grid)], axis=0)
    return _result(s, result, (len(x), *i.attributes["window"].outputs, grid.channels))


def mean_pool_slope(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """Each δ in equal shares to the places of its window."""
    given = np.asarray(a[0])
    shape = (len(given), *i.attributes["shape"][1:])
    grid = _grid(i, shape)
    result = np.zeros((len(given), grid.height, grid.width, grid.channels), given.dtype)
    share = given.reshape(len(given), *grid.outputs, -1) / i.attributes["window"].cells
    for _, r in _places(grid):
        result[:, r[0], r[1]] += share
    return _result(s, result, shape)
