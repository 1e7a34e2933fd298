"""Formulas of layers over several values: gates of recurrent cells, normalisation, softmax.

A record states what it computes; what it passes back is derived from that by `pull_back`, or
written down where there is a shorter form. Conventions: every variable is a matrix (rows, columns)
except those of kind "column", which have one number for each column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from chainrule.errors import unknown_name
from chainrule.ops.activations import ACTIVATIONS, ActivationFunction, sigmoid
from chainrule.ops.configurable import Configurable
from chainrule.ops.derivative import pull_back
from chainrule.ops.expression import (
    Expression,
    Variable,
    as_expression,
    row_sum,
    sqrt,
    tanh,
    variables,
    where,
)
from chainrule.ops.hyperparameters import Hyperparameter, Interval
from chainrule.ops.losses import softmax

__all__ = ["FORMULAS", "Formula", "Operand", "formula"]


@dataclass(frozen=True)
class Operand:
    """One value that a formula reads.

    Attributes
    ----------
    names : tuple of str
        One variable; or several, when the value holds as many blocks of columns side by side.
    kind : {"element", "column"}
        A number in each place, or one for each column.
    """

    names: tuple[str, ...]
    kind: Literal["element", "column"] = "element"


@dataclass(frozen=True)
class Formula(Configurable):
    """Results as functions of operands, elementwise or along a row.

    Attributes
    ----------
    operands : tuple of Operand
    outputs : tuple of str
        Names of the results, each (rows, columns).
    value : callable
        ``value(**variables, **settings)``, a tuple with one expression for each output.
    text : str
        As a textbook prints it.
    pullback : callable or None
        ``pullback(**variables, **outputs, **adjoints, **settings)`` gives ∂L/∂variable by name,
        adjoints being called "d" + output; derived from `value` if not given.
    source : str
    """

    operands: tuple[Operand, ...]
    outputs: tuple[str, ...]
    value: Callable[..., tuple[Any, ...]]
    text: str
    pullback: Callable[..., dict[str, Any]] | None = None
    source: str = ""

    @cached_property
    def variables(self) -> dict[str, Expression]:
        """Every variable, each made once."""
        return {name: Variable(name) for operand in self.operands for name in operand.names}

    def reads(self, given: Sequence[str], wanted: Sequence[int]) -> tuple[str, ...]:
        """The outputs that the pull-back to some operands needs; none when it is derived."""
        if self.pullback is None:
            return ()
        chosen = [name for k in wanted for name in self.operands[k].names]
        read = {v for tree in self.pulled(given, chosen).values() for v in variables(tree)}
        return tuple(name for name in self.outputs if name in read)

    @cached_property
    def expressions(self) -> dict[str, Expression]:
        """Each output, (rows, columns), as a tree over the variables and the settings."""
        values = self.value(**self.variables, **self.symbols)
        return dict(zip(self.outputs, values, strict=True))

    def pulled(self, given: Sequence[str], wanted: Sequence[str]) -> dict[str, Expression]:
        """∂L/∂variable, (rows, columns) each, over variables, "d" + output, and outputs.

        Parameters
        ----------
        given : sequence of str
            Outputs whose ∂L/∂output there is; for the others it is 0.
        wanted : sequence of str
            Variables.
        """
        if self.pullback is not None:
            own = {name: Variable(name) for name in self.outputs}
            adjoints = {
                f"d{name}": Variable(f"d{name}") if name in given else as_expression(0.0)
                for name in self.outputs
            }
            found = self.pullback(**self.variables, **own, **adjoints, **self.symbols)
            return {name: found[name] for name in wanted}
        results = [(self.expressions[name], Variable(f"d{name}")) for name in given]
        return pull_back(results, wanted, [*self.variables])

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle a record by its name: formulas are functions and live in the registry."""
        return _restored, (self.config(),)


def _restored(config: dict[str, Any]) -> Formula:
    return formula(config.pop("name"), **config)


def _mean(x: Any) -> Any:
    return row_sum(x) / row_sum(0 * x + 1)


def _normalised(x: Any, epsilon: Any) -> tuple[Any]:
    centred = x - _mean(x)
    return (centred / sqrt(_mean(centred * centred) + epsilon),)


def _lstm(i: Any, f: Any, g: Any, o: Any, c0: Any) -> tuple[Any, Any]:
    c = sigmoid(f) * c0 + sigmoid(i) * tanh(g)
    return c, sigmoid(o) * tanh(c)


def _gate(y: Any) -> Any:
    """σ′ by its own value."""
    return y * (1 - y)


def _bend(y: Any) -> Any:
    """tanh′ by its own value."""
    return (1 - y) * (1 + y)


