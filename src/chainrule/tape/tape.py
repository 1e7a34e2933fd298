"""`Tape`: a network as a list of instructions over named values.

A value is written once, except parameters and optimizer state, which an `update` overwrites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.tape.instruction import Instruction, Role, Shape, Value
from chainrule.tape.operations import OPERATIONS
from chainrule.tape.render import listing

__all__ = ["Tape"]


@dataclass
class Tape:
    """Instructions, the values they name, and which gradient belongs to which value.

    `constants` has the numbers of the values with that role, each of its shape; `owners` says of
    each gradient, or part of one, whose it is.
    """

    values: dict[str, Value] = field(default_factory=dict)
    instructions: list[Instruction] = field(default_factory=list)
    gradients: dict[str, str] = field(default_factory=dict)
    output: str = ""
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def add_value(self, name: str, shape: Shape, role: Role = "intermediate", key: str = "") -> str:
        """Declare a value; when the name is taken, a number is added to it."""
        fresh, number = name, 2
        while fresh in self.values:
            fresh, number = f"{name}_{number}", number + 1
        self.values[fresh] = Value(fresh, shape, role, key)
        return fresh

    def emit(
        self,
        operation: str,
        operands: Sequence[str],
        results: Sequence[str],
        role: Role = "intermediate",
        **attributes: Any,
    ) -> str:
        """Append an instruction; its results get the shapes that the operation's rule gives.

        Returns
        -------
        str
            Name of the first result.
        """
        return self.emit_all(operation, operands, results, role, **attributes)[0]

    def emit_all(
        self,
        operation: str,
        operands: Sequence[str],
        results: Sequence[str],
        role: Role = "intermediate",
        **attributes: Any,
    ) -> tuple[str, ...]:
        """Append an instruction as `emit` does; returns the names of all its results."""
        shapes = OPERATIONS[operation].shapes([self.shape(o) for o in operands], attributes)
        names = tuple(
            self.add_value(name, shape, role) for name, shape in zip(results, shapes, strict=True)
        )
        self.instructions.append(Instruction(operation, tuple(operands), names, attributes))
        return names

    def overwrite(
        self, operation: str, operands: Sequence[str], results: Sequence[str], **attributes: Any
    ) -> None:
        """Append an instruction that writes its results over some of its operands (an update)."""
        self.instructions.append(
            Instruction(operation, tuple(operands), tuple(results), attributes)
        )

    def shape(self, name: str) -> Shape:
        """Shape of a value, such as ("n", 64) or ("n", 28, 28, 16)."""
        return self.values[name].shape

    def with_role(self, *roles: Role) -> list[Value]:
        """The values of some roles, with their shapes, in the order they were declared."""
        return [value for value in self.values.values() if value.role in roles]

    @property
    def parameters(self) -> dict[str, str]:
        """Public name of each parameter -> its name on the tape."""
        return {value.key: value.name for value in self.with_role("parameter")}

    def copy(self) -> Tape:
        """A tape that can be extended without changing this one."""
        return Tape(
            dict(self.values),
            list(self.instructions),
            dict(self.gradients),
            self.output,
            dict(self.constants),
            dict(self.owners),
        )

    def __len__(self) -> int:
        return len(self.instructions)

    def __str__(self) -> str:
        return listing(self.instructions, self.values)
