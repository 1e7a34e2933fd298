"""Optimizers: a rule is data (the hyper-parameters) and one pure function, `rule`.

Conventions: `w` parameter, `g` its gradient (the mean over the minibatch), `t` the number of
this update from 1, all further arguments by name. `rule` returns the new `w` and the new state,
in the order of `state`; state starts at 0. Weight decay applies to weights, not to biases.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from chainrule.errors import unknown_name
from chainrule.ops.expression import sqrt, where
from chainrule.ops.hyperparameters import CHOICES, HYPERPARAMETERS
from chainrule.ops.rules import Optimizer, as_data, settings, update_expressions, variant

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Lion",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "as_data",
    "optimizer",
    "settings",
    "update_expressions",
    "variant",
]

Symbols = Any  # expressions when a rule is compiled, arrays when it is tried by hand
_H = HYPERPARAMETERS
_INSIDE = {"inside": {"(√s + ε)": "√(s + ε)", "(√v̂ + ε)": "√(v̂ + ε)"}}


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
    """Gradient descent with momentum: v ← γv + ηg, w ← w − v (002).

    With ``velocity="added"`` as 003 prints it: v ← γv − ηg, w ← w + v. The path is the same.
    """

    learning_rate: float = 0.01
    momentum: float = _H["momentum"].default
    velocity: str = CHOICES["velocity"].default
    state: ClassVar[tuple[str, ...]] = ("v",)
    formula: ClassVar[str] = "v ← γv + ηg;  w ← w − v"
    source: ClassVar[str] = "002, 003"
    variants: ClassVar = {"velocity": {"added": {"v + η": "v − η", "w − v": "w + v"}}}

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, v: Symbols, *, learning_rate: Symbols, momentum: Symbols,
        t: Symbols, velocity: str = "subtracted",
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """The rule v ← γv + ηg, w − v, or v of the other sign; everything of w's shape."""
        if velocity == "added":
            v = momentum * v - learning_rate * g
            return w + v, v
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


