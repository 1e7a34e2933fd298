"""An activation as a layer of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.layers.base import Builder, layer
from chainrule.ops.activations import ActivationFunction, activation

__all__ = ["Activation", "emit_activation"]


def emit_activation(builder: Builder, record: ActivationFunction, z: str) -> str:
    """Y = f(z), (n, units); nothing is written for the identity."""
    if record.name == "identity":
        return z
    return builder.tape.emit("activate", [z], [f"y{builder.number}"], activation=record)


@layer
@dataclass(frozen=True)
class Activation:
    """y = f(z), elementwise, (n, units) to (n, units).

    Parameters
    ----------
    function : str or ActivationFunction
        `chainrule activations` lists them.

    Examples
    --------
    >>> Activation("tanh").function
    'tanh'
    """

    function: str | Mapping[str, Any] | ActivationFunction

    def __post_init__(self) -> None:
        activation(self.function)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the activation: x (n, units) to y (n, units)."""
        return emit_activation(builder, activation(self.function), x)
