"""What is made small: the loss of the rows, and penalties."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.tape.instruction import Emitter, Instruction, Shape
from chainrule.tape.operations.base import Attributes, Operation, Passed, like, one_number

__all__ = ["OBJECTIVE"]


def _loss_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    dz = tape.emit("loss_slope", i.operands, [f"d{i.operands[0]}"], **i.attributes)
    return [dz, *[None] * (len(i.operands) - 1)]


def _penalty_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    dv = tape.emit("penalty_slope", i.operands, [f"d{i.operands[0]}"], **i.attributes)
    return [dv, *[None] * (len(i.operands) - 1)]


def _fused_loss(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [(1, 1), shapes[0]]


OBJECTIVE = (
    Operation("loss", ("z", "t", "…"), ("L",), one_number, "mean loss of the rows",
              backward=_loss_backward, in_totals=True),
    Operation("loss_slope", ("z", "t", "…"), ("dz",), like(0), "δ = ∂L/∂z"),
    Operation("loss_and_slope", ("z", "t", "…"), ("L", "dz"), _fused_loss,
              "mean loss and δ = ∂L/∂z in one pass", in_totals=True),
    Operation("penalty", ("v", "…"), ("R",), one_number, "R = θ Σ penalty(v)",
              backward=_penalty_backward, in_totals=True),
    Operation("penalty_slope", ("v", "…"), ("dv",), like(0), "∂R/∂v"),
)  # fmt: skip
