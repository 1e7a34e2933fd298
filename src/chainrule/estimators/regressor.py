"""`NetworkRegressor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from chainrule.errors import DataError
from chainrule.estimators.base import NetworkEstimator

__all__ = ["NetworkRegressor"]


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A neural network that learns numbers from a table.

    As `NetworkClassifier`, with the squared error; targets are standardised while training, so the
    defaults suit prices in thousands and rates in thousandths alike.

    Parameters
    ----------
    hidden : sequence of int
        Widths of the hidden layers.
    activation : str or ActivationFunction
        Of the hidden layers.
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
        try:
            numbers = y.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(
                f"the target has entries that are no numbers, such as {y.reshape(-1)[0]!r}: use "
                f"NetworkClassifier for classes."
            ) from None
        if numbers.ndim > 2:
            raise DataError(f"y has shape {y.shape}: expected (n,) or (n, outputs).")
        if not np.isfinite(numbers).all():
            row = int(np.argwhere(~np.isfinite(numbers))[0][0])
            raise DataError(f"the target is infinite in row {row}: leave such rows out.")
        if (numbers == numbers[:1]).all():
            raise DataError(
                f"the target is {numbers.reshape(-1)[0]:g} in every row: there is nothing to learn."
            )
        self._single = numbers.ndim == 1
        return 1 if self._single else numbers.shape[1]

    def _scale_targets(self, y: np.ndarray) -> None:
        columns = y.astype(np.float64).reshape(len(y), -1)
        self.target_mean_ = columns.mean(axis=0)
        spread = columns.std(axis=0)
        self.target_scale_ = np.where(spread > 0, spread, 1.0)

    def _encode_targets(self, y: np.ndarray) -> np.ndarray:
        columns = y.astype(np.float64).reshape(len(y), -1)
        return (columns - self.target_mean_) / self.target_scale_

    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        held = np.zeros(len(y), bool)
        held[rng.permutation(len(y))[: round(len(y) * self.validation_fraction)]] = True
        return held

    def predict(self, X: Any) -> np.ndarray:
        """The expected target.

        Parameters
        ----------
        X : data frame or array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,), or (n, outputs) if y had several columns
        """
        values = self._scores(X) * self.target_scale_ + self.target_mean_
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
