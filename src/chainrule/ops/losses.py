"""Losses: value, slope and what the scores mean, one record each.

Conventions: `z` (rows, outputs) are scores, the last layer's output; `t` (rows, outputs) are
targets. Class indices reach a formula as rows of zeros with a single 1, so one formula serves
indices and class probabilities. `value(z, t)` gives one number a row, (rows, 1); `slope(z, t)`
is its gradient δ = ∂value/∂z, (rows, outputs). The loss of a batch is the mean over its rows,
weighted when there are sample weights; outputs of one row are summed. At a kink the slope is one of
the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from chainrule.errors import unknown_name
from chainrule.ops.activations import sigmoid, softplus
from chainrule.ops.configurable import Configurable
from chainrule.ops.expression import (
    Expression,
    Variable,
    absolute,
    as_expression,
    evaluate,
    exp,
    log,
    maximum,
    minimum,
    row_max,
    row_sum,
    where,
)
from chainrule.ops.hyperparameters import Hyperparameter, Interval

__all__ = ["LOSSES", "Loss", "loss", "softmax"]

Targets = Literal["classes", "numbers", "fractions", "counts"]


@dataclass(frozen=True)
class Loss(Configurable):
    """One loss.

    Attributes
    ----------
    name : str
    value : callable
        ``value(z, t, **settings)``, one number for each row.
    slope : callable
        ``slope(z, t, **settings)`` = ∂value/∂z.
    link : callable
        Scores to predictions: softmax for class probabilities, identity for numbers.
    targets : {"classes", "numbers", "fractions", "counts"}
        "classes": indices (n,) or probabilities (n, outputs); "numbers": any (n, outputs);
        "fractions": numbers from 0 to 1; "counts": numbers from 0.
    metric_name : str
        What `metric` measures.
    metric : callable
        ``metric(z, t)``, one number for each row; its mean is reported beside the loss.
    metric_root : bool
        Whether the reported metric is the square root of that mean.
    formula, slope_formula, source : str
    scores : tuple of str
        What the network puts out for each target: one score z, or several side by side, all of
        the first kind before those of the second. The functions then take, and `slope` and `link`
        give, one after the other.
    parameters : tuple of Hyperparameter
        Its settings, such as the δ of Huber's loss.
    settings : mapping
        Values given for them.
    """

    value: Callable[..., Any]
    slope: Callable[..., Any]
    link: Callable[..., Any]
    targets: Targets
    metric_name: str
    metric: Callable[..., Any]
    formula: str
    slope_formula: str
    source: str = ""
    metric_root: bool = False
    scores: tuple[str, ...] = ("z",)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle a record by its name: formulas are functions and live in the registry."""
        return loss, (self.config(),)

    @cached_property
    def value_expression(self) -> Expression:
        """The value of each row, (n, 1), as a tree over the scores and `t`."""
        return self.value(*self._variables, Variable("t"), **self.symbols)

    @cached_property
    def slope_expressions(self) -> tuple[Expression, ...]:
        """The slope for each kind of score, (n, outputs), as trees over the scores and `t`."""
        slopes = self.slope(*self._variables, Variable("t"), **self.symbols)
        return tuple(map(as_expression, slopes)) if len(self.scores) > 1 else (slopes,)

    @cached_property
    def metric_expression(self) -> Expression:
        """The metric of each row, (n, 1), as a tree over the scores and `t`."""
        return self.metric(*self._variables, Variable("t"))

    @cached_property
    def link_expressions(self) -> tuple[Expression, ...]:
        """The prediction for each kind of score, (n, outputs), as trees over the scores."""
        links = self.link(*self._variables)
        return tuple(links) if len(self.scores) > 1 else (links,)

    def predictions(self, scores: np.ndarray) -> np.ndarray:
        """Scores, (…, outputs), as predictions of the same shape.

        Examples
        --------
        >>> LOSSES["poisson"].predictions(np.zeros((1, 1)))
        array([[1.]])
        """
        blocks = np.split(scores, len(self.scores), axis=-1)
        values = dict(zip(self.scores, blocks, strict=True))
        return np.concatenate([evaluate(e, values) for e in self.link_expressions], axis=-1)

    @property
    def _variables(self) -> list[Expression]:
        return [Variable(name) for name in self.scores]


def softmax(z: Any) -> Any:
    """eᶻ / Σ eᶻ over each row, from differences to the largest; (rows, columns)."""
    e = exp(z - row_max(z))
    return e / row_sum(e)


def _cross_entropy(z: Any, t: Any) -> Any:
    shifted = z - row_max(z)
    return row_sum(t) * log(row_sum(exp(shifted))) - row_sum(t * shifted)


def _hit(z: Any, t: Any) -> Any:
    """1 where the largest score is the target's; the target's probability when it is soft."""
    return row_max(where(z >= row_max(z), t, 0))


