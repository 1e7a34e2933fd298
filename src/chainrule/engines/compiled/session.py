"""The compiled engine: a plan becomes a program that a small machine runs, epoch by epoch."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engines.base import Batches, Totals, aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.blas import blas_threads
from chainrule.engines.compiled.lowering import MATRIX, Binding, Row, lower
from chainrule.engines.compiled.store import KernelKey, addresses
from chainrule.engines.threads import thread_limit
from chainrule.tape import OPERATIONS, Instruction, Plan
from chainrule.tape.cost import largest_product
from chainrule.tape.instruction import cells, concrete, per_row

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
        if threads is None:
            small = largest_product(plan.tape, batch) < _WORTH_THREADS
            threads = 1 if small else thread_limit()
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
        self._sums = aligned(4, np.float64)
        self._control = aligned(word.WORDS, np.int64)
        self._address = self._control.ctypes.data
        self._rows = np.ascontiguousarray(batches.rows, np.int64)
        self._order = self._rows
        self._rates = aligned(batches.per_epoch, np.float64)
        self._strengths = aligned(batches.per_epoch, np.float64)
        self._buffers = [aligned(size, engine.dtype) for size in plan.sizes(batches.size)]
        self._memory = memory
        self._carried = [memory[value.name] for value in plan.tape.with_role("carry")]
        self._programs: list[_Program] = []
        plain = addresses([KernelKey("machine", ""), KernelKey("shuffle", "")])
        self._machine, self._shuffle = (_CALL(address) for address in plain.values())
        self._assemble()

    # -------------------------------------------------------------- the session

    @property
    def totals(self) -> Totals:
        """Sums since the epoch began."""
        loss, weight, metric, penalty = (float(x) for x in self._sums)
        batches = int(self._control[word.START]) // self.batches.size
        return Totals(loss, weight, metric, penalty, batches)

    @property
    def step(self) -> int:
        """Updates done."""
        return int(self._control[word.STEP])

    @step.setter
    def step(self, updates: int) -> None:
        self._control[word.STEP] = updates

    @property
    def failed(self) -> bool:
        """Whether the loss was not finite in the last minibatch."""
        return bool(self._control[word.FAILED])

    @property
    def values(self) -> dict[str, np.ndarray]:
        """Memory of every value; that of an intermediate one may have been handed on."""
        return dict(self._arrays(self.batches.size))

    def bind(self, **data: np.ndarray) -> None:
        """Take other matrices, (n, columns) each, of the same widths."""
        self.data.update(data)
        for program in dict.fromkeys(self._programs):
            program.take()

    def start_epoch(
        self,
        epoch: int,
        shuffle: bool,
        rates: np.ndarray | None = None,
        strengths: np.ndarray | None = None,
    ) -> None:
        """Put the rows in this epoch's order and clear the totals."""
        self._sums[:] = 0
        self._control[[word.START, word.FAILED]] = 0
        self._rates[:] = 1 if rates is None else rates
        self._strengths[:] = 1 if strengths is None else strengths
        for carried in self._carried:
            carried[...] = 0
        if shuffle:
            if self._order is self._rows:
                self._order = np.empty_like(self._rows)
            self._control[word.KEY] = self.batches.shuffle_key(epoch)
            self._control[word.ORDER] = self._order.ctypes.data
            self._shuffle(self._address)
        else:
            self._control[word.ORDER] = self._rows.ctypes.data

    def run(self, steps: int) -> int:
        """Run up to `steps` minibatches; returns how many were completed."""
        self._control[word.WANTED] = steps
        self._machine(self._address)
        return int(self._control[word.DONE])

    def again(self) -> None:
        """Run the first minibatch once more; as little Python as there can be."""
        for carried in self._carried:
            carried[...] = 0
        self._control[word.START] = 0
        self._control[word.WANTED] = 1
        self._machine(self._address)

    # -------------------------------------------------------------- the program

    def _arrays(self, batch: int) -> dict[str, np.ndarray]:
        """Every value of one batch, (rows, columns …) each, as a view of where it lies."""
        result = dict(self._memory)
        for name, place in self.plan.places.items():
            shape = self.plan.tape.shape(name)
            scale = batch if per_row(shape) else 1
            start = place.offset * scale
            flat = self._buffers[place.buffer][start : start + cells(shape) * scale]
            result[name] = flat.reshape(concrete(shape, batch))
        return result | {name: result[root] for name, root in self.plan.aliases.items()}

    def _assemble(self) -> None:
        """Write one program for full minibatches and one for a shorter last one."""
        size, rows = self.batches.size, len(self._rows)
        last = rows % size or size
        whole = self._program(size)
        self._programs = [whole, whole if last == size else self._program(last)]
        c = self._control
        c[word.BATCH], c[word.ROWS], c[word.SEED] = size, rows, self.batches.seed
        c[word.FULL], c[word.LAST] = (p.lines.ctypes.data for p in self._programs)
        c[word.RATES] = self._rates.ctypes.data
        c[word.STRENGTHS] = self._strengths.ctypes.data
        c[word.TOTALS], c[word.BASE] = self._sums.ctypes.data, self._rows.ctypes.data

    def _program(self, batch: int) -> _Program:
        binding = Binding(
            self.plan,
            self._arrays(batch),
            self.data,
            self._address,
            self._sums.ctypes.data,
            self.dtype,
            batch,
        )
        lowered = [(i, lower(i, binding)) for i in self.plan.tape.instructions]
        rows = [(i, row) for i, row in lowered if row is not None]
        lines = aligned(len(rows) * word.ROW_WORDS, np.int64).reshape(-1, word.ROW_WORDS)
        kernels = addresses(row.kernel for _, row in rows)
        for line, (_, row) in zip(lines, rows, strict=True):
            _write(line, row, kernels[row.kernel])
        self._control[word.INSTRUCTIONS] = len(rows)
        self._control[word.UPDATES] = _first_update([i for i, _ in rows])
        moves = {k: i for k, (i, _) in enumerate(rows) if i.operation in ("gather", "store")}
        return _Program(lines, binding, moves)


@dataclass(frozen=True, eq=False)
class _Program:
    """Rows of the machine's program for a batch of one size.

    `moves` are the places of the instructions that touch the user's matrices; `forms` are the
    types and strides of these matrices for which each is written.
    """

    lines: np.ndarray
    binding: Binding
    moves: dict[int, Instruction]
    forms: dict[int, Any] = field(default_factory=dict)

    def take(self) -> None:
        """Write the addresses of other matrices."""
        for place, i in self.moves.items():
            matrix = self.binding.data[i.operands[0] if i.operation == "gather" else i.results[0]]
            form = matrix.dtype, matrix.strides
            if self.forms.get(place) == form:
                address, _ = matrix.__array_interface__["data"]  # faster than ctypes
                self.lines[place, word.DIMS + MATRIX] = address
                continue
            row = lower(i, self.binding)
            assert row is not None
            _write(self.lines[place], row, addresses([row.kernel])[row.kernel])
            self.forms[place] = form


def _first_update(instructions: list[Instruction]) -> int:
    """Place of the first instruction that changes parameters, -1 if there is none."""
    places = (k for k, i in enumerate(instructions) if OPERATIONS[i.operation].updates)
    return next(places, -1)


def _write(line: np.ndarray, row: Row, kernel: int) -> None:
    line[0] = kernel
    line[word.OPS : word.OPS + len(row.operands)] = row.operands
    line[word.DIMS : word.DIMS + len(row.dims)] = row.dims
    attributes = line[word.ATTRS : word.ATTRS + len(row.attributes)]
    attributes.view(np.float64)[:] = row.attributes
