"""The paths of optimizers over a loss of two numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from chainrule.errors import DataError
from chainrule.ops.expression import evaluate
from chainrule.ops.optimizers import Optimizer, settings, update_expressions, variant
from chainrule.ops.optimizers import optimizer as optimizer_record
from chainrule.plots.style import DASHES, GREY, MARKERS, Display, drawing, look

__all__ = ["OptimizerPathsDisplay", "optimizer_path"]

Function = Callable[[np.ndarray], Any]


def optimizer_path(
    optimizer: str | Optimizer, gradient: Function, start: Sequence[float], steps: int
) -> np.ndarray:
    """Where an optimizer goes, by the very rule that trains networks.

    Parameters
    ----------
    optimizer : str or Optimizer
    gradient : callable
        ``gradient(w)`` of the shape of w.
    start : sequence of float, shape (d,)
    steps : int

    Returns
    -------
    ndarray of shape (steps + 1, d)
        `start` first. It stays where it is once a number is no longer finite.

    Examples
    --------
    >>> import chainrule as cr
    >>> optimizer_path(cr.SGD(0.25), lambda w: 2 * w, [1.0, -2.0], 2).tolist()
    [[1.0, -2.0], [0.5, -1.0], [0.25, -0.5]]
    """
    rule = optimizer_record(optimizer)
    trees = update_expressions(type(rule), variant(rule))
    values = {name: np.zeros(len(start)) for name in trees} | {"w": np.asarray(start, float)}
    path = [values["w"]]
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, steps + 1):
            given = {**values, "g": np.asarray(gradient(values["w"]), float), "t": float(t)}
            new = {n: evaluate(tree, given | settings(rule)) for n, tree in trees.items()}
            if np.isfinite(new["w"]).all():
                values = new
            path.append(values["w"])
    return np.array(path)


@dataclass
class OptimizerPathsDisplay(Display):
    """One path for each optimizer over the contours of a loss.

    Attributes
    ----------
    loss : callable
    paths : dict of str to ndarray, shape (steps + 1, 2)
    bounds : tuple of float
        Left, right, bottom, top.
    """

    loss: Function
    paths: dict[str, np.ndarray] = field(default_factory=dict)
    bounds: tuple[float, float, float, float] = (-1, 1, -1, 1)

    @classmethod
    def from_optimizers(
        cls,
        optimizers: Mapping[str, str | Optimizer],
        loss: Function,
        gradient: Function,
        start: Sequence[float],
        steps: int = 50,
        bounds: tuple[float, float, float, float] | None = None,
    ) -> Self:
        """The paths of some optimizers from the same start.

        Parameters
        ----------
        optimizers : mapping of str to optimizer
            By the name that the legend shows.
        loss : callable
            ``loss(w)`` for w of shape (2,), and elementwise for w of shape (2, rows, columns).
        gradient : callable
            ``gradient(w)``, shape (2,).
        start : sequence of float, shape (2,)
        steps : int
        bounds : tuple of float, optional
            Left, right, bottom, top; by default all paths are in view.

        Raises
        ------
        DataError
            If the start has not two numbers.
        """
        if np.shape(start) != (2,):
            raise DataError(f"start has shape {np.shape(start)}: a contour plot needs two numbers.")
        paths = {
            name: optimizer_path(rule, gradient, start, steps) for name, rule in optimizers.items()
        }
        return cls(loss, paths, bounds or _around(np.vstack(list(paths.values()))))

    def plot(self, ax: Any = None) -> Self:
        """Draw contours and paths; a ring marks the start, a filled marker each end."""
        with drawing(self, ax, (7.6, 4.2)) as axes:
            left, right, bottom, top = self.bounds
            w = np.stack(np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200)))
            heights = np.asarray(self.loss(w), float)
            levels = np.unique(np.quantile(heights, np.linspace(0.01, 0.95, 12)))
            axes.contour(*w, heights, levels, colors=GREY, linewidths=0.8, alpha=0.5)
            for number, (name, path) in enumerate(self.paths.items()):
                style = look(number) | {"linestyle": DASHES[number % len(DASHES)]}
                axes.plot(*path.T, label=name, marker=".", markersize=4, linewidth=1.4, **style)
                mark = MARKERS[number % len(MARKERS)]
                axes.plot(*path[-1], mark, color=style["color"], markersize=8, zorder=3)
            start = next(iter(self.paths.values()))[0]
            axes.plot(*start, "o", color=GREY, fillstyle="none", markersize=9, label="start")
            axes.set(xlabel="w₁", ylabel="w₂", xlim=(left, right), ylim=(bottom, top))
            axes.set_title("Paths over the contours of the loss")
            axes.grid(visible=False)
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        return self


def _around(points: np.ndarray) -> tuple[float, float, float, float]:
    low, high = points.min(axis=0), points.max(axis=0)
    edge = 0.15 * np.maximum(high - low, 0.25 * (high - low).max() + 1e-6)
    (left, bottom), (right, top) = low - edge, high + edge
    return float(left), float(right), float(bottom), float(top)