def _half_square(z: Any, t: Any) -> Any:
    return row_sum(0.5 * (z - t) * (z - t))


def _distance(z: Any, t: Any) -> Any:
    return row_sum(absolute(z - t))


def _log_softmax(z: Any) -> Any:
    shifted = z - row_max(z)
    return shifted - log(row_sum(exp(shifted)))


def _columns(z: Any) -> Any:
    """How many outputs a row has."""
    return row_sum(0 * z + 1)


def _smooth_cross_entropy(z: Any, t: Any, smoothing: Any) -> Any:
    uniform = row_sum(t) * row_sum(_log_softmax(z)) / _columns(z)
    return (1 - smoothing) * _cross_entropy(z, t) - smoothing * uniform


def _smooth_slope(z: Any, t: Any, smoothing: Any) -> Any:
    return row_sum(t) * (softmax(z) - smoothing / _columns(z)) - (1 - smoothing) * t


def _focal(z: Any, t: Any, gamma: Any) -> Any:
    u = -_cross_entropy(z, t)  # log of the target's probability
    return -((1 - minimum(exp(u), 1)) ** gamma) * u


def _focal_slope(z: Any, t: Any, gamma: Any) -> Any:
    u = -_cross_entropy(z, t)
    p = minimum(exp(u), 1)
    outer = gamma * (1 - p) ** (gamma - 1) * p * u - (1 - p) ** gamma
    return outer * (t - row_sum(t) * softmax(z))


def _divergence(z: Any, t: Any) -> Any:
    """KL(t‖softmax(z)); 0 log 0 is 0."""
    return row_sum(where(t > 0, t * (log(where(t > 0, t, 1)) - _log_softmax(z)), 0))


def _huber(z: Any, t: Any, delta: Any) -> Any:
    e = absolute(z - t)
    return row_sum(where(e <= delta, 0.5 * e * e, delta * (e - 0.5 * delta)))


def _hinge_slope(z: Any, t: Any, margin: Any) -> Any:
    sign = 2 * t - 1
    return where(sign * z < margin, -sign, 0)


def _wrong(z: Any, t: Any, margin: Any) -> Any:
    """How far each wrong class comes too close to the right one; 0 for the right one."""
    return (1 - t) * maximum(margin + z - row_sum(t * z), 0)


def _margin_slope(z: Any, t: Any, margin: Any) -> Any:
    too_close = (1 - t) * where(margin + z - row_sum(t * z) > 0, 1, 0)
    return too_close - t * row_sum(too_close)


def _accuracy_by_sign(z: Any, t: Any) -> Any:
    return row_sum(where(z > 0, t, 1 - t)) / _columns(z)


def _gaussian(mean: Any, log_variance: Any, t: Any) -> Any:
    e = t - mean
    return row_sum(0.5 * (log_variance + e * e * exp(-log_variance) + _LOG_TWO_PI))


def _gaussian_slope(mean: Any, log_variance: Any, t: Any) -> tuple[Any, Any]:
    e, precision = t - mean, exp(-log_variance)
    return -e * precision, 0.5 * (1 - e * e * precision)


def _mistaken(z: Any, t: Any) -> Any:
    """Whether a threshold unit is wrong, elementwise; z = 0 is wrong for either target."""
    return (2 * t - 1) * z <= 0


def _accuracy_of_units(z: Any, t: Any) -> Any:
    return row_sum(where(_mistaken(z, t), 0, 1)) / _columns(z)


def _itself(z: Any) -> Any:
    return z


def _setting(name: str, default: float, interval: str, meaning: str) -> tuple[Hyperparameter, ...]:
    return (Hyperparameter(name, default, Interval(interval), meaning),)


_LOG_TWO_PI = 1.8378770664093453
_MARGIN = _setting("margin", 1.0, "(0, inf)", "Δ, the distance asked for")
_DISTANCE = ("mean absolute error", _distance)

