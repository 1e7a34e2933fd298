"""`NetworkRegressor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from chainrule.data.targets import called
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.conformal import ConformalIntervals
from chainrule.estimators.heads import (
    QUANTILES,
    SCALED,
    Distributional,
    dispersion,
    middle,
    regression_loss,
    trained_levels,
    variance_power,
)
from chainrule.estimators.opening import predicted_and_true
from chainrule.estimators.parameters import full_signature
from chainrule.estimators.spelling import refuse_unknown
from chainrule.estimators.splits import random_share
from chainrule.layers import Dense, Layer
from chainrule.network import Network
from chainrule.ops.losses import Loss

__all__ = ["NetworkRegressor"]


class NetworkRegressor(RegressorMixin, Distributional, ConformalIntervals, NetworkEstimator):
    """A neural network that learns numbers from a table.

    Targets are standardised while training, so the defaults suit prices in thousands and rates in
    thousandths alike. Counts and amounts (losses "poisson", "gamma", "tweedie") are not: there the
    scores are logarithms of the mean, and training starts at the mean of all rows.

    Parameters
    ----------
    hidden : sequence of int, optional
    preset : {"tabular", "plain"} or Preset, optional
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
    loss : str, Loss or mapping
        What training makes small, and so what is learnt: "squared_error" the mean,
        "absolute_error" the median, "huber" a mean that outliers move little (its δ counts in
        standard deviations of y), "quantile" the quantiles of `quantiles`, "gaussian" mean and
        spread of each row, "poisson" the mean of counts, "gamma" that of positive amounts,
        "tweedie" that of amounts which may be 0. With settings
        ``{"name": "tweedie", "power": 1.7}``.
    quantiles : sequence of float
        Levels in (0, 1), the smallest first, that ``loss="quantile"`` trains side by side.

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
    dispersion_ : ndarray of shape (outputs,), or None
        φ of the variance φ μᵖ of a gamma or Tweedie target, from the held-out rows if there are
        any.

    Notes
    -----
    With scikit-learn 1.9 or newer `set_callbacks` takes its callbacks, such as `ProgressBar` and
    `ScoringMonitor`: they see each epoch, and each network where there are several. See
    `estimators.sklearn_callbacks`.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> cr.NetworkRegressor(random_state=0).fit(X, y).score(X, y) > 0.4
    True
    >>> model = cr.NetworkRegressor(loss="quantile", quantiles=(0.1, 0.5, 0.9), epochs=40)
    >>> model.fit(X, y).predict_quantiles(X).shape
    (442, 3)
    """

    def __init__(
        self,
        hidden: Sequence[int] | None = None,
        *,
        loss: str | Loss | Mapping[str, Any] = "squared_error",
        quantiles: Sequence[float] = QUANTILES,
        **arguments: Any,
    ) -> None:
        refuse_unknown(self, NetworkRegressor, arguments)
        super().__init__(hidden, **arguments)
        self.loss = loss
        self.quantiles = quantiles

    @property
    def _loss(self) -> Loss:
        return regression_loss(self.loss, self.quantiles)

    @property
    def _kind(self) -> str:
        return "regressor"

    @property
    def _head(self) -> Layer:
        """Scores by a logarithm start near the mean of all rows: small weights, a bias."""
        units = (1 if self._single else self._outputs) * len(self._loss.scores)
        return Dense(units, initializer="small_normal" if self._loss.inverse_link else None)

    def _make_network(self, rows: int, seed: int) -> Network:
        network = super()._make_network(rows, seed)
        inverse = network.loss.inverse_link
        if inverse is not None:
            start = np.maximum(self.target_mean_, 0.5 / rows)  # all zeros have no logarithm
            network.parameters[f"{len(network.layers) - 1}.bias"][...] = inverse(start)
        return network

    def _refuse_other_layers(self) -> None:
        super()._refuse_other_layers()
        if self._loss.config() != self.network_.loss.config():
            raise HyperparameterError(
                "warm_start = True goes on with the network there is, but loss or quantiles now "
                "ask for another: give warm_start=False."
            )

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
        self._refuse_impossible(y, target)
        if (y.ndim == 1) != self._single or (not self._single and y.shape[1] != self._outputs):
            known = "(n,)" if self._single else f"(n, {self._outputs})"
            raise DataError(f"y has shape {y.shape}: the model was trained on {known}.")

    def _refuse_impossible(self, y: np.ndarray, target: str) -> None:
        """Counts and amounts of fewer than none."""
        record = self._loss
        wrong = y <= 0 if record.targets == "positive" else y < 0
        if record.targets != SCALED and wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            needed = "above 0" if record.targets == "positive" else "of 0 or more"
            raise DataError(
                f"{target} is {y[place]:g} in row {place[0]} (counted from 0): loss "
                f"'{record.name}' needs numbers {needed}."
            )

    def _scale_targets(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn means and spreads, such that no square overflows or vanishes."""
        self.dispersion_ = None
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
        if self._loss.targets != SCALED:
            return columns
        return (columns - self.target_mean_) / self.target_scale_

    def _after_training(
        self, scores: Callable[[], Any], y: Any, weights: np.ndarray | None, held_out: bool
    ) -> None:
        if variance_power(self.network_.loss) is not None:
            means = self._in_units(scores())[:, 0]
            given = None if weights is None else weights[:, 0]
            self.dispersion_ = dispersion(self.network_.loss, y, means, given)

    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return random_share(len(y), self.validation_fraction, rng)

    def predict(self, X: Any) -> np.ndarray:
        """The expected target; the median for "absolute_error", and of quantiles the middle one.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,), or (n, outputs) if y had several columns
        """
        return self._decide(self._scores(X))

    def _blocks(self, X: Any) -> np.ndarray:
        """What each kind of score says in the units of y, (n, kinds, outputs)."""
        scores = self._scores(X)
        return self._in_units(scores)

    def _in_units(self, scores: np.ndarray) -> np.ndarray:
        record = self.network_.loss
        found = record.predictions(scores.astype(np.float64))
        blocks = found.reshape(len(scores), len(record.scores), -1)
        if record.targets != SCALED:
            return blocks
        blocks = blocks * self.target_scale_
        places = slice(0, 1) if record.name == "gaussian" else slice(None)
        blocks[:, places] += self.target_mean_
        return np.sort(blocks, axis=1) if trained_levels(record) else blocks

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        """(n, …, outputs) without the last axis if y had one column."""
        return values[..., 0] if self._single else values

    def _decide(self, scores: np.ndarray) -> np.ndarray:
        return self._shaped(self._in_units(scores)[:, middle(self.network_.loss)])

    def _output(self, scores: np.ndarray) -> np.ndarray:
        blocks = self._in_units(scores)
        return self._shaped(blocks[:, 0]) if blocks.shape[1] == 1 else _side_by_side(blocks)

    def _scores_of(self, output: np.ndarray) -> np.ndarray:
        record = self.network_.loss
        blocks = output.reshape(len(output), len(record.scores), -1)
        if record.inverse_link is not None:
            return record.inverse_link(_side_by_side(blocks))
        if record.targets != SCALED:
            return _side_by_side(blocks)
        scores = (blocks - self.target_mean_) / self.target_scale_
        if record.name == "gaussian":  # of the deviation the logarithm of the variance
            scores[:, 1] = 2 * np.log(blocks[:, 1] / self.target_scale_)
        return _side_by_side(scores)

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
            "dispersion": None if self.dispersion_ is None else self.dispersion_.tolist(),
            **self._conformal_config(),
        }

    def _restore(self, targets: Mapping[str, Any]) -> None:
        self.target_mean_ = np.array(targets["mean"])
        self.target_scale_ = np.array(targets["scale"])
        self._restore_conformal(targets)
        phi = targets.get("dispersion")
        self.dispersion_ = None if phi is None else np.array(phi)
        self._single, self._outputs = bool(targets["single"]), len(self.target_mean_)


NetworkRegressor.__init__.__signature__ = full_signature(  # type: ignore[attr-defined]
    NetworkEstimator, NetworkRegressor
)


def _side_by_side(blocks: np.ndarray) -> np.ndarray:
    """(n, kinds, outputs) as (n, kinds · outputs)."""
    return blocks.reshape(len(blocks), -1)


def _spread(columns: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Standard deviations, (outputs,), of columns (n, outputs) with weights (n,) or None."""
    centred = columns - np.average(columns, axis=0, weights=weights)
    return np.sqrt(np.average(centred * centred, axis=0, weights=weights))