def _lstm_back(
    i: Any, f: Any, g: Any, o: Any, c0: Any, c: Any, h: Any, dc: Any, dh: Any
) -> dict[str, Any]:
    """Gers, Schraudolph & Schmidhuber 2002, without peepholes."""
    fill, keep, show, new, seen = sigmoid(i), sigmoid(f), sigmoid(o), tanh(g), tanh(c)
    dc = dc + dh * show * _bend(seen)
    return {
        "i": dc * new * _gate(fill),
        "f": dc * c0 * _gate(keep),
        "g": dc * fill * _bend(new),
        "o": dh * seen * _gate(show),
        "c0": dc * keep,
    }


def _gru(pr: Any, pz: Any, pn: Any, qr: Any, qz: Any, qn: Any, h0: Any) -> tuple[Any]:
    z = sigmoid(pz + qz)
    new = tanh(pn + sigmoid(pr + qr) * qn)
    return ((1 - z) * new + z * h0,)


def _gru_back(
    pr: Any, pz: Any, pn: Any, qr: Any, qz: Any, qn: Any, h0: Any, h: Any, dh: Any
) -> dict[str, Any]:
    r, z = sigmoid(pr + qr), sigmoid(pz + qz)
    new = tanh(pn + r * qn)
    dn = dh * (1 - z) * _bend(new)
    dr, dz = dn * qn * _gate(r), dh * (h0 - new) * _gate(z)
    return {"pr": dr, "pz": dz, "pn": dn, "qr": dr, "qz": dz, "qn": dn * r, "h0": dh * z}


def _parametric(record: ActivationFunction) -> Formula:
    """Between the identity (α = 0) and an activation (α = 1), α for each unit."""

    def value(x: Any, alpha: Any) -> tuple[Any]:
        return (x + alpha * (record.value(x, **record.all_settings) - x),)

    def back(x: Any, alpha: Any, y: Any, dy: Any) -> dict[str, Any]:
        slope: Any = record.slope
        f = record.value(x, **record.all_settings)
        steep = slope(x, f, **record.all_settings)
        return {"x": dy * (1 + alpha * (steep - 1)), "alpha": dy * (f - x)}

    return Formula(
        f"parametric_{record.name}", (_X, Operand(("alpha",), "column")), ("y",), value,
        f"z + α ⊙ ({record.name}(z) − z)", back, source="arXiv 2407.04491",
    )  # fmt: skip


_X, _EPSILON = Operand(("x",)), Hyperparameter(
    "epsilon", 1e-5, Interval("(0, inf)"), "keeps the quotient finite where nothing varies"
)  # fmt: skip

FORMULAS: dict[str, Formula] = {
    record.name: record
    for record in (
        Formula(
            "softmax", (_X,), ("y",), lambda x: (softmax(x),), "exp(z) / Σ exp(z)",
            lambda x, y, dy: {"x": y * (dy - row_sum(dy * y))}, "000, 001"),
        Formula(
            "normalise", (_X,), ("y",), _normalised, "(z − mean z)/√(var z + ε)",
            source="arXiv 1607.06450", parameters=(_EPSILON,)),
        Formula(
            "prelu", (_X, Operand(("alpha",), "column")), ("y",),
            lambda x, alpha: (where(x > 0, x, alpha * x),), "z if z > 0 else α ⊙ z",
            source="000; arXiv 1502.01852"),
        Formula(
            "scale", (_X, Operand(("g",), "column")), ("y",), lambda x, g: (x * g,), "g ⊙ z"),
        *(_parametric(record) for record in ACTIVATIONS.values() if record.slope is not None),
        Formula(
            "centre", (_X, Operand(("m",), "column")), ("y",), lambda x, m: (x - m,), "z − m"),
        Formula(
            "square", (_X,), ("y",), lambda x: (x * x,), "z²"),
        Formula(
            "standardise", (_X, Operand(("v",), "column")), ("y",),
            lambda x, v, epsilon: (x / sqrt(v + epsilon),), "z/√(v + ε)",
            source="arXiv 1502.03167", parameters=(_EPSILON,)),
        Formula(
            "lstm", (Operand(("i", "f", "g", "o")), Operand(("c0",))), ("c", "h"), _lstm,
            "c = σ(f) ⊙ c₋₁ + σ(i) ⊙ tanh(g);  h = σ(o) ⊙ tanh(c)", _lstm_back,
            source="Hochreiter & Schmidhuber 1997; Gers et al. 2000"),
        Formula(
            "gru", (Operand(("pr", "pz", "pn")), Operand(("qr", "qz", "qn")), Operand(("h0",))),
            ("h",), _gru,
            "z = σ(pz + qz);  h = (1 − z) ⊙ tanh(pn + σ(pr + qr) ⊙ qn) + z ⊙ h₋₁", _gru_back,
            source="arXiv 1406.1078, reset gate after the product"),
    )
}  # fmt: skip


def formula(name: str, **settings: float) -> Formula:
    """The record called `name`, with settings.

    Raises
    ------
    UnknownNameError
        Listing the formulas there are.

    Examples
    --------
    >>> formula("scale").text
    'g ⊙ z'
    """
    if name not in FORMULAS:
        raise unknown_name("formula", name, FORMULAS)
    return FORMULAS[name](**settings) if settings else FORMULAS[name]
