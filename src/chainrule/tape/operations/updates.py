"""What changes parameters and what goes with them; all of it comes after the last gradient."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.tape.instruction import Shape
from chainrule.tape.operations.base import Attributes, Operation, like, one_number

__all__ = ["UPDATES"]


def _state(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [shapes[0], *shapes[2:]]


UPDATES = (
    Operation("square_sum", ("g", "…"), ("s",), one_number, "Σ g², added to what came before"),
    Operation("clip", ("g", "s"), ("g",), like(0), "g shortened so that √s ≤ the limit",
              updates=True),
    Operation("update", ("w", "g", "…"), ("w", "…"), _state, "the optimizer's rule",
              updates=True),
    Operation("shrink", ("w", "…"), ("w",), like(0), "w moved towards 0 by ηθ, at most to 0",
              updates=True),
    Operation("blend", ("a", "b"), ("a",), like(0), "a ← μa + (1 − μ)b", updates=True),
    Operation("carry", ("a", "b"), ("a",), like(0), "a ← b, for the next batch", updates=True),
)  # fmt: skip
