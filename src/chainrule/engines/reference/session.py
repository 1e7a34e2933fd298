"""The reference engine: every operation in a few lines of array code, float64 by default.

It is the truth that the other engines are compared with. Values are a plain dict, so each result
of each instruction can be looked at by name after a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from chainrule.engines.base import Batches, Session, Totals
from chainrule.engines.reference.execute import EXECUTE
from chainrule.ops.expression import evaluate
from chainrule.ops.random import shuffled
from chainrule.tape import OPERATIONS, Instruction, Plan

__all__ = ["ReferenceEngine", "ReferenceSession"]

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
        self.rates = self.strengths = np.ones(batches.per_epoch)
        self.totals, self.failed = Totals(), False

    def bind(self, **data: np.ndarray) -> None:
        """Take other matrices, (n, columns) each, of the same widths."""
        self.data.update(data)

    def start_epoch(
        self,
        epoch: int,
        shuffle: bool,
        rates: np.ndarray | None = None,
        strengths: np.ndarray | None = None,
    ) -> None:
        """Put the rows in this epoch's order and clear the totals."""
        rows = self.batches.rows
        self.order = shuffled(rows, self.batches.shuffle_key(epoch)) if shuffle else rows
        self.rates, self.strengths = (
            np.ones(self.batches.per_epoch) if factors is None else factors
            for factors in (rates, strengths)
        )
        self.start, self.totals, self.failed = 0, Totals(), False
        for value in self.plan.tape.with_role("carry"):
            self.memory[value.name][...] = 0

    def limits(self, threads: int | None) -> AbstractContextManager[None]:
        """Array libraries have their own threads."""
        return nullcontext()

    def again(self) -> None:
        """Run the first minibatch once more."""
        self.start = 0
        for value in self.plan.tape.with_role("carry"):
            self.memory[value.name][...] = 0
        self.run(1)

    def in_a_row(self, held_out: Session | None, watched: Sequence[np.ndarray]) -> None:
        """One epoch after another: here speed does not count."""

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
        own = {n: self.memory[n] for n in names}
        for value in self.plan.tape.with_role("carry"):  # a short batch has the first rows' states
            own[value.name] = own[value.name][: len(self.rows())]
        self.values = {n: self.xp.asarray(a, dtype=self.number) for n, a in own.items()}
        for i in self.plan.tape.instructions:
            if OPERATIONS[i.operation].updates and not self._finite:
                self.failed = True
                return False
            self.execute(i)
        if not self._finite:
            self.failed = True
            return False
        for name in names:
            if name in self.values:
                own[name][...] = np.asarray(self.values[name])
        self.start += self.batches.size
        self.step += 1
        self.totals.batches += 1
        return True

    @property
    def _finite(self) -> bool:
        return bool(np.isfinite(self.totals.loss + self.totals.penalty))

    def execute(self, i: Instruction) -> None:
        """Carry out one instruction; `values` has its results."""
        results = EXECUTE[i.operation](self, i, [self.values.get(o) for o in i.operands])
        self.values.update(zip(i.results, results, strict=True))

    @property
    def number(self) -> Any:
        """The floating type, as the array namespace calls it."""
        return getattr(self.xp, self.dtype.name)

    def rows(self) -> np.ndarray:
        """The rows of this minibatch."""
        return self.order[self.start : self.start + self.batches.size]

    def value(self, formula: Any, /, **values: Array) -> Array:
        """A formula on the given values, whose shapes broadcast."""
        return evaluate(formula, values, self.xp)
