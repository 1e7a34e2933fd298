"""From a tape to a plan: fuse neighbours, then give every intermediate value a buffer.

A buffer is so many columns for each row of a batch. It is handed on as soon as its last reader is
done, and an operation that may work in place does so when nobody needs what it overwrites.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chainrule.tape.instruction import Instruction
from chainrule.tape.operations import OPERATIONS
from chainrule.tape.render import listing
from chainrule.tape.specification import verify
from chainrule.tape.tape import Tape

__all__ = ["Plan", "fuse", "plan"]


@dataclass(frozen=True)
class Plan:
    """A tape that is ready to run.

    Attributes
    ----------
    tape : Tape
        Fused.
    buffers : dict
        Intermediate value -> number of its buffer.
    widths : list of int
        Columns of each buffer; it holds so many numbers for each row of a batch.
    """

    tape: Tape
    buffers: dict[str, int] = field(default_factory=dict)
    widths: list[int] = field(default_factory=list)

    def bytes_per_row(self, itemsize: int = 4) -> int:
        """Memory of the intermediate values for one row of a batch, in bytes."""
        return sum(self.widths) * itemsize

    def in_place(self, i: Instruction) -> bool:
        """Whether a result lies where one of the operands lay."""
        own = {self.buffers[r] for r in i.results if r in self.buffers}
        return any(self.buffers.get(o) in own for o in i.operands)

    def __str__(self) -> str:
        return listing(self.tape.instructions, self.tape.values, self._memory)

    def _memory(self, i: Instruction) -> str:
        if i.results[-1] not in self.buffers:
            return ""
        return f"buffer {self.buffers[i.results[-1]]}{', in place' if self.in_place(i) else ''}"


def plan(tape: Tape) -> Plan:
    """Fuse a tape, verify it and assign buffers."""
    result = Plan(verify(fuse(tape)))
    _assign(result)
    return result


# ------------------------------------------------------------------ fusion


def fuse(tape: Tape) -> Tape:
    """One pass over memory where the tape has two: bias with activation, loss with its slope."""
    result = tape.copy()
    result.instructions = _fuse_loss(_fuse_bias(result))
    return result


def _readers(instructions: list[Instruction], name: str) -> list[Instruction]:
    return [i for i in instructions if name in i.operands]


def _merge(
    instructions: list[Instruction],
    fits: Callable[[Instruction, Instruction], bool],
    merged: Callable[[Instruction, Instruction], Instruction],
) -> list[Instruction]:
    """Replace each pair that fits, however far apart, by one instruction at the first's place."""
    result, gone = [], set()
    for place, first in enumerate(instructions):
        if place in gone:
            continue
        later = range(place + 1, len(instructions))
        partner = next((k for k in later if fits(first, instructions[k])), None)
        if partner is not None:
            gone.add(partner)
        result.append(first if partner is None else merged(first, instructions[partner]))
    return result


def _fuse_bias(tape: Tape) -> list[Instruction]:
    instructions = tape.instructions

    def fits(first: Instruction, second: Instruction) -> bool:
        if (first.operation, second.operation) != ("add_bias", "activate"):
            return False
        others = _readers(instructions, first.results[0])
        return second.operands == first.results and all(
            i is second or i.operation == "slope" for i in others
        )

    def merged(first: Instruction, second: Instruction) -> Instruction:
        keeps = len(_readers(instructions, first.results[0])) > 1
        results = second.results + (first.results if keeps else ())
        attributes = {**second.attributes, "keeps_z": keeps}
        return Instruction("bias_activate", first.operands, results, attributes)

    return _merge(instructions, fits, merged)


def _fuse_loss(instructions: list[Instruction]) -> list[Instruction]:
    def fits(first: Instruction, second: Instruction) -> bool:
        return (first.operation, second.operation) == (
            "loss",
            "loss_slope",
        ) and first.operands == second.operands

    def merged(first: Instruction, second: Instruction) -> Instruction:
        results = first.results + second.results
        return Instruction("loss_and_slope", first.operands, results, first.attributes)

    return _merge(instructions, fits, merged)


# ----------------------------------------------------------------- buffers


def _assign(plan: Plan) -> None:
    tape, buffers = plan.tape, plan.buffers
    last_use = {o: place for place, i in enumerate(tape.instructions) for o in i.operands}
    free: list[int] = []
    for place, i in enumerate(tape.instructions):
        dying = [o for o in dict.fromkeys(i.operands) if o in buffers and last_use[o] == place]
        for number, name in enumerate(i.results):
            if tape.values[name].role != "intermediate" or name in buffers:
                continue
            source = _overwritable(i, number)
            if source in dying:
                dying.remove(source)
                buffers[name] = buffers[source]
            else:
                buffers[name] = _take(plan, free, tape.shape(name)[1])
        free += [buffers[o] for o in dying]
        free += [buffers[r] for r in i.results if r in buffers and r not in last_use]


def _overwritable(i: Instruction, result: int) -> str:
    """The operand that a result may lie on, or an empty string."""
    if i.operation == "bias_activate":  # the value whose slope is read later stays in place
        return i.operands[0] if result == len(i.results) - 1 else ""
    operand = OPERATIONS[i.operation].in_place.get(result)
    return "" if operand is None else i.operands[operand]


def _take(plan: Plan, free: list[int], width: int) -> int:
    """The narrowest free buffer that is wide enough, else the widest made wider, else a new one."""
    if not free:
        plan.widths.append(width)
        return len(plan.widths) - 1
    enough = [b for b in free if plan.widths[b] >= width]
    chosen = (
        min(enough, key=lambda b: plan.widths[b])
        if enough
        else max(free, key=lambda b: plan.widths[b])
    )
    free.remove(chosen)
    plan.widths[chosen] = max(plan.widths[chosen], width)
    return chosen
