"""A tape as text: the listing that `print(net.tape())` shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chainrule.tape.instruction import Instruction, Value
from chainrule.tape.operations import OPERATIONS

__all__ = ["call", "listing"]


def call(i: Instruction) -> str:
    """An instruction as a call: ``y1 = bias_relu(p1, b1)``."""
    name = i.operation
    record = i.attributes.get("activation")
    if record is not None:
        name = name.replace("activate", record.name).replace("slope", f"{record.name}_slope")
    for kind in ("loss", "formula", "penalty"):
        record = i.attributes.get(kind)
        if record is not None:
            name = name.replace(kind, record.name)
    record = i.attributes.get("optimizer")
    if record is not None:
        name = type(record).__name__.lower()
    return f"{_some(i.results)} = {name}({_some(i.operands)})"


def _summary(i: Instruction) -> str:
    """What an instruction computes; a formula's own text where it has one."""
    if i.operation == "formula":
        return i.attributes["formula"].text
    if i.operation == "penalty":
        return f"R = θ Σ {i.attributes['penalty'].formula}"
    return OPERATIONS[i.operation].summary


def _some(names: Sequence[str]) -> str:
    """All names, or the first two and the last of many."""
    if len(names) > 6:
        names = [*names[:2], "…", names[-1]]
    return ", ".join(names)


def listing(
    instructions: Sequence[Instruction],
    values: Mapping[str, Value],
    remark: Callable[[Instruction], str] = lambda i: "",
) -> str:
    """Every instruction on a line: number, call, what it computes, shape, remark.

    Parameters
    ----------
    instructions : sequence of Instruction
    values : mapping of str to Value
        Shapes by name, such as ("n", 64).
    remark : callable
        What to add at the end of an instruction's line.
    """
    if not instructions:
        return "(an empty tape)"
    rows = [
        (
            str(number),
            call(i),
            _summary(i),
            _shape(values, i),
            remark(i),
        )
        for number, i in enumerate(instructions)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{row[0]:>{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  "
        f"{row[3]:<{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    )


def _shape(values: Mapping[str, Value], i: Instruction) -> str:
    return f"({', '.join(map(str, values[i.results[-1]].shape))})"
