"""Curves over training and over model complexity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from chainrule.errors import DataError
from chainrule.plots.style import GREY, Display, drawing, look
from chainrule.training import History

__all__ = ["FittingDisplay", "LossCurvesDisplay"]


@dataclass
class LossCurvesDisplay(Display):
    """Training and validation loss, or metric, by epoch.

    Attributes
    ----------
    epochs : ndarray of int, shape (epochs,)
    training, validation : ndarray of shape (epochs,)
        `validation` is empty without validation.
    name : str
        What the vertical axis shows.
    best_epoch : int or None
        Marked where the network went back to it.

    Examples
    --------
    >>> from chainrule.training import History
    >>> display = LossCurvesDisplay.from_history(History(loss=[3.0, 2.0], metric=[0.5, 0.6]))
    >>> display.training.tolist()
    [3.0, 2.0]
    """

    epochs: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    name: str = "loss"
    best_epoch: int | None = None

    @classmethod
    def from_history(cls, history: History, quantity: Literal["loss", "metric"] = "loss") -> Self:
        """The curves of a training run.

        Parameters
        ----------
        history : History
        quantity : {"loss", "metric"}

        Raises
        ------
        DataError
            If no epoch was completed, or for another quantity.
        """
        if quantity not in ("loss", "metric"):
            raise DataError(f"quantity = {quantity!r}: expected 'loss' or 'metric'.")
        if not len(history):
            raise DataError("the history has no epoch yet: train first.")
        return cls(
            np.arange(1, len(history) + 1),
            np.array(getattr(history, quantity)),
            np.array(getattr(history, f"validation_{quantity}")),
            "mean loss" if quantity == "loss" else history.metric_name,
            history.best_epoch,
        )

    def plot(self, ax: Any = None) -> Self:
        """Draw the curves; a dotted line marks the epoch whose weights were kept."""
        with drawing(self, ax) as axes:
            axes.plot(self.epochs, self.training, label="training", **look(0))
            if len(self.validation):
                style = look(1) | {"linestyle": "--"}
                axes.plot(self.epochs, self.validation, label="validation", **style)
                if self.best_epoch:
                    label = f"best epoch, {self.best_epoch}"
                    axes.axvline(self.best_epoch, color=GREY, linestyle=":", label=label)
            axes.set(xlabel="epoch", ylabel=self.name, title=f"{self.name} by epoch".capitalize())
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend()
        return self


@dataclass
class FittingDisplay(Display):
    """Under- and over-fitting: training and validation score against complexity (001).

    Attributes
    ----------
    complexity : ndarray of shape (models,)
    training, validation : ndarray of shape (models, splits)
    complexity_name, score_name : str
    best : float
        The complexity of the best mean validation score.
    """

    complexity: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    complexity_name: str
    score_name: str
    best: float

    @classmethod
    def from_scores(
        cls,
        complexity: Sequence[float],
        training: Any,
        validation: Any,
        *,
        complexity_name: str = "complexity",
        score_name: str = "mean squared error",
        lower_is_better: bool = True,
    ) -> Self:
        """Scores of models of growing complexity.

        Parameters
        ----------
        complexity : sequence of float, shape (models,)
            Such as the degrees of polynomials or the numbers of hidden units.
        training, validation : array-like of shape (models,) or (models, splits)
            With several splits the line is their mean and the band spans them.
        complexity_name, score_name : str
        lower_is_better : bool
            True for errors, False for accuracies.

        Raises
        ------
        DataError
            If the shapes do not fit.

        Examples
        --------
        >>> FittingDisplay.from_scores([1, 2, 3], [5, 2, 1], [6, 3, 4]).best
        2.0
        """
        x = np.asarray(complexity, float)
        seen, unseen = (np.asarray(s, float).reshape(len(s), -1) for s in (training, validation))
        if not len(x) == len(seen) == len(unseen) > 0:
            raise DataError(
                f"complexity, training and validation have {len(x)}, {len(seen)} and "
                f"{len(unseen)} entries: expected one for each model."
            )
        means = unseen.mean(axis=1)
        best = x[np.argmin(means) if lower_is_better else np.argmax(means)]
        return cls(x, seen, unseen, complexity_name, score_name, float(best))

    def plot(self, ax: Any = None) -> Self:
        """Draw both curves with the band of the splits, and mark the best complexity."""
        with drawing(self, ax) as axes:
            for number, (name, scores) in enumerate(
                {"training": self.training, "validation": self.validation}.items()
            ):
                style = look(number) | {"linestyle": ("-", "--")[number], "marker": "os"[number]}
                axes.plot(self.complexity, scores.mean(axis=1), label=name, **style)
                if scores.shape[1] > 1:
                    band = {"color": style["color"], "alpha": 0.2, "linewidth": 0}
                    axes.fill_between(
                        self.complexity, scores.min(axis=1), scores.max(axis=1), **band
                    )
            axes.axvline(self.best, color=GREY, linestyle=":", label=f"best, {self.best:g}")
            axes.set(xlabel=self.complexity_name, ylabel=self.score_name)
            axes.set_title(f"Training and validation by {self.complexity_name}")
            axes.legend()
        return self