def _root(s: Symbols, epsilon: Symbols, epsilon_place: str) -> Symbols:
    """√s + ε, or √(s + ε)."""
    return sqrt(s + epsilon) if epsilon_place == "inside" else sqrt(s) + epsilon


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """Adaptive gradient (Duchi, Hazan & Singer 2011).

    ε stands outside the root; 002 and 003 print it inside: ``epsilon_place="inside"``.
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10
    epsilon_place: str = CHOICES["epsilon_place"].default
    state: ClassVar[tuple[str, ...]] = ("s",)
    formula: ClassVar[str] = "s ← s + g²;  w ← w − ηg/(√s + ε)"
    source: ClassVar[str] = "002, 003; Duchi, Hazan & Singer 2011"
    variants: ClassVar = {"epsilon_place": _INSIDE}

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, s: Symbols, *, learning_rate: Symbols, epsilon: Symbols,
        t: Symbols, epsilon_place: str = "outside",
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """The rule s ← s + g², w − ηg/(√s + ε); everything of w's shape."""
        s = s + g * g
        return w - learning_rate * g / _root(s, epsilon, epsilon_place), s


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Root mean square propagation (Hinton's lecture 6e).

    ε stands outside the root as in 003; 002 prints it inside: ``epsilon_place="inside"``.
    """

    learning_rate: float = _H["learning_rate"].default
    decay: float = _H["decay"].default
    epsilon: float = _H["epsilon"].default
    epsilon_place: str = CHOICES["epsilon_place"].default
    state: ClassVar[tuple[str, ...]] = ("s",)
    formula: ClassVar[str] = "s ← βs + (1 − β)g²;  w ← w − ηg/(√s + ε)"
    source: ClassVar[str] = "002, 003; Tieleman & Hinton 2012"
    variants: ClassVar = {"epsilon_place": _INSIDE}

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, s: Symbols, *, learning_rate: Symbols, decay: Symbols,
        epsilon: Symbols, t: Symbols, epsilon_place: str = "outside",
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """The rule s ← βs + (1 − β)g², w − ηg/(√s + ε); everything of w's shape."""
        s = decay * s + (1 - decay) * g * g
        return w - learning_rate * g / _root(s, epsilon, epsilon_place), s


def _remaining(beta: Symbols, t: Symbols, bias_correction: str) -> Symbols:
    """What Adam divides a mean by; a mean that starts at 0 has this weight on gradients."""
    if bias_correction == "none":
        return 1.0
    return 1 - (beta if bias_correction == "as printed" else beta**t)


def _adam_step(
    w: Symbols, g: Symbols, m: Symbols, v: Symbols,
    learning_rate: Symbols, beta1: Symbols, beta2: Symbols, epsilon: Symbols, t: Symbols,
    epsilon_place: str = "outside", bias_correction: str = "corrected",
) -> tuple[Symbols, Symbols, Symbols]:  # fmt: skip
    """Kingma & Ba's algorithm 1 with the bias corrections moved into two numbers a step."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    share = _remaining(beta2, t, bias_correction)
    root = sqrt(share)
    rate = learning_rate * root / _remaining(beta1, t, bias_correction)
    scaled = epsilon * (share if epsilon_place == "inside" else root)
    return w - rate * m / _root(v, scaled, epsilon_place), m, v


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1).

    m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  w ← w − η m̂/(√v̂ + ε) with
    m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : float
    epsilon_place : {"outside", "inside"}
        √v̂ + ε as published and in 003, or √(v̂ + ε) as 002 prints.
    bias_correction : {"corrected", "none", "as printed"}
        "none" is m̂ = m and v̂ = v, as 003 prints; "as printed" is 002's m̂ = m/(1 − β₁) and
        v̂ = v/(1 − β₂), without the powers. Both are kept to be compared with, not to be used:
        without the correction the first steps are too long, without the powers all are.

    Examples
    --------
    >>> Adam(learning_rate=3e-4).beta1
    0.9
    >>> Adam(bias_correction="none").equation
    'm ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  w ← w − ηm/(√v + ε)'
    """

    learning_rate: float = _H["learning_rate"].default
    beta1: float = _H["beta1"].default
    beta2: float = _H["beta2"].default
    epsilon: float = _H["epsilon"].default
    epsilon_place: str = CHOICES["epsilon_place"].default
    bias_correction: str = CHOICES["bias_correction"].default
    state: ClassVar[tuple[str, ...]] = ("m", "v")
    formula: ClassVar[str] = "m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  w ← w − ηm̂/(√v̂ + ε)"
    source: ClassVar[str] = "arXiv 1412.6980"
    variants: ClassVar = {
        "epsilon_place": _INSIDE,
        "bias_correction": {
            "none": {"m̂": "m", "v̂": "v"},
            "as printed": {"m̂": "(m/(1 − β₁))", "v̂": "(v/(1 − β₂))"},
        },
    }

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, m: Symbols, v: Symbols, *,
        learning_rate: Symbols, beta1: Symbols, beta2: Symbols, epsilon: Symbols, t: Symbols,
        epsilon_place: str = "outside", bias_correction: str = "corrected",
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """One step of algorithm 1; everything of w's shape."""
        return _adam_step(
            w, g, m, v, learning_rate, beta1, beta2, epsilon, t, epsilon_place, bias_correction
        )


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


@dataclass(frozen=True)
class Lion(Optimizer):
    """Evolved sign momentum (Chen et al. 2023, arXiv 2302.06675, algorithm 2).

    Every entry of w moves by the learning rate, whatever the size of its gradient, so the rate is
    to be three to ten times smaller than Adam's. sign(0) is 0.

    Examples
    --------
    >>> import numpy as np
    >>> w, m = Lion.rule(1.0, np.array([-3.0, 0.0, 0.2]), 0.0, learning_rate=0.5, beta1=0.5,
    ...                  beta2=0.5, weight_decay=0.0, t=1)
    >>> w
    array([1.5, 1. , 0.5])
    """

    learning_rate: float = 1e-4
    beta1: float = _H["beta1"].default
    beta2: float = 0.99
    weight_decay: float = _H["weight_decay"].default
    state: ClassVar[tuple[str, ...]] = ("m",)
    formula: ClassVar[str] = "w ← w − η(sign(β₁m + (1 − β₁)g) + λw);  m ← β₂m + (1 − β₂)g"
    source: ClassVar[str] = "arXiv 2302.06675"

    @staticmethod
    def rule(
        w: Symbols, g: Symbols, m: Symbols, *, learning_rate: Symbols, beta1: Symbols,
        beta2: Symbols, weight_decay: Symbols, t: Symbols,
    ) -> tuple[Symbols, ...]:  # fmt: skip
        """A step by the sign of the mean gradient; everything of w's shape."""
        c = beta1 * m + (1 - beta1) * g
        sign = where(c > 0, 1, where(c < 0, -1, c))  # 0 and NaN stay what they are
        return w - learning_rate * (sign + weight_decay * w), beta2 * m + (1 - beta2) * g


OPTIMIZERS: dict[str, type] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "lion": Lion,
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
