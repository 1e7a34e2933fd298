"""A tape as text: the listing that `print(net.tape())` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.tape.instruction import Instruction, Tape
    from chainrule.tape.plan import Plan

__all__ = ["call", "listing"]


def call(i: Instruction) -> str:
    """An instruction as a call: ``y1 = bias_relu(p1, b1)``."""
    name = i.operation
    record = i.attributes.get("activation")
    if record is not None:
        name = name.replace("activate", record.name).replace("slope", f"{record.name}_slope")
    record = i.attributes.get("loss")
    if record is not None:
        name = name.replace("loss", record.name)
    record = i.attributes.get("optimizer")
    if record is not None:
        name = type(record).__name__.lower()
    return f"{', '.join(i.results)} = {name}({', '.join(i.operands)})"


def listing(tape: Tape, plan: Plan | None = None) -> str:
    """Every instruction on a line: number, call, what it computes, shape, memory.

    Parameters
    ----------
    tape : Tape
    plan : Plan, optional
        Adds the buffer of each result, and "in place" where an operand is overwritten.
    """
    from chainrule.tape.operations import OPERATIONS

    rows = [
        (str(number), call(i), OPERATIONS[i.operation].summary, _shape(tape, i), _memory(plan, i))
        for number, i in enumerate(tape.instructions)
    ]
    if not rows:
        return "(an empty tape)"
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{row[0]:>{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  "
        f"{row[3]:<{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    )


def _shape(tape: Tape, i: Instruction) -> str:
    rows, columns = tape.shape(i.results[-1])
    return f"({rows}, {columns})"


def _memory(plan: Plan | None, i: Instruction) -> str:
    if plan is None or i.results[-1] not in plan.buffers:
        return ""
    return f"buffer {plan.buffers[i.results[-1]]}{', in place' if plan.in_place(i) else ''}"
