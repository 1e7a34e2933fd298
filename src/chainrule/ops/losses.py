"""Losses: value, slope and what the scores mean, one record each.

Conventions: `z` (rows, outputs) are scores, the last layer's output; `t` (rows, outputs) are
targets. Class indices reach a formula as rows of zeros with a single 1, so one formula serves
indices and class probabilities. `value(z, t)` gives one number a row, (rows, 1); `slope(z, t)`
is its gradient δ = ∂value/∂z, (rows, outputs). The loss of a batch is the mean over its rows,
weighted when there are sample weights; outputs of one row are summed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from chainrule.errors import unknown_name
from chainrule.ops.activations import sigmoid, softplus
from chainrule.ops.expression import (
    Expression,
    Variable,
    exp,
    log,
    row_max,
    row_sum,
    where,
)

__all__ = ["LOSSES", "Loss", "loss", "softmax"]

Targets = Literal["classes", "numbers", "fractions"]


@dataclass(frozen=True)
class Loss:
    """One loss.

    Attributes
    ----------
    name : str
    value : callable
        ``value(z, t)``, one number for each row.
    slope : callable
        ``slope(z, t)`` = ∂value/∂z.
    link : callable
        Scores to predictions: softmax for class probabilities, identity for numbers.
    targets : {"classes", "numbers", "fractions"}
        "classes": indices (n,) or probabilities (n, outputs); "numbers": any (n, outputs);
        "fractions": numbers from 0 to 1.
    metric_name : str
        What `metric` measures.
    metric : callable
        ``metric(z, t)``, one number for each row; its mean is reported beside the loss.
    metric_root : bool
        Whether the reported metric is the square root of that mean.
    formula, source : str
    """

    name: str
    value: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any]
    link: Callable[[Any], Any]
    targets: Targets
    metric_name: str
    metric: Callable[[Any, Any], Any]
    formula: str
    slope_formula: str
    source: str = ""
    metric_root: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle a record by its name: formulas are functions and live in the registry."""
        return loss, (self.name,)

    @cached_property
    def value_expression(self) -> Expression:
        """The value of each row, (n, 1), as a tree over `z` and `t`."""
        return self.value(Variable("z"), Variable("t"))

    @cached_property
    def slope_expression(self) -> Expression:
        """The slope, (n, outputs), as a tree over `z` and `t`."""
        return self.slope(Variable("z"), Variable("t"))

    @cached_property
    def metric_expression(self) -> Expression:
        """The metric of each row, (n, 1), as a tree over `z` and `t`."""
        return self.metric(Variable("z"), Variable("t"))

    @cached_property
    def link_expression(self) -> Expression:
        """The prediction, (n, outputs), as a tree over `z`."""
        return self.link(Variable("z"))


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


LOSSES: dict[str, Loss] = {
    record.name: record
    for record in (
        Loss(
            "squared_error", _half_square, lambda z, t: z - t, lambda z: z, "numbers",
            "root mean squared error", lambda z, t: 2 * _half_square(z, t),
            "½ Σ (z − t)²", "z − t", "001", metric_root=True),
        Loss(
            "cross_entropy", _cross_entropy, lambda z, t: row_sum(t) * softmax(z) - t, softmax,
            "classes", "accuracy", _hit,
            "−Σ t log softmax(z)", "softmax(z) − t", "000, 001"),
        Loss(
            "binary_cross_entropy", lambda z, t: row_sum(softplus(z) - t * z),
            lambda z, t: sigmoid(z) - t, sigmoid, "fractions",
            "accuracy", lambda z, t: row_sum(where(z > 0, t, 1 - t)) / row_sum(0 * z + 1),
            "−Σ t log σ(z) + (1 − t) log(1 − σ(z))", "σ(z) − t", "001"),
    )
}  # fmt: skip


def loss(given: str | Loss) -> Loss:
    """The record for a name or a record.

    Raises
    ------
    UnknownNameError
        Listing the losses there are.
    """
    if isinstance(given, Loss):
        return given
    if given not in LOSSES:
        raise unknown_name("loss", given, LOSSES)
    return LOSSES[given]