LOSSES: dict[str, Loss] = {
    record.name: record
    for record in (
        Loss(
            "squared_error", _half_square, lambda z, t: z - t, _itself, "numbers",
            "root mean squared error", lambda z, t: 2 * _half_square(z, t),
            "½ Σ (z − t)²", "z − t", "001", metric_root=True),
        Loss(
            "cross_entropy", _cross_entropy, lambda z, t: row_sum(t) * softmax(z) - t, softmax,
            "classes", "accuracy", _hit,
            "−Σ t log softmax(z)", "softmax(z) − t", "000, 001"),
        Loss(
            "binary_cross_entropy", lambda z, t: row_sum(softplus(z) - t * z),
            lambda z, t: sigmoid(z) - t, sigmoid, "fractions", "accuracy", _accuracy_by_sign,
            "−Σ t log σ(z) + (1 − t) log(1 − σ(z))", "σ(z) − t", "001"),
        Loss(
            "smooth_cross_entropy", _smooth_cross_entropy, _smooth_slope, softmax,
            "classes", "accuracy", _hit,
            "−Σ u log softmax(z), u = (1 − ε)t + ε/K", "softmax(z) − u", "arXiv 1512.00567",
            parameters=_setting("smoothing", 0.1, "[0, 1)", "ε, the share given to all classes")),
        Loss(
            "focal", _focal, _focal_slope, softmax, "classes", "accuracy", _hit,
            "−(1 − p)ᵞ log p, p = Σ t softmax(z)",
            "(γ(1 − p)ᵞ⁻¹ p log p − (1 − p)ᵞ)(t − softmax(z))", "arXiv 1708.02002",
            parameters=_setting("gamma", 2.0, "[1, inf)", "γ, how little easy rows count")),
        Loss(
            "kullback_leibler", _divergence, lambda z, t: row_sum(t) * softmax(z) - t, softmax,
            "classes", "accuracy", _hit,
            "Σ t log(t / softmax(z))", "softmax(z) − t", "000"),
        Loss(
            "multiclass_margin", lambda z, t, margin: row_sum(_wrong(z, t, margin)), _margin_slope,
            _itself, "classes", "accuracy", _hit,
            "Σ max(0, Δ + z − z of the target)", "1 where too close, −their number at the target",
            "003; Weston & Watkins 1999", parameters=_MARGIN),
        Loss(
            "hinge", lambda z, t, margin: row_sum(maximum(margin - (2 * t - 1) * z, 0)),
            _hinge_slope, _itself, "fractions", "accuracy", _accuracy_by_sign,
            "Σ max(0, Δ − s z), s = 2t − 1", "−s where s z < Δ, else 0", "003", parameters=_MARGIN),
        Loss(
            "perceptron", lambda z, t: row_sum(maximum((1 - 2 * t) * z, 0)),
            lambda z, t: where(_mistaken(z, t), 1 - 2 * t, 0), _itself, "fractions",
            "accuracy", _accuracy_of_units,
            "Σ max(0, −s z), s = 2t − 1", "−s where s z ≤ 0, else 0", "000; Rosenblatt 1958"),
        Loss(
            "absolute_error", _distance, lambda z, t: where(z > t, 1, where(z < t, -1, 0)),
            _itself, "numbers", *_DISTANCE, "Σ |z − t|", "sign(z − t)", "Laplace 1774"),
        Loss(
            "huber", _huber, lambda z, t, delta: minimum(maximum(z - t, -delta), delta), _itself,
            "numbers", *_DISTANCE,
            "Σ ½e² if e ≤ δ else δ(e − ½δ), e = |z − t|", "min(δ, max(−δ, z − t))", "Huber 1964",
            parameters=_setting("delta", 1.0, "(0, inf)", "δ, from where the loss is linear")),
        Loss(
            "quantile",
            lambda z, t, level: row_sum(maximum(level * (t - z), (level - 1) * (t - z))),
            lambda z, t, level: where(t > z, -level, 1 - level), _itself, "numbers", *_DISTANCE,
            "Σ max(q(t − z), (q − 1)(t − z))", "−q if t > z else 1 − q", "Koenker & Bassett 1978",
            parameters=_setting("level", 0.5, "(0, 1)", "q, the quantile asked for")),
        Loss(
            "poisson", lambda z, t: row_sum(exp(z) - t * z), lambda z, t: exp(z) - t, exp, "counts",
            "mean absolute error", lambda z, t: row_sum(absolute(exp(z) - t)),
            "Σ eᶻ − t z", "eᶻ − t", "McCullagh & Nelder 1989"),
        Loss(
            "gaussian", _gaussian, _gaussian_slope,
            lambda mean, log_variance: (mean, exp(0.5 * log_variance)), "numbers",
            "mean absolute error", lambda mean, log_variance, t: row_sum(absolute(mean - t)),
            "Σ ½(s + (t − m)²e⁻ˢ + log 2π), s the log of the variance",
            "(m − t)e⁻ˢ and ½(1 − (t − m)²e⁻ˢ)", "Nix & Weigend 1994",
            scores=("mean", "log_variance")),
    )
}  # fmt: skip


def loss(given: str | Loss | Mapping[str, Any]) -> Loss:
    """The record for a name, a record, or ``{"name": …, setting: …}``.

    Raises
    ------
    UnknownNameError
        Listing the losses there are.
    """
    if isinstance(given, Loss):
        return given
    settings = dict(given) if isinstance(given, Mapping) else {}
    name = settings.pop("name", None) if isinstance(given, Mapping) else given
    if not isinstance(name, str) or name not in LOSSES:
        raise unknown_name("loss", name, LOSSES)
    return LOSSES[name](**settings) if settings else LOSSES[name]
