"""From a tape to a plan: fuse neighbours, then give every intermediate value a place in memory.

A buffer is so many numbers for each row of a batch, or so many numbers. It is handed on as soon as
its last reader is done, and an operation that may work in place does so when nobody needs what it
overwrites. A view (`reshape`, `stack`, `unstack`) costs nothing: its parts lie in one buffer.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from chainrule.tape.fuse import fuse
from chainrule.tape.instruction import Instruction, cells, per_row
from chainrule.tape.operations import OPERATIONS
from chainrule.tape.render import listing
from chainrule.tape.specification import verify
from chainrule.tape.tape import Tape

__all__ = ["Place", "Plan", "fuse", "plan"]


@dataclass(frozen=True)
class Place:
    """Where a value lies: so many numbers (for each row of a batch) into a buffer."""

    buffer: int
    offset: int = 0


@dataclass(frozen=True)
class Plan:
    """A tape that is ready to run.

    Attributes
    ----------
    tape : Tape
        Fused.
    places : dict
        Intermediate value -> where it lies.
    aliases : dict
        Value -> the parameter's gradient in whose memory it lies.
    widths : list of int
        Numbers of each buffer; for each row of a batch unless the buffer is in `fixed`.
    fixed : set of int
        Buffers whose size does not depend on the batch.
    """

    tape: Tape
    places: dict[str, Place] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    widths: list[int] = field(default_factory=list)
    fixed: set[int] = field(default_factory=set)

    def sizes(self, batch: int) -> list[int]:
        """Numbers of each buffer for a batch of so many rows."""
        return [w if k in self.fixed else w * batch for k, w in enumerate(self.widths)]

    def bytes_per_row(self, itemsize: int = 4) -> int:
        """Memory of the intermediate values for one row of a batch, in bytes."""
        return sum(w for k, w in enumerate(self.widths) if k not in self.fixed) * itemsize

    def in_place(self, i: Instruction) -> bool:
        """Whether a result lies where one of the operands lay."""
        own = {self.places[r] for r in i.results if r in self.places}
        return any(self.places.get(o) in own for o in i.operands)

    def __str__(self) -> str:
        return listing(self.tape.instructions, self.tape.values, self._memory)

    def _memory(self, i: Instruction) -> str:
        place = self.places.get(i.results[-1])
        if place is None:
            return ""
        offset = f" + {place.offset}" if place.offset else ""
        shared = ", in place" if self.in_place(i) or OPERATIONS[i.operation].view else ""
        return f"buffer {place.buffer}{offset}{shared}"


def plan(tape: Tape) -> Plan:
    """Fuse a tape, verify it and assign memory."""
    tape = _with_copies(fuse(tape))
    return _Planner(verify(tape)).result


def _with_copies(tape: Tape) -> Tape:
    """A stack's parts are written where the stack lies; one that lies elsewhere is copied there."""
    result, owned = tape.copy(), set[str]()
    views = {r for i in tape.instructions if OPERATIONS[i.operation].view for r in i.results}
    lines: list[Instruction] = []
    for i in tape.instructions:
        if i.operation != "stack":
            lines.append(i)
            continue
        parts = list(i.operands)
        for number, part in enumerate(parts):
            if part in views or part in owned or tape.values[part].role != "intermediate":
                parts[number] = result.add_value(part, tape.shape(part))
                lines.append(Instruction("copy", (part,), (parts[number],)))
            owned.add(parts[number])
        lines.append(replace(i, operands=tuple(parts)))
    result.instructions = lines
    return result


