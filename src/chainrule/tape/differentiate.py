"""The backward pass, derived: walk the tape from last to first and emit each rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainrule.tape.operations import OPERATIONS
from chainrule.tape.tape import Tape

__all__ = ["differentiate"]


def differentiate(
    tape: Tape, losses: Sequence[str] = ("L",), wrt: Sequence[str] | None = None
) -> Tape:
    """The tape followed by its backward half.

    Parameters
    ----------
    tape : Tape
        A forward pass that ends in one or more losses.
    losses : sequence of str
        The values whose sum to differentiate.
    wrt : sequence of str, optional
        The values whose gradients are wanted; all parameters by default.

    Returns
    -------
    Tape
        `gradients` maps each wanted value to the name of its gradient, which has its shape.

    Raises
    ------
    NetworkError
        If an activation on the way has no slope, saying why.
    """
    result = tape.copy()
    targets = list(tape.parameters.values()) if wrt is None else list(wrt)
    wanted = _on_the_way(tape, targets)
    gradients = dict.fromkeys(losses, "")  # ∂L/∂L = 1 needs no memory
    for i in reversed(tape.instructions):
        rule = OPERATIONS[i.operation].backward
        given = [gradients.get(r) for r in i.results]
        needed = [o in wanted for o in i.operands]
        if rule is None or not any(needed) or all(g is None for g in given):
            continue
        for operand, need, new in zip(
            i.operands, needed, rule(result, i, given, needed), strict=True
        ):
            if need and new is not None:
                result.owners.setdefault(new, operand)
                gradients[operand] = _collect(result, gradients.get(operand), new)
                result.owners.setdefault(gradients[operand], operand)
    for name in targets:
        result.gradients[name] = _own(result, gradients[name], name)
    return result


def _on_the_way(tape: Tape, targets: Sequence[str]) -> set[str]:
    """The values that depend on a target, targets included."""
    found = set(targets)
    for i in tape.instructions:
        if found.intersection(i.operands):
            found.update(i.results)
    return found


def _collect(tape: Tape, so_far: str | None, new: str) -> str:
    """A value that is used twice gets the sum of its gradients (the distributed chain rule)."""
    return new if so_far is None else tape.emit("add", [so_far, new], [so_far])


def _own(tape: Tape, gradient: str, name: str) -> str:
    """A parameter's gradient outlives the batch, so it is no intermediate value."""
    if tape.values[name].role == "parameter":
        tape.values[gradient] = replace(tape.values[gradient], role="gradient")
    return gradient
