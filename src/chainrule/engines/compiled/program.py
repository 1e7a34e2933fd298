"""The machine's programs as it reads them: one for each core and each size of a minibatch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.engines.base import aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.lowering import MATRIX, Row
from chainrule.engines.compiled.lowering.binding import first_byte
from chainrule.engines.compiled.sharing import Line
from chainrule.engines.compiled.store import addresses

__all__ = ["Program", "Team"]


@dataclass(frozen=True, eq=False)
class Team:
    """Programs for so many cores."""

    full: list[Program]
    last: list[Program]

    @property
    def programs(self) -> list[Program]:
        """Each once."""
        return [*dict.fromkeys([*self.full, *self.last])]

    @cached_property
    def starts(self) -> np.ndarray:
        """Addresses of the two programs of each core, (cores, 2)."""
        pairs = zip(self.full, self.last, strict=True)
        return np.array([[first_byte(p.lines) for p in pair] for pair in pairs])


@dataclass(frozen=True, eq=False)
class Program:
    """Rows of the machine's program for a batch of one size.

    `moves` are the places of the instructions that touch the user's matrices; `forms` are the
    types and strides of these matrices for which each is written. `kept` is memory that rows name,
    `names` are the operations of the places that are kernels.
    """

    lines: np.ndarray
    moves: dict[int, Line]
    kept: list[np.ndarray]
    names: dict[int, str]
    forms: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: list[Line], kept: list[np.ndarray]) -> Program:
        """Written from its lines."""
        rows = aligned(len(lines) * word.ROW_WORDS, np.int64).reshape(-1, word.ROW_WORDS)
        kernels = addresses(line.row.kernel for line in lines if line.row is not None)
        for row, line in zip(rows, lines, strict=True):
            row[0] = line.mark
            if line.row is not None:
                _write(row, line.row, kernels[line.row.kernel])
        moves = {k: line for k, line in enumerate(lines) if line.matrix}
        names = {k: line.task.instruction.operation for k, line in enumerate(lines) if line.task}
        return cls(rows, moves, kept, names)

    def take(self, data: Mapping[str, np.ndarray]) -> None:
        """Write the addresses of other matrices."""
        for place, line in self.moves.items():
            matrix = data[line.matrix]
            form = matrix.dtype, matrix.strides
            if self.forms.get(place) == form:
                self.lines[place, word.DIMS + MATRIX] = first_byte(matrix)
                continue
            row = line.lowered_again()
            _write(self.lines[place], row, addresses([row.kernel])[row.kernel])
            self.forms[place] = form


def _write(line: np.ndarray, row: Row, kernel: int) -> None:
    line[0] = kernel
    line[word.OPS : word.OPS + len(row.operands)] = row.operands
    line[word.DIMS : word.DIMS + len(row.dims)] = row.dims
    attributes = line[word.ATTRS : word.ATTRS + len(row.attributes)]
    attributes.view(np.float64)[:] = row.attributes
