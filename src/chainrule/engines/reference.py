"""The reference engine: every operation in a line or two of array code, float64 by default.

It is the truth that the other engines are compared with. Values are a plain dict, so each result
of each instruction can be looked at by name after a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from chainrule.engines.base import Batches, Totals
from chainrule.ops.expression import evaluate
from chainrule.ops.optimizers import settings, update_expressions, variant
from chainrule.ops.random import bits, key, shuffled
from chainrule.tape import Instruction, Plan

__all__ = ["EXECUTE", "ReferenceEngine", "ReferenceSession"]

Array = Any


class ReferenceEngine:
    """Runs plans with array functions.

    Parameters
    ----------
    dtype : dtype
        float64 unless asked otherwise.
    xp : array namespace
        NumPy, or any module that follows the array API standard.
    """

    name = "reference"

    def __init__(self, dtype: Any = np.float64, xp: Any = np) -> None:
        self.dtype = np.dtype(dtype)
        self.xp = xp

    def session(
        self,
        plan: Plan,
        memory: Mapping[str, np.ndarray],
        data: Mapping[str, np.ndarray],
        batches: Batches,
    ) -> ReferenceSession:
        """Bind a plan; nothing is copied."""
        return ReferenceSession(self, plan, memory, data, batches)

    def limits(self, plan: Plan, batch: int, threads: int | None) -> AbstractContextManager[None]:
        """Array libraries have their own threads."""
        return nullcontext()


class ReferenceSession:
    """A plan on arrays; `values` has every result of the last minibatch by name."""

    def __init__(
        self,
        engine: ReferenceEngine,
        plan: Plan,
        memory: Mapping[str, np.ndarray],
        data: Mapping[str, np.ndarray],
        batches: Batches,
    ) -> None:
        self.plan, self.memory, self.batches = plan, memory, batches
        self.xp, self.dtype = engine.xp, engine.dtype
        self.data = dict(data)
        self.values: dict[str, Array] = {}
        self.order, self.start, self.step = batches.rows, 0, 0
        self.rates = np.ones(batches.per_epoch)
        self.totals, self.failed = Totals(), False

    def bind(self, **data: np.ndarray) -> None:
        """Take other matrices, (n, columns) each, of the same widths."""
        self.data.update(data)

    def start_epoch(self, epoch: int, shuffle: bool, rates: np.ndarray | None = None) -> None:
        """Put the rows in this epoch's order and clear the totals."""
        rows = self.batches.rows
        self.order = shuffled(rows, self.batches.shuffle_key(epoch)) if shuffle else rows
        self.rates = np.ones(self.batches.per_epoch) if rates is None else rates
        self.start, self.totals, self.failed = 0, Totals(), False

    def run(self, steps: int) -> int:
        """Run up to `steps` minibatches; returns how many were completed."""
        # What overflows shows in the loss, which is checked; NumPy need not say it too.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for done in range(steps):
                if self.start >= len(self.order) or not self._one():
                    return done
        return steps

    def _one(self) -> bool:
        names = self.memory.keys()
        self.values = {n: self.xp.asarray(self.memory[n], dtype=self._type) for n in names}
        for i in self.plan.tape.instructions:
            if i.operation == "update" and not np.isfinite(self.totals.loss):
                self.failed = True
                return False
            results = EXECUTE[i.operation](self, i, [self.values.get(o) for o in i.operands])
            self.values.update(zip(i.results, results, strict=True))
        if not np.isfinite(self.totals.loss):
            self.failed = True
            return False
        for name in names:
            if name in self.values:
                self.memory[name][...] = np.asarray(self.values[name])
        self.start += self.batches.size
        self.step += 1
        return True

    @property
    def _type(self) -> Any:
        return getattr(self.xp, self.dtype.name)

    def rows(self) -> np.ndarray:
        """The rows of this minibatch."""
        return self.order[self.start : self.start + self.batches.size]

    def value(self, i: Instruction, formula: Any, **values: Array) -> Array:
        """A formula of the instruction's record on the given values."""
        return evaluate(formula, values, self.xp)


