"""The kernels that no formula yields: moving rows, products, sums over rows, dropout, the machine.

Every kernel is ``kernel(ops, dims, attrs)``: pointers to matrices of the floating type, whole
numbers and addresses, float64 numbers. None knows a shape, so each compiles once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.native.arranging import ARRANGING
from chainrule.engines.compiled.native.intrinsics import (
    address_of,
    call_kernel,
    call_product,
    choose,
    doubles,
    int64s,
    moved,
    pointer,
    real,
    scrambled,
)
from chainrule.engines.compiled.native.windows import WINDOWS

__all__ = ["KERNELS", "PLAIN", "machine", "shuffle"]

START, ORDER, STEP, SEED = word.START, word.ORDER, word.STEP, word.SEED
BATCH, STRENGTHS = word.BATCH, word.STRENGTHS
ROW = word.ROW_BYTES
OPS, DIMS, ATTRS = 8 * word.OPS, 8 * word.DIMS, 8 * word.ATTRS


def _moved(kind: Any, gathers: bool) -> Callable[..., None]:
    """Rows between a matrix of the user's (`kind` numbers, any strides) and a batch."""

    def gather(ops: Any, dims: Any, attrs: Any) -> None:
        x, m, n = ops[0], dims[0], dims[1]
        base, row_stride, column_stride = dims[2], dims[3], dims[4]
        control = int64s(dims[5])
        order, start = int64s(control[ORDER]), control[START]
        for i in range(m):
            row = base + order[start + i] * row_stride
            if column_stride == dims[6]:
                source = pointer(row, kind)
                for j in range(n):
                    x[i * n + j] = real(source[j], ops)
            else:
                for j in range(n):
                    x[i * n + j] = real(pointer(row + j * column_stride, kind)[0], ops)

    def store(ops: Any, dims: Any, attrs: Any) -> None:
        x, m, n = ops[0], dims[0], dims[1]
        base, row_stride, column_stride = dims[2], dims[3], dims[4]
        control = int64s(dims[5])
        order, start = int64s(control[ORDER]), control[START]
        for i in range(m):
            row = base + order[start + i] * row_stride
            for j in range(n):
                pointer(row + j * column_stride, kind)[0] = x[i * n + j]

    return gather if gathers else store


@register_jitable
def _product(ops: Any, dims: Any, keep: Any) -> None:
    """Row-major, so Fortran gets the operands swapped."""
    a, b, c = ops[0], ops[1], ops[2]
    m, n, k, ta, tb = dims[0], dims[1], dims[2], dims[3], dims[4]
    lda, ldb = m if ta else k, k if tb else n
    flag_a, flag_b = 84 if ta else 78, 84 if tb else 78  # "T", "N"
    call_product(dims[5], flag_b, flag_a, n, m, k, b, ldb, a, lda, real(keep, ops), c, n)


def matmul(ops: Any, dims: Any, attrs: Any) -> None:
    """c[m, n] = op(a) op(b)."""
    _product(ops, dims, 0.0)


def matmul_add(ops: Any, dims: Any, attrs: Any) -> None:
    """c[m, n] = d + op(a) op(b), d being c itself or another matrix."""
    c, d = ops[2], ops[3]
    addresses = int64s(address_of(ops))
    if addresses[2] != addresses[3]:
        for j in range(dims[0] * dims[1]):
            c[j] = d[j]
    _product(ops, dims, 1.0)


def block_matmul(ops: Any, dims: Any, attrs: Any) -> None:
    """A product for each group: blocks lie side by side, so only where each begins differs."""
    t = int64s(dims[0])
    m, n, k, ta, tb = t[0], t[1], t[2], t[3], t[4]
    flag_a, flag_b = 84 if ta else 78, 84 if tb else 78  # "T", "N"
    keep = real(0.0, ops)
    for g in range(t[5]):
        a = moved(ops[0], g * t[6])
        b = moved(ops[1], g * t[7])
        c = moved(ops[2], g * t[8])
        call_product(dims[1], flag_b, flag_a, n, m, k, b, t[10], a, t[9], keep, c, t[11])


