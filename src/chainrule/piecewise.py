"""A piecewise linear network read as what it is: one linear map in each region of its inputs (002).

Between its kinks an activation such as ReLU is a straight line. So as long as no unit crosses a
kink the whole network is h(x) = A x + c; where units cross one are the borders of the region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np

from chainrule.data.matrices import as_row
from chainrule.errors import DataError, NetworkError
from chainrule.network import Network
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.expression import evaluate
from chainrule.stepping import Step

__all__ = ["LinearRegions", "LocalLinearMap", "count_regions", "local_linear_map"]

_REACH = 50.0  # how far from the outermost kinks a piece is looked at
_NEEDS = "Its linear regions exist for relu, leaky_relu, hard_tanh and identity only."


@dataclass(frozen=True, eq=False)
class LocalLinearMap:
    """h(x) = A x + c, and where that holds.

    Attributes
    ----------
    A : ndarray of shape (outputs, inputs)
    c : ndarray of shape (outputs,)
    margin : float
        Euclidean distance from x to the nearest border of its region; ∞ when there is none.
    G : ndarray of shape (inequalities, inputs)
    h : ndarray of shape (inequalities,)
        The region is G x ≤ h: one inequality for each kink next to a unit, borders included.
    units : tuple of str
        The unit behind each inequality, such as ``"z1[2] ≤ 0"``.
    """

    A: np.ndarray
    c: np.ndarray
    margin: float
    G: np.ndarray
    h: np.ndarray
    units: tuple[str, ...] = ()

    def __call__(self, x: Any) -> np.ndarray:
        """A x + c for one row (inputs,) or for many (n, inputs)."""
        return np.asarray(x, float) @ self.A.T + self.c

    def contains(self, x: Any) -> Any:
        """Whether x lies in the region, borders included up to rounding.

        Parameters
        ----------
        x : array-like of shape (inputs,) or (n, inputs)

        Returns
        -------
        bool or ndarray of shape (n,)
        """
        rows = np.asarray(x, float)
        if rows.ndim not in (1, 2) or rows.shape[-1] != self.A.shape[1]:
            raise DataError(
                f"x has shape {rows.shape}: expected ({self.A.shape[1]},) or "
                f"(n, {self.A.shape[1]})."
            )
        size = np.abs(rows) @ np.abs(self.G).T + np.abs(self.h)
        inside = np.all(rows @ self.G.T - self.h <= 64 * np.finfo(float).eps * size, axis=-1)
        return inside if rows.ndim == 2 else bool(inside)

    def __str__(self) -> str:
        outputs, inputs = self.A.shape
        return (
            f"h(x) = A x + c with A ({outputs}, {inputs}) in a region of {len(self.h)} "
            f"inequalities; its border is {self.margin:.6g} away"
        )


def local_linear_map(network: Network, x: Any) -> LocalLinearMap:
    """The linear map that a piecewise linear network is around x (002).

    Layer by layer, with f(z) = kz + m on the piece where each unit is: A ← diag(k) Wᵀ A and
    c ← k ⊙ (Wᵀ c + b) + m. In float64, whatever the network's own type.

    Parameters
    ----------
    network : Network
        Dense layers with identity, relu, leaky_relu, hard_tanh or an activation of your own
        that is linear between its kinks.
    x : array-like of shape (inputs,)

    Returns
    -------
    LocalLinearMap
        `A`, `c`, `margin`, the inequalities `G` x ≤ `h`, and `contains`.

    Raises
    ------
    DataError
        If x is no row of the network's inputs.
    NetworkError
        If an activation is not piecewise linear, or a layer is not known to be.

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> net = cr.Network([cr.Dense(8, "relu"), cr.Dense(2)], input_shape=(3,), seed=0)
    >>> x = np.array([0.5, -1.0, 2.0])
    >>> found = cr.local_linear_map(net, x)
    >>> bool(np.allclose(found(x), net.predict(x[None])[0], atol=1e-6)), found.contains(x)
    (True, True)
    """
    walk, x = _Walk(), as_row(x, network.input_shape)
    for step in network.steps(x[None]):
        walk.take(step)
    A, c = walk.maps[step.instruction.results[0]]
    G, h = np.array(walk.G).reshape(-1, A.shape[0]), np.array(walk.h)
    distances = (h - G @ x) / np.linalg.norm(G, axis=1)
    margin = max(0.0, float(distances.min(initial=inf)))
    return LocalLinearMap(A.T.copy(), c.copy(), margin, G, h, tuple(walk.units))


@dataclass
class _Walk:
    """Each value as a linear map of the inputs, by name: (inputs, columns) and (columns,)."""

    maps: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    G: list[np.ndarray] = field(default_factory=list)
    h: list[float] = field(default_factory=list)
    units: list[str] = field(default_factory=list)

    def take(self, step: Step) -> None:
        """Carry the maps through one step."""
        self.check(step)
        rule = getattr(self, f"_{step.instruction.operation}")
        self.maps[step.instruction.results[0]] = rule(step)

    @classmethod
    def check(cls, step: Step) -> None:
        """Refuse a step that is not known to be piecewise linear."""
        if not hasattr(cls, f"_{step.instruction.operation}"):
            raise NetworkError(
                f"'{step.formula}' is not known to be piecewise linear: only Dense layers, their "
                f"sums and activations are."
            )

    def _gather(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        inputs = next(iter(step.outputs.values())).shape[1]
        return np.eye(inputs), np.zeros(inputs)

    def _matmul(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        x, w = step.instruction.operands
        A, c = self.maps[x]
        return A @ step.inputs[w], c @ step.inputs[w]

    def _add_bias(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        z, b = step.instruction.operands
        A, c = self.maps[z]
        return A, c + step.inputs[b].reshape(-1)

    def _add(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        (A, c), (B, d) = (self.maps[name] for name in step.instruction.operands)
        return A + B, c + d

    def _activate(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        record, name = step.instruction.attributes["activation"], step.instruction.operands[0]
        found = pieces(record)
        borders = (-inf, *sorted(record.kinks), inf)
        at = _piece(record, step.inputs[name][0])
        A, c = self.maps[name]
        for unit, piece in enumerate(at):
            self.inequalities(f"{name}[{unit}]", A[:, unit], c[unit], borders[piece : piece + 2])
        k, m = np.array(found)[at].T
        return A * k, c * k + m

    def inequalities(self, unit: str, a: np.ndarray, d: float, piece: Sequence[float]) -> None:
        """Low ≤ a·x + d ≤ high as rows of G x ≤ h; a unit that nothing moves has no border."""
        low, high = piece
        if not a.any():
            return
        for sign, border, relation in ((-1, low, "≥"), (1, high, "≤")):
            if np.isfinite(border):
                self.G.append(sign * a)
                self.h.append(sign * (border - d))
                self.units.append(f"{unit} {relation} {border:g}")


# -------------------------------------------------------------- the activations


def pieces(record: ActivationFunction) -> list[tuple[float, float]]:
    """The straight lines y = kz + m of an activation, (k, m) for each piece from left to right.

    Raises
    ------
    NetworkError
        If it is curved somewhere, or jumps.

    Examples
    --------
    >>> from chainrule.ops import ACTIVATIONS
    >>> pieces(ACTIVATIONS["relu"])
    [(0.0, 0.0), (1.0, 0.0)]
    """
    kinks = sorted(record.kinks) or [0.0]
    borders = [kinks[0] - _REACH, *sorted(record.kinks), kinks[-1] + _REACH]
    lines = [_line(record, low, high) for low, high in pairwise(borders)]
    for kink, (left, right) in zip(sorted(record.kinks), pairwise(lines), strict=True):
        ends = [k * kink + m for k, m in (left, right)]
        if not np.allclose(ends, _value(record, np.array([kink])), rtol=1e-12, atol=1e-12):
            raise NetworkError(
                f"{record.name} is not piecewise linear: it jumps at {kink:g}. {_NEEDS}"
            )
    return lines


def _line(record: ActivationFunction, low: float, high: float) -> tuple[float, float]:
    z = np.linspace(low, high, 43)[1:-1]  # what happens at a kink is another question
    y = _value(record, z)
    probe = z[np.argmin(np.abs(z))]  # near 0 the rounding is least
    k = (y[-1] - y[0]) / (z[-1] - z[0])
    if record.slope is not None:
        values = {"z": np.array([probe]), "y": _value(record, np.array([probe]))}
        k = float(np.ravel(evaluate(record.slope_expression, values | record.all_settings))[0])
    m = float(_value(record, np.array([probe]))[0] - k * probe)
    if not np.allclose(y, k * z + m, rtol=1e-12, atol=1e-12):
        worst = z[np.argmax(np.abs(y - k * z - m))]
        raise NetworkError(
            f"{record.name} is not piecewise linear: it is curved near z = {worst:.3g}. {_NEEDS}"
        )
    return k, m


def _value(record: ActivationFunction, z: np.ndarray) -> np.ndarray:
    return evaluate(record.value_expression, {"z": z, **record.all_settings}) + np.zeros_like(z)


def _piece(record: ActivationFunction, z: np.ndarray) -> np.ndarray:
    """Number of the piece on which each z lies; a kink belongs to the piece on its left."""
    return np.searchsorted(sorted(record.kinks), z, side="left")


# ------------------------------------------------------------------ the regions


@dataclass(frozen=True, eq=False)
class LinearRegions:
    """The linear regions that a grid of two inputs meets.

    Attributes
    ----------
    count : int
        How many; a finer grid may find smaller ones.
    labels : ndarray of int, shape (rows, columns)
        Number of the region of each point, from 0; first axis along the second input.
    horizontal, vertical : ndarray
        The grid's values of the first and of the second input.
    """

    count: int
    labels: np.ndarray
    horizontal: np.ndarray
    vertical: np.ndarray


def count_regions(
    network: Network,
    bounds: tuple[float, float, float, float] = (-1, 1, -1, 1),
    points: int = 200,
) -> LinearRegions:
    """Count the linear regions of a network of two inputs on a grid.

    Two points are in one region when every unit is on the same piece of its activation.

    Parameters
    ----------
    network : Network
        Of two inputs, with piecewise linear activations.
    bounds : tuple of float
        Left, right, bottom, top.
    points : int
        Along each side.

    Raises
    ------
    NetworkError
        If the network has not two inputs or is not piecewise linear.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([cr.Dense(2, "relu"), cr.Dense(1)], input_shape=(2,), seed=0)
    >>> count_regions(net).count  # two lines that cross
    4
    """
    if tuple(network.input_shape) != (2,):
        raise NetworkError(
            f"count_regions needs a network of 2 inputs, this one's are {network.input_shape}."
        )
    horizontal, vertical = np.linspace(*bounds[:2], points), np.linspace(*bounds[2:], points)
    grid = np.stack(np.meshgrid(horizontal, vertical), axis=-1).reshape(-1, 2)
    patterns = [np.zeros((len(grid), 1), int)]
    for step in network.steps(grid):
        _Walk.check(step)
        if step.instruction.operation == "activate":
            record = step.instruction.attributes["activation"]
            pieces(record)
            patterns.append(_piece(record, step.inputs[step.instruction.operands[0]]))
    unique, labels = np.unique(np.hstack(patterns), axis=0, return_inverse=True)
    return LinearRegions(len(unique), labels.reshape(points, points), horizontal, vertical)
