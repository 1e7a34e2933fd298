"""Who does what: the instructions of a program shared among cores.

Most of them treat each row of a minibatch by itself, so every core takes some of the rows, always
the same ones. Of a sum over the rows every core makes its part in memory of its own, and the parts
are added before somebody reads the sum; where the sum is large, such as the gradient of a wide
layer, each core makes some of its rows from all rows of the minibatch. Parameters are updated in
the same parts. Of a minibatch of a single row every core has some columns, and of a product x W
makes the part that comes from the rows of W that its columns of x meet. What fits none of this the
first core does alone.

A core waits for the others where it reads what another has written since they last waited, or
writes what another has read or written. That is found from the addresses.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from chainrule.engines.base import ALIGNMENT, aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.lowering import Binding, Row, lower
from chainrule.engines.compiled.lowering.binding import first_byte
from chainrule.tape import OPERATIONS, Instruction
from chainrule.tape.instruction import per_row

__all__ = ["Line", "share"]

# Sums over rows of which some rows can be made without the others.
_DIVISIBLE = {"matmul_tn", "matmul_tn_add", "lookup_slope"}
_ALONE = {"square_sum"}
_BY_COLUMN = {"add_bias", "activate", "bias_activate"}  # what may be made so
_LOSSES = {"loss", "loss_slope", "loss_and_slope"}
# Numbers of a sum over rows up to which every core makes its part of it: 256 KiB fit a cache.
_SMALL_SUM = 1 << 16
# Products that are divided by the columns of the result, so that no core reads all weights: of
# so many weights (512 KiB), and of no more rows than these.
_BY_UNIT = {"matmul", "matmul_nt"}
_WIDE = 1 << 17
_FEW_ROWS = 512
_LINE = 16  # float32 numbers: two cores writing into one cache line would slow each other down


@dataclass(frozen=True)
class Line:
    """One line of a core's program: a kernel, or one of `control`'s numbers instead."""

    row: Row | None
    mark: int = 0
    task: _Task | None = None

    @property
    def is_update(self) -> bool:
        """Whether it is the optimizer's rule for a parameter."""
        return self.task is not None and self.task.instruction.operation == "update"

    @property
    def matrix(self) -> str:
        """The user's matrix that it touches, an empty string if there is none."""
        i = self.task.instruction if self.task is not None else None
        if i is None or i.operation not in ("gather", "store"):
            return ""
        return i.operands[0] if i.operation == "gather" else i.results[0]

    def lowered_again(self) -> Row:
        """For other matrices of the user's."""
        assert self.task is not None
        row = lower(self.task.instruction, self.task.at)
        assert row is not None
        return row


@dataclass(frozen=True)
class _Task:
    """An instruction for one core."""

    instruction: Instruction
    at: Binding

    def spans(self, names: Sequence[str]) -> Iterator[tuple[int, int]]:
        """First and last byte of what these values occupy."""
        for name in names:
            if name in self.at.arrays:
                array = self.at.arrays[name]
                last = sum((d - 1) * s for d, s in zip(array.shape, array.strides, strict=True))
                start = first_byte(array)
                yield start, start + last + array.itemsize

    @property
    def reads(self) -> Iterator[tuple[int, int]]:
        yield from self.spans(self.instruction.operands)
        if self.at.whole and self.instruction.operation in _LOSSES:  # the weights of all rows
            yield from _Task(self.instruction, self.at.whole).spans(self.instruction.operands[2:])

    @property
    def writes(self) -> Iterator[tuple[int, int]]:
        yield from self.spans(self.instruction.results)
        if OPERATIONS[self.instruction.operation].in_totals:
            yield self.at.totals, self.at.totals + 8 * word.SUMS


class _Memory:
    """Bytes touched: intervals that do not overlap, in order."""

    def __init__(self) -> None:
        self.lows: list[int] = []
        self.highs: list[int] = []

    def add(self, low: int, high: int) -> None:
        """Join an interval to those it meets."""
        first, last = bisect_left(self.highs, low), bisect_left(self.lows, high + 1)
        if first < last:
            low, high = min(low, self.lows[first]), max(high, self.highs[last - 1])
        self.lows[first:last], self.highs[first:last] = [low], [high]

    def meets(self, low: int, high: int) -> bool:
        """Whether some byte of [low, high) has been touched."""
        place = bisect_left(self.highs, low + 1)
        return place < len(self.lows) and self.lows[place] < high


@dataclass
class _Core:
    """What one core's program is so far, and what it has touched since the last barrier."""

    at: Binding
    lines: list[Line] = field(default_factory=list)
    read: _Memory = field(default_factory=_Memory)
    written: _Memory = field(default_factory=_Memory)


