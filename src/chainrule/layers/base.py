"""What a layer is: a frozen record that emits instructions.

A layer holds no numbers. `emit` writes its part of the tape and declares its parameters; the
network owns the memory. ``config()`` and `from_config` carry a layer to a file and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np

from chainrule.errors import NetworkError, unknown_name
from chainrule.ops.activations import ActivationFunction
from chainrule.tape import Tape
from chainrule.tape.instruction import Shape

__all__ = [
    "LAYERS",
    "Builder",
    "Layer",
    "check_layer",
    "check_layers",
    "config",
    "from_config",
    "layer",
    "row_shape",
]

Draw = Callable[[np.random.Generator], np.ndarray]


@dataclass
class Builder:
    """The tape under construction and where on it we are.

    Attributes
    ----------
    tape : Tape
    training : bool
        Whether layers that behave otherwise in training, such as dropout, do so.
    place : str
        Position of the layer in the network, "0" or "2.1": the first part of its parameters' names.
    number : int
        The notes' k: how many layers with weights came before, this one included.
    masks : int
        Dropouts so far.
    initial : dict
        Public name of a parameter -> how to draw its first values.
    public : dict
        Public name of a parameter -> its shape for the user, where that is not the tape's.
    fan_in : dict
        Public name of a weight -> how many inputs a unit has, where that is not its first
        dimension.
    statistics : dict
        Public name of a running mean -> its first value.
    objective : list of str
        Values on the tape whose sum is made small: losses and penalties.
    after : list
        Instructions for the end of the tape: operation, operands, results, attributes; and
        whether they belong to training alone.
    heads : dict
        Name of a task -> its scores, when there are several.
    origin : dict
        Values that are columns of the inputs as they are -> which columns; None for all of them.
    tokens : dict
        Columns of the inputs that are tokens -> how many different ones there are.
    """

    tape: Tape
    training: bool
    place: str = ""
    number: int = 0
    masks: int = 0
    initial: dict[str, Draw] = field(default_factory=dict)
    public: dict[str, tuple[int, ...]] = field(default_factory=dict)
    fan_in: dict[str, int] = field(default_factory=dict)
    statistics: dict[str, float] = field(default_factory=dict)
    objective: list[str] = field(default_factory=list)
    after: list[tuple[str, list[str], dict[str, Any], bool]] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
    origin: dict[str, tuple[int, ...] | None] = field(default_factory=lambda: {"x": None})
    tokens: dict[int, int] = field(default_factory=dict)

    def run(self, layers: Sequence[Layer], x: str) -> str:
        """Layers one after the other, each at its place: x to the last one's output."""
        outer = self.place
        for position, item in enumerate(layers):
            self.place = f"{outer}.{position}" if outer else str(position)
            x = item.emit(self, x)
        self.place = outer
        return x

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Another place for the names of parameters, for as long as it lasts."""
        outer, self.place = self.place, place
        try:
            yield
        finally:
            self.place = outer

    def parameter(
        self,
        name: str,
        symbol: str,
        shape: tuple[int, int],
        draw: Draw,
        public: tuple[int, ...] | None = None,
    ) -> str:
        """Declare a parameter of a shape (rows, columns); returns its name on the tape.

        `public` is the shape that the user sees, with as many numbers. A parameter that is there
        already is shared.

        Raises
        ------
        NetworkError
            If it is there with another shape.
        """
        key = f"{self.place}.{name}"
        known = self.tape.parameters.get(key)
        if known is not None:
            if self.tape.shape(known) != shape:
                raise NetworkError(
                    f"shared parameter '{key}' has shape {self.tape.shape(known)} in one place and "
                    f"{shape} in another: layers that share weights need inputs of one width."
                )
            return known
        self.initial[key] = draw
        if public is not None:
            self.public[key] = public
        return self.tape.add_value(f"{symbol}{self.number}", shape, "parameter", key)

    def statistic(self, name: str, symbol: str, columns: int, start: float) -> str:
        """Declare a running mean, (1, columns); returns its name on the tape."""
        key = f"{self.place}.{name}"
        if key in self.statistics:
            known = next(v for v in self.tape.with_role("statistic") if v.key == key)
            return known.name
        self.statistics[key] = start
        return self.tape.add_value(f"{symbol}{self.number}", (1, columns), "statistic", key)

    def shape(self, x: str) -> Shape:
        """Shape of a value of the tape, ("n", …)."""
        return self.tape.shape(x)


def row_shape(shape: Shape) -> tuple[int, ...]:
    """What one row of a value looks like: its shape without "n".

    Examples
    --------
    >>> row_shape(("n", 28, 28, 1))
    (28, 28, 1)
    """
    return tuple(int(d) for d in shape if d != "n")


@runtime_checkable
class Layer(Protocol):
    """Anything that writes its part of a tape."""

    def emit(self, builder: Builder, x: str) -> str:
        """Write what turns `x` (n, inputs) into this layer's output (n, units), and name that."""
        ...


def check_layers(given: Any, of: str = "") -> None:
    """Refuse what is no list of layers; `of` says whose they are, such as " of a Residual".

    Raises
    ------
    NetworkError
        Naming the first that is none.
    """
    if not isinstance(given, list | tuple) or not (given or of):
        raise NetworkError(
            f"layers{of} is {given!r}: expected a list of at least one layer, such as [Dense(10)]."
        )
    for position, item in enumerate(given):
        check_layer(item, f"layer {position}{of}")


def check_layer(given: Any, what: str) -> None:
    """Refuse what is no layer, as `what`.

    Raises
    ------
    NetworkError
        Showing what a layer looks like.
    """
    if not isinstance(given, Layer) or isinstance(given, type):
        raise NetworkError(f"{what} is {given!r}: expected a layer such as Dense(64, 'relu').")


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
        result[item.name] = _plain(getattr(given, item.name))
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, ActivationFunction):
        return value.config()
    if isinstance(value, Layer):
        return config(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def from_config(data: Mapping[str, Any]) -> Layer:
    """The layer that `config` described.

    Raises
    ------
    UnknownNameError
        If no layer of that name is known.
    """
    rest = {name: _restored(value) for name, value in data.items()}
    name = rest.pop("layer", None)
    if name not in LAYERS:
        raise unknown_name("layer", name, LAYERS)
    return LAYERS[name](**rest)


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "layer" in value:
            return from_config(value)
        return {name: _restored(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_restored(item) for item in value]
    return value
