"""Formulas of losses that ask for a margin between right and wrong."""

from __future__ import annotations

from typing import Any

from chainrule.ops.expression import maximum, row_sum, where

__all__ = ["hinge_slope", "margin_slope", "mistaken", "wrong"]


def hinge_slope(z: Any, t: Any, margin: Any) -> Any:
    """−s where s z < Δ with s = 2t − 1, else 0, (rows, outputs)."""
    sign = 2 * t - 1
    return where(sign * z < margin, -sign, 0)


def wrong(z: Any, t: Any, margin: Any) -> Any:
    """How far each wrong class comes too close to the right one; 0 for the right one."""
    return (1 - t) * maximum(margin + z - row_sum(t * z), 0)


def margin_slope(z: Any, t: Any, margin: Any) -> Any:
    """1 where a wrong class is too close, −their number at the right one, (rows, outputs)."""
    too_close = (1 - t) * where(margin + z - row_sum(t * z) > 0, 1, 0)
    return too_close - t * row_sum(too_close)


def mistaken(z: Any, t: Any) -> Any:
    """Whether a threshold unit is wrong, elementwise; z = 0 is wrong for either target."""
    return (2 * t - 1) * z <= 0
