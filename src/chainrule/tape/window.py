"""Windows that slide over a row's grid: the geometry of convolution and pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chainrule.errors import NetworkError

__all__ = ["Grid", "Padding", "Window", "sliding"]

Padding = Literal["valid", "same"]


@dataclass(frozen=True)
class Window:
    """A window of `size`, moved by `stride` over an input with so many zeros `before` each side.

    Attributes
    ----------
    size, stride, before, outputs : tuple of int
        One number for each direction: (steps,) or (height, width). `outputs` counts positions.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def cells(self) -> int:
        """Places under the window."""
        result = 1
        for length in self.size:
            result *= length
        return result


@dataclass(frozen=True)
class Grid:
    """Input and window with two directions, whatever the input has: (1, steps) for a series."""

    height: int
    width: int
    channels: int
    size: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]
    outputs: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int | str, ...], window: Window) -> Grid:
        """The grid of one row of a value ("n", steps, channels) or ("n", height, width, …)."""
        lengths = [int(d) for d in shape[1:-1]]
        flat = len(lengths) == 1

        def both(pair: tuple[int, ...], filler: int) -> tuple[int, int]:
            return (filler, pair[0]) if flat else (pair[0], pair[1])

        height, width = (1, lengths[0]) if flat else lengths
        return cls(
            height,
            width,
            int(shape[-1]),
            both(window.size, 1),
            both(window.stride, 1),
            both(window.before, 0),
            both(window.outputs, 1),
        )

    def numbers(self) -> list[int]:
        """All of it in the order that kernels read."""
        parts = (self.size, self.stride, self.before, self.outputs)
        return [self.height, self.width, self.channels, *(x for pair in parts for x in pair)]


def sliding(
    lengths: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Padding = "valid",
    what: str = "kernel",
) -> Window:
    """The window over an input of these lengths.

    "valid" takes every window that lies inside; "same" adds zeros so that a stride of 1 keeps
    the lengths.

    Raises
    ------
    NetworkError
        If the window is larger than the input, naming both.

    Examples
    --------
    >>> sliding((9,), (6,), (1,)).outputs
    (4,)
    """
    pads = [k - 1 if padding == "same" else 0 for k in size]
    if any(n + p < k for n, p, k in zip(lengths, pads, size, strict=True)):
        raise NetworkError(
            f"a {what} of {_times(size)} is larger than its input of {_times(lengths)}: make the "
            f"{what} smaller, pool less before it, or use padding='same'."
        )
    outputs = tuple(
        (n + p - k) // s + 1 for n, p, k, s in zip(lengths, pads, size, stride, strict=True)
    )
    return Window(size, stride, tuple(p // 2 for p in pads), outputs)


def _times(lengths: tuple[int, ...]) -> str:
    return " × ".join(map(str, lengths))
