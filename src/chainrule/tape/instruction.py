"""The words of a tape: values with shapes, and instructions over their names.

Conventions: samples are rows; the first dimension "n" is the number of rows of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

__all__ = ["Emitter", "Instruction", "Role", "Shape", "Value"]

Shape = tuple[int | str, int]
Role = Literal["data", "result", "parameter", "state", "gradient", "total", "intermediate"]


@dataclass(frozen=True)
class Value:
    """A named matrix of the tape.

    Attributes
    ----------
    name : str
        As printed: "W1", "z1", "dW1".
    shape : tuple
        ("n", columns) for what varies by row, (rows, columns) for parameters.
    role : str
        "data" and "result" are the user's matrices; "parameter", "state" and "gradient" live as
        long as the network; "total" collects the loss; "intermediate" is one batch of numbers.
    key : str
        For parameters the public name, such as "0.weight".
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
