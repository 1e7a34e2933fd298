"""Losses and penalties as array code."""

from __future__ import annotations

from typing import Any

from chainrule.engines.reference.context import Array, Arrays, Context, matrix
from chainrule.tape import Instruction

__all__ = ["loss", "loss_slope", "penalty", "penalty_slope"]


def _prepared(s: Context, i: Instruction, a: list[Array]) -> tuple[dict[str, Array], Array]:
    """Scores by name and targets as (rows, outputs), and each row's share of the mean."""
    record, z, t = i.attributes["loss"], matrix(s, a[0]), matrix(s, a[1])
    width = z.shape[1] // len(record.scores)
    blocks = {n: z[:, k * width : (k + 1) * width] for k, n in enumerate(record.scores)}
    if i.attributes["indices"]:
        t = s.xp.asarray(t == s.xp.arange(width, dtype=s.number), dtype=s.number)
    weights = matrix(s, a[2]) if len(a) > 2 else s.xp.ones((z.shape[0], 1), dtype=s.number)
    total = s.xp.sum(weights)
    return blocks | {"t": t}, weights / s.xp.where(total > 0, total, s.xp.ones_like(total))


def loss(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """The mean loss, (1, 1), which also goes into the totals."""
    record, factor = i.attributes["loss"], i.attributes.get("factor", 1.0)
    values, share = _prepared(s, i, a)
    weight = float(s.xp.sum(a[2])) if len(a) > 2 else share.shape[0]
    each = s.value(record.value_expression, **values, **record.all_settings)
    value = factor * s.xp.sum(share * each)
    metric = s.xp.sum(share * s.value(record.metric_expression, **values))
    s.totals.loss += float(value) * weight
    if i.attributes.get("leading", True):
        s.totals.metric += float(metric) * weight
        s.totals.weight += weight
    return (s.xp.reshape(value, (1, 1)),)


def loss_slope(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """δ, of the scores' shape."""
    record, factor = i.attributes["loss"], i.attributes.get("factor", 1.0)
    values, share = _prepared(s, i, a)
    parts = [
        factor * share * s.value(slope, **values, **record.all_settings)
        for slope in record.slope_expressions
    ]
    whole: Any = s.xp.concat(parts, axis=-1) if len(parts) > 1 else parts[0]
    return (s.xp.reshape(whole, a[0].shape),)


def _strength(i: Instruction, a: list[Array]) -> Array:
    """θ, one number or one for each place; of activations the mean over rows counts."""
    strength = a[1] if len(a) > 1 else i.attributes["strength"]
    rows = a[0].shape[0] if i.attributes["by_row"] else 1
    for extra in a[0].shape[1:-1] if i.attributes["by_row"] else ():
        rows *= extra
    return strength / rows


def penalty(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """θ Σ penalty(v), (1, 1), which also goes into the totals."""
    record = i.attributes["penalty"]
    each = s.value(record.value_expression, v=a[0], **record.all_settings)
    value = s.xp.sum(_strength(i, a) * each)
    s.totals.penalty += float(value)
    return (s.xp.reshape(value, (1, 1)),)


def penalty_slope(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """∂R/∂v, of v's shape."""
    record = i.attributes["penalty"]
    return (_strength(i, a) * s.value(record.slope_expression, v=a[0], **record.all_settings),)
