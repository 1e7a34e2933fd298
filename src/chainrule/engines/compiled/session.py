"""The compiled engine: a plan becomes a program that a small machine runs, epoch by epoch."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from chainrule.engines.base import Batches, Totals, aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.blas import blas_threads
from chainrule.engines.compiled.lowering import Binding
from chainrule.engines.compiled.lowering.binding import first_byte
from chainrule.engines.compiled.program import Program, Team
from chainrule.engines.compiled.series import Series, most_epochs
from chainrule.engines.compiled.sharing import share
from chainrule.engines.compiled.store import KernelKey, addresses
from chainrule.engines.compiled.team import (
    BRIEF_CALL,
    CALL,
    Quicker,
    borrowed,
    busy,
    run_together,
)
from chainrule.engines.threads import allowed, at_most, processors, thread_limit
from chainrule.tape import Plan
from chainrule.tape.cost import largest_product, multiply_adds
from chainrule.tape.instruction import cells, concrete, per_row

__all__ = ["CompiledEngine", "CompiledSession"]

# Multiply-adds of a step for each core that shares it: with less, waiting costs more than it gives.
_WORTH_A_CORE = 750_000
_MOST_CORES = 64
_PAUSE = 1e-3  # seconds
_FEW_ROWS = 5000  # are put in order in some 20 µs


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


@cache
def _yield_address() -> int:
    """Address of the system's function that lets another thread run."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class CompiledSession:
    """Programs with their memory."""

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
        self._sums = aligned(_MOST_CORES * word.SUMS, np.float64).reshape(-1, word.SUMS)
        self._controls = aligned(_MOST_CORES * word.WORDS, np.int64).reshape(-1, word.WORDS)
        self._address = first_byte(self._controls)
        self._control = self._controls[0].data  # its numbers are read faster than NumPy's
        self._rows = np.ascontiguousarray(batches.rows, np.int64)
        self._order: np.ndarray | None = None  # another one than that of the rows
        self._first_row = self._first_place = first_byte(self._rows)
        self._rates = aligned(batches.per_epoch, np.float64)
        self._strengths = aligned(batches.per_epoch, np.float64)
        self._buffers = [aligned(size, engine.dtype) for size in plan.sizes(batches.size)]
        self._memory = memory
        self._carried = [memory[value.name] for value in plan.tape.with_role("carry")]
        self._work = sum(multiply_adds(plan.tape, i, batches.size) for i in plan.tape.instructions)
        self._largest = largest_product(plan.tape, batches.size)
        # Of a minibatch: its rows, or columns of a single one.
        self._parts = min(batches.size, _MOST_CORES) if batches.size > 1 else _MOST_CORES
        # By the parts of a minibatch and the cores that do them: as many, or one.
        self._teams: dict[tuple[int, int], Team] = {}
        self._met = (0, 0)
        self._last = 0.0  # when cores last had worked
        self._quicker = Quicker()  # one core, or all, for a single row
        machine, shuffle = (KernelKey(name, "") for name in ("machine", "shuffle"))
        plain = addresses([machine, shuffle])
        self._machine = CALL(plain[machine])
        few = len(self._rows) <= _FEW_ROWS
        self._shuffle = (BRIEF_CALL if few else CALL)(plain[shuffle])
        self._prepare()

    # -------------------------------------------------------------- the session

    @property
    def totals(self) -> Totals:
        """Sums since the epoch began."""
        used = self._sums[: max(parts for parts, _ in self._teams) if self._teams else 1]
        loss, weight, metric, penalty, *_ = used.sum(axis=0).tolist()
        batches = self._control[word.START] // self.batches.size
        return Totals(loss, weight, metric, penalty, batches)

    @property
    def step(self) -> int:
        """Updates done."""
        return self._control[word.STEP]

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
        for team in self._teams.values():
            for program in team.programs:
                program.take(self.data)

    def start_epoch(
        self,
        epoch: int,
        shuffle: bool,
        rates: np.ndarray | None = None,
        strengths: np.ndarray | None = None,
    ) -> None:
        """Put the rows in this epoch's order and clear the totals."""
        self._sums[:] = 0
        self._control[word.START] = self._control[word.FAILED] = 0
        self._rates[:] = 1 if rates is None else rates
        self._strengths[:] = 1 if strengths is None else strengths
        for carried in self._carried:
            carried[...] = 0
        self._point_at_order(shuffle)
        if shuffle:
            self._control[word.KEY] = self.batches.shuffle_key(epoch)
            self._shuffle(self._address)

    def _point_at_order(self, shuffle: bool) -> None:
        """At that of the rows, or at room for another one."""
        if shuffle and self._order is None:
            self._order = np.empty_like(self._rows)
            self._first_place = first_byte(self._order)
        self._control[word.ORDER] = self._first_place if shuffle else self._first_row

    def in_a_row(self, held_out: Any, watched: Sequence[np.ndarray]) -> Series | None:
        """Several epochs by one call, where one core runs them and no state is carried on."""
        sessions = [self] if held_out is None else [self, held_out]
        able = all(isinstance(s, CompiledSession) and s.runs_alone for s in sessions)
        able &= all(array.flags.c_contiguous for array in watched)
        return Series(self, held_out, watched) if able and most_epochs(watched) > 1 else None

    @property
    def runs_alone(self) -> bool:
        """Whether epochs need nothing but the machine on one core."""
        return not self._carried and self._cores() == 1 and not self._calls_blas(1)

    def ready(self, shuffle: bool) -> int:
        """Address of the control words for whole epochs on one core."""
        if self._met != (1, 1):
            self._meet(1, 1)
        self._point_at_order(shuffle)
        self._control[word.WANTED] = self.batches.per_epoch
        return self._address

    @contextmanager
    def limits(self, threads: int | None) -> Iterator[None]:
        """So many cores share each minibatch, and BLAS does not give its products to others."""
        with at_most(threads), blas_threads(1 if self._calls_blas(self._cores()) else None):
            yield

    def run(self, steps: int) -> int:
        """Run up to `steps` minibatches; returns how many were completed."""
        self._run(steps)
        return self._control[word.DONE]

    def again(self) -> None:
        """Run the first minibatch once more; as little Python as there can be."""
        for carried in self._carried:
            carried[...] = 0
        self._control[word.START] = 0
        self._run(1)

    def _run(self, steps: int) -> None:
        self._control[word.WANTED] = steps
        parts = self._cores()
        if self._calls_blas(parts):
            with blas_threads(1):
                self._on(parts)
        else:
            self._on(parts)

    def _on(self, parts: int) -> None:
        """So many cores if they are free, else one that does their parts: the numbers are equal."""
        if parts == 1:
            self._alone(1)
            return
        begin = time.perf_counter()
        single = self.batches.size == self._control[word.WANTED] == 1
        # A row that comes by itself: to wake a helper would take longer than the row.
        waited = single and begin - self._last > _PAUSE
        try:
            alone = waited or (single and self._quicker.first())
            cores = busy.begin(id(self), 1 if alone else parts)
            if cores == 1:
                self._alone(parts)
            else:
                self._together(cores)
        finally:
            busy.end(id(self))
            self._last = time.perf_counter()
        if waited:
            self._quicker.paused()
        elif single:
            self._quicker.took(cores == 1, self._last - begin)

    def _alone(self, parts: int) -> None:
        if self._met != (parts, 1):
            self._meet(parts, 1)
        self._machine(self._address)

    def _together(self, cores: int) -> None:
        helpers = borrowed(cores - 1)
        self._control[word.ARRIVED] = helpers[0].counter
        self._control[word.CROSSED] = helpers[0].mailbox[word.COUNTER]
        self._meet(cores, cores)
        addresses = [self._address + 8 * word.WORDS * core for core in range(cores)]
        run_together(self._machine, helpers, addresses, lambda: self._control[word.FINISHED] == 1)

    # -------------------------------------------------------------------- cores

    def _cores(self) -> int:
        """How many share a minibatch: as many as allowed, else as pay."""
        given = allowed()
        if given is not None:
            return min(given, self._parts)
        paid = min(self._work // _WORTH_A_CORE, self._parts)
        return min(paid, thread_limit() or processors()) if paid > 1 else 1

    def _calls_blas(self, cores: int) -> bool:
        """Whether a core's part of the largest product may be left to BLAS; parts differ a bit."""
        return self._largest > 0.9 * cores * word.LARGEST_PRODUCT

    def _meet(self, parts: int, cores: int) -> None:
        """So many are to run the next minibatches: give each its control words."""
        self._met = 0, 0  # until all is written
        if (parts, cores) not in self._teams:
            self._teams[parts, cores] = self._team(parts, cores > 1)
        controls = self._controls[:cores]
        self._control[word.PARTS], self._control[word.CORES] = parts, cores
        self._control[word.FINISHED] = 0
        controls[1:] = controls[0]
        controls[:, word.FULL : word.LAST + 1] = self._teams[parts, cores].starts
        self._met = parts, cores

    # ----------------------------------------------------------------- programs

    def kernels(self) -> list[tuple[str, np.ndarray]]:
        """The operation and the row of each kernel of a full minibatch on one core."""
        self._meet(1, 1)
        (program,) = self._teams[1, 1].full
        return [(name, program.lines[k]) for k, name in program.names.items()]

    @contextmanager
    def replaced(self, program: int) -> Iterator[None]:
        """While it lasts, one core runs the program at this address instead."""
        with at_most(1):
            self._meet(1, 1)
            self._control[word.FULL] = self._control[word.LAST] = program
            self._control[word.START] = 0
            try:
                yield
            finally:
                self._met = 0, 0  # its own programs are to be met anew

    def _arrays(self, batch: int) -> dict[str, np.ndarray]:
        """Every value of one batch, (rows, columns …) each, as a view of where it lies."""
        result = dict(self._memory)
        for value in self.plan.tape.with_role("carry"):  # a short batch has the first rows' states
            result[value.name] = result[value.name][:batch]
        for name, place in self.plan.places.items():
            shape = self.plan.tape.shape(name)
            scale = batch if per_row(shape) else 1
            start = place.offset * scale
            flat = self._buffers[place.buffer][start : start + cells(shape) * scale]
            result[name] = flat.reshape(concrete(shape, batch))
        return result | {name: result[root] for name, root in self.plan.aliases.items()}

    def _prepare(self) -> None:
        """Write the control words that stay."""
        c = self._control
        c[word.BATCH], c[word.ROWS] = self.batches.size, len(self._rows)
        c[word.SEED], c[word.YIELD] = self.batches.seed, _yield_address()
        c[word.RATES], c[word.STRENGTHS] = map(first_byte, (self._rates, self._strengths))
        c[word.TOTALS], c[word.BASE] = map(first_byte, (self._sums, self._rows))

    def _team(self, parts: int, together: bool) -> Team:
        """For each core a program for full minibatches and one for a shorter last one."""
        size = self.batches.size
        last = len(self._rows) % size or size
        full = self._programs(parts, together, size)
        return Team(full, full if last == size else self._programs(parts, together, last))

    def _programs(self, parts: int, together: bool, batch: int) -> list[Program]:
        whole = Binding(self.plan, self._arrays(batch), self.data, 0, 0, self.dtype, batch)
        own = [
            replace(
                whole,
                control=first_byte(self._controls[part if together else 0]),
                totals=first_byte(self._sums[part]),
            )
            for part in range(parts)
        ]
        programs = share(self.plan.tape.instructions, own, together)
        return [Program.of(lines, whole.kept) for lines in programs]
