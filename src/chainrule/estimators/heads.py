"""What a regressor's network can put out: a mean, quantiles, a distribution; one loss for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import HyperparameterError
from chainrule.ops.losses import LOSSES, Loss, loss, quantiles

__all__ = [
    "QUANTILES",
    "SCALED",
    "Distribution",
    "Distributional",
    "dispersion",
    "distribution",
    "middle",
    "regression_loss",
    "trained_levels",
    "variance_power",
]

QUANTILES = (0.05, 0.5, 0.95)
SCALED = "numbers"  # a location and a spread: such targets are standardised, counts are not
_REGRESSION = (SCALED, "counts", "positive")
_POWERS = {"poisson": 1.0, "gamma": 2.0}


@dataclass(frozen=True, eq=False)
class Distribution:
    """What a regressor says of the target of each row.

    Attributes
    ----------
    mean : ndarray of shape (n,) or (n, outputs)
    scale : ndarray of the same shape
        The standard deviation.
    distribution : frozen distribution of scipy.stats, or None
        Of the same shape; ``distribution.cdf(y)``, ``.interval(0.9)``, ``.rvs()`` and so on. None
        where the loss fixes mean and variance alone, as Tweedie's does here.
    """

    mean: np.ndarray
    scale: np.ndarray
    distribution: Any = None


def regression_loss(
    given: str | Loss | Mapping[str, Any], levels: Sequence[float] = QUANTILES
) -> Loss:
    """The record of a regressor's loss; `levels` are the quantiles of ``"quantile"``.

    Raises
    ------
    UnknownNameError
        Listing the losses there are.
    HyperparameterError
        If the loss is one for classes, or a level is no quantile.

    Examples
    --------
    >>> regression_loss("quantile", (0.1, 0.9)).scores
    ('q1', 'q2')
    >>> regression_loss("quantile", [0.9]).settings
    {'level': 0.9}
    """
    record = loss(given)
    if record.targets not in _REGRESSION:
        known = ", ".join(repr(r.name) for r in LOSSES.values() if r.targets in _REGRESSION)
        raise HyperparameterError(
            f"loss = {record.name!r} is for classes or fractions, not for numbers: give {known}, "
            f"or use NetworkClassifier."
        )
    if isinstance(given, str) and given == "quantile":
        return record(level=levels[0]) if len(levels) == 1 else quantiles(levels)
    return record


def trained_levels(record: Loss) -> list[float]:
    """The quantiles that a loss makes the scores; none for other losses.

    Examples
    --------
    >>> trained_levels(LOSSES["quantiles"]), trained_levels(LOSSES["huber"])
    ([0.05, 0.5, 0.95], [])
    """
    return list(record.all_settings.values()) if record.name in ("quantile", "quantiles") else []


def middle(record: Loss) -> int:
    """Which kind of score is the prediction: the first, or the quantile next to the median.

    Examples
    --------
    >>> middle(LOSSES["quantiles"]), middle(LOSSES["gaussian"])
    (1, 0)
    """
    levels = np.array(trained_levels(record))
    return int(np.argmin(np.abs(levels - 0.5))) if len(levels) else 0


def variance_power(record: Loss) -> float | None:
    """The p of a variance φ μᵖ: 1 for Poisson, 2 for gamma; None for losses of other kinds."""
    return record.all_settings.get("power", _POWERS.get(record.name))


def dispersion(
    record: Loss, y: np.ndarray, mean: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """φ of each output, (outputs,): Pearson's statistic, the mean of (y − μ)²/μᵖ.

    Poisson's is 1 by its definition.

    Parameters
    ----------
    record : Loss
        Poisson, gamma or Tweedie.
    y, mean : ndarray of shape (n, outputs)
    weights : ndarray of shape (n,), optional

    Notes
    -----
    McCullagh & Nelder 1989, section 9.2.4.
    """
    power = variance_power(record)
    if record.name == "poisson" or power is None:
        return np.ones(y.shape[1])
    return np.average((y - mean) ** 2 / mean**power, axis=0, weights=weights)


def distribution(record: Loss, blocks: np.ndarray, phi: np.ndarray | None) -> Distribution:
    """The distribution of each target from predictions in its own units.

    Parameters
    ----------
    record : Loss
    blocks : ndarray of shape (n, kinds of score, outputs) or (n, kinds of score)
    phi : ndarray of shape (outputs,) or float, optional
        The dispersion, where the loss leaves one open.

    Raises
    ------
    HyperparameterError
        If the loss is no likelihood.
    """
    from scipy import stats

    mean, power = blocks[:, 0], variance_power(record)
    if record.name == "gaussian":
        return Distribution(mean, blocks[:, 1], stats.norm(mean, blocks[:, 1]))
    if power is None:
        raise HyperparameterError(
            f"loss = {record.name!r} says nothing of a distribution: give loss='gaussian', "
            f"'poisson', 'gamma' or 'tweedie'."
        )
    if phi is None:
        raise HyperparameterError(
            f"the spread of a {record.name} target is learnt by fit, from rows held out of a "
            f"stream; partial_fit alone does not learn it."
        )
    scale = np.sqrt(phi * mean**power)
    frozen = {
        "poisson": lambda: stats.poisson(mean),
        "gamma": lambda: stats.gamma(1 / phi, scale=phi * mean),
    }
    return Distribution(mean, scale, frozen.get(record.name, lambda: None)())


class Distributional:
    """What a regressor says of a row beside its prediction."""

    network_: Any
    quantiles: Sequence[float]
    dispersion_: np.ndarray | None
    _single: bool

    def predict_quantiles(self, X: Any, quantiles: Sequence[float] | None = None) -> np.ndarray:
        """Quantiles of the target of each row.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
        quantiles : sequence of float, optional
            Some of those trained with ``loss="quantile"``; any in (0, 1) for "gaussian", "poisson"
            and "gamma", of the distribution that `predict_distribution` gives. By default those of
            the constructor, or of the loss object.

        Returns
        -------
        ndarray of shape (n, quantiles), or (n, outputs, quantiles) if y had several columns
            In the order asked for; a larger level never has the smaller number, as what the
            network puts out is sorted (Chernozhukov et al. 2010).

        Raises
        ------
        HyperparameterError
            If a level was not trained, or the loss has no quantiles.

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> X = np.linspace(0, 1, 200)[:, None]
        >>> y = X[:, 0] + np.random.default_rng(0).normal(size=200)
        >>> model = cr.NetworkRegressor((8,), loss="gaussian", random_state=0).fit(X, y)
        >>> model.predict_quantiles(X, (0.1, 0.9)).shape
        (200, 2)
        """
        check_is_fitted(cast("Any", self), "network_")
        trained = trained_levels(self.network_.loss)
        levels = list((trained or self.quantiles) if quantiles is None else quantiles)
        for level in levels:
            LOSSES["quantile"].parameters[0].check(level)
        if not trained:
            return self._quantiles_of_distribution(X, levels)
        missing = [level for level in levels if level not in trained]
        if missing:
            raise HyperparameterError(
                f"the quantile {missing[0]:g} was not trained: ask for some of "
                f"{', '.join(f'{q:g}' for q in trained)}, or train with quantiles=(…)."
            )
        places = [trained.index(level) for level in levels]
        model = cast("Any", self)  # the estimator that this is a part of
        return np.moveaxis(model._shaped(model._blocks(X)[:, places]), 1, -1)

    def _quantiles_of_distribution(self, X: Any, levels: Sequence[float]) -> np.ndarray:
        found = self.predict_distribution(X).distribution
        if found is None:
            raise HyperparameterError(
                f"loss = {self.network_.loss.name!r} gives mean and variance, no quantiles: give "
                f"loss='quantile'."
            )
        return np.stack([found.ppf(level) for level in levels], axis=-1)

    def predict_distribution(self, X: Any) -> Distribution:
        """The distribution of the target of each row, where the loss is a likelihood.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        Distribution
            `mean`, `scale` and, but for "tweedie", a frozen `distribution` of scipy.stats.

        Raises
        ------
        HyperparameterError
            If the loss is none of "gaussian", "poisson", "gamma" and "tweedie".

        Examples
        --------
        >>> import chainrule as cr, numpy as np
        >>> X = np.repeat([[0.0], [1.0]], 100, axis=0)
        >>> y = np.random.default_rng(0).poisson(1 + 4 * X[:, 0])
        >>> found = cr.NetworkRegressor((8,), loss="poisson", random_state=0).fit(X, y)
        >>> found.predict_distribution([[1.0]]).distribution.cdf(20).round(3)
        array([1.])
        """
        blocks, phi = cast("Any", self)._blocks(X), self.dispersion_
        if not self._single:
            return distribution(self.network_.loss, blocks, phi)
        return distribution(self.network_.loss, blocks[:, :, 0], None if phi is None else phi[0])
