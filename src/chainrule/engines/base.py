"""What every engine offers: bind a plan to memory and data, then run minibatches.

Conventions: `data` holds whole matrices of any number type, never copied as a whole; an engine
takes the rows of each minibatch from them. Target and weight columns are 2-D like the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from chainrule.ops.random import SHUFFLE_SALT, key
from chainrule.tape import Plan

__all__ = [
    "ALIGNMENT", "Batches", "Engine", "Epochs", "EpochsInARow", "Session", "Totals", "aligned",
    "allocate",
]  # fmt: skip

ALIGNMENT = 64  # bytes: a cache line, and one AVX-512 register


@dataclass
class Totals:
    """Sums over the minibatches since the epoch began."""

    loss: float = 0.0
    weight: float = 0.0
    metric: float = 0.0
    penalty: float = 0.0
    batches: int = 0

    @property
    def mean_loss(self) -> float:
        """Mean loss of the rows seen so far, weighted, without penalties."""
        return self.loss / self.weight if self.weight else float("nan")

    @property
    def mean_penalty(self) -> float:
        """Mean of the penalties over the minibatches."""
        return self.penalty / max(self.batches, 1)

    @property
    def objective(self) -> float:
        """What is made small: mean loss and penalties."""
        return self.mean_loss + self.mean_penalty

    @property
    def mean_metric(self) -> float:
        """Mean metric of the rows seen so far, weighted."""
        return self.metric / self.weight if self.weight else float("nan")


@dataclass(frozen=True)
class Epochs:
    """What several epochs in a row have left.

    Attributes
    ----------
    totals : list of Totals
        Of each epoch that was completed.
    held_out : list of Totals
        Of the validation after it; empty without.
    parameters : list of ndarray, (epochs, ...)
        What was watched, as each epoch left it.
    unfinished : int or None
        Minibatches completed of an epoch whose loss became infinite or NaN.
    """

    totals: list[Totals]
    held_out: list[Totals]
    parameters: list[np.ndarray]
    unfinished: int | None


@dataclass(frozen=True)
class Batches:
    """Which rows a session takes, in which portions.

    Attributes
    ----------
    size : int
        Rows of a minibatch; the last one of an epoch may be shorter.
    rows : ndarray of int64
        The rows to take, (n,); a slice of the data without copying it.
    seed : int
        Start of shuffling and dropout.
    """

    size: int
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    seed: int = 0

    @property
    def per_epoch(self) -> int:
        """Minibatches in one pass over the rows."""
        return -(-len(self.rows) // self.size)

    def shuffle_key(self, epoch: int) -> int:
        """The key of one epoch's order."""
        return key(self.seed, epoch, SHUFFLE_SALT)


class Session(Protocol):
    """A plan with memory and data, ready to run."""

    plan: Plan
    batches: Batches
    data: dict[str, np.ndarray]  # the user's matrices

    @property
    def totals(self) -> Totals:
        """Sums since the epoch began."""
        ...

    @property
    def failed(self) -> bool:
        """Whether the loss of the last minibatch was not finite."""
        ...

    @property
    def step(self) -> int:
        """Updates done, from which bias corrections and dropout count; may be set."""
        ...

    @step.setter
    def step(self, updates: int) -> None: ...

    def start_epoch(
        self,
        epoch: int,
        shuffle: bool,
        rates: np.ndarray | None = None,
        strengths: np.ndarray | None = None,
    ) -> None:
        """Put the rows in this epoch's order and clear the totals.

        `rates`, (minibatches,), multiply the learning rate, and `strengths` the weight decay and
        the share of units that dropout leaves out; 1 if not given.
        """
        ...

    def limits(self, threads: int | None) -> AbstractContextManager[None]:
        """While it lasts, so many threads share a minibatch; None chooses by the size of a plan.

        It holds for other sessions that run meanwhile, too.
        """
        ...

    def run(self, steps: int) -> int:
        """Run up to `steps` minibatches and return how many were completed.

        Fewer at the end of the epoch, or when the loss is not finite: then `failed` is set and
        the last update was not made.
        """
        ...

    def again(self) -> None:
        """Run the first minibatch once more, on what its rows hold now; totals go on."""
        ...

    def bind(self, **data: np.ndarray) -> None:
        """Take other matrices, (n, columns) each, of the same widths."""
        ...

    def in_a_row(
        self, held_out: Session | None, watched: Sequence[np.ndarray]
    ) -> EpochsInARow | None:
        """A way to run several epochs without returning between them, None if there is none.

        `held_out` validates after each epoch; `watched` are parameters to be remembered.
        """
        ...


class EpochsInARow(Protocol):
    """Short epochs, run by one call."""

    most: int  # epochs that may be asked for

    def run(self, first: int, shuffle: bool, rates: np.ndarray, strengths: np.ndarray) -> Epochs:
        """Epochs from number `first` on; factors as `start_epoch` has, (epochs, minibatches)."""
        ...


class Engine(Protocol):
    """A way to run plans."""

    name: str
    dtype: np.dtype

    def session(
        self,
        plan: Plan,
        memory: Mapping[str, np.ndarray],
        data: Mapping[str, np.ndarray],
        batches: Batches,
    ) -> Session:
        """Bind a plan.

        `memory` has parameters, gradients and optimizer state by tape name, each of its tape's
        shape; `data` the user's matrices, (n, columns) each.
        """
        ...


def aligned(size: int, dtype: Any) -> np.ndarray:
    """Zeros of shape (size,), the first on a cache line."""
    dtype = np.dtype(dtype)
    raw = np.zeros(size * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size * dtype.itemsize].view(dtype)


def allocate(shapes: Mapping[str, tuple[int, ...]], dtype: Any) -> dict[str, np.ndarray]:
    """Zeros of the given shapes, cut from one vector, each on a cache line of its own."""
    unit = ALIGNMENT // np.dtype(dtype).itemsize
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    flat = aligned(sum(-(-size // unit) * unit for size in sizes.values()), dtype)
    result, start = {}, 0
    for name, shape in shapes.items():
        result[name] = flat[start : start + sizes[name]].reshape(shape)
        start += -(-sizes[name] // unit) * unit
    return result
