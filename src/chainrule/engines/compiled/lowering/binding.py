"""What lowering an instruction needs to know, and what it gives: a row of the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from chainrule.engines.compiled.store import KernelKey
from chainrule.tape import Plan
from chainrule.tape.instruction import concrete

__all__ = ["Binding", "Frozen", "Row", "first_byte", "numbered"]


def first_byte(array: np.ndarray) -> int:
    """The address of an array's first number."""
    address, _ = array.__array_interface__["data"]  # faster than ctypes
    return address


@dataclass(frozen=True)
class Row:
    """One instruction, lowered."""

    kernel: KernelKey
    operands: list[int] = field(default_factory=list)
    dims: list[int] = field(default_factory=list)
    attributes: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Binding:
    """Where things are: arrays by tape name, the user's matrices, control words, totals.

    Where cores share the rows, `arrays` has the parts of one core, `starts` says how many numbers
    of the value come before a part, and `whole` is the binding of what they are parts of.
    """

    plan: Plan
    arrays: Mapping[str, np.ndarray]
    data: Mapping[str, np.ndarray]
    control: int
    totals: int
    dtype: np.dtype
    batch: int
    kept: list[np.ndarray] = field(default_factory=list)
    starts: Mapping[str, int] = field(default_factory=dict)
    whole: Binding | None = None

    def keep(self, array: np.ndarray) -> np.ndarray:
        """An array that is to live as long as the program."""
        self.kept.append(array)
        return array

    def table(self, numbers: Sequence[int]) -> int:
        """Address of whole numbers that do not fit in a row of the program, (len(numbers),)."""
        return first_byte(self.keep(np.array(numbers, np.int64)))

    def address(self, name: str) -> int:
        """Address of a value, 0 for the sum of the losses, which has its own place."""
        return first_byte(self.arrays[name]) if name in self.arrays else 0

    def full_shape(self, name: str) -> tuple[int, ...]:
        """Shape of a value for this batch."""
        if name in self.arrays:
            return self.arrays[name].shape
        return concrete(self.plan.tape.shape(name), self.batch)

    def shape(self, name: str) -> tuple[int, int]:
        """Rows and columns of a value for this batch, as a matrix of its last dimension."""
        shape = self.full_shape(name)
        return prod(shape[:-1]), shape[-1]

    def rows_of_all(self, name: str) -> int:
        """Rows of a value as a matrix, those of other cores too."""
        return (self.whole or self).shape(name)[0]

    def leading(self, name: str) -> int:
        """Numbers from one row of a matrix to the next."""
        array = self.arrays[name]
        return max(array.strides[-2] // array.itemsize, array.shape[-1])

    def same_place(self, a: str, b: str) -> bool:
        """Whether two values share memory."""
        return self.address(a) == self.address(b)

    def key(self, name: str, text: str = "") -> KernelKey:
        """The key of a kernel of this binding's floating type."""
        return KernelKey(name, self.dtype.name, text)


# What the text of a kernel depends on, in any kind of record.
_PARTS = ("value", "slope", "metric", "scores", "operands", "outputs", "pullback")


@dataclass(frozen=True)
class Frozen:
    """A record as a cache key: its formulas, whatever its settings."""

    record: Any

    def __hash__(self) -> int:
        return hash((self.record.name, id(self.record.value)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and all(
            getattr(self.record, part, None) == getattr(other.record, part, None) for part in _PARTS
        )


def numbered(addresses: Sequence[int]) -> tuple[int, ...]:
    """Operand numbers under which values that share memory have the same one.

    Examples
    --------
    >>> numbered([640, 128, 640])
    (0, 1, 0)
    """
    return tuple(addresses.index(a) for a in addresses)
