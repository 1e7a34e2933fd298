"""What is predicted: weights of a shape, rows in a file that all processes share, exact scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.workload import SHAPES, make_weights

__all__ = ["TOLERANCE", "Task", "deviation", "make_rows", "make_task"]

Weights = list[tuple[np.ndarray, np.ndarray]]

LOOKED_AT = 1000  # rows that are compared with exact scores, evenly spaced
TOLERANCE = 1e-4  # of the largest score: float32 over sums of a thousand products


@dataclass(frozen=True)
class Task:
    """What everyone gets.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden layers, outputs.
    x : ndarray of float32, (rows, inputs)
    weights : list of (ndarray of float32, ndarray of float32)
        Weights (fan_in, fan_out) and biases (fan_out,) of each layer; ReLU between them.
    threads : int
    """

    sizes: tuple[int, ...]
    x: np.ndarray
    weights: Weights
    threads: int


def make_rows(shape: str, rows: int, path: Path) -> None:
    """Write normal inputs to a file."""
    rng = np.random.default_rng(rows)
    np.save(path, rng.standard_normal((rows, SHAPES[shape].sizes[0]), np.float32))


def make_task(shape: str, path: Path, threads: int) -> Task:
    """The rows are mapped from their file, so that there is one copy for all processes."""
    sizes = SHAPES[shape].sizes
    x = np.asarray(np.load(path, mmap_mode="c"))  # writable in name, which PyTorch asks for
    return Task(sizes, x, make_weights(sizes, np.random.default_rng(0)), threads)


def deviation(task: Task, found: np.ndarray) -> float:
    """How far scores (rows, outputs) or labels (rows,) are from exact, over the largest score.

    For labels it is how much less than the best the scores of the chosen ones are.

    Raises
    ------
    RuntimeError
        If there are not as many rows.
    """
    found = np.asarray(found)
    outputs = (task.sizes[-1],) if found.ndim > 1 else ()
    if found.shape != (len(task.x), *outputs):
        raise RuntimeError(f"{len(task.x)} rows were to be predicted, {found.shape} came back.")
    rows = np.unique(np.linspace(0, len(found) - 1, LOOKED_AT).astype(int))
    exact, found = _exact(task, rows), found[rows]
    if found.ndim == 1:
        found = exact[np.arange(len(rows)), found]
        difference = exact.max(axis=1) - found
    else:
        difference = np.abs(exact - found)
    return float(difference.max() / np.abs(exact).max())


def _exact(task: Task, rows: np.ndarray) -> np.ndarray:
    """Scores of some rows in float64."""
    h = task.x[rows].astype(np.float64)
    for w, b in task.weights[:-1]:
        h = np.maximum(h @ w.astype(np.float64) + b, 0)
    w, b = task.weights[-1]
    return h @ w.astype(np.float64) + b
