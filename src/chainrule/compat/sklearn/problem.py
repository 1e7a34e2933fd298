"""One problem for a solver: rows, a network, and the loss as scikit-learn counts it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import issparse
from scipy.special import xlogy
from sklearn.utils import gen_batches

from chainrule.assembly import TargetForm
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.ops import losses
from chainrule.ops.expression import maximum, minimum
from chainrule.ops.penalties import L2

__all__ = ["Loss", "Rows", "capped", "dense", "first_weights", "make_network"]

# scikit-learn's name of an activation where it is not chainrule's
_ACTIVATIONS = {"logistic": "sigmoid"}


def dense(X: Any) -> np.ndarray:
    """A matrix (n, features), sparse or not, as an array: the engines read rows of arrays."""
    return X.toarray() if issparse(X) else X


@dataclass(frozen=True)
class Rows:
    """What is learnt from: inputs (n, features), targets (n, outputs), weights (n,) or None."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)

    @property
    def total(self) -> float:
        """Sum of the weights; without weights how many rows there are."""
        return float(len(self) if self.weights is None else self.weights.sum())

    def bind(self, network: Network) -> tuple[dict[str, np.ndarray], TargetForm]:
        """Matrices as the network's sessions take them, and their form."""
        return network.bind(self.X, self.y, self.weights)

    def batches(self, order: np.ndarray, size: int, most: int) -> Iterator[tuple[int, int, float]]:
        """Runs of minibatches of one kind: how many, rows of each, weight of each.

        At most `most` together, so that Ctrl-C is heard between two runs.
        """
        n = len(order)
        if self.weights is None:
            full = n // size
            for start in range(0, full, most):
                yield min(most, full - start), size, float(size)
            if n % size:
                yield 1, n % size, float(n % size)
            return
        weights = self.weights[order]
        for part in gen_batches(n, size):
            yield 1, part.stop - part.start, float(weights[part].sum())


@dataclass(frozen=True)
class Loss:
    """The loss as scikit-learn reports it, from chainrule's of the same gradient.

    The squared error is averaged over several targets where the gradient is that of their sum; the
    Poisson deviance has the terms y log y − y, which no weight changes.

    Attributes
    ----------
    name : str
        chainrule's.
    factor : float
    offsets : ndarray of shape (n,) or None
        What each row's loss has besides.
    """

    name: str
    factor: float = 1.0
    offsets: np.ndarray | None = None

    @classmethod
    def of(cls, name: str, y: np.ndarray) -> Loss:
        """For targets (n, outputs)."""
        if name == "squared_error":
            return cls(name, 1 / y.shape[1])
        if name == "poisson":
            return cls(name, offsets=(xlogy(y, y) - y).sum(axis=1))
        return cls(name)

    def sum(self, measured: float, rows: np.ndarray, weights: np.ndarray | None) -> float:
        """Weighted sum over `rows`, from the engine's."""
        if self.offsets is None:
            return self.factor * measured
        offsets = self.offsets[rows]
        return measured + float(offsets.sum() if weights is None else offsets @ weights[rows])


@cache
def capped(name: str, dtype: str) -> losses.Loss:
    """The loss of that name, as high at most as scikit-learn's, which ends where p or 1 − p is ε.

    The slope goes on as it is, there and here. Without the cap L-BFGS would see another loss at
    distant points of its line search, and go elsewhere.

    Examples
    --------
    >>> capped("binary_cross_entropy", "float64").value(np.array([[-1e3]]), 1.0).round(2)
    array([[36.04]])
    """
    exact, epsilon = losses.loss(name), float(np.finfo(dtype).eps)
    low, high = -np.log1p(-epsilon), -np.log(epsilon)
    if name == "cross_entropy":
        return replace(exact, value=lambda z, t: minimum(maximum(exact.value(z, t), low), high))
    if name == "binary_cross_entropy":  # the score at which p or 1 − p is ε
        end = high - low
        return replace(exact, value=lambda z, t: exact.value(minimum(maximum(z, -end), end), t))
    return exact


def make_network(
    sizes: Sequence[int], activation: str, loss: str, dtype: Any, strength: float
) -> Network:
    """A network of dense layers with θ/2 ‖W‖²; θ is a value on the tape and may change."""
    known = _ACTIVATIONS.get(activation, activation)
    layers = [*(Dense(units, known) for units in sizes[1:-1]), Dense(sizes[-1])]
    strengths = {f"{k}.weight": np.full(shape, strength) for k, shape in enumerate(pairwise(sizes))}
    number = np.dtype(dtype).name
    return Network(
        layers,
        capped(loss, number),
        input_shape=sizes[:1],
        dtype=number,
        penalties=[L2(strengths)],
    )


def first_weights(
    sizes: Sequence[int], activation: str, dtype: Any, rng: np.random.RandomState
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """First weights and biases, uniform, in the order of scikit-learn's draws.

    U(±√(6/(fan_in + fan_out))), with logistic units 2 for 6 (Glorot & Bengio 2010).

    Examples
    --------
    >>> W, b = first_weights((2, 1), "relu", np.float64, np.random.RandomState(0))
    >>> W[0].shape, b[0].shape
    ((2, 1), (1,))
    """
    weights, biases = [], []
    for fan_in, fan_out in pairwise(sizes):
        bound = np.sqrt((2 if activation == "logistic" else 6) / (fan_in + fan_out))
        weights.append(rng.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype))
        biases.append(rng.uniform(-bound, bound, fan_out).astype(dtype))
    return weights, biases
