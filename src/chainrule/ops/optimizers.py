"""Optimizers: a rule is data (the hyper-parameters) and one pure function, `rule`.

Conventions: `w` parameter, `g` its gradient (the mean over the minibatch), `t` the number of
this update from 1, all further arguments by name. `rule` returns the new `w` and the new state,
in the order of `state`; state starts at 0. Weight decay applies to weights, not to biases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from chainrule.errors import unknown_name
from chainrule.ops.expression import Expression, Variable, sqrt
from chainrule.ops.hyperparameters import HYPERPARAMETERS

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "optimizer",
    "settings",
    "update_expressions",
]

Symbols = Any  # expressions when a rule is compiled, arrays when it is tried by hand
_H = HYPERPARAMETERS


@dataclass(frozen=True)
class Optimizer:
    """Base of the optimizers: a frozen record whose fields are hyper-parameters of the one table.

    A subclass adds the fields, the three constants below, and a static method
    ``rule(w, g, *state, **fields, t)`` that returns the new w and the new state.

    Attributes
    ----------
    state : tuple of str
        What is remembered for each parameter, each part of its shape.
    formula, source : str
    """

    state: ClassVar[tuple[str, ...]] = ()
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for item in fields(self):
            _H[item.name].check(getattr(self, item.name))


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, on minibatches stochastic (002).

    Examples
    --------
    >>> SGD.rule(1.0, 2.0, learning_rate=0.1, t=1)
    (0.8,)
    """

    learning_rate: float = 0.01
    state: ClassVar[tuple[str, ...]] = ()
    formula: ClassVar[str] = "w ← w − ηg"
    source: ClassVar[str] = "002"

    @staticmethod
    def rule(w: Symbols, g: Symbols, *, learning_rate: Symbols, t: Symbols) -> tuple[Symbols, ...]:
        """The rule w − ηg; everything of w's shape."""
        return (w - learning_rate * g,)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum, as 002 prints it; 003's form has v of the other sign."""

    learning_rate: float = 0.01
    momentum: float = _H["momentum"].default
    state: ClassVar[tuple[str, ...]] = ("v",)
    formula: ClassVar[str] = "v ← γv + ηg;  w ← w − v"
    source: ClassVar[str] = "002, 003"

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, v: Symbols, *, learning_rate: Symbols, momentum: Symbols, t: Symbols
    ) -> tuple[Symbols, ...]:
        """The rule v ← γv + ηg, w − v; everything of w's shape."""
        v = momentum * v + learning_rate * g
        return w - v, v


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov's momentum in the form of Sutskever et al. (2013): look ahead, then correct."""

    learning_rate: float = 0.01
    momentum: float = _H["momentum"].default
    state: ClassVar[tuple[str, ...]] = ("v",)
    formula: ClassVar[str] = "v ← γv + ηg;  w ← w − (γv + ηg)"
    source: ClassVar[str] = "Sutskever, Martens, Dahl & Hinton 2013"

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, v: Symbols, *, learning_rate: Symbols, momentum: Symbols, t: Symbols
    ) -> tuple[Symbols, ...]:
        """The rule v ← γv + ηg, w − (γv + ηg); everything of w's shape."""
        v = momentum * v + learning_rate * g
        return w - (momentum * v + learning_rate * g), v


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """Adaptive gradient (Duchi, Hazan & Singer 2011); ε outside the root."""

    learning_rate: float = 0.01
    epsilon: float = 1e-10
    state: ClassVar[tuple[str, ...]] = ("s",)
    formula: ClassVar[str] = "s ← s + g²;  w ← w − ηg/(√s + ε)"
    source: ClassVar[str] = "002, 003; Duchi, Hazan & Singer 2011"

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, s: Symbols, *, learning_rate: Symbols, epsilon: Symbols, t: Symbols
    ) -> tuple[Symbols, ...]:
        """The rule s ← s + g², w − ηg/(√s + ε); everything of w's shape."""
        s = s + g * g
        return w - learning_rate * g / (sqrt(s) + epsilon), s


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Root mean square propagation (Hinton's lecture 6e); ε outside the root."""

    learning_rate: float = _H["learning_rate"].default
    decay: float = _H["decay"].default
    epsilon: float = _H["epsilon"].default
    state: ClassVar[tuple[str, ...]] = ("s",)
    formula: ClassVar[str] = "s ← βs + (1 − β)g²;  w ← w − ηg/(√s + ε)"
    source: ClassVar[str] = "002, 003; Tieleman & Hinton 2012"

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, s: Symbols, *,
        learning_rate: Symbols, decay: Symbols, epsilon: Symbols, t: Symbols,
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """The rule s ← βs + (1 − β)g², w − ηg/(√s + ε); everything of w's shape."""
        s = decay * s + (1 - decay) * g * g
        return w - learning_rate * g / (sqrt(s) + epsilon), s


def _adam_step(
    w: Symbols, g: Symbols, m: Symbols, v: Symbols,
    learning_rate: Symbols, beta1: Symbols, beta2: Symbols, epsilon: Symbols, t: Symbols,
) -> tuple[Symbols, Symbols, Symbols]:  # fmt: skip
    """Kingma & Ba's algorithm 1 with the bias corrections moved into two numbers a step."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    root = sqrt(1 - beta2**t)
    rate = learning_rate * root / (1 - beta1**t)
    return w - rate * m / (sqrt(v) + epsilon * root), m, v


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1).

    m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  w ← w − η m̂/(√v̂ + ε) with
    m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).

    Examples
    --------
    >>> Adam(learning_rate=3e-4).beta1
    0.9
    """

    learning_rate: float = _H["learning_rate"].default
    beta1: float = _H["beta1"].default
    beta2: float = _H["beta2"].default
    epsilon: float = _H["epsilon"].default
    state: ClassVar[tuple[str, ...]] = ("m", "v")
    formula: ClassVar[str] = "m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  w ← w − ηm̂/(√v̂ + ε)"
    source: ClassVar[str] = "arXiv 1412.6980"

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, m: Symbols, v: Symbols, *,
        learning_rate: Symbols, beta1: Symbols, beta2: Symbols, epsilon: Symbols, t: Symbols,
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """One step of algorithm 1; everything of w's shape."""
        return _adam_step(w, g, m, v, learning_rate, beta1, beta2, epsilon, t)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101).

    As `Adam`, and each weight shrinks by ``learning_rate * weight_decay`` of itself.
    """

    learning_rate: float = _H["learning_rate"].default
    beta1: float = _H["beta1"].default
    beta2: float = _H["beta2"].default
    epsilon: float = _H["epsilon"].default
    weight_decay: float = 0.01
    state: ClassVar[tuple[str, ...]] = ("m", "v")
    formula: ClassVar[str] = "Adam's step, and w ← w − ηλw"
    source: ClassVar[str] = "arXiv 1711.05101"

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, m: Symbols, v: Symbols, *,
        learning_rate: Symbols, beta1: Symbols, beta2: Symbols, epsilon: Symbols,
        weight_decay: Symbols, t: Symbols,
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """Decay, then Adam's step; everything of w's shape."""
        kept = w * (1 - learning_rate * weight_decay)
        return _adam_step(kept, g, m, v, learning_rate, beta1, beta2, epsilon, t)


OPTIMIZERS: dict[str, type] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def optimizer(given: str | Optimizer, **changes: Any) -> Optimizer:
    """The optimizer for a name or a record, `changes` being hyper-parameters by name.

    Raises
    ------
    UnknownNameError
        Listing the optimizers, or the hyper-parameters of this one.
    """
    if isinstance(given, Optimizer):
        return given
    if not isinstance(given, str) or given not in OPTIMIZERS:
        raise unknown_name("optimizer", given, OPTIMIZERS)
    made = OPTIMIZERS[given]
    known = [item.name for item in fields(made)]
    for name in changes:
        if name not in known:
            raise unknown_name(f"hyper-parameter of '{given}'", name, known)
    return made(**changes)


def settings(given: Optimizer) -> dict[str, float]:
    """The hyper-parameters of an optimizer in the order of its fields."""
    return {item.name: float(getattr(given, item.name)) for item in fields(given)}  # type: ignore[arg-type]


def update_expressions(given: Optimizer | type) -> Mapping[str, Expression]:
    """The rule as trees: the new value of "w" and of each part of the state, by name."""
    kind: Any = given if isinstance(given, type) else type(given)
    names = ["w", *kind.state]  # type: ignore[attr-defined]
    arguments = [Variable(name) for name in ("w", "g", *names[1:])]
    hyper = {item.name: Variable(item.name) for item in fields(kind)}
    results = kind.rule(*arguments, **hyper, t=Variable("t"))  # type: ignore[attr-defined]
    return dict(zip(names, results, strict=True))