Execute = Callable[[ReferenceSession, Instruction, list[Array]], tuple[Array, ...]]


def _gather(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    return (s.xp.asarray(s.data[i.operands[0]][s.rows()], dtype=s._type),)


def _store(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    s.data[i.results[0]][s.rows()] = np.asarray(a[0])
    return (a[0],)


def _column_sum(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    return (s.xp.sum(a[0], axis=0, keepdims=True),)


def _activate(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    record = i.attributes["activation"]
    return (s.value(i, record.value_expression, z=a[0], **record.all_settings),)


def _bias_activate(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    z = a[0] + a[1]
    (y,) = _activate(s, i, [z])
    return (y, z) if i.attributes["keeps_z"] else (y,)


def _slope(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    record = i.attributes["activation"]
    kept = dict(zip(record.slope_reads, a[1:], strict=True))
    return (a[0] * s.value(i, record.slope_expression, **kept, **record.all_settings),)


def _dropout(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    keep = i.attributes["keep"]
    rows, columns = a[0].shape
    drawn = bits(rows * columns, key(s.batches.seed, s.step, i.attributes["salt"]))
    mask = (drawn.reshape(rows, columns) < round(keep * 2**32)) / keep
    return (a[0] * s.xp.asarray(mask, dtype=s._type),)


def _targets(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, Array, Array]:
    """Scores, targets as (n, outputs), and each row's share of the mean."""
    z, t = a[0], a[1]
    if i.attributes["indices"]:
        t = s.xp.asarray(t == s.xp.arange(z.shape[1], dtype=s._type), dtype=s._type)
    weights = a[2] if len(a) > 2 else s.xp.ones((z.shape[0], 1), dtype=s._type)
    total = s.xp.sum(weights)
    return z, t, weights / s.xp.where(total > 0, total, s.xp.ones_like(total))


def _loss(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    record = i.attributes["loss"]
    z, t, share = _targets(s, i, a)
    weight = float(s.xp.sum(a[2])) if len(a) > 2 else z.shape[0]
    value = s.xp.sum(share * s.value(i, record.value_expression, z=z, t=t, **record.all_settings))
    metric = s.xp.sum(share * s.value(i, record.metric_expression, z=z, t=t))
    s.totals.loss += float(value) * weight
    s.totals.metric += float(metric) * weight
    s.totals.weight += weight
    return (s.xp.reshape(value, (1, 1)),)


def _loss_slope(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    record = i.attributes["loss"]
    z, t, share = _targets(s, i, a)
    return (share * s.value(i, record.slope_expression, z=z, t=t, **record.all_settings),)


def _update(s: ReferenceSession, i: Instruction, a: list[Array]) -> tuple[Array, ...]:
    rule = i.attributes["optimizer"]
    values = dict(zip(("w", "g", *type(rule).state), a, strict=True))
    hyper = settings(rule) | i.attributes["overrides"]
    hyper["learning_rate"] *= float(s.rates[s.start // s.batches.size])
    return tuple(
        evaluate(tree, {**values, **hyper, "t": float(s.step + 1)}, s.xp)
        for tree in update_expressions(type(rule), variant(rule)).values()
    )


EXECUTE: dict[str, Execute] = {
    "gather": _gather,
    "store": _store,
    "matmul": lambda s, i, a: (a[0] @ a[1],),
    "matmul_tn": lambda s, i, a: (a[0].T @ a[1],),
    "matmul_nt": lambda s, i, a: (a[0] @ a[1].T,),
    "add_bias": lambda s, i, a: (a[0] + a[1],),
    "column_sum": _column_sum,
    "activate": _activate,
    "bias_activate": _bias_activate,
    "slope": _slope,
    "dropout": _dropout,
    "add": lambda s, i, a: (a[0] + a[1],),
    "loss": _loss,
    "loss_slope": _loss_slope,
    "loss_and_slope": lambda s, i, a: (*_loss(s, i, a), *_loss_slope(s, i, a)),
    "update": _update,
}
