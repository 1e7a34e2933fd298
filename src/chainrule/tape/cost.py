"""What a tape costs before it runs: multiply-adds and memory."""

from __future__ import annotations

from chainrule.tape.instruction import Instruction
from chainrule.tape.tape import Tape

__all__ = ["largest_product", "multiply_adds", "parameter_bytes"]

_PRODUCTS = ("matmul", "matmul_tn", "matmul_nt")


def _rows(tape: Tape, name: str, batch: int) -> int:
    rows = tape.shape(name)[0]
    return batch if rows == "n" else int(rows)


def multiply_adds(tape: Tape, i: Instruction, batch: int) -> int:
    """Multiply-adds of one instruction for a batch; 0 for what is no product."""
    if i.operation not in _PRODUCTS:
        return 0
    a, result = i.operands[0], i.results[0]
    inner = _rows(tape, a, batch) if i.operation == "matmul_tn" else tape.shape(a)[1]
    return _rows(tape, result, batch) * tape.shape(result)[1] * inner


def largest_product(tape: Tape, batch: int) -> int:
    """Multiply-adds of the largest product of a step."""
    return max((multiply_adds(tape, i, batch) for i in tape.instructions), default=0)


def parameter_bytes(tape: Tape, itemsize: int = 4) -> int:
    """Bytes of parameters, optimizer state and gradients."""
    kept = tape.with_role("parameter", "state", "gradient")
    return sum(int(v.shape[0]) * v.shape[1] for v in kept) * itemsize
