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
    add_at,
    address_of,
    call_kernel,
    call_plain,
    call_with,
    choose,
    doubles,
    exchanged,
    int64s,
    moved,
    pause,
    pointer,
    put_at,
    real,
    scrambled,
    seen_at,
)
from chainrule.engines.compiled.native.products import product
from chainrule.engines.compiled.native.windows import WINDOWS

__all__ = ["KERNELS", "PLAIN"]

START, ORDER, STEP, SEED = word.START, word.ORDER, word.STEP, word.SEED
BATCH, STRENGTHS = word.BATCH, word.STRENGTHS
ROW = word.ROW_BYTES
_LOOKS = 2000  # some 50 µs
_LINGERS = 10_000
_ADDRESS = ~63  # without the number of the run
OPS, DIMS, ATTRS = 8 * word.OPS, 8 * word.DIMS, 8 * word.ATTRS


def _moved(kind: Any, gathers: bool) -> Callable[..., None]:
    """Rows between a matrix of the user's (`kind` numbers, any strides) and a batch."""

    def gather(ops: Any, dims: Any, attrs: Any) -> None:
        x, m, n = ops[0], dims[0], dims[1]
        base, row_stride, column_stride = dims[2], dims[3], dims[4]
        control = int64s(dims[5])
        order, start = int64s(control[ORDER]), control[START] + dims[7]
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
        order, start = int64s(control[ORDER]), control[START] + dims[7]
        for i in range(m):
            row = base + order[start + i] * row_stride
            for j in range(n):
                pointer(row + j * column_stride, kind)[0] = x[i * n + j]

    return gather if gathers else store


@register_jitable
def _product(ops: Any, dims: Any, keep: Any) -> None:
    m, n, k = dims[0], dims[1], dims[2]
    product(dims[5], ops[0], dims[6], dims[3], ops[1], dims[7], dims[4], ops[2], dims[8], m, n, k,
            real(keep, ops))  # fmt: skip


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
    t, keep = int64s(dims[0]), real(0.0, ops)
    for g in range(t[5]):
        a, b, c = moved(ops[0], g * t[6]), moved(ops[1], g * t[7]), moved(ops[2], g * t[8])
        product(dims[1], a, t[9], t[3], b, t[10], t[4], c, t[11], t[0], t[1], t[2], keep)


def vector_matmul(ops: Any, dims: Any, attrs: Any) -> None:
    """c[n] = a[k] b[k, n]: for one row BLAS would first rearrange all of b.

    Four rows of b at a time: c is read and written less often, and more of b is on its way from
    memory.
    """
    a, b, c, n, k, ldb = ops[0], ops[1], ops[2], dims[1], dims[2], dims[7]
    fours = k - k % 4
    for j in range(n):
        c[j] = real(0.0, ops)
    for p in range(0, fours, 4):
        x0, x1, x2, x3 = a[p], a[p + 1], a[p + 2], a[p + 3]
        b0, b1 = moved(b, p * ldb), moved(b, (p + 1) * ldb)
        b2, b3 = moved(b, (p + 2) * ldb), moved(b, (p + 3) * ldb)
        for j in range(n):
            c[j] += (x0 * b0[j] + x1 * b1[j]) + (x2 * b2[j] + x3 * b3[j])
    for p in range(fours, k):
        x, row = a[p], moved(b, p * ldb)
        for j in range(n):
            c[j] += x * row[j]


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
        first = dims[4]  # of the whole minibatch's places
        for place in range(dims[0] * dims[1]):
            drawn = scrambled(scrambled(first + place) ^ key)
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


@register_jitable
def _wait(control: Any) -> None:
    """Until every core has come here: look for a while, then let others have this core."""
    everyone = control[word.CROSSED] + control[word.CORES]
    control[word.CROSSED] = everyone
    place = control[word.ARRIVED]
    add_at(place, 1)
    looks = 0
    while seen_at(place) < everyone:
        looks += 1
        if looks < _LOOKS:
            pause()
        else:
            call_plain(control[word.YIELD])


@register_jitable
def _finite(control: Any) -> bool:
    """Whether the sums of all parts are finite."""
    totals, loss = doubles(control[word.TOTALS]), 0.0
    for part in range(control[word.PARTS]):
        loss += totals[part * word.SUMS] + totals[part * word.SUMS + 3]
    return np.isfinite(loss)


