"""JAX on convolutions and recurrent layers: a jitted step whose state is updated in place."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.engines import Run
from benchmarks.engines.xla import adam, start
from benchmarks.models import Conv, Embed, Flat, Full, ModelWork, Part, Pool, Recurrent

__all__ = ["jitted", "loss"]


def _forward(part: Part, weights: Any, x: jax.Array) -> jax.Array:
    match part:
        case Conv():
            layout = ("NHWC", "HWIO", "NHWC")
            z = jax.lax.conv_general_dilated(x, weights[0], (1, 1), "VALID", None, None, layout)
            return jax.nn.relu(z + weights[1])
        case Pool():
            return _largest(x, part.size)
        case Flat():
            return x.reshape(len(x), -1)
        case Full():
            z = x @ weights[0] + weights[1]
            return jax.nn.relu(z) if part.relu else z
        case Embed():
            return weights[0][x]
        case Recurrent():
            return _recurrent(part, weights, x)


def _largest(x: jax.Array, size: int) -> jax.Array:
    """A view of squares and a maximum: its gradient is faster here than that of reduce_window."""
    rows, height, width, depth = x.shape
    high, wide = height // size, width // size
    x = x[:, : high * size, : wide * size]
    return x.reshape(rows, high, size, wide, size, depth).max(axis=(2, 4))


def _recurrent(part: Recurrent, weights: Any, x: jax.Array) -> jax.Array:
    """A scan over time; the inputs' products are made at once before it."""
    w, u, b = weights
    zero = jnp.zeros((len(x), part.units), x.dtype)
    state = (zero, zero) if part.kind == "lstm" else zero
    given = jnp.swapaxes(x @ w + b, 0, 1)
    _, outputs = jax.lax.scan(lambda s, z: STEPS[part.kind](s, z, u), state, given)
    return jnp.swapaxes(outputs, 0, 1)


def _elman(h: jax.Array, z: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    h = jnp.tanh(z + h @ u)
    return h, h


def _gru(h: jax.Array, z: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    own = h @ u
    units = h.shape[1]
    gates = jax.nn.sigmoid(z[:, : 2 * units] + own[:, : 2 * units])
    reset, update = jnp.split(gates, 2, axis=1)
    candidate = jnp.tanh(z[:, 2 * units :] + reset * own[:, 2 * units :])
    h = (1 - update) * candidate + update * h
    return h, h


def _lstm(state: Any, z: jax.Array, u: jax.Array) -> tuple[Any, jax.Array]:
    h, cell = state
    enter, keep, candidate, leave = jnp.split(z + h @ u, 4, axis=1)
    cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
    h = jax.nn.sigmoid(leave) * jnp.tanh(cell)
    return (h, cell), h


STEPS = {"elman": _elman, "gru": _gru, "lstm": _lstm}


def loss(parts: tuple[Part, ...], params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean cross entropy over rows, and over the steps of a sequence."""
    for part, weights in zip(parts, params, strict=True):
        x = _forward(part, weights, x)
    scores = jax.nn.log_softmax(x)
    return -jnp.mean(jnp.take_along_axis(scores, y[..., None], axis=-1))


def jitted(work: ModelWork) -> Run:
    """One call a step: on the CPU a convolution within a scan over the epoch is ten times slower.

    The losses are fetched at the end of an epoch.
    """
    x, y = jnp.asarray(work.x), jnp.asarray(work.y)

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, rows: jax.Array) -> tuple[Any, jax.Array]:
        def of(params: Any) -> jax.Array:
            return loss(work.shape.parts, params, x[rows], y[rows])

        value, slopes = jax.value_and_grad(of)(state[0])
        return adam(state, slopes), value

    state, orders = start(work.weights), work.orders()

    def epoch() -> float:
        nonlocal state
        losses = []
        for rows in next(orders):
            state, value = step(state, rows)
            losses.append(value)
        return float(jnp.stack(losses).mean())

    return lambda epochs: [epoch() for _ in range(epochs)][-1]