def share(
    instructions: Sequence[Instruction], cores: Sequence[Binding], together: bool = True
) -> list[list[Line]]:
    """The programs of the cores, each with its own control words and totals in its binding.

    If they are not to work together, one program that does the parts of all of them, one after
    another: it computes the same numbers to the last bit.
    """
    sharing = _Sharing(cores, together)
    for i in instructions:
        sharing.instruction(i)
    sharing.end()
    if len(cores) == 1:
        return [_joined(sharing.cores[0].lines)]
    if not together:
        return [sharing.cores[0].lines]
    return [core.lines for core in sharing.cores]


def _joined(lines: Sequence[Line]) -> list[Line]:
    """Updates of parameters that lie side by side as one."""
    result: list[Line] = []
    for line in lines:
        joined = _both(result[-1], line) if result else None
        if joined is None:
            result.append(line)
        else:
            result[-1] = joined
    return result


def _both(first: Line, second: Line) -> Line | None:
    """One line for two updates that do the same, if all they touch lies side by side."""
    a, b = first.row, second.row
    if a is None or b is None or not first.is_update or not second.is_update:
        return None
    same = a.kernel == b.kernel and a.attributes == b.attributes and a.dims[2:] == b.dims[2:]
    steps = {y - x for x, y in zip(a.operands, b.operands, strict=True)}
    if not same or len(steps) > 1 or a.dims[0] != 1:
        return None
    (step,) = steps
    number = np.dtype(a.kernel.real_type).itemsize
    gap = step - a.dims[1] * number
    if not 0 <= gap < ALIGNMENT:  # what lies between is nobody's: arrays begin on cache lines
        return None
    dims = [1, step // number + b.dims[1], *a.dims[2:]]
    return replace(first, row=replace(a, dims=dims))


class _Sharing:
    """Walks the instructions once, writing all programs side by side."""

    def __init__(self, cores: Sequence[Binding], together: bool) -> None:
        self.cores = [_Core(at) for at in cores]
        self.together = together and len(cores) > 1
        self.checked = False
        # Sums of which only the parts are there: the value, and each other core's part.
        self.parts: dict[str, dict[int, np.ndarray]] = {}
        self.rooms: dict[tuple[int, int], np.ndarray] = {}

    @property
    def everything(self) -> Mapping[str, np.ndarray]:
        """Every value as a whole."""
        return self.cores[0].at.arrays

    def instruction(self, i: Instruction) -> None:
        """Whatever it takes to carry one out."""
        if OPERATIONS[i.operation].view:
            return
        if OPERATIONS[i.operation].updates and not self.checked:
            self.check()
        if len(self.cores) == 1:
            self.put([_Task(i, self.cores[0].at)])
        elif OPERATIONS[i.operation].sums_rows:
            self.sum(i)
        elif i.operation == "matmul" and self.is_single_row(i.results[0]):
            self.product_of_a_row(i)
        else:
            self.add_parts(*self.spans_of((*i.operands, *i.results)))
            self.put(self.tasks(i))

    def end(self) -> None:
        """After the last instruction."""
        if not self.checked:
            self.check()
        self.barrier()
        for core in self.cores:
            core.lines.append(Line(None, word.END))

    def check(self) -> None:
        """All sums are complete, and the loss is finite, or the minibatch ends here."""
        self.checked = True
        self.add_parts()
        totals = [(core.at.totals, core.at.totals + 8 * word.SUMS) for core in self.cores]
        if any(other.written.meets(*span) for span in totals for other in self.cores):
            self.barrier()
        for core in self.cores:
            core.lines.append(Line(None, word.CHECK))
            for span in totals:
                core.read.add(*span)

    # ------------------------------------------------------------ lines, barriers

    def barrier(self) -> None:
        """Every core waits for the others."""
        if self.together:
            for core in self.cores:
                core.lines.append(Line(None, word.BARRIER))
                core.read, core.written = _Memory(), _Memory()

    def put(self, tasks: Sequence[_Task | None]) -> None:
        """A line for each core that has something to do, after a barrier if there must be one."""
        if self.together and self.in_conflict(tasks):
            self.barrier()
        for core, task in zip(self.cores, tasks, strict=True):
            if task is None:
                continue
            row = lower(task.instruction, task.at)
            assert row is not None  # views are left out
            (core if self.together else self.cores[0]).lines.append(Line(row, task=task))
            if self.together:
                for span in task.reads:
                    core.read.add(*span)
                for span in task.writes:
                    core.written.add(*span)

    def in_conflict(self, tasks: Sequence[_Task | None]) -> bool:
        for core, task in zip(self.cores, tasks, strict=True):
            for other in self.cores:
                if task is None or other is core:
                    continue
                if any(other.written.meets(*span) for span in task.reads):
                    return True
                written = [*task.writes]
                if any(m.meets(*s) for s in written for m in (other.written, other.read)):
                    return True
        return False

    # -------------------------------------------------------------- who does what

    def tasks(self, i: Instruction) -> list[_Task | None]:
        """For each core its part, or everything for the first."""
        if i.operation == "swap":
            return self.by_part(i, i.results)
        names = [name for name in (*i.operands, *i.results) if name in self.everything]
        names = list(dict.fromkeys(names))
        if i.operation in _BY_COLUMN and self.is_single_row(i.results[0]):
            return self.by_column(i, names)
        if i.operation in _BY_UNIT and self.is_wide(i):
            return self.by_unit(i)
        shapes = {name: self.cores[0].at.plan.tape.shape(name) for name in names}
        rows = [name for name, shape in shapes.items() if per_row(shape)]
        by_row = len({shapes[name][0] for name in rows}) == 1
        by_row &= all(name in rows for name in i.results if name in shapes)
        if i.operation not in _ALONE and by_row:
            return self.by_part(i, rows)
        if i.operation not in _ALONE and not rows and len(set(shapes.values())) == 1:
            return self.by_part(i, names)
        return self.alone(i)

    def alone(self, i: Instruction) -> list[_Task | None]:
        return [_Task(i, self.cores[0].at), *[None] * (len(self.cores) - 1)]

    def by_part(self, i: Instruction, divided: Sequence[str]) -> list[_Task | None]:
        """Values of as many rows are divided, the others are there for every core."""
        tasks: list[_Task | None] = []
        for number, core in enumerate(self.cores):
            parts = {name: self.part(name, self.everything[name], number) for name in divided}
            empty = any(array.size == 0 for array in parts.values())
            tasks.append(None if empty else _Task(i, self.binding(core, i, parts)))
        return tasks

    def is_single_row(self, name: str) -> bool:
        """Whether a value is one row of a matrix."""
        return self.everything[name].shape[:-1] == (1,)

    def by_column(self, i: Instruction, names: Sequence[str]) -> list[_Task | None]:
        """Each core makes some columns of a single row."""
        tasks: list[_Task | None] = []
        for number, core in enumerate(self.cores):
            parts = {name: self.columns(self.everything[name], number) for name in names}
            empty = any(array.size == 0 for array in parts.values())
            tasks.append(None if empty else _Task(i, self.binding(core, i, parts)))
        return tasks

    def is_wide(self, i: Instruction) -> bool:
        """Whether the weights of a product are more to read than its minibatch."""
        x, w = (self.everything[name] for name in i.operands[:2])
        return w.size > _WIDE and x.size // x.shape[-1] <= _FEW_ROWS

    def by_unit(self, i: Instruction) -> list[_Task | None]:
        """Each core makes some columns of a product from the weights that lead to them."""
        (_, w), (result,) = i.operands, i.results
        tasks: list[_Task | None] = []
        for number, core in enumerate(self.cores):
            columns = self.columns(self.everything[result], number)
            low, high = self.bounds(self.everything[result].shape[-1], number, _LINE)
            weights = self.everything[w]
            of_columns = weights[low:high] if "_nt" in i.operation else weights[:, low:high]
            at = self.binding(core, i, {result: columns, w: of_columns})
            tasks.append(_Task(i, at) if low < high else None)
        return tasks

    def columns(self, array: np.ndarray, number: int) -> np.ndarray:
        """A core's columns, whole cache lines of them."""
        low, high = self.bounds(array.shape[-1], number, _LINE)
        return array[..., low:high]

    def part(self, name: str, array: np.ndarray, number: int) -> np.ndarray:
        """A core's rows; of a parameter with a single row its columns."""
        if len(array) == 1 and not per_row(self.cores[0].at.plan.tape.shape(name)):
            return self.columns(array, number)
        low, high = self.bounds(len(array), number)
        return array[low:high]

    def bounds(self, length: int, number: int, unit: int = 1) -> tuple[int, int]:
        """Where a core's part begins and ends; the first one has the largest."""
        count, units = len(self.cores), -(-length // unit)
        low, high = (-(-k * units // count) * unit for k in (number, number + 1))
        return min(low, length), min(high, length)

    def binding(self, core: _Core, i: Instruction, parts: Mapping[str, np.ndarray]) -> Binding:
        """A core's, with parts of some values in place of these."""
        names = (*i.operands, *i.results)
        arrays = {name: self.everything[name] for name in names if name in self.everything}
        starts = {
            name: (first_byte(array) - first_byte(self.everything[name])) // array.itemsize
            for name, array in parts.items()
        }
        return replace(core.at, arrays=arrays | dict(parts), starts=starts, whole=core.at)

    # ---------------------------------------------------------------- sums over rows

    def sum(self, i: Instruction) -> None:
        """A sum over the rows: in parts, or divided by its own rows."""
        (result,) = i.results
        before = i.operands[2] if len(i.operands) > 2 else ""
        again = before in self.parts and self.same_place(before, result)
        self.add_parts(*self.spans_of([name for name in i.operands if name != before or not again]))
        if not again:
            self.add_parts(*self.spans_of(i.results))
        large = self.everything[result].size > _SMALL_SUM and len(self.everything[result]) > 1
        if large and i.operation in _DIVISIBLE:
            self.put(self.divided_sum(i))
            return
        parts = self.parts.pop(before) if again else {}
        rows = [name for name in i.operands[:2] if per_row(self.cores[0].at.plan.tape.shape(name))]
        tasks: list[_Task | None] = []
        for number, task in enumerate(self.by_part(i, rows)):
            if task is None or number == 0:
                tasks.append(task)
                continue
            own = self.room(result, number)
            fresh = before and number not in parts
            line = Instruction("matmul_tn", i.operands[:2], i.results) if fresh else i
            arrays = {**task.at.arrays, result: own} | ({before: own} if before else {})
            at = replace(task.at, arrays=arrays)
            tasks.append(_Task(line, at))
            parts[number] = own
        self.put(tasks)
        self.parts[result] = parts

    def product_of_a_row(self, i: Instruction) -> None:
        """Each core reads some rows of W, one after another in memory: x W is a sum over them."""
        self.add_parts(*self.spans_of((*i.operands, *i.results)))
        (x, w), (result,) = i.operands, i.results
        tasks: list[_Task | None] = []
        parts = {}
        for number, core in enumerate(self.cores):
            columns = self.columns(self.everything[x], number)
            low, high = self.bounds(len(self.everything[w]), number, _LINE)
            if high == low:
                tasks.append(None)
                continue
            made = {x: columns, w: self.everything[w][low:high]}
            if number:
                made[result] = parts[number] = self.room(result, number)
            tasks.append(_Task(i, replace(core.at, arrays={**self.everything, **made})))
        self.put(tasks)
        self.parts[result] = parts

    def divided_sum(self, i: Instruction) -> list[_Task | None]:
        """Each core makes some rows of the sum: of xᵀ δ those of some columns of x."""
        x = self.everything[i.operands[0]]

        def narrowed(task: _Task | None, number: int) -> _Task | None:
            if task is None or i.operation == "lookup_slope":
                return task
            low, high = self.bounds(x.shape[-1], number)
            columns = x.reshape(-1, x.shape[-1])[:, low:high]
            return _Task(i, replace(task.at, arrays={**task.at.arrays, i.operands[0]: columns}))

        tasks = self.by_part(i, [*i.operands[2:], *i.results])
        return [narrowed(task, number) for number, task in enumerate(tasks)]

    def room(self, name: str, number: int) -> np.ndarray:
        """Memory for a core's part of a sum."""
        whole = self.everything[name]
        key = first_byte(whole), number
        if key not in self.rooms or self.rooms[key].size < whole.size:
            self.rooms[key] = self.cores[0].at.keep(aligned(whole.size, whole.dtype))
        return self.rooms[key][: whole.size].reshape(whole.shape)

    def same_place(self, a: str, b: str) -> bool:
        return first_byte(self.everything[a]) == first_byte(self.everything[b])

    def spans_of(self, names: Sequence[str]) -> list[tuple[int, int]]:
        return [*_Task(Instruction("", (), ()), self.cores[0].at).spans(names)]

    def add_parts(self, *spans: tuple[int, int]) -> None:
        """Complete the sums that these bytes belong to, all sums if there are none given."""
        for name in [*self.parts]:
            ((low, high),) = self.spans_of([name])
            if spans and not any(low < end and begin < high for begin, end in spans):
                continue
            by_column = self.is_single_row(name)
            divided = self.columns if by_column else partial(self.part, name)
            for number, part in self.parts.pop(name).items():
                other = f"{name} of core {number}"
                i = Instruction("add", (name, other), (name,))
                tasks: list[_Task | None] = []
                for k, core in enumerate(self.cores):
                    whole = self.everything[name]
                    arrays = {name: divided(whole, k), other: divided(part, k)}
                    at = replace(core.at, arrays=arrays, whole=core.at)
                    tasks.append(_Task(i, at) if arrays[name].size else None)
                self.put(tasks)
