"""Every kind of instruction as array code: session, instruction, operands -> results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.engines.reference import windows
from chainrule.engines.reference.context import Array, Arrays, Context, factor, matrix
from chainrule.engines.reference.objective import loss, loss_slope, penalty, penalty_slope
from chainrule.engines.reference.updates import blend, clip, shrink, square_sum, update
from chainrule.ops.random import bits, key
from chainrule.tape import Instruction
from chainrule.tape.instruction import concrete

__all__ = ["EXECUTE"]

Execute = Callable[[Any, Instruction, list[Array]], Arrays]


# ------------------------------------------------------------- moving numbers


def _gather(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    rows = s.xp.asarray(s.data[i.operands[0]][s.rows()], dtype=s.number)
    shape = i.attributes.get("shape")
    return (rows if shape is None else s.xp.reshape(rows, concrete(shape, rows.shape[0])),)


def _store(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    out = s.data[i.results[0]]
    out[s.rows()] = np.asarray(a[0]).reshape(-1, out.shape[1])
    return (a[0],)


def _reshape(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    return (s.xp.reshape(a[0], concrete(i.attributes["shape"], len(s.rows()))),)


def _unstack(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    return tuple(a[0][k, ...] for k in range(a[0].shape[0]))


def _swap(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    return (s.xp.permute_dims(a[0], (1, 0, *range(2, a[0].ndim))),)


def _fill(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    shape = concrete(i.attributes["shape"], len(s.rows()))
    return (s.xp.full(shape, i.attributes["value"], dtype=s.number),)


def _lookup(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    tokens = np.asarray(a[0]).astype(np.int64)
    return (s.xp.asarray(np.asarray(a[1])[tokens], dtype=s.number),)


def _lookup_slope(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    tokens, given = np.asarray(a[0]).astype(np.int64), np.asarray(a[1])
    total = np.zeros((i.attributes["rows"], given.shape[-1]), given.dtype)
    np.add.at(total, tokens.reshape(-1), given.reshape(-1, given.shape[-1]))
    return (s.xp.asarray(total),)


def _select(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    parts = [a[0][..., place : place + 1] for place in i.attributes["places"]]
    return (s.xp.concat(parts, axis=-1),)


def _place(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    where = {place: k for k, place in enumerate(i.attributes["places"])}
    zero = s.xp.zeros((*a[0].shape[:-1], 1), dtype=s.number)
    parts = [
        a[0][..., where[k] : where[k] + 1] if k in where else zero
        for k in range(i.attributes["width"])
    ]
    return (s.xp.concat(parts, axis=-1),)


# --------------------------------------------------------- products and sums


def _matmul_tn(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    return (matrix(s, a[0]).T @ matrix(s, a[1]),)


def _column_sum(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    return (s.xp.sum(matrix(s, a[0]), axis=0, keepdims=True),)


def _column_mean(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    return (s.xp.mean(matrix(s, a[0]), axis=0, keepdims=True),)


def _spread(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    return (s.xp.zeros_like(a[1]) + a[0] / matrix(s, a[1]).shape[0],)


def _grouped(array: Array, groups: int) -> list[Array]:
    """The groups of columns of a value, as many matrices."""
    width = array.shape[-1] // groups
    return [array[..., k * width : (k + 1) * width] for k in range(groups)]


def _weights(array: Array, groups: int) -> list[Array]:
    """The blocks of rows of a weight matrix."""
    rows = array.shape[0] // groups
    return [array[k * rows : (k + 1) * rows, :] for k in range(groups)]


def _block_matmul(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    groups = i.attributes["groups"]
    parts = zip(_grouped(a[0], groups), _weights(a[1], groups), strict=True)
    return (s.xp.concat([x @ w for x, w in parts], axis=-1),)


def _block_matmul_tn(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    groups = i.attributes["groups"]
    parts = zip(_grouped(matrix(s, a[0]), groups), _grouped(matrix(s, a[1]), groups), strict=True)
    return (s.xp.concat([x.T @ dz for x, dz in parts], axis=0),)


def _block_matmul_nt(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    groups = i.attributes["groups"]
    parts = zip(_grouped(a[0], groups), _weights(a[1], groups), strict=True)
    return (s.xp.concat([dz @ w.T for dz, w in parts], axis=-1),)


# ------------------------------------------------------------- place by place


def _activate(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    record = i.attributes["activation"]
    return (s.value(record.value_expression, z=a[0], **record.all_settings),)


def _bias_activate(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    z = a[0] + a[1]
    (y,) = _activate(s, i, [z])
    return (y, z) if i.attributes["keeps_z"] else (y,)


def _slope(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    record = i.attributes["activation"]
    kept = dict(zip(record.slope_reads, a[1:], strict=True))
    return (a[0] * s.value(record.slope_expression, **kept, **record.all_settings),)


def _dropout(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    keep, shape = 1 - (1 - i.attributes["keep"]) * factor(s, s.strengths), a[0].shape
    drawn = bits(int(np.prod(shape)), key(s.batches.seed, s.step, i.attributes["salt"]))
    mask = (drawn.reshape(shape) < int(keep * 2**32 + 0.5)) / keep
    return (a[0] * s.xp.asarray(mask, dtype=s.number),)


def _blocks(names: tuple[str, ...], array: Array) -> dict[str, Array]:
    """Blocks of columns by name."""
    width = array.shape[-1] // len(names)
    return {name: array[..., k * width : (k + 1) * width] for k, name in enumerate(names)}


def _formula(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    record, values = i.attributes["formula"], {}
    for operand, array in zip(record.operands, a, strict=True):
        values |= _blocks(operand.names, array)
    trees, settings = record.expressions.values(), record.all_settings
    return tuple(s.value(tree, **values, **settings) for tree in trees)


def _formula_slope(s: Context, i: Instruction, a: list[Array]) -> Arrays:
    record, given = i.attributes["formula"], i.attributes["given"]
    values = {f"d{name}": array for name, array in zip(given, a, strict=False)}
    operands = a[len(given) : len(given) + len(record.operands)]
    for operand, array in zip(record.operands, operands, strict=True):
        values |= _blocks(operand.names, array)
    values |= dict(zip(i.attributes["reads"], a[len(given) + len(record.operands) :], strict=True))
    wanted = [record.operands[k] for k in i.attributes["wanted"]]
    passed = record.pulled(given, [name for operand in wanted for name in operand.names])
    zero = s.xp.zeros_like(a[0])
    results = []
    for operand in wanted:
        parts = [
            zero + s.value(passed[name], **values, **record.all_settings) for name in operand.names
        ]
        results.append(s.xp.concat(parts, axis=-1) if len(parts) > 1 else parts[0])
    return tuple(results)


EXECUTE: dict[str, Execute] = {
    "gather": _gather,
    "store": _store,
    "reshape": _reshape,
    "unstack": _unstack,
    "stack": lambda s, i, a: (s.xp.stack(a),),
    "copy": lambda s, i, a: (a[0],),
    "swap": _swap,
    "fill": _fill,
    "lookup": _lookup,
    "lookup_slope": _lookup_slope,
    "select": _select,
    "place": _place,
    "join": lambda s, i, a: (s.xp.concat(a, axis=-1),),
    "matmul": lambda s, i, a: (a[0] @ a[1],),
    "matmul_tn": _matmul_tn,
    "matmul_nt": lambda s, i, a: (a[0] @ a[1].T,),
    "block_matmul": _block_matmul,
    "block_matmul_tn": _block_matmul_tn,
    "block_matmul_nt": _block_matmul_nt,
    "matmul_add": lambda s, i, a: (a[2] + a[0] @ a[1],),
    "matmul_tn_add": lambda s, i, a: (a[2] + _matmul_tn(s, i, a)[0],),
    "matmul_nt_add": lambda s, i, a: (a[2] + a[0] @ a[1].T,),
    "add_bias": lambda s, i, a: (a[0] + a[1],),
    "column_sum": _column_sum,
    "column_mean": _column_mean,
    "spread": _spread,
    "activate": _activate,
    "bias_activate": _bias_activate,
    "slope": _slope,
    "dropout": _dropout,
    "add": lambda s, i, a: (a[0] + a[1],),
    "formula": _formula,
    "formula_slope": _formula_slope,
    "patches": windows.patches,
    "fold": windows.fold,
    "max_pool": windows.max_pool,
    "max_pool_slope": windows.max_pool_slope,
    "mean_pool": windows.mean_pool,
    "mean_pool_slope": windows.mean_pool_slope,
    "loss": loss,
    "loss_slope": loss_slope,
    "loss_and_slope": lambda s, i, a: (*loss(s, i, a), *loss_slope(s, i, a)),
    "penalty": penalty,
    "penalty_slope": penalty_slope,
    "square_sum": square_sum,
    "clip": clip,
    "update": update,
    "shrink": shrink,
    "blend": blend,
    "carry": lambda s, i, a: (a[1],),
}
