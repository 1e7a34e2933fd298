"""Updates of parameters and what goes with them, as array code."""

from __future__ import annotations

from chainrule.engines.reference.context import Array, Arrays, Context, factor
from chainrule.ops.expression import evaluate
from chainrule.ops.optimizers import settings, update_expressions, variant
from chainrule.tape import Instruction

__all__ = ["blend", "clip", "shrink", "square_sum", "update"]


def update(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """The optimizer's rule: the new parameter and the new state."""
    rule = i.attributes["optimizer"]
    values = dict(zip(("w", "g", *type(rule).state), a, strict=True))
    hyper = settings(rule) | i.attributes["overrides"]
    hyper["learning_rate"] *= factor(s, s.rates)
    if "weight_decay" in hyper:
        hyper["weight_decay"] *= factor(s, s.strengths)
    return tuple(
        evaluate(tree, {**values, **hyper, "t": float(s.step + 1)}, s.xp)
        for tree in update_expressions(type(rule), variant(rule)).values()
    )


def square_sum(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """Σ g², added to the sum so far, (1, 1)."""
    total = s.xp.reshape(s.xp.sum(a[0] * a[0]), (1, 1))
    return (total + a[1] if len(a) > 1 else total,)


def clip(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """G · min(1, limit / length of all gradients together)."""
    length = s.xp.sqrt(a[1])
    one = s.xp.ones_like(length)
    return (a[0] * s.xp.where(length > i.attributes["limit"], i.attributes["limit"] / length, one),)


def shrink(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """sign(w) max(|w| − ηθ, 0): the proximal step of an L1 penalty."""
    strength = a[1] if len(a) > 1 else i.attributes["strength"]
    step = i.attributes["learning_rate"] * factor(s, s.rates) * strength
    left = s.xp.abs(a[0]) - step
    return (s.xp.sign(a[0]) * s.xp.where(left > 0, left, s.xp.zeros_like(left)),)


def blend(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    """A ← μa + (1 − μ)b; early on 1 − μ is larger, so that a is a mean from the start."""
    memory = i.attributes["memory"]
    memory = min(memory, s.step / (s.step + 1.0)) if i.attributes.get("warm") else memory
    return (memory * a[0] + (1 - memory) * a[1],)
