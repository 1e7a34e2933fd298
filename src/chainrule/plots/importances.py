"""How much a model needs each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule.estimators.permutation import Importance, importance
from chainrule.ops.hyperparameters import Hyperparameter, Interval
from chainrule.plots.style import GREY, PALETTE, Display, drawing

__all__ = ["ImportancesDisplay"]

_MOST = Hyperparameter("most", 20, Interval("[1, inf)"), "columns to show", whole=True)
_ROW = 0.28  # inches for a column's bar


@dataclass
class ImportancesDisplay(Display):
    """A bar for each column, the most important on top; dots are the single shuffles.

    Attributes
    ----------
    names : tuple of str
    importances : ndarray of shape (columns, repeats)
    title : str
        What the bars show.

    Examples
    --------
    >>> from chainrule.estimators.permutation import Importance
    >>> found = Importance(("a", "b"), np.array([[0.3, 0.5], [0.0, 0.1]]), 0.9, "accuracy")
    >>> ImportancesDisplay.from_importance(found, most=1).names
    ('a',)
    """

    names: tuple[str, ...]
    importances: np.ndarray
    title: str

    @classmethod
    def from_importance(cls, found: Importance, most: int = _MOST.default) -> Self:
        """What `chainrule.estimators.importance` gave.

        Parameters
        ----------
        found : Importance
        most : int
            Only so many columns, the most important ones.
        """
        _MOST.check(most)
        return cls(found.names[: int(most)], found.values[: int(most)], found.title)

    @classmethod
    def from_model(cls, model: Any, X: Any, y: Any, most: int = _MOST.default, **more: Any) -> Self:
        """Shuffle the columns of X, (n, columns), and see what becomes of the score.

        Parameters
        ----------
        model : fitted scikit-learn estimator
        X : data frame or array-like of shape (n, columns)
        y : array-like of shape (n,) or (n, outputs)
        most : int
            Only so many columns, the most important ones.
        **more
            For `chainrule.estimators.importance`: `repeats`, `scoring`, `seed` …
        """
        _MOST.check(most)
        return cls.from_importance(importance(model, X, y, **more), most)

    def plot(self, ax: Any = None) -> Self:
        """Draw bars of the means, and a dot for each time that the column was shuffled."""
        with drawing(self, ax, (6.0, 1.2 + _ROW * len(self.names))) as axes:
            places = np.arange(len(self.names))
            axes.barh(
                places, self.importances.mean(axis=1), color=PALETTE[0], alpha=0.7, label="mean"
            )
            repeats = self.importances.shape[1]
            axes.plot(
                self.importances.reshape(-1), places.repeat(repeats), linestyle="none", marker=".",
                color=GREY, label="single shuffles",
            )  # fmt: skip
            axes.set_yticks(places, self.names)
            axes.invert_yaxis()
            axes.axvline(0, color=GREY, linewidth=0.8)
            axes.set(xlabel=self.title, ylabel="column", title="Importance of the columns")
            axes.legend(loc="lower right")
        return self
