"""What is trained: the shapes of the benchmark, their data and their initial weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

__all__ = [
    "AHEAD", "GROWING", "RIVALS", "SHAPES", "Shape", "Work", "make_weights", "make_work",
]  # fmt: skip

AHEAD = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Shape:
    """A network, a batch size, and what chainrule wants to reach with them.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden layers, outputs.
    batch, steps : int
        Rows of a minibatch, minibatches of an epoch; no minibatch is shorter.
    goals : tuple of float
        How many times longer than chainrule's a step of each of `RIVALS` should take, at least.
    floor_goal : float, optional
        How many times the bare matrix products a step may take.
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    steps: int
    goals: tuple[float, float, float] = AHEAD
    floor_goal: float | None = None

    @property
    def rows(self) -> int:
        """Rows of the training data."""
        return self.batch * self.steps

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self.sizes))

    @property
    def title(self) -> str:
        """Such as "4-10-3 b32"."""
        return f"{'-'.join(map(str, self.sizes))} b{self.batch}"


RIVALS = ("sklearn32", "torch", "jax")  # engines that a step has goals against
SHAPES = {
    shape.name: shape
    for shape in (
        Shape("tiny", (4, 10, 3), 32, 100, (60, 60, 3)),
        Shape("digits", (64, 100, 10), 200, 40, (6, 6, 1.5)),
        Shape("table", (54, 128, 64, 7), 256, 40, (4, 3, 1.3)),
        Shape("images", (784, 512, 256, 10), 128, 20, (2.5, 1.5, 1.05), floor_goal=1.15),
        Shape("wide", (1024, 1024, 1024, 10), 512, 4, (1.8, 1.2, 1.0), floor_goal=1.15),
        Shape("narrow", (30, 64, 32, 3), 64, 50),
        Shape("deep", (100, 128, 128, 128, 128, 10), 32, 40),
        Shape("whole", (13, 256, 5), 1000, 10),
    )
}
# From a thousand parameters to ten million.
GROWING = {
    f"growing{width}": Shape(f"growing{width}", (width, width, 10), 128, steps)
    for width, steps in ((27, 200), (95, 100), (311, 40), (995, 10), (3157, 2))
}


@dataclass(frozen=True)
class Work:
    """The task every engine gets.

    Attributes
    ----------
    x : ndarray of float32, (rows, inputs)
    y : ndarray of int64, (rows,)
    weights : list of (ndarray of float32, ndarray of float32)
        Initial weights (fan_in, fan_out) and biases (fan_out,) of each layer.
    threads : int
    """

    shape: Shape
    x: np.ndarray
    y: np.ndarray
    weights: list[tuple[np.ndarray, np.ndarray]]
    threads: int


def make_work(shape: Shape, threads: int) -> Work:
    """Normal inputs, the labels of a random linear teacher, Glorot's uniform initial weights.

    The weights have the distribution that scikit-learn draws from, biases included: its own draw
    cannot be replaced through its public interface.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(shape.rows, shape.sizes[0])).astype(np.float32)
    y = np.argmax(x @ rng.normal(size=(shape.sizes[0], shape.sizes[-1])), axis=1)
    return Work(shape, x, y, make_weights(shape.sizes, rng), threads)


def make_weights(
    sizes: tuple[int, ...], rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (fan_in, fan_out) and biases (fan_out,) in float32, all by Glorot's uniform."""
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        bound = np.sqrt(6 / (fan_in + fan_out))
        w, b = (rng.uniform(-bound, bound, size) for size in ((fan_in, fan_out), (fan_out,)))
        weights.append((w.astype(np.float32), b.astype(np.float32)))
    return weights
