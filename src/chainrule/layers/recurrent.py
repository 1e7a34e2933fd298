"""Recurrent layers: the same weights at every step of a sequence, and a state that is handed on.

The tape is written step by step, so the backward pass that is derived from it is back-propagation
through time. The part that does not depend on the state, x W + b, is one product for all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import NetworkError
from chainrule.layers.base import Builder, layer, row_shape
from chainrule.layers.dense import emit_bias
from chainrule.ops.activations import ActivationFunction, activation
from chainrule.ops.formulas import FORMULAS
from chainrule.ops.hyperparameters import check
from chainrule.ops.initializers import initializer

__all__ = ["GRU", "LSTM", "Elman"]

Returns = Literal["sequence", "last"]
# (builder, step, what the inputs bring, the states) -> the new states, the output first
Step = Callable[[Builder, int, str, list[str]], list[str]]


def _orthogonal(rng: np.random.Generator, units: int, blocks: int) -> np.ndarray:
    """An orthogonal matrix for each block: a state keeps its length (Saxe et al. 2014)."""
    rule = initializer("orthogonal")
    return np.concatenate([rule.draw(rng, units, units) for _ in range(blocks)], axis=1)


def _recurrent_weight(builder: Builder, units: int, blocks: int) -> str:
    return builder.parameter(
        "recurrent_weight",
        "U",
        (units, blocks * units),
        lambda rng: _orthogonal(rng, units, blocks),
    )


def _start(builder: Builder, units: int, count: int, carries: bool) -> list[str]:
    """The states before the first step: zeros, or what the last batch left behind."""
    tape, k = builder.tape, builder.number
    names = [f"h{k}[0]", f"c{k}[0]"][:count]
    if not carries:
        return [tape.emit("fill", [], [n], shape=("n", units), value=0.0) for n in names]
    return [
        tape.add_value(name, ("n", units), "carry", f"{builder.place}.{name}") for name in names
    ]


def _unrolled(
    builder: Builder, x: str, own: Elman | GRU | LSTM, blocks: int, states: int, step: Step
) -> str:
    """The layer over all steps: (n, steps, inputs) to (n, steps, units) or (n, units)."""
    shape = row_shape(builder.shape(x))
    if len(shape) != 2:
        raise NetworkError(
            f"{type(own).__name__} reads rows of shape (steps, features), here they are {shape}: "
            f"put an Embedding before it for tokens, or give input_shape=(steps, features)."
        )
    builder.number += 1
    tape, k, units, fan_in = builder.tape, builder.number, int(own.units), shape[-1]
    rule = initializer("xavier")
    weight = builder.parameter(
        "weight", "W", (fan_in, blocks * units), lambda rng: rule.draw(rng, fan_in, blocks * units)
    )
    by_time = tape.emit("swap", [x], [f"x{k}"])
    p = emit_bias(builder, tape.emit("matmul", [by_time, weight], [f"p{k}"]))
    first = _start(builder, units, states, own.carry)
    now, outputs = first, []
    parts = tape.emit_all("unstack", [p], [f"a{k}[{t}]" for t in range(1, shape[0] + 1)])
    for t, part in enumerate(parts, 1):
        now = step(builder, t, part, now)
        outputs.append(now[0])
    if own.carry:
        for old, new in zip(first, now, strict=True):
            builder.after.append(("carry", [old, new], {}, False))
    if own.returns == "last":
        return now[0]
    stacked = tape.emit("stack", outputs, [f"h{k}"])
    return tape.emit("swap", [stacked], [f"y{k}"])


def _check(own: Elman | GRU | LSTM) -> None:
    check(units=own.units)
    if own.returns not in ("sequence", "last"):
        raise NetworkError(f"returns {own.returns!r} is not known: choose 'sequence' or 'last'.")


@layer
@dataclass(frozen=True)
class Elman:
    """h_t = f(x_t W + h_{t−1} U + b): the simplest recurrent layer (Elman 1990; 003 leads there).

    Parameters
    ----------
    units : int
    activation : str or ActivationFunction
        f.
    returns : {"sequence", "last"}
        The output of every step, (n, steps, units), or of the last, (n, units).
    carry : bool
        Whether a training batch begins with the states that the batch before left behind, row by
        row, as truncated back-propagation through time does; gradients do not cross. Else with
        zeros, as every row begins when it is predicted or evaluated.

    Notes
    -----
    Parameters: "weight" (fan_in, units), "bias" (units,), "recurrent_weight" (units, units).

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([Elman(8)], input_shape=(20, 3)).output_shape
    (20, 8)
    """

    units: int
    activation: str | Mapping[str, Any] | ActivationFunction = "tanh"
    returns: Returns = "sequence"
    carry: bool = False

    def __post_init__(self) -> None:
        _check(self)
        activation(self.activation)

    def emit(self, builder: Builder, x: str) -> str:
        """Write all steps: (n, steps, inputs) to (n, steps, units)."""
        record = activation(self.activation)

        def step(builder: Builder, t: int, part: str, states: list[str]) -> list[str]:
            k, tape = builder.number, builder.tape
            u = _recurrent_weight(builder, self.units, 1)
            product = tape.emit("matmul", [states[0], u], [f"q{k}[{t}]"])
            z = tape.emit("add", [part, product], [f"z{k}[{t}]"])
            return [tape.emit("activate", [z], [f"h{k}[{t}]"], activation=record)]

        return _unrolled(builder, x, self, 1, 1, step)


@layer
@dataclass(frozen=True)
class LSTM:
    """Long short-term memory: a cell c that gates fill, empty and show.

    i, f, g, o = x_t W + h_{t−1} U + b in four blocks; c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g);
    h_t = σ(o) ⊙ tanh(c_t) (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    Parameters
    ----------
    units : int
    returns : {"sequence", "last"}
    carry : bool
        As for `Elman`.

    Notes
    -----
    Parameters: "weight" (fan_in, 4 units), "bias" (4 units,), "recurrent_weight"
    (units, 4 units), blocks in the order i, f, g, o.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([LSTM(8, returns="last")], input_shape=(20, 3)).output_shape
    (8,)
    """

    units: int
    returns: Returns = "sequence"
    carry: bool = False

    def __post_init__(self) -> None:
        _check(self)

    def emit(self, builder: Builder, x: str) -> str:
        """Write all steps: (n, steps, inputs) to (n, steps, units)."""

        def step(builder: Builder, t: int, part: str, states: list[str]) -> list[str]:
            k, tape = builder.number, builder.tape
            u = _recurrent_weight(builder, self.units, 4)
            product = tape.emit("matmul", [states[0], u], [f"q{k}[{t}]"])
            z = tape.emit("add", [part, product], [f"z{k}[{t}]"])
            c, h = tape.emit_all(
                "formula", [z, states[1]], [f"c{k}[{t}]", f"h{k}[{t}]"], formula=FORMULAS["lstm"]
            )
            return [h, c]

        return _unrolled(builder, x, self, 4, 2, step)


@layer
@dataclass(frozen=True)
class GRU:
    """Gated recurrent unit: one gate keeps the old state, another hides it from the new one.

    r, z, n = x_t W + b and r′, z′, n′ = h_{t−1} U in three blocks each; h_t = (1 − σ(z + z′)) ⊙
    tanh(n + σ(r + r′) ⊙ n′) + σ(z + z′) ⊙ h_{t−1} (arXiv 1406.1078, reset after the product).

    Parameters
    ----------
    units : int
    returns : {"sequence", "last"}
    carry : bool
        As for `Elman`.

    Notes
    -----
    Parameters: "weight" (fan_in, 3 units), "bias" (3 units,), "recurrent_weight"
    (units, 3 units), blocks in the order r, z, n.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([GRU(8)], input_shape=(20, 3)).output_shape
    (20, 8)
    """

    units: int
    returns: Returns = "sequence"
    carry: bool = False

    def __post_init__(self) -> None:
        _check(self)

    def emit(self, builder: Builder, x: str) -> str:
        """Write all steps: (n, steps, inputs) to (n, steps, units)."""

        def step(builder: Builder, t: int, part: str, states: list[str]) -> list[str]:
            k, tape = builder.number, builder.tape
            u = _recurrent_weight(builder, self.units, 3)
            product = tape.emit("matmul", [states[0], u], [f"q{k}[{t}]"])
            operands = [part, product, states[0]]
            return [tape.emit("formula", operands, [f"h{k}[{t}]"], formula=FORMULAS["gru"])]

        return _unrolled(builder, x, self, 3, 1, step)
