"""JAX: one compiled function of parameters that stay on the device."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engines.xla import scores
from benchmarks.inference import Call
from benchmarks.inference.task import Task

__all__ = ["jitted"]


def jitted(task: Task) -> Call:
    """Threads cannot be set: on one thread the process has one processor."""
    params: Any = jax.tree.map(jnp.asarray, task.weights)
    predict, x = jax.jit(scores), task.x
    return lambda: np.asarray(predict(params, x))
