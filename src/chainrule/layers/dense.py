"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.layers.activation import emit_activation
from chainrule.layers.base import Builder, layer
from chainrule.ops.activations import ActivationFunction, activation
from chainrule.ops.hyperparameters import check
from chainrule.ops.initializers import default_initializer, initializer
from chainrule.tape.instruction import columns

__all__ = ["Dense", "emit_bias"]

FirstBias = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


@layer
@dataclass(frozen=True)
class Dense:
    """z = x W + b, y = f(z): every unit reads every input (000, 002, 003).

    After a sequence, (n, steps, fan_in), it works on each step.

    Parameters
    ----------
    units : int
        Outputs.
    activation : str or ActivationFunction
        f; "identity" leaves z as it is.
    initializer : str, optional
        Rule for the first weights; by default the one that suits the activation. Biases start
        at 0.
    bias : bool
        Whether there is a b.

    Notes
    -----
    Parameters: "weight" (fan_in, units) and "bias" (units,).

    Examples
    --------
    >>> Dense(10, "relu").units
    10
    """

    units: int
    activation: str | Mapping[str, Any] | ActivationFunction = "identity"
    initializer: str | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        check(units=self.units)
        if self.initializer is not None:
            initializer(self.initializer)
        activation(self.activation)

    def emit(self, builder: Builder, x: str) -> str:
        """Write product, bias and activation: x (n, fan_in) to y (n, units)."""
        builder.number += 1
        tape, number, units = builder.tape, builder.number, int(self.units)
        fan_in = columns(tape.shape(x))
        record = activation(self.activation)
        rule = initializer(self.initializer or default_initializer(record.name))
        weight = builder.parameter(
            "weight", "W", (fan_in, units), lambda rng: rule.draw(rng, fan_in, units)
        )
        z = tape.emit("matmul", [x, weight], [f"p{number}" if self.bias else f"z{number}"])
        if self.bias:
            z = emit_bias(builder, z)
        return emit_activation(builder, record, z)


def emit_bias(builder: Builder, z: str, draw: FirstBias | None = None, name: str = "bias") -> str:
    """Z + b for a new b (units,), whose first value is 0 or drawn; z (…, units)."""
    units = columns(builder.shape(z))
    shape = (1, units)
    bias = builder.parameter(
        name, "b", shape, lambda rng: draw(rng, shape) if draw else np.zeros(shape), (units,)
    )
    return builder.tape.emit("add_bias", [z, bias], [f"z{builder.number}"])
