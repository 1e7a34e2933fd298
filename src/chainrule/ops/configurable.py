"""What records with settings share: activations such as ELU's α, losses such as Huber's δ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from chainrule.errors import unknown_name
from chainrule.ops.expression import Expression, Variable
from chainrule.ops.hyperparameters import Hyperparameter

__all__ = ["Configurable"]


@dataclass(frozen=True)
class Configurable:
    """A frozen record with a name, the settings it takes, and those given.

    Attributes
    ----------
    name : str
    parameters : tuple of Hyperparameter
        The settings there are.
    settings : mapping of str to float
        Values given for them.
    """

    name: str
    parameters: tuple[Hyperparameter, ...] = field(default=(), kw_only=True)
    settings: Mapping[str, float] = field(default_factory=dict, kw_only=True)

    def __call__(self, **settings: float) -> Self:
        """The same record with other settings.

        Raises
        ------
        UnknownNameError, HyperparameterError
            Naming the setting, or its interval.

        Examples
        --------
        >>> from chainrule import ops
        >>> ops.ACTIVATIONS["leaky_relu"](k=0.2).all_settings
        {'k': 0.2}
        """
        known = {p.name: p for p in self.parameters}
        for name, value in settings.items():
            if name not in known:
                raise unknown_name(f"setting of '{self.name}'", name, known)
            known[name].check(value)
        return replace(self, settings={**self.settings, **settings})

    @property
    def all_settings(self) -> dict[str, float]:
        """Every setting, by default or as given."""
        return {p.name: float(self.settings.get(p.name, p.default)) for p in self.parameters}

    @property
    def symbols(self) -> dict[str, Expression]:
        """The settings as variables of a formula."""
        return {p.name: Variable(p.name) for p in self.parameters}

    def config(self) -> dict[str, Any]:
        """Name and settings as data that JSON can hold."""
        return {"name": self.name, **self.settings}