class _Planner:
    """Walks the instructions once, handing out buffers.

    Values that share memory form a class named after one of them, its root; `where` says in which
    value another lies, and how far into it. Views are there from the start, results that overwrite
    an operand join on the way.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape, self.result = tape, Plan(tape)
        self.last_use: dict[str, int] = {}
        self.where: dict[str, tuple[str, int]] = {}
        for place, i in enumerate(tape.instructions):
            self.last_use.update(dict.fromkeys(i.operands, place))
            self.last_use.update((r, place) for r in i.results if r not in self.last_use)
        self._sums_in_one_place()
        self._views()
        self.dies: dict[str, int] = defaultdict(int)  # root -> last instruction that touches it
        for name, place in self.last_use.items():
            root = self.root(name)[0]
            self.dies[root] = max(self.dies[root], place)
        self.members: dict[str, list[str]] = defaultdict(list)  # root -> what was written so far
        self.buffers: dict[str, int] = {}
        self.free: list[int] = []
        self._assign()

    def is_own(self, name: str) -> bool:
        """Whether a value is one batch's, so it needs a place here."""
        return self.tape.values[name].role == "intermediate"

    def root(self, name: str) -> tuple[str, int]:
        """The value in whose memory another lies, and how far into it."""
        offset = 0
        while name in self.where:
            name, more = self.where[name]
            offset += more
        return name, offset

    def size(self, name: str) -> int:
        """Numbers of a value (for each row of a batch)."""
        return cells(self.tape.shape(name))

    def _sums_in_one_place(self) -> None:
        """A sum of products, such as a gradient over time, grows where it ends up."""
        for place, i in enumerate(self.tape.instructions):
            if i.operation == "matmul_tn_add":
                before = i.operands[2]
                if self.is_own(before) and self.last_use[before] == place:
                    self.where[before] = (i.results[0], 0)

    def _views(self) -> None:
        for i in self.tape.instructions:
            if i.operation == "stack":
                for number, part in enumerate(i.operands):
                    self.where[part] = (i.results[0], number * self.size(part))
        for i in self.tape.instructions:
            if i.operation in ("reshape", "unstack"):
                for number, part in enumerate(i.results):
                    self.where.setdefault(part, (i.operands[0], number * self.size(part)))

    # ---------------------------------------------------------------- buffers

    def _assign(self) -> None:
        for place, i in enumerate(self.tape.instructions):
            taken: set[str] = set()
            for number, name in enumerate(i.results):
                if self.is_own(name):
                    self._give(place, i, number, name, taken)
            self._release(place, i)
        for name in self.tape.values:
            root, offset = self.root(name)
            if root in self.buffers:
                self.result.places[name] = Place(self.buffers[root], offset)
            elif root != name:
                self.result.aliases[name] = root

    def _give(self, place: int, i: Instruction, number: int, name: str, taken: set[str]) -> None:
        """A place for one result: in its class, over an operand, or a buffer."""
        root = self.root(name)[0]
        source = _overwritable(i, number)
        fits = root == name and source not in taken
        if fits and self._may_overwrite(place, i, source, name):
            taken.add(source)
            self.where[name] = self.root(source)
            root = self.where[name][0]
            self.dies[root] = max(self.dies[root], self.dies.pop(name))
        if root not in self.buffers and self.is_own(root):
            self.buffers[root] = self._take(root)
        self.members[root].append(name)

    def _may_overwrite(self, place: int, i: Instruction, source: str, name: str) -> bool:
        """Whether nobody needs what lies where `source` lies."""
        if not source or i.operands.count(source) > 1:
            return False
        root, offset = self.root(source)
        if root == name:  # a sum that grows here already
            return False
        shapes = [self.tape.shape(x) for x in (source, name)]
        if root not in self.buffers or self.size(source) != self.size(name):
            return False
        if per_row(shapes[0]) != per_row(shapes[1]):
            return False
        end = offset + self.size(source)
        for other in self.members[root]:
            begin = self.root(other)[1]
            if begin < end and offset < begin + self.size(other):
                read_too = other != source and other in i.operands
                if read_too or self.last_use[other] > place:
                    return False
        return True

    def _take(self, root: str) -> int:
        """A free buffer, the narrowest wide enough, else the widest made wider; else a new one."""
        width, widths = self.size(root), self.result.widths
        fixed = not per_row(self.tape.shape(root))
        fitting = [b for b in self.free if (b in self.result.fixed) == fixed]
        if not fitting:
            widths.append(width)
            if fixed:
                self.result.fixed.add(len(widths) - 1)
            return len(widths) - 1
        enough = [b for b in fitting if widths[b] >= width]
        chosen = (
            min(enough, key=widths.__getitem__) if enough else max(fitting, key=widths.__getitem__)
        )
        self.free.remove(chosen)
        widths[chosen] = max(widths[chosen], width)
        return chosen

    def _release(self, place: int, i: Instruction) -> None:
        """Free the buffers whose class nobody touches any more."""
        for name in (*i.operands, *i.results):
            root = self.root(name)[0]
            if self.dies.get(root, -1) == place and root in self.buffers:
                del self.dies[root]
                self.free.append(self.buffers[root])


def _overwritable(i: Instruction, result: int) -> str:
    """The operand that a result may lie on, or an empty string."""
    if i.operation == "bias_activate":  # the value whose slope is read later stays in place
        return i.operands[0] if result == len(i.results) - 1 else ""
    if i.operation == "formula_slope":
        return i.operands[len(i.attributes["given"]) + i.attributes["wanted"][result]]
    operand = OPERATIONS[i.operation].in_place.get(result)
    return "" if operand is None else i.operands[operand]
