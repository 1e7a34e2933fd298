"""PyTorch, eager, in inference mode."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.engines.pytorch import network
from benchmarks.inference import Call
from benchmarks.inference.task import Task

__all__ = ["eager"]


def eager(task: Task) -> Call:
    """From and to NumPy arrays, which share their memory with tensors."""
    torch.set_num_threads(task.threads)
    model, x = network(task.weights).eval(), task.x

    def call() -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return call
