"""Losses: value, slope and what the scores mean, one record each.

Conventions: `z` (rows, outputs) are scores, the last layer's output; `t` (rows, outputs) are
targets. Class indices reach a formula as rows of zeros with a single 1, so one formula serves
indices and class probabilities. `value(z, t)` gives one number a row, (rows, 1); `slope(z, t)`
is its gradient δ = ∂value/∂z, (rows, outputs). The loss of a batch is the mean over its rows,
weighted when there are sample weights; outputs of one row are summed. At a kink the slope is one of
the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from chainrule.errors import HyperparameterError, unknown_name
from chainrule.ops.activations import sigmoid, softplus
from chainrule.ops.configurable import Configurable
from chainrule.ops.expression import (
    Expression,
    Function,
    Variable,
    absolute,
    as_expression,
    exp,
    log,
    maximum,
    minimum,
    row_max,
    row_sum,
    where,
)
from chainrule.ops.hyperparameters import Hyperparameter, Interval
from chainrule.ops.likelihoods import (
    distance_of_means,
    gamma,
    gaussian,
    gaussian_slope,
    pinball,
    pinball_slope,
    poisson,
    tweedie,
    tweedie_slope,
)
from chainrule.ops.margins import hinge_slope, margin_slope, mistaken, wrong

__all__ = ["LOSSES", "Loss", "loss", "quantiles", "softmax"]

Targets = Literal["classes", "numbers", "fractions", "counts", "positive"]


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
    targets : {"classes", "numbers", "fractions", "counts", "positive"}
        "classes": indices (n,) or probabilities (n, outputs); "numbers": any (n, outputs);
        "fractions": numbers from 0 to 1; "counts": numbers from 0; "positive": above 0.
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
    inverse_link : callable, optional
        Predictions to scores, where the network can start at the mean: the logarithm for counts.
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
    inverse_link: Callable[..., Any] | None = None

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
        if len(self.scores) == 1:
            return self._links[0]({self.scores[0]: scores})
        blocks = np.split(scores, len(self.scores), axis=-1)
        values = dict(zip(self.scores, blocks, strict=True))
        return np.concatenate([link(values) for link in self._links], axis=-1)

    @cached_property
    def _links(self) -> list[Function]:
        """Those expressions, ready to be asked for row after row."""
        return [Function(e) for e in self.link_expressions]

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


def _accuracy_by_sign(z: Any, t: Any) -> Any:
    return row_sum(where(z > 0, t, 1 - t)) / _columns(z)


def _accuracy_of_units(z: Any, t: Any) -> Any:
    return row_sum(where(mistaken(z, t), 0, 1)) / _columns(z)


def _itself(z: Any) -> Any:
    return z


def _setting(name: str, default: float, interval: str, meaning: str) -> tuple[Hyperparameter, ...]:
    return (Hyperparameter(name, default, Interval(interval), meaning),)


_MARGIN = _setting("margin", 1.0, "(0, inf)", "Δ, the distance asked for")
_DISTANCE = ("mean absolute error", _distance)
_MEANS = ("mean absolute error", distance_of_means)

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
            "multiclass_margin", lambda z, t, margin: row_sum(wrong(z, t, margin)), margin_slope,
            _itself, "classes", "accuracy", _hit,
            "Σ max(0, Δ + z − z of the target)", "1 where too close, −their number at the target",
            "003; Weston & Watkins 1999", parameters=_MARGIN),
        Loss(
            "hinge", lambda z, t, margin: row_sum(maximum(margin - (2 * t - 1) * z, 0)),
            hinge_slope, _itself, "fractions", "accuracy", _accuracy_by_sign,
            "Σ max(0, Δ − s z), s = 2t − 1", "−s where s z < Δ, else 0", "003", parameters=_MARGIN),
        Loss(
            "perceptron", lambda z, t: row_sum(maximum((1 - 2 * t) * z, 0)),
            lambda z, t: where(mistaken(z, t), 1 - 2 * t, 0), _itself, "fractions",
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
            "quantile", pinball, pinball_slope, _itself, "numbers", *_DISTANCE,
            "Σ max(q(t − z), (q − 1)(t − z))", "−q if t > z else 1 − q", "Koenker & Bassett 1978",
            parameters=_setting("level", 0.5, "(0, 1)", "q, the quantile asked for")),
        Loss(
            "gaussian", gaussian, gaussian_slope,
            lambda mean, log_variance: (mean, exp(0.5 * log_variance)), "numbers",
            "mean absolute error", lambda mean, log_variance, t: row_sum(absolute(mean - t)),
            "Σ ½(s + (t − m)²e⁻ˢ + log 2π), s the log of the variance",
            "(m − t)e⁻ˢ and ½(1 − (t − m)²e⁻ˢ)", "Nix & Weigend 1994",
            scores=("mean", "log_variance")),
        Loss(
            "poisson", poisson, lambda z, t: exp(z) - t, exp, "counts", *_MEANS,
            "Σ eᶻ − t z", "eᶻ − t", "McCullagh & Nelder 1989", inverse_link=log),
        Loss(
            "gamma", gamma, lambda z, t: 1 - t * exp(-z), exp, "positive", *_MEANS,
            "Σ z + t e⁻ᶻ", "1 − t e⁻ᶻ", "McCullagh & Nelder 1989", inverse_link=log),
        Loss(
            "tweedie", tweedie, tweedie_slope, exp, "counts", *_MEANS,
            "Σ μ²⁻ᵖ/(2 − p) − t μ¹⁻ᵖ/(1 − p), μ = eᶻ", "μ²⁻ᵖ − t μ¹⁻ᵖ",
            "Jørgensen 1987", inverse_link=log,
            parameters=_setting("power", 1.5, "(1, 2)", "p, the variance is φ μᵖ")),
    )
}  # fmt: skip


@lru_cache
def _several_quantiles(count: int) -> Loss:
    """The loss for so many quantiles of each target; engines compile it once for each number."""
    names = tuple(f"q{k}" for k in range(1, count + 1))
    levels = [f"level_{k}" for k in range(1, count + 1)]
    settings = [
        Hyperparameter(name, k / (count + 1), Interval("(0, 1)"), f"the quantile of score q{k}")
        for k, name in enumerate(levels, 1)
    ]

    def value(*scores: Any, **given: Any) -> Any:
        *zs, t = scores
        return sum(pinball(z, t, given[name]) for z, name in zip(zs, levels, strict=True))

    def slope(*scores: Any, **given: Any) -> tuple[Any, ...]:
        *zs, t = scores
        return tuple(pinball_slope(z, t, given[name]) for z, name in zip(zs, levels, strict=True))

    def metric(*scores: Any) -> Any:
        return _distance(scores[(count - 1) // 2], scores[-1])

    return Loss(
        "quantiles", value, slope, lambda *scores: scores, "numbers",
        "mean absolute error", metric, "Σₖ Σ max(qₖ(t − zₖ), (qₖ − 1)(t − zₖ))",
        "−qₖ if t > zₖ else 1 − qₖ", "Koenker & Bassett 1978", scores=names,
        parameters=tuple(settings),
    )  # fmt: skip


def quantiles(levels: Sequence[float]) -> Loss:
    """The sum of the quantile losses of several levels; the network has one score for each.

    Its metric is the distance to the score in the middle.

    Parameters
    ----------
    levels : sequence of float
        At least two, in increasing order.

    Raises
    ------
    HyperparameterError
        If they do not lie in (0, 1), or do not increase.

    Examples
    --------
    >>> quantiles((0.05, 0.5, 0.95)).scores
    ('q1', 'q2', 'q3')
    """
    for level in levels:
        LOSSES["quantile"].parameters[0].check(level)
    if len(levels) < 2 or any(a >= b for a, b in pairwise(levels)):
        raise HyperparameterError(
            f"levels = {tuple(levels)} is not possible: give two or more different numbers in "
            f"(0, 1), the smallest first, such as (0.05, 0.5, 0.95)."
        )
    record = _several_quantiles(len(levels))
    return record(**{p.name: float(q) for p, q in zip(record.parameters, levels, strict=True)})


LOSSES["quantiles"] = quantiles((0.05, 0.5, 0.95))


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
    if name == "quantiles" and settings:
        return quantiles(list(settings.values()))
    return LOSSES[name](**settings) if settings else LOSSES[name]
