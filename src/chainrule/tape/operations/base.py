"""What a kind of instruction is: shapes, what may share memory, and a backward rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.tape.instruction import Emitter, Instruction, Shape

__all__ = ["Attributes", "Backward", "Operation", "Passed", "ShapeRule", "like", "one_number"]

Attributes = Mapping[str, Any]
ShapeRule = Callable[[Sequence[Shape], Attributes], list[Shape]]
Passed = Sequence[str | None]
# (tape, instruction, ∂Err/∂result of each result, which operands are wanted)
# -> ∂Err/∂operand of each operand, None where there is none.
Backward = Callable[[Emitter, Instruction, Passed, Sequence[bool]], Passed]


@dataclass(frozen=True)
class Operation:
    """One kind of instruction.

    Attributes
    ----------
    name : str
    operands, results : tuple of str
        Formal names; a last name "…" stands for any number more.
    shapes : callable
        Shapes of the results from the shapes of the operands; raises `NetworkError` if these
        do not fit.
    summary : str
        What it computes, in one line.
    in_place : mapping of int to int
        Result -> operand whose memory it may overwrite when nobody reads that operand later.
    backward : callable or None
        Emits the gradient; None if there is none to emit.
    updates : bool
        Whether it overwrites parameters or what goes with them, so it must come after every
        gradient.
    view : bool
        Whether its results are its operands seen otherwise: engines may share the memory.
    sums_rows : bool
        Whether its result is a sum over the rows of a minibatch: that of all rows is the sum of
        those of some.
    in_totals : bool
        Whether it adds to the totals of an epoch.
    """

    name: str
    operands: tuple[str, ...]
    results: tuple[str, ...]
    shapes: ShapeRule
    summary: str
    in_place: Mapping[int, int] = field(default_factory=dict)
    backward: Backward | None = None
    updates: bool = False
    view: bool = False
    sums_rows: bool = False
    in_totals: bool = False


def like(operand: int) -> ShapeRule:
    """One result of the shape of an operand."""
    return lambda shapes, attributes: [shapes[operand]]


def one_number(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    """One result that is a single number."""
    return [(1, 1)]
