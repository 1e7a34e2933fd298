"""Initial weights: each rule draws a (fan_in, fan_out) matrix. Biases start at 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.errors import unknown_name
from chainrule.ops.hyperparameters import HYPERPARAMETERS

__all__ = ["INITIALIZERS", "Initializer", "default_initializer", "initializer"]

Draw = Callable[[np.random.Generator, int, int], np.ndarray]


@dataclass(frozen=True)
class Initializer:
    """A rule for initial weights.

    Attributes
    ----------
    name : str
    draw : callable
        ``draw(rng, fan_in, fan_out)`` gives float64 weights of shape (fan_in, fan_out).
    variance : callable
        ``variance(fan_in, fan_out)``, what the draw aims at.
    formula, source : str
    """

    name: str
    draw: Draw
    variance: Callable[[int, int], float]
    formula: str
    source: str


def _normal(variance: Callable[[int, int], float]) -> Draw:
    return lambda rng, fan_in, fan_out: (
        rng.normal(size=(fan_in, fan_out)) * np.sqrt(variance(fan_in, fan_out))
    )


def _xavier_uniform(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    bound = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, size=(fan_in, fan_out))


def _orthogonal(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Columns (or rows, if there are fewer) of length 1 at right angles to each other."""
    longer, shorter = max(fan_in, fan_out), min(fan_in, fan_out)
    q, r = np.linalg.qr(rng.normal(size=(longer, shorter)))
    q *= np.where(np.diag(r) < 0, -1, 1)  # so that every such matrix is as likely
    return q if fan_in >= fan_out else q.T


def _small(fan_in: int, fan_out: int) -> float:
    return HYPERPARAMETERS["deviation"].default ** 2


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1 / fan_in


INITIALIZERS: dict[str, Initializer] = {
    record.name: record
    for record in (
        Initializer("small_normal", _normal(_small), _small, "N(0, 0.01²)", "003"),
        Initializer(
            "xavier",
            _xavier_uniform,
            lambda fan_in, fan_out: 2 / (fan_in + fan_out),
            "U(±√(6/(fan_in + fan_out)))",
            "003; Glorot & Bengio 2010",
        ),
        Initializer("he", _normal(_he), _he, "N(0, 2/fan_in)", "arXiv 1502.01852"),
        Initializer(
            "orthogonal",
            _orthogonal,
            lambda fan_in, fan_out: 1 / max(fan_in, fan_out),
            "WᵀW = 1 or WWᵀ = 1",
            "arXiv 1312.6120",
        ),
        Initializer("lecun", _normal(_lecun), _lecun, "N(0, 1/fan_in)", "LeCun et al. 1998"),
    )
}

# Rectifiers halve the variance, self-normalising units keep it, the rest are near-linear at 0.
_BY_ACTIVATION = {"selu": "lecun"} | dict.fromkeys(
    ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"), "he"
)


def default_initializer(activation: str) -> str:
    """The rule that suits an activation: He for rectifiers, LeCun for SELU, else Xavier."""
    return _BY_ACTIVATION.get(activation, "xavier")


def initializer(name: str) -> Initializer:
    """The rule called `name`.

    Raises
    ------
    UnknownNameError
        Listing the rules there are.
    """
    if name not in INITIALIZERS:
        raise unknown_name("initial weights", name, INITIALIZERS)
    return INITIALIZERS[name]
