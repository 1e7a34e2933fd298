"""What a tape costs before it runs: multiply-adds and memory."""

from __future__ import annotations

from math import prod

from chainrule.tape.instruction import Instruction, cells, concrete
from chainrule.tape.tape import Tape

__all__ = ["largest_product", "multiply_adds", "parameter_bytes"]


def multiply_adds(tape: Tape, i: Instruction, batch: int) -> int:
    """Multiply-adds of one instruction for a batch; 0 for what is no product."""
    if not i.operation.startswith("matmul"):
        return 0
    a = concrete(tape.shape(i.operands[0]), batch)
    result = concrete(tape.shape(i.results[0]), batch)
    inner = prod(a[:-1]) if "_tn" in i.operation else a[-1]
    return prod(result) * inner


def largest_product(tape: Tape, batch: int) -> int:
    """Multiply-adds of the largest product of a step."""
    return max((multiply_adds(tape, i, batch) for i in tape.instructions), default=0)


def parameter_bytes(tape: Tape, itemsize: int = 4) -> int:
    """Bytes of parameters, optimizer state and gradients."""
    kept = tape.with_role("parameter", "statistic", "state", "gradient")
    return sum(cells(v.shape) for v in kept) * itemsize
