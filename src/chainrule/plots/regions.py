"""Regions of the plane: what a classifier decides, and where a network is one linear map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule.data.matrices import as_matrix
from chainrule.errors import DataError
from chainrule.network import Network
from chainrule.piecewise import LinearRegions, count_regions, local_linear_map
from chainrule.plots.style import GREY, MARKERS, PALETTE, Display, drawing

__all__ = ["DecisionRegionsDisplay", "LinearRegionsDisplay"]

Bounds = tuple[float, float, float, float]


@dataclass
class DecisionRegionsDisplay(Display):
    """Which class a model gives to each point of the plane (000).

    Attributes
    ----------
    regions : ndarray of int, shape (rows, columns)
        Place in `classes` for each point; first axis along the second input.
    classes : ndarray
    bounds : tuple of float
        Left, right, bottom, top.
    X : ndarray of shape (n, 2)
    labels : ndarray of int, shape (n,)
        Place in `classes` for each row of X; empty without y.
    names : tuple of str
        Of the two inputs.
    """

    regions: np.ndarray
    classes: np.ndarray
    bounds: Bounds
    X: np.ndarray
    labels: np.ndarray
    names: tuple[str, str] = ("x₁", "x₂")

    @classmethod
    def from_model(
        cls,
        model: Any,
        X: Any,
        y: Any = None,
        *,
        threshold: float = 0.5,
        points: int = 300,
        bounds: Bounds | None = None,
    ) -> Self:
        """The decisions of a fitted classifier or of a network.

        Parameters
        ----------
        model : classifier with `predict`, or Network
            Of two inputs. A network with several outputs decides for the largest, one with a
            single output for 1 where that (as a probability, if the loss makes it one) is above
            `threshold`.
        X : array-like or data frame of shape (n, 2)
            Says which part of the plane to show.
        y : array-like of shape (n,), optional
            Draws the rows with their classes.
        threshold : float
        points : int
            Along each side.
        bounds : tuple of float, optional
            Left, right, bottom, top.

        Raises
        ------
        DataError
            If X has not two columns, or the model predicts none of its classes.
        """
        rows = as_matrix(X, name="X")
        if rows.shape[1] != 2:
            raise DataError(f"X has {rows.shape[1]} columns: regions of the plane need 2.")
        bounds = bounds or _around(rows)
        given = _decide(model, _grid(bounds, points), X, threshold)
        known = [getattr(model, "classes_", given), given, *([] if y is None else [np.ravel(y)])]
        classes = np.unique(np.concatenate(known))
        labels = np.empty(0, int) if y is None else np.searchsorted(classes, np.ravel(y))
        regions = np.searchsorted(classes, given).reshape(points, points)
        first, second = map(str, getattr(X, "columns", ("x₁", "x₂")))
        return cls(regions, classes, bounds, rows, labels, (first, second))

    def plot(self, ax: Any = None) -> Self:
        """Draw the regions, their borders, and the rows if their classes are known."""
        with drawing(self, ax, (5.2, 4.4)) as axes:
            _fill(axes, self.regions, self.bounds)
            left, right, bottom, top = self.bounds
            x, y = (np.linspace(*b, len(self.regions)) for b in ((left, right), (bottom, top)))
            for place in range(len(self.classes)):
                inside = (self.regions == place).astype(float)
                if 0 < inside.mean() < 1:
                    axes.contour(x, y, inside, [0.5], colors=GREY, linewidths=1)
            for place, name in enumerate(self.classes if len(self.labels) else ()):
                own = self.X[self.labels == place].T
                style = {"marker": MARKERS[place % len(MARKERS)], "edgecolor": "white"}
                colour = PALETTE[place % len(PALETTE)]
                axes.scatter(*own, s=26, color=colour, linewidth=0.6, label=str(name), **style)
            axes.set(xlabel=self.names[0], ylabel=self.names[1], title="Decision regions")
            axes.set(xlim=(left, right), ylim=(bottom, top))
            axes.grid(visible=False)
            if len(self.labels):
                axes.legend(title="class", loc="center left", bbox_to_anchor=(1, 0.5))
        return self


def _decide(model: Any, grid: np.ndarray, X: Any, threshold: float) -> np.ndarray:
    """The class of each row of the grid, (n,)."""
    if not isinstance(model, Network):
        if hasattr(X, "columns"):
            import narwhals as nw

            columns = dict(zip(X.columns, grid.T, strict=True))
            backend = nw.from_native(X).implementation
            grid = nw.from_dict(columns, backend=backend).to_native()
        return np.ravel(model.predict(grid))
    scores = model.predict_proba(grid)
    return scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > threshold).astype(int)


@dataclass
class LinearRegionsDisplay(Display):
    """The regions in each of which a network is one linear map (002).

    Attributes
    ----------
    found : LinearRegions
        `count`, and the number of the region of each point.
    bounds : tuple of float
        Left, right, bottom, top.
    x : ndarray of shape (2,) or None
        A point to mark, with the largest circle around it that stays in its region.
    margin : float
        Radius of that circle.
    """

    found: LinearRegions
    bounds: Bounds
    x: np.ndarray | None = None
    margin: float = 0.0

    @classmethod
    def from_network(
        cls, network: Network, bounds: Bounds = (-1, 1, -1, 1), points: int = 400, x: Any = None
    ) -> Self:
        """The regions of a network of two inputs.

        Parameters
        ----------
        network : Network
            With piecewise linear activations.
        bounds : tuple of float
            Left, right, bottom, top.
        points : int
            Along each side.
        x : array-like of shape (2,), optional
            A point to mark.

        Raises
        ------
        NetworkError
            If the network has not two inputs or is not piecewise linear.
        """
        found = count_regions(network, bounds, points)
        if x is None:
            return cls(found, bounds)
        return cls(found, bounds, np.asarray(x, float), local_linear_map(network, x).margin)

    def plot(self, ax: Any = None) -> Self:
        """Draw the regions so that neighbours have different colours."""
        with drawing(self, ax, (4.8, 4.6)) as axes:
            colours = _neighbours_apart(self.found.labels)
            _fill(axes, colours[self.found.labels], self.bounds, alpha=0.5)
            if self.x is not None:
                from matplotlib.patches import Circle

                for colour, width in (("white", 3.5), ("black", 1.2)):  # seen on any colour
                    axes.plot(*self.x, ".", color=colour, markersize=4 + 1.5 * width)
                    edge = {"fill": False, "edgecolor": colour, "linewidth": width}
                    if np.isfinite(self.margin):
                        axes.add_patch(Circle(tuple(self.x), self.margin, **edge))
            axes.set(xlabel="x₁", ylabel="x₂", aspect="equal")
            title = f"{self.found.count} linear regions"
            if self.x is not None:
                title += f"\nthe marked point is {self.margin:.3g} from a border"
            axes.set_title(title)
            axes.grid(visible=False)
        return self


def _neighbours_apart(labels: np.ndarray) -> np.ndarray:
    """A colour number for each region, (regions,), greedily: the first no neighbour has."""
    pairs = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    touching: list[set[int]] = [set() for _ in range(int(labels.max()) + 1)]
    for one, other in pairs:
        for a, b in np.unique(np.stack([one[one != other], other[one != other]], 1), axis=0):
            touching[a].add(int(b))
            touching[b].add(int(a))
    colours = np.full(len(touching), -1)
    for region, others in enumerate(touching):
        taken = {int(colours[other]) for other in others}
        colours[region] = next(k for k in range(len(touching)) if k not in taken)
    return colours


def _fill(axes: Any, numbers: np.ndarray, bounds: Bounds, alpha: float = 0.25) -> None:
    """An image of the palette's colours by number."""
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(PALETTE[k % len(PALETTE)]) for k in range(int(numbers.max()) + 1)])
    axes.imshow(
        colours[numbers], origin="lower", extent=bounds, alpha=alpha, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip


def _grid(bounds: Bounds, points: int) -> np.ndarray:
    left, right, bottom, top = bounds
    axes = np.linspace(left, right, points), np.linspace(bottom, top, points)
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def _around(rows: np.ndarray) -> Bounds:
    low, high = rows.min(axis=0), rows.max(axis=0)
    edge = 0.15 * np.where(high > low, high - low, 1)
    (left, bottom), (right, top) = low - edge, high + edge
    return float(left), float(right), float(bottom), float(top)
