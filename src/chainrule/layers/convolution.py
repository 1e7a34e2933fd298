"""Convolution: local receptive fields with shared weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.errors import NetworkError
from chainrule.layers.activation import emit_activation
from chainrule.layers.base import Builder, layer, row_shape
from chainrule.layers.dense import emit_bias
from chainrule.ops.activations import ActivationFunction, activation
from chainrule.ops.hyperparameters import check, hyperparameter
from chainrule.ops.initializers import default_initializer, initializer
from chainrule.tape.window import Padding, sliding

__all__ = ["Conv1D", "Conv2D", "lengths", "spatial"]

Lengths = int | Sequence[int]


def lengths(given: Lengths, directions: int, name: str) -> tuple[int, ...]:
    """One length for each direction, from a number or a sequence; `name` is the user's argument.

    Raises
    ------
    NetworkError
        If there are not as many as directions.
    HyperparameterError
        If one is no whole number from 1.
    """
    result: tuple[Any, ...] = (
        tuple(given) if isinstance(given, list | tuple) else (given,) * directions
    )
    if len(result) != directions:
        raise NetworkError(f"{name} {given!r} has {len(result)} lengths, expected {directions}.")
    record = hyperparameter("stride" if name == "stride" else "window", name=name)
    for length in result:
        record.check(length)
    return tuple(int(length) for length in result)


def spatial(builder: Builder, x: str, directions: int, kind: str) -> tuple[int, ...]:
    """The lengths of a grid, (steps,) or (height, width), in front of its channels.

    Raises
    ------
    NetworkError
        If the value is no such grid, saying how to give it.
    """
    shape = row_shape(builder.shape(x))
    if len(shape) != directions + 1:
        wanted = "(steps, channels)" if directions == 1 else "(height, width, channels)"
        example = "(100, 1)" if directions == 1 else "(28, 28, 1)"
        raise NetworkError(
            f"{kind} reads rows of shape {wanted}, here they are {shape}: give the network "
            f"input_shape={example} or the like."
        )
    return shape[:-1]


def _check(own: Conv1D | Conv2D, directions: int) -> None:
    check(filters=own.filters)
    activation(own.activation)
    lengths(own.kernel, directions, "kernel")
    lengths(own.stride, directions, "stride")
    if own.initializer is not None:
        initializer(own.initializer)
    if own.padding not in ("valid", "same"):
        raise NetworkError(f"padding {own.padding!r} is not known: choose 'valid' or 'same'.")


def _emit(builder: Builder, x: str, own: Conv1D | Conv2D, directions: int) -> str:
    builder.number += 1
    tape, k, filters = builder.tape, builder.number, int(own.filters)
    grid = spatial(builder, x, directions, type(own).__name__)
    size = lengths(own.kernel, directions, "kernel")
    window = sliding(grid, size, lengths(own.stride, directions, "stride"), own.padding)
    channels = row_shape(builder.shape(x))[-1]
    fan_in = window.cells * channels
    record = activation(own.activation)
    rule = initializer(own.initializer or default_initializer(record.name))
    weight = builder.parameter(
        "weight",
        "W",
        (fan_in, filters),
        lambda rng: rule.draw(rng, fan_in, filters),
        (*size, channels, filters),
    )
    patches = tape.emit("patches", [x], [f"x{k}"], window=window)
    z = tape.emit("matmul", [patches, weight], [f"p{k}" if own.bias else f"z{k}"])
    if own.bias:
        z = emit_bias(builder, z)
    return emit_activation(builder, record, z)


@layer
@dataclass(frozen=True)
class Conv1D:
    """v_j = Σᵢ wᵢ x_{i+j−1} + b, y = f(v): one small set of weights at every place (000).

    Rows (steps, channels) become (positions, filters).

    Parameters
    ----------
    filters : int
        Channels that come out.
    kernel : int
        Steps that one unit sees, its receptive field.
    activation : str or ActivationFunction
    stride : int
        Steps from one position to the next.
    padding : {"valid", "same"}
        Only windows inside the input, or zeros around it so that the length stays.
    initializer : str, optional
    bias : bool

    Notes
    -----
    Parameters: "weight" (kernel, channels, filters) and "bias" (filters,). The gradient of a weight
    is the sum over all positions, as its weights are shared.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([Conv1D(1, 6)], input_shape=(9, 1))
    >>> net.output_shape
    (4, 1)
    """

    filters: int
    kernel: Lengths = 3
    activation: str | Mapping[str, Any] | ActivationFunction = "identity"
    stride: Lengths = 1
    padding: Padding = "valid"
    initializer: str | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        _check(self, 1)

    def emit(self, builder: Builder, x: str) -> str:
        """Write patches, product, bias and activation: (n, steps, c) to (n, positions, filters)."""
        return _emit(builder, x, self, 1)


@layer
@dataclass(frozen=True)
class Conv2D:
    """The same in two directions: rows (height, width, channels), as images are.

    Parameters
    ----------
    filters : int
        Channels that come out.
    kernel : int or (int, int)
        Height and width of what one unit sees.
    activation : str or ActivationFunction
    stride : int or (int, int)
    padding : {"valid", "same"}
    initializer : str, optional
    bias : bool

    Notes
    -----
    Parameters: "weight" (height, width, channels, filters) and "bias" (filters,).

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([Conv2D(8, 3, "relu")], input_shape=(28, 28, 1))
    >>> net.parameters["0.weight"].shape, net.output_shape
    ((3, 3, 1, 8), (26, 26, 8))
    """

    filters: int
    kernel: Lengths = 3
    activation: str | Mapping[str, Any] | ActivationFunction = "identity"
    stride: Lengths = 1
    padding: Padding = "valid"
    initializer: str | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        _check(self, 2)

    def emit(self, builder: Builder, x: str) -> str:
        """Write patches, product, bias and activation: (n, h, w, c) to (n, h′, w′, filters)."""
        return _emit(builder, x, self, 2)
