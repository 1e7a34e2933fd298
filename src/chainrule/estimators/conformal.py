"""Conformal prediction: intervals and sets that hold the truth as often as they promise.

A score of nonconformity says how ill a target fits its prediction. Of n rows that were not trained
on the ⌈(n + 1) coverage⌉-th smallest score is the threshold; a new row's interval or set is every
target whose score is not above it. If all these rows are exchangeable, it holds the truth with at
least that probability, however good or bad the network is (Vovk et al. 2005; Lei et al. 2018,
arXiv 1604.04173). The promise is for rows on average, not for each kind of row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, Self, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.class_targets import Labels
from chainrule.estimators.heads import trained_levels, variance_power
from chainrule.estimators.rows import Rows
from chainrule.ops.hyperparameters import HYPERPARAMETERS, Choice, check
from chainrule.ops.losses import Loss

__all__ = ["Conformal", "ConformalIntervals", "ConformalSets"]

_COVERAGE = HYPERPARAMETERS["coverage"].default
METHOD = Choice("method", "lac", ("lac", "aps"), "score of nonconformity", "arXiv 2006.02544")
_ROUNDING = 1e-9  # (n + 1) coverage is a whole number up to this


@dataclass(frozen=True, eq=False)
class Conformal:
    """What rows that were not trained on say of the network's mistakes.

    Attributes
    ----------
    method : str
        "residual", "normalised", "quantile", "lac" or "aps".
    scores : ndarray of shape (n,) or (n, outputs)
        Scores of nonconformity of the rows, in increasing order.
    """

    method: str
    scores: np.ndarray

    def threshold(self, coverage: float) -> Any:
        """The ⌈(n + 1) coverage⌉-th smallest score, a number or (outputs,).

        Raises
        ------
        HyperparameterError
            If that is more than the n rows there are, saying how many are needed.

        Examples
        --------
        >>> float(Conformal("residual", np.arange(1.0, 10.0)).threshold(0.8))
        8.0
        """
        check(coverage=coverage)
        n = len(self.scores)
        place = ceil((n + 1) * coverage - _ROUNDING)
        if place > n:
            raise HyperparameterError(
                f"coverage = {coverage:g} needs {ceil(coverage / (1 - coverage) - _ROUNDING)} rows "
                f"in conformalise, which had {n}: give more rows, or a coverage of at most "
                f"{n / (n + 1):.3g}."
            )
        return self.scores[place - 1]


class _Conformal:
    """What both kinds share; a network that is trained again needs new scores."""

    conformal_: Conformal
    network_: Any
    target_: Any

    def _pass(self, *rows: Any) -> Self:
        self.__dict__.pop("conformal_", None)
        return super()._pass(*rows)  # type: ignore[missing-attribute]  (a mixin)

    def _threshold(self, coverage: float, asked: str) -> Any:
        check_is_fitted(cast("Any", self), "network_")
        if not hasattr(self, "conformal_"):
            raise DataError(
                f"{asked} needs rows that were not trained on: call conformalise(X, y) first."
            )
        return self.conformal_.threshold(coverage)

    def _conformal_config(self) -> dict[str, Any]:
        if not hasattr(self, "conformal_"):
            return {}
        kept = {"method": self.conformal_.method, "scores": self.conformal_.scores.tolist()}
        return {"conformal": kept}

    def _restore_conformal(self, data: Mapping[str, Any]) -> None:
        if "conformal" in data:
            kept = data["conformal"]
            self.conformal_ = Conformal(kept["method"], np.array(kept["scores"]))


# -------------------------------------------------------------------- intervals


class ConformalIntervals(_Conformal):
    """Intervals for a regressor: `conformalise`, then `predict_interval`."""

    def conformalise(self, X: Any, y: Any) -> Self:
        """Measure how far off predictions are, on rows that were not trained on.

        The score of a row is the distance of y from the prediction ("residual"). Where the loss
        knows how uncertain each row is, the distance counts in standard deviations ("normalised":
        "gaussian", "poisson", "gamma", "tweedie"), or it is that from the outermost quantiles,
        negative between them ("quantile": conformalised quantile regression, arXiv 1905.03222).

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
        y : array-like of shape (n,) or (n, outputs)

        Returns
        -------
        self
            With `conformal_`, which `save` keeps and another `fit` removes.

        Raises
        ------
        DataError
            If rows do not fit the model.
        """
        model = cast("Any", self)  # the estimator that this is a part of
        check_is_fitted(model, "network_")
        rows = Rows.read(X, y, None)
        known = rows.used
        model._check_targets(rows.y[known])
        t = rows.y[known].astype(np.float64).reshape(len(known), -1)
        low, high, unit = _band(self.network_.loss, model._blocks(rows.table)[known])
        scores = np.sort(np.maximum(low - t, t - high) / unit, axis=0)
        self.conformal_ = Conformal(_kind(self.network_.loss), model._shaped(scores))
        return self

    def predict_interval(self, X: Any, coverage: float = _COVERAGE) -> np.ndarray:
        """An interval for each row that holds its target with probability `coverage` or more.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
        coverage : float
            For new rows like those of `conformalise`, on average over rows.

        Returns
        -------
        ndarray of shape (n, 2), or (n, outputs, 2) if y had several columns
            Lowest and highest; with several columns each has that coverage for itself.

        Raises
        ------
        HyperparameterError
            If `conformalise` had too few rows for this coverage.
        DataError
            If there was no `conformalise`.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = cr.NetworkRegressor(random_state=0).fit(X[:300], y[:300])
        >>> interval = model.conformalise(X[300:380], y[300:380]).predict_interval(X[380:])
        >>> bool(((interval[:, 0] <= y[380:]) & (y[380:] <= interval[:, 1])).mean() > 0.8)
        True
        """
        threshold, model = self._threshold(coverage, "predict_interval"), cast("Any", self)
        record = self.network_.loss
        low, high, unit = _band(record, model._blocks(X))
        low, high = low - threshold * unit, high + threshold * unit
        middle = (low + high) / 2  # what crosses is an empty interval: a point holds no less
        low, high = np.minimum(low, middle), np.maximum(high, middle)
        if record.targets != "numbers":
            low, high = np.maximum(low, 0), np.maximum(high, 0)
        return np.stack([model._shaped(low), model._shaped(high)], axis=-1)


def _band(record: Loss, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | float]:
    """The interval before it is widened, and what it is widened by, (n, outputs) each.

    `blocks` (n, kinds, outputs) are predictions in the units of y.
    """
    power = variance_power(record)
    if record.name == "gaussian":
        return blocks[:, 0], blocks[:, 0], blocks[:, 1]
    if power is not None:  # the dispersion is the same for all rows and drops out
        return blocks[:, 0], blocks[:, 0], blocks[:, 0] ** (power / 2)
    return blocks[:, 0], blocks[:, -1], 1.0


def _kind(record: Loss) -> str:
    if len(trained_levels(record)) > 1:
        return "quantile"
    known = record.name == "gaussian" or variance_power(record) is not None
    return "normalised" if known else "residual"


# ------------------------------------------------------------------------- sets


class ConformalSets(_Conformal):
    """Sets of classes for a classifier: `conformalise`, then `predict_set`."""

    def conformalise(self, X: Any, y: Any, method: Literal["lac", "aps"] = "lac") -> Self:
        """Measure how wrong probabilities are, on rows that were not trained on.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
        y : array-like of shape (n,)
        method : {"lac", "aps"}
            Score of a class of probability p. "lac": 1 − p (Sadinle et al. 2019), the smallest
            sets on average; some may be empty. "aps": the sum of all larger probabilities (Romano
            et al. 2020, arXiv 2006.02544, without its random term): sets that are larger where the
            classes are hard to tell apart and never empty, so that they can hold the truth more
            often than asked.

        Returns
        -------
        self
            With `conformal_`, which `save` keeps and another `fit` removes.

        Raises
        ------
        DataError
            If a label is unknown, or y had several columns in training.
        HyperparameterError
            If there is no such method.
        """
        check_is_fitted(cast("Any", self), "network_")
        METHOD.check(method)
        if not isinstance(self.target_, Labels):
            raise DataError(
                "conformalise needs one label for each row, and y had several columns in training: "
                "train a model for each."
            )
        rows = Rows.read(X, y, None)
        t = self.target_.encode(rows.y[rows.used])
        scores = _nonconformity(self, rows.table, method)[rows.used, t]
        self.conformal_ = Conformal(method, np.sort(scores))
        return self

    def predict_set(self, X: Any, coverage: float = _COVERAGE) -> np.ndarray:
        """The classes of each row that hold its own with probability `coverage` or more.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
        coverage : float
            For new rows like those of `conformalise`, on average over rows.

        Returns
        -------
        ndarray of bool, shape (n, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        HyperparameterError
            If `conformalise` had too few rows for this coverage.
        DataError
            If there was no `conformalise`.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.NetworkClassifier(random_state=0).fit(X[::2], y[::2])
        >>> model.conformalise(X[1::4], y[1::4]).predict_set(X[3::4]).shape
        (37, 3)
        """
        threshold = self._threshold(coverage, "predict_set")
        return _nonconformity(self, X, self.conformal_.method) <= threshold


def _nonconformity(model: Any, X: Any, method: str) -> np.ndarray:
    """Score of every class, (n, n_classes)."""
    p = model.predict_proba(X).astype(np.float64)
    if method == "lac":
        return 1 - p
    order = np.argsort(-p, axis=1, kind="stable")
    falling = np.take_along_axis(p, order, axis=1)
    before, result = np.cumsum(falling, axis=1) - falling, np.empty_like(p)
    np.put_along_axis(result, order, np.maximum(before, 0), axis=1)
    return result
