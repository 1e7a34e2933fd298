"""`NetworkRegressor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from chainrule.data.targets import called
from chainrule.errors import DataError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.opening import predicted_and_true
from chainrule.estimators.splits import random_share
from chainrule.layers import Dense, Layer

__all__ = ["NetworkRegressor"]


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A neural network that learns numbers from a table.

    As `NetworkClassifier`, with the squared error; targets are standardised while training, so the
    defaults suit prices in thousands and rates in thousandths alike.

    Parameters
    ----------
    hidden : sequence of int, optional
    preset : {"tabular", "plain"}, optional
    activation : str or ActivationFunction, optional
    keep : float, optional
        As for `NetworkClassifier`.
    network : sequence of Layer, optional
        Hidden layers of your own; the output layer is added.
    optimizer, learning_rate, batch_size, epochs
        As for `NetworkClassifier`.
    early_stopping, validation_fraction, patience, time_limit
        As for `NetworkClassifier`.
    max_levels, memory_limit, callbacks, warm_start, engine, dtype, threads, random_state, verbose
        As for `NetworkClassifier`.
    members, cv, bag, refit, n_jobs
        As for `NetworkClassifier`: several networks, whose predictions are averaged.

    Attributes
    ----------
    network_ : Network
    encoder_ : TableEncoder
    history_ : History
        Its losses are those of the standardised target.
    members_, cv_scores_, oob_score_, histories_
        As for `NetworkClassifier`; the score is R².
    out_of_fold_ : ndarray of shape (n,) or (n, outputs)
    target_mean_, target_scale_ : ndarray of shape (outputs,)

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> cr.NetworkRegressor(random_state=0).fit(X, y).score(X, y) > 0.4
    True
    """

    @property
    def _loss(self) -> str:
        return "squared_error"

    @property
    def _kind(self) -> str:
        return "regressor"

    @property
    def _head(self) -> Layer:
        return Dense(1 if self._single else self._outputs)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkRegressor:
        """Learn once from one portion of the rows; the next call goes on from there.

        The first portion decides means, spreads and levels of the columns, and mean and spread of
        the target. After `fit` its network is what goes on. `epochs`, early stopping and callbacks
        do not concern it.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
        y : array-like of shape (n,) or (n, outputs)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        HyperparameterError
            If the optimizer needs all rows at once.

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> X = np.linspace(-1, 1, 100)[:, None]
        >>> model = cr.NetworkRegressor((8,), random_state=0)
        >>> for _ in range(300):
        ...     model = model.partial_fit(X, X[:, 0] ** 2)
        >>> model.score(X, X[:, 0] ** 2) > 0.9
        True
        """
        return self._pass(X, y, sample_weight, ())

    def _learn_targets(self, y: np.ndarray, classes: Any = None) -> None:
        """Refuse what is no number; and, when all rows are seen, what is always the same."""
        self._single, self._outputs = y.ndim == 1, y.shape[-1]
        self._check_targets(y)
        if classes is None and len(y) == 1:
            raise DataError("X has one row (n_samples=1): there is nothing to learn from it alone.")
        if classes is None and (y == y[:1]).all():
            raise DataError(
                f"{called(self.target_name_)} is {y.reshape(-1)[0]:g} in every row: there is "
                f"nothing to learn."
            )

    def _check_targets(self, y: np.ndarray) -> None:
        if y.ndim > 2:
            raise DataError(f"y has shape {y.shape}: expected (n,) or (n, outputs).")
        target = called(self.target_name_)
        if y.dtype.kind in "UO":
            first = next(cell for cell in y.reshape(-1).tolist() if isinstance(cell, str))
            raise DataError(
                f"{target} holds texts such as {first!r}: classes need "
                f"NetworkClassifier (--task classification)."
            )
        if not np.isfinite(y).all():
            row = int(np.argwhere(~np.isfinite(y))[0][0])
            raise DataError(
                f"{target} is infinite in row {row} (counted from 0): leave such rows out."
            )
        if (y.ndim == 1) != self._single or (not self._single and y.shape[1] != self._outputs):
            known = "(n,)" if self._single else f"(n, {self._outputs})"
            raise DataError(f"y has shape {y.shape}: the model was trained on {known}.")

    def _scale_targets(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn means and spreads, such that no square overflows or vanishes."""
        columns = y.astype(np.float64).reshape(len(y), -1)
        first = columns[0]
        self.target_mean_ = first + np.average(columns - first, axis=0, weights=weights)
        centred = columns - self.target_mean_
        largest = np.abs(centred).max(axis=0)
        unit = np.where(largest > 0, largest, 1.0)
        spread = unit * _spread(centred / unit, weights)
        self.target_scale_ = np.where(spread > 0, spread, 1.0)

    def _encode_targets(self, y: np.ndarray) -> np.ndarray:
        self._check_targets(y)
        columns = y.astype(np.float64).reshape(len(y), -1)
        return (columns - self.target_mean_) / self.target_scale_

    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return random_share(len(y), self.validation_fraction, rng)

    def predict(self, X: Any) -> np.ndarray:
        """The expected target.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,), or (n, outputs) if y had several columns
        """
        return self._decide(self._scores(X))

    def _output(self, scores: Any) -> np.ndarray:
        values = scores * self.target_scale_ + self.target_mean_
        return values[:, 0] if self._single else values

    _decide = _output

    def _scores_of(self, output: np.ndarray) -> np.ndarray:
        return (output.reshape(len(output), -1) - self.target_mean_) / self.target_scale_

    def _score(self, y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None) -> float:
        if len(y) < 2:
            return float("nan")  # one row has no spread to explain
        return float(r2_score(y, predicted, sample_weight=weights))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², 1 minus the squared errors over those of the mean.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns), path or Stream
        y : array-like of shape (n,) or (n, outputs), or str
            Or the name of the target's column in X.
        sample_weight : array-like of shape (n,), optional
        """
        predicted, targets, weights = predicted_and_true(self.predict, X, y, sample_weight)
        return float(r2_score(targets, predicted, sample_weight=weights))

    def _config(self) -> dict[str, Any]:
        return {
            "mean": self.target_mean_.tolist(),
            "scale": self.target_scale_.tolist(),
            "single": self._single,
        }

    def _restore(self, targets: Mapping[str, Any]) -> None:
        self.target_mean_ = np.array(targets["mean"])
        self.target_scale_ = np.array(targets["scale"])
        self._single, self._outputs = bool(targets["single"]), len(self.target_mean_)


def _spread(columns: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Standard deviations, (outputs,), of columns (n, outputs) with weights (n,) or None."""
    centred = columns - np.average(columns, axis=0, weights=weights)
    return np.sqrt(np.average(centred * centred, axis=0, weights=weights))
