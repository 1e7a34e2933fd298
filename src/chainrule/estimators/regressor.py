"""`NetworkRegressor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from chainrule.data.targets import called
from chainrule.errors import DataError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.splits import random_share

__all__ = ["NetworkRegressor"]


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A neural network that learns numbers from a table.

    As `NetworkClassifier`, with the squared error; targets are standardised while training, so the
    defaults suit prices in thousands and rates in thousandths alike.

    Parameters
    ----------
    hidden : sequence of int
        Widths of the hidden layers.
    activation : str or ActivationFunction, optional
        Of the hidden layers; as for `NetworkClassifier` if None.
    keep : float
        Probability that dropout keeps a hidden unit; 1 is no dropout.
    network : sequence of Layer, optional
        Hidden layers of your own; the output layer is added.
    optimizer, learning_rate, batch_size, epochs
        As for `NetworkClassifier`.
    early_stopping, validation_fraction, patience, time_limit
        As for `NetworkClassifier`.
    max_levels, callbacks, engine, threads, random_state, verbose
        As for `NetworkClassifier`.

    Attributes
    ----------
    network_ : Network
    encoder_ : TableEncoder
    history_ : History
        Its losses are those of the standardised target.
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

    def _learn_targets(self, y: np.ndarray) -> int:
        if y.ndim > 2:
            raise DataError(f"y has shape {y.shape}: expected (n,) or (n, outputs).")
        target = called(self.target_name_)
        if y.dtype.kind == "U":
            raise DataError(
                f"{target} holds texts such as {y.reshape(-1)[0].item()!r}: classes need "
                f"NetworkClassifier (--task classification)."
            )
        if not np.isfinite(y).all():
            row = int(np.argwhere(~np.isfinite(y))[0][0])
            raise DataError(
                f"{target} is infinite in row {row} (counted from 0): leave such rows out."
            )
        if (y == y[:1]).all():
            raise DataError(
                f"{target} is {y.reshape(-1)[0]:g} in every row: there is nothing to learn."
            )
        self._single = y.ndim == 1
        return 1 if self._single else y.shape[1]

    def _scale_targets(self, y: np.ndarray) -> None:
        """Learn means and spreads, such that no square overflows or vanishes."""
        columns = y.astype(np.float64).reshape(len(y), -1)
        first = columns[0]
        self.target_mean_ = first + (columns - first).mean(axis=0)
        centred = columns - self.target_mean_
        largest = np.abs(centred).max(axis=0)
        unit = np.where(largest > 0, largest, 1.0)
        spread = unit * (centred / unit).std(axis=0)
        self.target_scale_ = np.where(spread > 0, spread, 1.0)

    def _encode_targets(self, y: np.ndarray) -> np.ndarray:
        columns = y.astype(np.float64).reshape(len(y), -1)
        return (columns - self.target_mean_) / self.target_scale_

    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return random_share(len(y), self.validation_fraction, rng)

    def predict(self, X: Any) -> np.ndarray:
        """The expected target.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,), or (n, outputs) if y had several columns
        """
        scores = self._scores(X)
        values = scores * self.target_scale_ + self.target_mean_
        return values[:, 0] if self._single else values

    def _config(self) -> dict[str, Any]:
        return {
            "mean": self.target_mean_.tolist(),
            "scale": self.target_scale_.tolist(),
            "single": self._single,
        }

    def _restore(self, targets: Mapping[str, Any]) -> None:
        self.target_mean_ = np.array(targets["mean"])
        self.target_scale_ = np.array(targets["scale"])
        self._single = bool(targets["single"])
