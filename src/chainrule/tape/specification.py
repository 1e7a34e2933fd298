"""What every tape must satisfy, as code: `verify` is run on each tape before an engine sees it."""

from __future__ import annotations

from chainrule.errors import NetworkError
from chainrule.tape.instruction import Instruction
from chainrule.tape.operations import OPERATIONS, Operation
from chainrule.tape.tape import Tape

__all__ = ["verify"]


def verify(tape: Tape) -> Tape:
    """Check a tape against the specification and return it.

    The rules: every operation is known; its number of operands and results is right; operands
    are defined before they are read; shapes follow the operation's rule; a value is written
    once, except by an update; updates come last.

    Raises
    ------
    NetworkError
        Naming the instruction and the rule it breaks.
    """
    given = ("data", "parameter", "statistic", "constant", "state", "carry")
    written = {v.name for v in tape.values.values() if v.role in given}
    updating = False
    for place, i in enumerate(tape.instructions):
        operation = OPERATIONS.get(i.operation)
        problem = (
            f"unknown operation '{i.operation}'"
            if operation is None
            else _arity(operation, i)
            or _undefined(i, written)
            or _shapes(operation, i, tape)
            or _writes(operation, i, written, updating)
        )
        if problem:
            raise NetworkError(f"instruction {place} ({i.operation}): {problem}.")
        written.update(i.results)
        updating = operation is not None and operation.updates
    return tape


def _arity(operation: Operation, i: Instruction) -> str:
    for kind, formal, given in (
        ("operands", operation.operands, i.operands),
        ("results", operation.results, i.results),
    ):
        least, more = len([f for f in formal if f != "…"]), "…" in formal
        if len(given) < least or (len(given) > least and not more):
            return f"{len(given)} {kind}, needs {least}{' or more' if more else ''}"
    return ""


def _undefined(i: Instruction, written: set[str]) -> str:
    return next((f"'{o}' is read before it is written" for o in i.operands if o not in written), "")


def _shapes(operation: Operation, i: Instruction, tape: Tape) -> str:
    expected = operation.shapes([tape.shape(o) for o in i.operands], i.attributes)
    given = [tape.shape(r) for r in i.results]
    return "" if given == expected else f"results have shapes {given}, the rule says {expected}"


def _writes(operation: Operation, i: Instruction, written: set[str], updating: bool) -> str:
    if operation.updates:
        return "" if set(i.results) <= set(i.operands) else "an update writes its own operands only"
    if updating:
        return "comes after an update, which must be last"
    return next((f"'{r}' is written twice" for r in i.results if r in written), "")
