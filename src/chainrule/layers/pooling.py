"""Pooling and flattening of what convolutions put out."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.errors import NetworkError
from chainrule.layers.base import Builder, layer, row_shape
from chainrule.layers.convolution import Lengths, lengths
from chainrule.tape.instruction import cells
from chainrule.tape.window import sliding

__all__ = ["AveragePool", "Flatten", "MaxPool"]

_SIZE = 2  # the usual pool: half as many places in each direction


def _check(own: MaxPool | AveragePool) -> None:
    """Refuse lengths that no window has; how many there must be is known with the input."""
    for name, given in (("size", own.size), ("stride", own.stride)):
        if given is not None:
            lengths(given, len(given) if isinstance(given, list | tuple) else 1, name)


def _emit(builder: Builder, x: str, own: MaxPool | AveragePool, operation: str) -> str:
    grid = row_shape(builder.shape(x))[:-1]
    kind = type(own).__name__
    if len(grid) not in (1, 2):
        raise NetworkError(
            f"{kind} reads rows of shape (steps, channels) or (height, width, channels), here they "
            f"are {row_shape(builder.shape(x))}."
        )
    size = lengths(own.size, len(grid), "size")
    stride = size if own.stride is None else lengths(own.stride, len(grid), "stride")
    window = sliding(grid, size, stride, what="pool")
    for length, k, step in zip(grid, size, stride, strict=True):
        if (length - k) % step:
            fitting = [s for s in range(1, length + 1) if length % s == 0]
            raise NetworkError(
                f"{kind} of {k} with stride {step} does not divide its input of {length}: "
                f"{(length - k) % step} of it would be left out. Sizes that divide {length}: "
                f"{', '.join(map(str, fitting))}; or change the layer before it."
            )
    return builder.tape.emit(operation, [x], [f"y{builder.number}"], window=window)


@layer
@dataclass(frozen=True)
class MaxPool:
    """The largest number in each window of a series or an image, channel by channel.

    Its gradient goes to the place where that number stood, the first one of equals.

    Parameters
    ----------
    size : int or sequence of int
    stride : int or sequence of int, optional
        The window's own size by default, so that windows do not overlap.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([MaxPool(2)], input_shape=(4, 6, 3)).output_shape
    (2, 3, 3)
    """

    size: Lengths = _SIZE
    stride: Lengths | None = None

    def __post_init__(self) -> None:
        _check(self)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the pooling: (n, h, w, c) to (n, h′, w′, c)."""
        return _emit(builder, x, self, "max_pool")


@layer
@dataclass(frozen=True)
class AveragePool:
    """The mean of each window of a series or an image, channel by channel.

    Parameters
    ----------
    size : int or sequence of int
    stride : int or sequence of int, optional
        The window's own size by default, so that windows do not overlap.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([AveragePool(5)], input_shape=(10, 3)).output_shape
    (2, 3)
    """

    size: Lengths = _SIZE
    stride: Lengths | None = None

    def __post_init__(self) -> None:
        _check(self)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the pooling: (n, h, w, c) to (n, h′, w′, c)."""
        return _emit(builder, x, self, "mean_pool")


@layer
@dataclass(frozen=True)
class Flatten:
    """Each row as one line of numbers: (n, h, w, c) to (n, h·w·c).

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([Flatten()], input_shape=(4, 6, 3)).output_shape
    (72,)
    """

    def emit(self, builder: Builder, x: str) -> str:
        """See the numbers in another shape; nothing moves."""
        shape = builder.shape(x)
        if len(shape) == 2:
            return x
        name = [f"y{builder.number}"]
        return builder.tape.emit("reshape", [x], name, shape=("n", cells(shape)))
