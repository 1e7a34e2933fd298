"""The learning-rate finder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule.errors import DataError
from chainrule.plots.style import Display, drawing, look

__all__ = ["LearningRateDisplay"]


@dataclass
class LearningRateDisplay(Display):
    """Loss against a growing learning rate, and the rate that is suggested.

    Attributes
    ----------
    rates, losses : ndarray of shape (tried,)
    suggestion : float or None
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float | None

    @classmethod
    def from_finder(cls, found: Any) -> Self:
        """The result of a learning-rate finder.

        Parameters
        ----------
        found : object with `rates`, `losses` and `suggestion`

        Raises
        ------
        DataError
            If rates and losses are not of the same number.
        """
        rates, losses = np.asarray(found.rates, float), np.asarray(found.losses, float)
        if rates.shape != losses.shape or rates.ndim != 1 or not len(rates):
            raise DataError(
                f"rates and losses have shapes {rates.shape} and {losses.shape}: expected one "
                f"loss for each rate."
            )
        return cls(rates, losses, found.suggestion)

    def plot(self, ax: Any = None) -> Self:
        """Draw the losses up to where they explode; a dashed line marks the suggestion."""
        with drawing(self, ax) as axes:
            axes.plot(self.rates, self.losses, label="loss", **look(0))
            if self.suggestion is not None:
                label = f"suggested, {self.suggestion:.2g}"
                axes.axvline(self.suggestion, label=label, **look(1) | {"linestyle": "--"})
            axes.set_xscale("log")
            axes.set_ylim(*self.limits())
            axes.set(xlabel="learning rate", ylabel="mean loss", title="Loss by learning rate")
            axes.legend(loc="upper left")
        return self

    def limits(self) -> tuple[float, float]:
        """Least and largest loss to show: a diverging tail must not flatten the rest."""
        finite = self.losses[np.isfinite(self.losses)]
        low = float(finite.min())
        high = min(float(finite.max()), low + 2 * max(float(finite[0]) - low, 1e-12))
        edge = 0.05 * (high - low) or 0.5
        return low - edge, high + edge
