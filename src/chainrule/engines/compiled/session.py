"""The compiled engine: a plan becomes a program that a small machine runs, epoch by epoch."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from chainrule.engines.base import Batches, Totals, aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.blas import blas_threads
from chainrule.engines.compiled.lower import Binding, Row, lower
from chainrule.engines.compiled.store import KernelKey, addresses
from chainrule.tape import Plan
from chainrule.tape.cost import largest_product

__all__ = ["CompiledEngine", "CompiledSession"]

# Multiply-adds of a product from which OpenBLAS gains by a second thread: 1.3 million did not,
# 2.1 million did (2 cores, AVX2).
_WORTH_THREADS = 1_700_000
# Calls through ctypes release Python's lock, so other threads go on meanwhile.
_CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class CompiledEngine:
    """Runs plans as machine code.

    Parameters
    ----------
    dtype : {float32, float64}
    """

    name = "compiled"

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)

    def session(
        self,
        plan: Plan,
        memory: Mapping[str, np.ndarray],
        data: Mapping[str, np.ndarray],
        batches: Batches,
    ) -> CompiledSession:
        """Bind a plan: buffers for one batch are made, data is used where it lies."""
        return CompiledSession(self, plan, memory, data, batches)

    def limits(self, plan: Plan, batch: int, threads: int | None) -> AbstractContextManager[None]:
        """One thread while the largest product is small: a second would cost more than it gives."""
        if threads is None and largest_product(plan.tape, batch) < _WORTH_THREADS:
            threads = 1
        return blas_threads(threads)


class CompiledSession:
    """A program with its memory."""

    def __init__(
        self,
        engine: CompiledEngine,
        plan: Plan,
        memory: Mapping[str, np.ndarray],
        data: Mapping[str, np.ndarray],
        batches: Batches,
    ) -> None:
        self.plan, self.batches, self.dtype = plan, batches, engine.dtype
        self.data = dict(data)
        self._sums = aligned(3, np.float64)
        self._control = aligned(word.WORDS, np.int64)
        self._rows = np.ascontiguousarray(batches.rows, np.int64)
        self._order = self._rows
        self._rates = aligned(batches.per_epoch, np.float64)
        self._buffers = [aligned(batches.size * width, engine.dtype) for width in plan.widths]
        self._arrays = {**memory, **self._intermediates(batches.size)}
        self._programs: list[np.ndarray] = []
        plain = addresses([KernelKey("machine", ""), KernelKey("shuffle", "")])
        self._machine, self._shuffle = (_CALL(address) for address in plain.values())
        self._assemble()

    # -------------------------------------------------------------- the session

    @property
    def totals(self) -> Totals:
        """Sums since the epoch began."""
        return Totals(*(float(x) for x in self._sums))

    @property
    def step(self) -> int:
        """Updates done."""
        return int(self._control[word.STEP])

    @property
    def failed(self) -> bool:
        """Whether the loss was not finite in the last minibatch."""
        return bool(self._control[word.FAILED])

    @property
    def values(self) -> dict[str, np.ndarray]:
        """Every value of the last minibatch that still has its own memory."""
        return dict(self._arrays)

    def bind(self, **data: np.ndarray) -> None:
        """Take other matrices, (n, columns) each, of the same widths."""
        self.data.update(data)
        self._assemble()

    def start_epoch(self, epoch: int, shuffle: bool, rates: np.ndarray | None = None) -> None:
        """Put the rows in this epoch's order and clear the totals."""
        self._sums[:] = 0
        self._control[[word.START, word.FAILED]] = 0
        self._rates[:] = 1 if rates is None else rates
        if shuffle:
            if self._order is self._rows:
                self._order = np.empty_like(self._rows)
            self._control[word.KEY] = self.batches.shuffle_key(epoch)
            self._control[word.ORDER] = self._order.ctypes.data
            self._shuffle(self._control.ctypes.data)
        else:
            self._control[word.ORDER] = self._rows.ctypes.data

    def run(self, steps: int) -> int:
        """Run up to `steps` minibatches; returns how many were completed."""
        self._control[word.WANTED] = steps
        self._machine(self._control.ctypes.data)
        return int(self._control[word.DONE])

    # -------------------------------------------------------------- the program

    def _intermediates(self, batch: int) -> dict[str, np.ndarray]:
        """The values of one batch as views of the buffers."""
        result = {}
        for name, number in self.plan.buffers.items():
            rows, columns = self.plan.tape.shape(name)
            count = batch if rows == "n" else int(rows)
            result[name] = self._buffers[number][: count * columns].reshape(count, columns)
        return result

    def _assemble(self) -> None:
        """Write one program for full minibatches and one for a shorter last one."""
        size, rows = self.batches.size, len(self._rows)
        last = rows % size or size
        self._programs = [self._program(size), self._program(last)]
        c = self._control
        c[word.BATCH], c[word.ROWS], c[word.SEED] = size, rows, self.batches.seed
        c[word.FULL], c[word.LAST] = (p.ctypes.data for p in self._programs)
        c[word.RATES] = self._rates.ctypes.data
        c[word.TOTALS], c[word.BASE] = self._sums.ctypes.data, self._rows.ctypes.data
        instructions = self.plan.tape.instructions
        c[word.INSTRUCTIONS] = len(instructions)
        updates = [place for place, i in enumerate(instructions) if i.operation == "update"]
        c[word.UPDATES] = updates[0] if updates else -1

    def _program(self, batch: int) -> np.ndarray:
        binding = Binding(
            self.plan,
            self._arrays,
            self.data,
            self._control.ctypes.data,
            self._sums.ctypes.data,
            self.dtype,
            batch,
        )
        rows = [lower(i, binding) for i in self.plan.tape.instructions]
        kernels = addresses(row.kernel for row in rows)
        program = aligned(len(rows) * word.ROW_WORDS, np.int64).reshape(-1, word.ROW_WORDS)
        for line, row in zip(program, rows, strict=True):
            _write(line, row, kernels[row.kernel])
        return program


def _write(line: np.ndarray, row: Row, kernel: int) -> None:
    line[0] = kernel
    line[word.OPS : word.OPS + len(row.operands)] = row.operands
    line[word.DIMS : word.DIMS + len(row.dims)] = row.dims
    attributes = line[word.ATTRS : word.ATTRS + len(row.attributes)]
    attributes.view(np.float64)[:] = row.attributes
