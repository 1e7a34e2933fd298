"""Matrix products: one of our own up to some size, BLAS beyond it.

BLAS first copies both matrices into blocks that suit its caches, and takes a lock to find room for
them. For what a minibatch needs that is a good part of the time, and cores that work side by side
wait for that lock.

Ours walks over tiles of the result: six rows by two vectors of columns, twelve sums that stay in
registers while p runs over the inner dimension. Only the columns of b that a tile needs are copied,
to lie side by side, once for all rows.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import register_jitable

from chainrule.engines.compiled.control import LARGEST_PRODUCT
from chainrule.engines.compiled.native.intrinsics import call_product, moved

__all__ = ["product"]

intrinsic: Any = numba_intrinsic
_FEWEST_COLUMNS = 4  # of a result: a vector of columns would be nearly empty
_DEPTH = 256  # of the inner dimension at a time
_HEIGHT = 168  # rows of a result at a time, at most
_VECTOR = 64 if llvm.get_host_cpu_features().get("avx512f") else 32  # bytes; LLVM splits it


def _lanes(number: Any) -> int:
    """Numbers of a vector."""
    return _VECTOR * 8 // number.bitwidth


def _tile(rows: int, vectors: int) -> Any:
    """c[i, :] = or += Σ a[i, p] b[p, :], for so many rows and vectors of columns.

    `ai` and `ap` are the steps from one row and one column of a to the next, `bp` and `ci` those
    from one row of b and c to the next; `keep` says whether to add to c.
    """

    def typed(
        typingctx: Any, a: Any, ai: Any, ap: Any, b: Any, bp: Any, c: Any, ci: Any, k: Any,
        keep: Any,
    ) -> Any:  # fmt: skip
        lanes, bits = _lanes(a.dtype), a.dtype.bitwidth
        whole = types.int64

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, ai, ap, b, bp, c, ci, k, keep = args
            vector = ir.VectorType(context.get_value_type(signature.args[0].dtype), lanes)
            index = ir.IntType(64)
            name = f"llvm.fmuladd.v{lanes}f{bits}"
            kind = ir.FunctionType(vector, [vector] * 3)
            multiply_add = cgutils.get_or_insert_function(builder.module, kind, name)
            cells = [(i, v) for i in range(rows) for v in range(vectors)]

            def vector_at(base: Any, line: Any, v: int) -> Any:
                place = builder.gep(base, [builder.add(line, index(v * lanes))])
                return builder.bitcast(place, vector.as_pointer())

            def everywhere(number: Any) -> Any:
                unknown = ir.Constant(vector, ir.Undefined)
                one = builder.insert_element(unknown, number, ir.IntType(32)(0))
                first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
                return builder.shuffle_vector(one, unknown, first)

            steps = [builder.mul(ai, index(i)) for i in range(rows)]
            lines = [builder.mul(ci, index(i)) for i in range(rows)]
            zero = ir.Constant(vector, [0.0] * lanes)
            sums = {cell: cgutils.alloca_once_value(builder, zero) for cell in cells}
            for cell in cells:
                builder.store(zero, sums[cell])
            with builder.if_then(keep):
                for i, v in cells:
                    builder.store(builder.load(vector_at(c, lines[i], v), align=4), sums[i, v])
            with cgutils.for_range(builder, k) as loop:
                line, column = builder.mul(loop.index, bp), builder.mul(loop.index, ap)
                right = [builder.load(vector_at(b, line, v), align=4) for v in range(vectors)]
                for i in range(rows):
                    place = builder.gep(a, [builder.add(column, steps[i])])
                    left = everywhere(builder.load(place))
                    for v in range(vectors):
                        total = [left, right[v], builder.load(sums[i, v])]
                        builder.store(builder.call(multiply_add, total), sums[i, v])
            for i, v in cells:
                builder.store(builder.load(sums[i, v]), vector_at(c, lines[i], v), align=4)
            return context.get_dummy_value()

        arguments = (a, whole, whole, b, whole, c, whole, whole, types.boolean)
        return types.void(*arguments), codegen

    return intrinsic(typed)


def _tiles(vectors: int) -> Any:
    """Tiles one below the other, for any number of rows."""
    one, two, three, four, five, six = (_tile(rows, vectors) for rows in range(1, 7))

    @register_jitable
    def below(
        a: Any, ai: Any, ap: Any, b: Any, bp: Any, c: Any, ci: Any, m: Any, k: Any, keep: Any
    ) -> None:
        done = m - m % 6
        for i in range(0, done, 6):
            six(moved(a, i * ai), ai, ap, b, bp, moved(c, i * ci), ci, k, keep)
        a, c, left = moved(a, done * ai), moved(c, done * ci), m - done
        if left == 1:
            one(a, ai, ap, b, bp, c, ci, k, keep)
        elif left == 2:
            two(a, ai, ap, b, bp, c, ci, k, keep)
        elif left == 3:
            three(a, ai, ap, b, bp, c, ci, k, keep)
        elif left == 4:
            four(a, ai, ap, b, bp, c, ci, k, keep)
        elif left == 5:
            five(a, ai, ap, b, bp, c, ci, k, keep)

    return below


_single, _double = _tiles(1), _tiles(2)


def _room(rows: int) -> Any:
    """Memory on the stack for so many rows of a tile's columns."""

    def typed(typingctx: Any, like: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            number = context.get_value_type(like.dtype)
            with builder.goto_entry_block():
                room = builder.alloca(ir.ArrayType(number, rows * 2 * _lanes(like.dtype)))
                room.align = _VECTOR
            return builder.bitcast(room, number.as_pointer())

        return like(like), codegen

    return intrinsic(typed)


_panel_room, _edge_room = _room(_DEPTH), _room(_HEIGHT)


@intrinsic
def _width(typingctx: Any, like: Any) -> Any:
    """Columns of a tile."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_constant(types.int64, 2 * _lanes(like.dtype))

    return types.int64(like), codegen


@register_jitable
def _copy_panel(b: Any, bp: Any, bj: Any, depth: Any, columns: Any, panel: Any, width: Any) -> None:
    """panel[p, j] = b[p, j], where bp and bj are b's steps; the columns beyond are not read."""
    if bj == 1 and columns == width:
        for p in range(depth):
            for j in range(width):
                panel[p * width + j] = b[p * bp + j]
    elif bj == 1:
        for p in range(depth):
            for j in range(columns):
                panel[p * width + j] = b[p * bp + j]
    else:
        for j in range(columns):
            for p in range(depth):
                panel[p * width + j] = b[p * bp + j * bj]


@register_jitable
def _copy_edge(edge: Any, width: Any, c: Any, ci: Any, height: Any, columns: Any, add: Any) -> None:
    """Of tiles that stick out to the right, what belongs to c."""
    for i in range(height):
        for j in range(columns):
            number = edge[i * width + j]
            c[i * ci + j] = c[i * ci + j] + number if add else number


@register_jitable
def _tiled(
    a: Any, ai: Any, ap: Any, b: Any, bp: Any, bj: Any, c: Any, ci: Any, m: Any, n: Any, k: Any,
    keep: Any,
) -> None:  # fmt: skip
    """C = or += a b: a block of a stays in the cache while the columns of b pass."""
    blocks = -(-m // _HEIGHT)  # of equal height, in whole tiles
    tall = -(-m // (6 * blocks)) * 6
    width, panel, edge = _width(a), _panel_room(a), _edge_room(a)
    for p in range(0, k, _DEPTH):
        depth, add = min(_DEPTH, k - p), keep or p > 0
        for i in range(0, m, tall):
            height = min(tall, m - i)
            left, below = moved(a, p * ap + i * ai), moved(c, i * ci)
            for j in range(0, n, width):
                columns = min(width, n - j)
                to = moved(below, j)
                _copy_panel(moved(b, p * bp + j * bj), bp, bj, depth, columns, panel, width)
                if columns == width:
                    _double(left, ai, ap, panel, width, to, ci, height, depth, add)
                elif 2 * columns > width:
                    _double(left, ai, ap, panel, width, edge, width, height, depth, False)
                    _copy_edge(edge, width, to, ci, height, columns, add)
                else:
                    _single(left, ai, ap, panel, width, edge, width, height, depth, False)
                    _copy_edge(edge, width, to, ci, height, columns, add)


@register_jitable
def product(
    address: Any, a: Any, lda: Any, turned_a: Any, b: Any, ldb: Any, turned_b: Any,
    c: Any, ldc: Any, m: Any, n: Any, k: Any, keep: Any,
) -> None:  # fmt: skip
    """The product c[m, n] = keep · c + op(a)[m, k] op(b)[k, n], all of them by rows.

    `keep` is 0 or 1, `address` that of BLAS's gemm.
    """
    full = m > 1 and (n >= _FEWEST_COLUMNS or turned_a)
    if full and m * n * k <= LARGEST_PRODUCT:
        ai, ap = (1, lda) if turned_a else (lda, 1)
        bp, bj = (1, ldb) if turned_b else (ldb, 1)
        _tiled(a, ai, ap, b, bp, bj, c, ldc, m, n, k, keep != 0)
    else:
        # Fortran's matrices go by columns, so it gets the operands swapped.
        flag_a, flag_b = 84 if turned_a else 78, 84 if turned_b else 78  # "T", "N"
        call_product(address, flag_b, flag_a, n, m, k, b, ldb, a, lda, keep, c, ldc)
