"""What a layer is: a frozen record that emits instructions.

A layer holds no numbers. `emit` writes its part of the tape and declares its parameters; the
network owns the memory. ``config()`` and `from_config` carry a layer to a file and back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np

from chainrule.errors import unknown_name
from chainrule.ops.activations import ActivationFunction
from chainrule.tape import Tape

__all__ = ["LAYERS", "Builder", "Layer", "config", "from_config", "layer"]

Draw = Callable[[np.random.Generator], np.ndarray]


@dataclass
class Builder:
    """The tape under construction and where on it we are.

    Attributes
    ----------
    tape : Tape
    training : bool
        Whether layers that behave otherwise in training, such as dropout, do so.
    position : int
        Position of the layer in the network, from 0: the first part of its parameters' names.
    number : int
        The notes' k: how many layers with weights came before, this one included.
    initial : dict
        Public name of a parameter -> how to draw its first values.
    """

    tape: Tape
    training: bool
    position: int = 0
    number: int = 0
    initial: dict[str, Draw] = field(default_factory=dict)

    def parameter(self, name: str, symbol: str, shape: tuple[int, int], draw: Draw) -> str:
        """Declare a parameter of a shape (rows, columns); returns its name on the tape."""
        key = f"{self.position}.{name}"
        self.initial[key] = draw
        return self.tape.add_value(f"{symbol}{self.number}", shape, "parameter", key)


@runtime_checkable
class Layer(Protocol):
    """Anything that writes its part of a tape."""

    def emit(self, builder: Builder, x: str) -> str:
        """Write what turns `x` (n, inputs) into this layer's output (n, units), and name that."""
        ...


LAYERS: dict[str, type] = {}


def layer(made: type) -> type:
    """Make a layer class known by its name in lower case, for files and the command line."""
    LAYERS[made.__name__.lower()] = made
    return made


def config(given: Layer) -> dict[str, Any]:
    """A layer as data that JSON can hold.

    Examples
    --------
    >>> from chainrule.layers import Dense
    >>> config(Dense(3, "relu"))["units"]
    3
    """
    result: dict[str, Any] = {"layer": type(given).__name__.lower()}
    for item in fields(given):  # type: ignore[arg-type]
        value = getattr(given, item.name)
        if isinstance(value, ActivationFunction):
            value = value.config()
        result[item.name] = value
    return result


def from_config(data: Mapping[str, Any]) -> Layer:
    """The layer that `config` described.

    Raises
    ------
    UnknownNameError
        If no layer of that name is known.
    """
    rest = dict(data)
    name = rest.pop("layer", None)
    if name not in LAYERS:
        raise unknown_name("layer", name, LAYERS)
    return LAYERS[name](**rest)