def vector_matmul(ops: Any, dims: Any, attrs: Any) -> None:
    """c[n] = a[k] b[k, n]: for one row BLAS would first rearrange all of b."""
    a, b, c, n, k = ops[0], ops[1], ops[2], dims[1], dims[2]
    for j in range(n):
        c[j] = real(0.0, ops)
    for p in range(k):
        x, row = a[p], p * n
        for j in range(n):
            c[j] += x * b[row + j]


def column_sum(ops: Any, dims: Any, attrs: Any) -> None:
    """db[n] = sum of the rows of dz[m, n], times a number."""
    dz, db, m, n = ops[0], ops[1], dims[0], dims[1]
    for j in range(n):
        db[j] = dz[j]
    for i in range(1, m):
        for j in range(n):
            db[j] += dz[i * n + j]
    if attrs[0] != 1.0:
        for j in range(n):
            db[j] = real(db[j] * attrs[0], ops)


def _dropout(in_place: bool) -> Callable[..., None]:
    def dropout(ops: Any, dims: Any, attrs: Any) -> None:
        x = ops[0]
        y = x if in_place else ops[1]
        control, salt = int64s(dims[2]), dims[3]
        minibatch = control[START] // control[BATCH]
        keep = 1.0 - (1.0 - attrs[0]) * doubles(control[STRENGTHS])[minibatch]
        limit = np.int64(keep * 4294967296.0 + 0.5)  # 2³²
        key = scrambled(scrambled(scrambled(control[SEED]) ^ control[STEP]) ^ salt)
        factor, zero = real(1.0 / keep, ops), real(0.0, ops)
        for place in range(dims[0] * dims[1]):
            drawn = scrambled(scrambled(place) ^ key)
            y[place] = choose(np.int64(drawn) < limit, x[place] * factor, zero)

    return dropout


def shuffle(control: Any) -> None:
    """Put the rows in a random order: Fisher and Yates, from the last place down."""
    order, base = int64s(control[word.ORDER]), int64s(control[word.BASE])
    n, key = control[word.ROWS], control[word.KEY]
    for i in range(n):
        order[i] = base[i]
    for last in range(n - 1, 0, -1):
        drawn = np.uint64(scrambled(scrambled(last) ^ key))
        other = np.int64((drawn * np.uint64(last + 1)) >> np.uint64(32))
        swap = order[last]
        order[last] = order[other]
        order[other] = swap


def machine(control: Any) -> None:
    """Run minibatches until enough are done, the rows are used up or the loss is not finite."""
    totals = doubles(control[word.TOTALS])
    batch, rows = control[word.BATCH], control[word.ROWS]
    control[word.DONE] = 0
    while control[word.DONE] < control[word.WANTED] and control[START] < rows:
        program = control[word.FULL] if rows - control[START] >= batch else control[word.LAST]
        for i in range(control[word.INSTRUCTIONS]):
            if i == control[word.UPDATES] and not np.isfinite(totals[0] + totals[3]):
                break
            row = program + ROW * i
            call_kernel(int64s(row)[0], row + OPS, row + DIMS, row + ATTRS)
        if not np.isfinite(totals[0] + totals[3]):
            control[word.FAILED] = 1
            break
        control[START] += batch
        control[STEP] += 1
        control[word.DONE] += 1


KERNELS: dict[str, Callable[..., Any]] = {
    "block_matmul": block_matmul,
    "matmul": matmul,
    "matmul_add": matmul_add,
    "vector_matmul": vector_matmul,
    "column_sum": column_sum,
    "dropout": _dropout(in_place=False),
    "dropout_in_place": _dropout(in_place=True),
    **ARRANGING,
    **WINDOWS,
}
_KINDS = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
          "uint64")  # fmt: skip


def _register_moves() -> None:
    import numba

    for kind in _KINDS:
        KERNELS[f"gather_{kind}"] = _moved(getattr(numba, kind), gathers=True)
        KERNELS[f"store_{kind}"] = _moved(getattr(numba, kind), gathers=False)


_register_moves()
PLAIN: dict[str, Callable[..., Any]] = {"shuffle": shuffle, "machine": machine}
