"""JAX: one compiled scan over an epoch, its state given away so that it is updated in place."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engines import Run
from benchmarks.workload import Work

__all__ = ["adam", "scan", "scores", "start"]

RATE, DECAY_1, DECAY_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def scores(params: Any, x: jax.Array) -> jax.Array:
    """Of dense layers with ReLU between them."""
    for w, b in params[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = params[-1]
    return x @ w + b


def _loss(params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    logs = jax.nn.log_softmax(scores(params, x))
    return -jnp.mean(jnp.take_along_axis(logs, y[:, None], axis=1))


def start(weights: Any) -> Any:
    """Adam's state: parameters, two means, the number of updates."""
    params = jax.tree.map(jnp.asarray, weights)
    zeros = [jax.tree.map(jnp.zeros_like, params) for _ in range(2)]
    return (params, *zeros, jnp.float32(0))


def adam(state: Any, slopes: Any) -> Any:
    """One update of every parameter."""
    params, mean, square, steps = state
    steps += 1
    root = jnp.sqrt(1 - DECAY_2**steps)
    rate = RATE * root / (1 - DECAY_1**steps)
    mean = jax.tree.map(lambda m, g: DECAY_1 * m + (1 - DECAY_1) * g, mean, slopes)
    square = jax.tree.map(lambda s, g: DECAY_2 * s + (1 - DECAY_2) * g * g, square, slopes)
    params = jax.tree.map(
        lambda p, m, s: p - rate * m / (jnp.sqrt(s) + EPSILON * root), params, mean, square
    )
    return params, mean, square, steps


def scan(work: Work) -> Run:
    """Threads cannot be set: on one thread the process has one processor."""
    x, y, rng = jnp.asarray(work.x), jnp.asarray(work.y), np.random.default_rng(2)

    def step(state: Any, rows: jax.Array) -> tuple[Any, jax.Array]:
        loss, slopes = jax.value_and_grad(_loss)(state[0], x[rows], y[rows])
        return adam(state, slopes), loss

    epoch = jax.jit(lambda state, order: jax.lax.scan(step, state, order), donate_argnums=0)
    state = start(work.weights)

    def run(epochs: int) -> float:
        nonlocal state
        losses = jnp.zeros(1)
        for _ in range(epochs):
            order = rng.permutation(work.shape.rows).reshape(-1, work.shape.batch)
            state, losses = epoch(state, order)
        return float(losses.mean())

    return run
