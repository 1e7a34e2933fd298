"""The words of a tape: values with shapes, and instructions over their names.

Conventions: samples are rows; a dimension "n" is the number of rows of a batch. It comes first,
except within recurrent layers, which put the time steps before it. The last dimension, the
columns, is always a number: to products and elementwise formulas every value is a matrix of that
many columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal, Protocol

__all__ = [
    "Emitter",
    "Instruction",
    "Role",
    "Shape",
    "Value",
    "cells",
    "columns",
    "concrete",
    "per_row",
]

Shape = tuple[int | str, ...]
Role = Literal[
    "data", "result", "parameter", "statistic", "constant", "state", "carry", "gradient", "total",
    "intermediate",
]  # fmt: skip


def per_row(shape: Shape) -> bool:
    """Whether a value has numbers of its own for each row of a batch."""
    return "n" in shape


def columns(shape: Shape) -> int:
    """The last dimension.

    Examples
    --------
    >>> columns(("n", 28, 28, 3))
    3
    """
    return int(shape[-1])


def cells(shape: Shape) -> int:
    """How many numbers a value has, for each row of a batch if it varies by row.

    Examples
    --------
    >>> cells(("n", 28, 28, 3))
    2352
    """
    return prod(int(d) for d in shape if d != "n")


def concrete(shape: Shape, batch: int) -> tuple[int, ...]:
    """The shape for a batch of so many rows."""
    return tuple(batch if d == "n" else int(d) for d in shape)


@dataclass(frozen=True)
class Value:
    """A named array of the tape.

    Attributes
    ----------
    name : str
        As printed: "W1", "z1", "dW1".
    shape : tuple
        ("n", columns) or ("n", height, width, channels) for what varies by row, (rows, columns)
        for parameters.
    role : str
        "data" and "result" are the user's matrices; "parameter", "statistic" (a running mean),
        "constant", "state" (of the optimizer) and "gradient" live as long as the network; "carry"
        is handed from one batch to the next; "total" collects the loss; "intermediate" is one
        batch.
    key : str
        For parameters and statistics the public name, such as "0.weight".
    """

    name: str
    shape: Shape
    role: Role = "intermediate"
    key: str = ""


@dataclass(frozen=True)
class Instruction:
    """``results = operation(operands)`` with constant attributes."""

    operation: str
    operands: tuple[str, ...]
    results: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Emitter(Protocol):
    """What a backward rule writes to: a tape under construction."""

    def emit(
        self,
        operation: str,
        operands: Sequence[str],
        results: Sequence[str],
        role: Role = "intermediate",
        **attributes: Any,
    ) -> str:
        """Append an instruction and name its first result."""
        ...

    def emit_all(
        self,
        operation: str,
        operands: Sequence[str],
        results: Sequence[str],
        role: Role = "intermediate",
        **attributes: Any,
    ) -> tuple[str, ...]:
        """Append an instruction and name all its results."""
        ...

    def shape(self, name: str) -> Shape:
        """Shape of a value."""
        ...