@register_jitable
def _one_minibatch(control: Any, row: Any) -> bool:
    """Run a program; whether the loss was finite."""
    while True:
        code = int64s(row)[0]
        if code == word.END:
            return True
        if code == word.BARRIER:
            _wait(control)
        elif code != word.CHECK:
            call_kernel(code, row + OPS, row + DIMS, row + ATTRS)
        elif not _finite(control):
            return False
        row += ROW


@register_jitable
def machine(control: Any) -> None:
    """Run minibatches until enough are done, the rows are used up or the loss is not finite.

    Cores that work together all run this, each with control words and programs of its own. They
    come to the same decisions.
    """
    batch, rows = control[word.BATCH], control[word.ROWS]
    control[word.DONE] = 0
    while control[word.DONE] < control[word.WANTED] and control[START] < rows:
        whole = rows - control[START] >= batch
        if not _one_minibatch(control, control[word.FULL] if whole else control[word.LAST]):
            control[word.FAILED] = 1
            break
        control[START] += batch
        control[STEP] += 1
        control[word.DONE] += 1
    control[word.FINISHED] = 1
    if control[word.CORES] > 1:
        _wait(control)  # nobody reads the session's memory any more


@register_jitable
def _whole_epoch(control: Any, place: Any, result: Any) -> None:
    """All minibatches of an epoch that is in order already, and a copy of its sums."""
    sums = doubles(control[word.TOTALS])
    for j in range(word.SUMS):
        sums[j] = 0.0
    control[START] = 0
    control[word.FAILED] = 0
    call_with(place, address_of(control))
    for j in range(word.SUMS):
        result[j] = sums[j]


def epochs(series: Any) -> None:
    """Epochs in a row, each validated; the parameters that each ends with are copied.

    One whose loss is not finite is the last, and does not count.
    """
    control, held_out = int64s(series[word.TRAINING]), int64s(series[word.HELD_OUT])
    copies, results = int64s(series[word.COPIES]), doubles(series[word.RESULTS])
    rates, strengths = control[word.RATES], control[STRENGTHS]
    series[word.MADE] = 0
    for epoch in range(series[word.EPOCHS]):
        offset = 8 * epoch * series[word.MINIBATCHES]
        control[word.RATES] = series[word.FIRST_RATES] + offset
        control[STRENGTHS] = series[word.FIRST_STRENGTHS] + offset
        if series[word.KEYS]:
            control[word.KEY] = int64s(series[word.KEYS])[epoch]
            call_with(series[word.SHUFFLE], series[word.TRAINING])
        result = moved(results, 2 * word.SUMS * epoch)
        _whole_epoch(control, series[word.MACHINE], result)
        if control[word.FAILED]:
            break
        for k in range(series[word.COPIED]):
            here, there, count = copies[3 * k], copies[3 * k + 1], copies[3 * k + 2]
            source, copy = pointer(here, np.int32), pointer(there + 4 * count * epoch, np.int32)
            for j in range(count):
                copy[j] = source[j]
        if series[word.HELD_OUT]:
            _whole_epoch(held_out, series[word.MACHINE], moved(result, word.SUMS))
        series[word.MADE] = epoch + 1
    control[word.RATES], control[STRENGTHS] = rates, strengths


def serve(mailbox: Any) -> None:
    """A helper's life from when it is woken: run what it is given, wait a while for more."""
    place = address_of(mailbox)
    while seen_at(place) != word.ASLEEP:
        machine(int64s(seen_at(place) & _ADDRESS))
        put_at(place, word.LINGERS)
        looks = 0
        while seen_at(place) == word.LINGERS:
            pause()
            looks += 1
            if looks > _LINGERS and exchanged(place, word.LINGERS, word.ASLEEP):
                return


def offer(mailbox: Any) -> None:
    """Give a helper what is in OFFER as soon as it is done with what it had."""
    place, job = address_of(mailbox), mailbox[word.OFFER]
    mailbox[word.AWAKE] = 0
    while True:
        state = seen_at(place)
        if state == job:  # it has it already
            return
        if (state == word.LINGERS or state == word.ASLEEP) and exchanged(place, state, job):
            mailbox[word.AWAKE] = state == word.LINGERS
            return
        pause()


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
PLAIN: dict[str, Callable[..., Any]] = {
    "shuffle": shuffle,
    "machine": machine,
    "epochs": epochs,
    "serve": serve,
    "offer": offer,
}
