"""Lowering what moves numbers, and sums over rows."""

from __future__ import annotations

from math import prod

from chainrule.engines.compiled.lowering.binding import Binding, Row, first_byte
from chainrule.tape import Instruction
from chainrule.tape.window import Grid

__all__ = [
    "MATRIX", "column_sum", "columns", "copy", "dropout", "fill", "join", "lookup", "move",
    "spread", "swap", "window",
]  # fmt: skip

MATRIX = 2  # of the whole numbers of `move`, the user's matrix


def move(i: Instruction, at: Binding) -> Row:
    """Gather and store: rows between the user's matrix and a batch."""
    gathers = i.operation == "gather"
    matrix = at.data[i.operands[0] if gathers else i.results[0]]
    batch = i.results[0] if gathers else i.operands[0]
    kind = matrix.dtype.name if matrix.dtype != bool else "uint8"
    rows = at.full_shape(batch)[0]
    assert prod(at.full_shape(batch)) == rows * matrix.shape[1], "a matrix of another width"
    dims = [
        rows,
        prod(at.full_shape(batch)) // rows,
        first_byte(matrix),
        *matrix.strides,
        at.control,
        matrix.dtype.itemsize,
        at.starts.get(batch, 0) // matrix.shape[1],
    ]
    return Row(at.key(f"{i.operation}_{kind}"), [at.address(batch)], dims)


def column_sum(i: Instruction, at: Binding) -> Row:
    """column_sum and column_mean."""
    rows, columns = at.shape(i.operands[0])
    factor = 1 / at.rows_of_all(i.operands[0]) if i.operation == "column_mean" else 1.0
    operands = [at.address(i.operands[0]), at.address(i.results[0])]
    return Row(at.key("column_sum"), operands, [rows, columns], [factor])


def spread(i: Instruction, at: Binding) -> Row:
    """The same row, divided by their number, in each row."""
    rows, columns = at.shape(i.results[0])
    operands = [at.address(i.operands[0]), at.address(i.results[0])]
    share = 1 / at.rows_of_all(i.results[0])
    return Row(at.key("spread"), operands, [rows, columns], [share])


def dropout(i: Instruction, at: Binding) -> Row:
    """Units kept or set to 0."""
    x, y = i.operands[0], i.results[0]
    dims = [*at.shape(x), at.control, i.attributes["salt"], at.starts.get(x, 0)]
    name = "dropout_in_place" if at.same_place(x, y) else "dropout"
    return Row(at.key(name), [at.address(x), at.address(y)], dims, [i.attributes["keep"]])


def fill(i: Instruction, at: Binding) -> Row:
    """One number everywhere."""
    (y,) = i.results
    return Row(at.key("fill"), [at.address(y)], [prod(at.full_shape(y))], [i.attributes["value"]])


def copy(i: Instruction, at: Binding) -> Row:
    """Copy and carry: the second's numbers in the first's place."""
    to, source = (i.results[0], i.operands[-1])
    return Row(at.key("copy"), [at.address(source), at.address(to)], [prod(at.full_shape(to))])


def swap(i: Instruction, at: Binding) -> Row:
    """The first two dimensions change places."""
    first, second, *rest = at.full_shape(i.operands[0])
    count, width = at.full_shape(i.results[0])[0], prod(rest)
    low = at.starts.get(i.results[0], 0) // (first * width)
    operands = [at.address(i.operands[0]), at.address(i.results[0])]
    return Row(at.key("swap"), operands, [first, second, width, count, low])


def columns(i: Instruction, at: Binding) -> Row:
    """Select and place: some columns taken out, or put back among zeros."""
    (rows, before), (_, after) = at.shape(i.operands[0]), at.shape(i.results[0])
    operands = [at.address(i.operands[0]), at.address(i.results[0])]
    return Row(
        at.key(i.operation), operands, [rows, before, after, at.table(i.attributes["places"])]
    )


def join(i: Instruction, at: Binding) -> Row:
    """Columns side by side."""
    (rows, first), (_, second) = (at.shape(x) for x in i.operands)
    operands = [at.address(x) for x in (*i.operands, *i.results)]
    return Row(at.key("join"), operands, [rows, first, second])


def lookup(i: Instruction, at: Binding) -> Row:
    """Lookup and its slope: rows of a table by token."""
    tokens = prod(at.full_shape(i.operands[0]))
    operands = [at.address(x) for x in (*i.operands, *i.results)]
    rows, width = at.shape(i.results[0])
    dims = [tokens, width, rows, at.starts.get(i.results[0], 0) // width]
    return Row(at.key(i.operation), operands, dims)


def window(i: Instruction, at: Binding) -> Row:
    """Convolution's patches, pooling, and what they pass back."""
    wide = "shape" in i.attributes or i.operation == "max_pool_slope"
    source = i.results[0] if wide else i.operands[0]
    grid = Grid.of(at.full_shape(source), i.attributes["window"])
    operands = [at.address(x) for x in (*i.operands, *i.results)]
    table = at.table([at.full_shape(source)[0], *grid.numbers()])
    share = 1 / i.attributes["window"].cells
    name = i.operation
    if name == "max_pool_slope" and grid.size == grid.stride == (2, 2):
        name += "_2x2"
    return Row(at.key(name), operands, [table], [share])
