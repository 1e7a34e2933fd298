"""Lowering matrix products."""

from __future__ import annotations

from chainrule.engines.compiled.blas import product_address
from chainrule.engines.compiled.lowering.binding import Binding, Row
from chainrule.tape import Instruction

__all__ = ["blocks", "product"]


def product(i: Instruction, at: Binding) -> Row:
    """Z = x W, xᵀ δ or δ Wᵀ, alone or added to what is there."""
    a, b = i.operands[:2]
    m, n = at.shape(i.results[0])
    first, second = "_tn" in i.operation, "_nt" in i.operation
    k = at.shape(a)[0 if first else 1]
    dims = [m, n, k, int(first), int(second), product_address(at.dtype)]
    dims += [at.leading(a), at.leading(b), at.leading(i.results[0])]
    operands = [at.address(x) for x in (a, b, i.results[0])]
    if len(i.operands) > 2:
        return Row(at.key("matmul_add"), [*operands, at.address(i.operands[2])], dims)
    name = "vector_matmul" if m == 1 and not (first or second) else "matmul"
    return Row(at.key(name), operands, dims)


def blocks(i: Instruction, at: Binding) -> Row:
    """The same for each group of columns with its own block of weights, where it lies."""
    a, b = i.operands
    groups, first, second = i.attributes["groups"], "_tn" in i.operation, "_nt" in i.operation
    rows, columns = at.shape(a)
    if first:
        m, n, k = columns // groups, at.shape(b)[1] // groups, rows
        steps = (m, n, m * n)
        leading = (columns, at.shape(b)[1], n)
    else:
        m, k = rows, columns // groups
        n = at.shape(i.results[0])[1] // groups
        steps = (k, at.shape(b)[0] // groups * at.shape(b)[1], n)
        leading = (columns, at.shape(b)[1], n * groups)
    table = at.table([m, n, k, int(first), int(second), groups, *steps, *leading])
    operands = [at.address(x) for x in (a, b, i.results[0])]
    return Row(at.key("block_matmul"), operands, [table, product_address(at.dtype)])
