"""What optimizers share: a record of hyper-parameters, and its rule as formulas.

A field is a number, which kernels get when they run, or one of the words of `CHOICES`. A word may
change the rule (where ε stands): then the rule reads it, and each variant is a kernel of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from chainrule.ops.expression import Expression, Variable
from chainrule.ops.hyperparameters import CHOICES, HYPERPARAMETERS, Hyperparameter, Interval

__all__ = ["Optimizer", "as_data", "numbers", "settings", "update_expressions", "variant"]


_RATE = Hyperparameter(
    "rates", None, Interval("[0, inf)"), "factor of the learning rate for some parameters"
)


@dataclass(frozen=True)
class Optimizer:
    """Base of the optimizers: a frozen record whose fields are hyper-parameters of the one table.

    A subclass adds the fields, the constants below, and a static method
    ``rule(w, g, *state, **fields, t)`` that returns the new w and the new state.

    Parameters
    ----------
    layer_rates : {"equal", "fan_in"}
        "fan_in" multiplies the learning rate of each weight by 1/√fan_in (Collobert; 003), so wide
        layers take smaller steps; biases keep the plain rate. Weight decay stays that of the plain
        rate. By keyword only.
    rates : mapping of str to float
        Factors of the learning rate by the last part of a parameter's name, such as
        ``{"bias": 0.1, "gain": 6}``. By keyword only.

    Attributes
    ----------
    state : tuple of str
        What is remembered for each parameter, each part of its shape.
    formula, source : str
        The rule with the defaults; `equation` has the one of a record.
    variants : mapping
        Fields that change the rule -> word -> what it changes in the formula.
    """

    layer_rates: str = field(default=CHOICES["layer_rates"].default, kw_only=True)
    rates: Mapping[str, float] | tuple[tuple[str, float], ...] = field(default=(), kw_only=True)
    state: ClassVar[tuple[str, ...]] = ()
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    variants: ClassVar[Mapping[str, Mapping[str, Mapping[str, str]]]] = {}

    def __post_init__(self) -> None:
        for name in (*numbers(type(self)), *_words(type(self))):
            (CHOICES.get(name) or HYPERPARAMETERS[name]).check(getattr(self, name))
        pairs = tuple(sorted(dict(self.rates).items()))
        for _, factor in pairs:
            _RATE.check(factor)
        object.__setattr__(self, "rates", pairs)  # one that can be hashed

    @property
    def equation(self) -> str:
        """The formula of this very record.

        Examples
        --------
        >>> from chainrule import AdaGrad
        >>> AdaGrad(epsilon_place="inside").equation
        's ← s + g²;  w ← w − ηg/√(s + ε)'
        """
        text = type(self).formula
        for name, word in variant(self):
            for old, new in self.variants[name].get(word, {}).items():
                text = text.replace(old, new)
        return text


def numbers(kind: type[Optimizer]) -> list[str]:
    """Names of the fields that are numbers, in their order."""
    return [item.name for item in fields(kind) if item.name not in (*CHOICES, "rates")]


def _words(kind: type[Optimizer]) -> list[str]:
    """Names of the fields that are words, in their order."""
    return [item.name for item in fields(kind) if item.name in CHOICES]


def settings(given: Optimizer) -> dict[str, float]:
    """The numbers of an optimizer in the order of its fields."""
    return {name: float(getattr(given, name)) for name in numbers(type(given))}


def as_data(given: Optimizer) -> dict[str, Any]:
    """Every field by name, numbers and words, as data that JSON can hold.

    Examples
    --------
    >>> from chainrule.ops import optimizer
    >>> as_data(optimizer("momentum"))
    {'learning_rate': 0.01, 'momentum': 0.9, 'layer_rates': 'equal', 'velocity': 'subtracted'}
    """
    words = {name: getattr(given, name) for name in _words(type(given))}
    rates = {"rates": dict(given.rates)} if given.rates else {}
    return {**settings(given), **words, **rates}


def variant(given: Optimizer) -> tuple[tuple[str, str], ...]:
    """The words that the rule reads, by name: with the class they say which formula it is."""
    return tuple((name, getattr(given, name)) for name in type(given).variants)


def update_expressions(
    kind: type[Optimizer], words: tuple[tuple[str, str], ...] = ()
) -> Mapping[str, Expression]:
    """The rule as trees: the new value of "w" and of each part of the state, by name.

    Parameters
    ----------
    kind : type
    words : tuple of (str, str)
        What `variant` gave; the defaults if there is nothing.
    """
    rule: Any = kind
    names = ["w", *kind.state]
    operands = [Variable(name) for name in ("w", "g", *names[1:])]
    hyper = {name: Variable(name) for name in numbers(kind)}
    results = rule.rule(*operands, **hyper, **dict(words), t=Variable("t"))
    return dict(zip(names, results, strict=True))
