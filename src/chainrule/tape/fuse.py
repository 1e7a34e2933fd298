"""Fusion: one pass over memory where the tape has two.

Bias with activation, a loss with its slope, a product with the sum it goes into.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from chainrule.tape.instruction import Instruction
from chainrule.tape.tape import Tape

__all__ = ["fuse"]


class _Program:
    """Instructions under change: None where one was merged into another."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.lines: list[Instruction | None] = list(tape.instructions)
        self.readers: dict[str, list[int]] = defaultdict(list)
        self.writer: dict[str, int] = {}
        for place, i in enumerate(tape.instructions):
            for operand in dict.fromkeys(i.operands):
                self.readers[operand].append(place)
            for result in i.results:
                self.writer.setdefault(result, place)

    def others(self, name: str, but: int) -> list[Instruction]:
        """Who else reads a value."""
        found = (self.lines[place] for place in self.readers[name] if place != but)
        return [i for i in found if i is not None]

    def find(self, first: Instruction, operation: str) -> int | None:
        """The place of an instruction of a kind that reads what `first` reads first."""
        for place in self.readers[first.operands[0]]:
            line = self.lines[place]
            if line and line.operation == operation and line.operands == first.operands:
                return place
        return None


def fuse(tape: Tape) -> Tape:
    """The same tape with neighbours merged."""
    program = _Program(tape)
    for place, i in enumerate(tape.instructions):
        if i.operation == "activate":
            _bias_activate(program, place, i)
        elif i.operation == "loss":
            _loss_and_slope(program, place, i)
        elif i.operation == "add":
            _product_and_sum(program, place, i)
    result = tape.copy()
    result.instructions = [i for i in program.lines if i is not None]
    return result


def _bias_activate(program: _Program, place: int, second: Instruction) -> None:
    """Y = f(z + b) at the place of the bias."""
    z = second.operands[0]
    at = program.writer[z]
    first = program.lines[at]
    others = program.others(z, but=place)
    if first is None or first.operation != "add_bias":
        return
    if any(i.operation != "slope" for i in others):
        return
    results = second.results + ((z,) if others else ())
    attributes = {**second.attributes, "keeps_z": bool(others)}
    program.lines[at] = Instruction("bias_activate", first.operands, results, attributes)
    program.lines[place] = None


def _loss_and_slope(program: _Program, place: int, first: Instruction) -> None:
    at = program.find(first, "loss_slope")
    second = None if at is None else program.lines[at]
    if at is not None and second is not None:
        results = first.results + second.results
        program.lines[place] = replace(first, operation="loss_and_slope", results=results)
        program.lines[at] = None


def _product_and_sum(program: _Program, place: int, total: Instruction) -> None:
    """A + x W as one product at the place of the sum, when nobody else reads the product."""
    for product, other in (total.operands[::-1], total.operands):
        at = program.writer.get(product, -1)
        line = program.lines[at] if at >= 0 else None
        fits = line is not None and line.operation in ("matmul", "matmul_tn", "matmul_nt")
        if fits and line and product != other and not program.others(product, but=place):
            program.lines[place] = Instruction(
                f"{line.operation}_add", (*line.operands, other), total.results
            )
            program.lines[at] = None
            return
