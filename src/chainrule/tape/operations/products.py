"""Matrix products. A value of more than two dimensions is a matrix of its last one's columns."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import NetworkError
from chainrule.tape.instruction import Emitter, Instruction, Shape
from chainrule.tape.operations.base import Attributes, Operation, Passed

__all__ = ["PRODUCTS"]


def _misfit(shapes: Sequence[Shape], columns: object, rows: object) -> NetworkError:
    return NetworkError(
        f"a product of shapes {shapes[0]} and {shapes[1]} does not fit: {columns} columns meet "
        f"{rows} rows."
    )


def _plain(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    x, w = shapes[:2]
    if x[-1] != w[0]:
        raise _misfit(shapes, x[-1], w[0])
    return [(*x[:-1], w[1])]


def _first_turned(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    x, dz = shapes[:2]
    if x[:-1] != dz[:-1]:
        raise NetworkError(f"a product xᵀ δ of shapes {x} and {dz} does not fit.")
    return [(x[-1], dz[-1])]


def _second_turned(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    dz, w = shapes[:2]
    if dz[-1] != w[1]:
        raise _misfit(shapes, dz[-1], w[1])
    return [(*dz[:-1], w[0])]


def _backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    (x, w), dz = i.operands, given[0] or ""
    dw = tape.emit("matmul_tn", [x, dz], [f"d{w}"]) if wanted[1] else None
    dx = tape.emit("matmul_nt", [dz, w], [f"d{x}"]) if wanted[0] else None
    return dx, dw


def _blocks(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    """Columns of x in groups, each with its own block of rows of W."""
    x, w = shapes[:2]
    if x[-1] != w[0] or int(w[0]) % attributes["groups"]:
        raise _misfit(shapes, x[-1], w[0])
    return [(*x[:-1], attributes["groups"] * int(w[1]))]


def _blocks_first_turned(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    x, dz = shapes[:2]
    return [(x[-1], int(dz[-1]) // attributes["groups"])]


def _blocks_second_turned(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    dz, w = shapes[:2]
    return [(*dz[:-1], w[0])]


def _blocks_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    (x, w), dz = i.operands, given[0] or ""
    dw = tape.emit("block_matmul_tn", [x, dz], [f"d{w}"], **i.attributes) if wanted[1] else None
    dx = tape.emit("block_matmul_nt", [dz, w], [f"d{x}"], **i.attributes) if wanted[0] else None
    return dx, dw


PRODUCTS = (
    Operation("matmul", ("x", "W"), ("z",), _plain, "z = x W", backward=_backward),
    Operation("matmul_tn", ("x", "dz"), ("dW",), _first_turned, "dW = xᵀ δ", sums_rows=True),
    Operation("matmul_nt", ("dz", "W"), ("dx",), _second_turned, "dx = δ Wᵀ"),
    Operation(
        "block_matmul",
        ("x", "W"),
        ("z",),
        _blocks,
        "z = x W for each group of columns",
        backward=_blocks_backward,
    ),
    Operation(
        "block_matmul_tn",
        ("x", "dz"),
        ("dW",),
        _blocks_first_turned,
        "dW = xᵀ δ for each group of columns",
        sums_rows=True,
    ),
    Operation(
        "block_matmul_nt",
        ("dz", "W"),
        ("dx",),
        _blocks_second_turned,
        "dx = δ Wᵀ for each group of columns",
    ),
    Operation("matmul_add", ("x", "W", "a"), ("z",), _plain, "z = a + x W", {0: 2}),
    Operation(
        "matmul_tn_add",
        ("x", "dz", "a"),
        ("dW",),
        _first_turned,
        "dW = a + xᵀ δ",
        {0: 2},
        sums_rows=True,
    ),
    Operation("matmul_nt_add", ("dz", "W", "a"), ("dx",), _second_turned, "dx = a + δ Wᵀ", {0: 2}),
)
