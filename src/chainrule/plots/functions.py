"""Activations and their slopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from chainrule.ops.activations import ACTIVATIONS, ActivationFunction, activation
from chainrule.ops.expression import evaluate
from chainrule.plots.style import Display, look, panels

__all__ = ["ActivationsDisplay"]


@dataclass
class ActivationsDisplay(Display):
    """Activations with their slopes, one panel each.

    Attributes
    ----------
    z : ndarray of shape (points,)
    values, slopes : dict of str to ndarray, shape (points,)
        NaN at a jump, so that no line bridges it; no slope where gradients cannot train.
    """

    z: np.ndarray
    values: dict[str, np.ndarray] = field(default_factory=dict)
    slopes: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def from_names(
        cls,
        names: Sequence[str | ActivationFunction] | None = None,
        limits: tuple[float, float] = (-4, 4),
        points: int = 401,
    ) -> Self:
        """Activations of the registry, all of them by default.

        Parameters
        ----------
        names : sequence of str or ActivationFunction, optional
        limits : tuple of float
            Least and largest z.
        points : int

        Raises
        ------
        UnknownNameError
            For an unknown activation.

        Examples
        --------
        >>> display = ActivationsDisplay.from_names(["sigmoid"])
        >>> float(display.slopes["sigmoid"].max())
        0.25
        """
        display = cls(np.linspace(*limits, points))
        for given in ACTIVATIONS if names is None else names:
            record = activation(given)
            z = {"z": display.z, **record.all_settings}
            y = evaluate(record.value_expression, z) + np.zeros_like(display.z)
            near = np.zeros(points, bool)
            for kink in record.kinks:
                near |= np.abs(display.z - kink) <= (limits[1] - limits[0]) / (points - 1) / 2
            if record.slope is not None:
                slope = evaluate(record.slope_expression, {"y": y, **z})
                display.slopes[record.name] = np.where(near, np.nan, slope)
            jumps = near & (record.slope is None)
            display.values[record.name] = np.where(jumps, np.nan, y)
        return display

    def plot(self, ax: Any = None) -> Self:
        """Draw a panel for each: the value as a line, the slope dashed.

        Parameters
        ----------
        ax : sequence of Axes, optional
            As many as there are activations.
        """
        with panels(self, ax, len(self.values)) as axes:
            for axis, name in zip(axes, self.values, strict=True):
                axis.plot(self.z, self.values[name], label="value", **look(0))
                if name in self.slopes:
                    style = look(1) | {"linestyle": "--"}
                    axis.plot(self.z, self.slopes[name], label="slope", **style)
                axis.set_title(name)
                axis.set_xlabel("z")
            both = next((axis for axis in axes if len(axis.lines) > 1), axes[0])
            both.legend()
        return self
