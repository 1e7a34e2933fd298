"""PyTorch, eager and compiled, with the fused Adam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.engines import Run
from benchmarks.workload import Work

__all__ = ["compiled", "eager", "network"]


def network(weights: Sequence[tuple[np.ndarray, np.ndarray]]) -> torch.nn.Sequential:
    """Dense layers with ReLU between them, of weights (fan_in, fan_out) and biases (fan_out,)."""
    layers: list[torch.nn.Module] = []
    for w, b in weights:
        linear = torch.nn.Linear(*w.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def eager(work: Work) -> Run:
    """A plain loop over minibatches of a tensor in memory: no DataLoader."""
    return _training(work, compiled=False)


def compiled(work: Work) -> Run:
    """The same with rows, network and loss through `torch.compile`, which calls a C++ compiler.

    Adam stays fused: compiled it was slower, and so was `cpp_wrapper`.
    """
    return _training(work, compiled=True)


def _training(work: Work, compiled: bool) -> Run:
    torch.set_num_threads(work.threads)
    model = network(work.weights)
    adam = torch.optim.Adam(model.parameters(), fused=True)
    x, y = torch.from_numpy(work.x), torch.from_numpy(work.y)

    def loss_of(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(x[rows]), y[rows])

    criterion = torch.compile(loss_of) if compiled else loss_of

    def epoch() -> float:
        total = torch.zeros(())
        for rows in torch.randperm(len(x)).split(work.shape.batch):
            loss = criterion(rows)
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            total += loss.detach()
        return float(total) / work.shape.steps

    def run(epochs: int) -> float:
        return [epoch() for _ in range(epochs)][-1]

    return run
