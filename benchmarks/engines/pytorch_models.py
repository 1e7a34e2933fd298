"""PyTorch on convolutions and recurrent layers: eager, channels last, the fused Adam."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from benchmarks.engines import Run
from benchmarks.models import Arrays, Conv, Embed, Flat, Full, ModelWork, Part, Pool, Recurrent

__all__ = ["eager", "make"]

RECURRENT = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class _Flatten(nn.Module):
    """Channels vary fastest, as they lie in memory: no copy."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class _Sequence(nn.Module):
    """A recurrent layer's outputs without its last state."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _fill(*pairs: tuple[torch.Tensor, np.ndarray]) -> None:
    with torch.no_grad():
        for own, given in pairs:
            own.copy_(_tensor(given))


def _modules(part: Part, weights: Arrays) -> list[nn.Module]:
    match part:
        case Conv():
            kernel, bias = weights
            conv = nn.Conv2d(kernel.shape[2], kernel.shape[3], part.size)
            _fill((conv.weight, kernel.transpose(3, 2, 0, 1)), (conv.bias, bias))
            return [conv, nn.ReLU()]
        case Pool():
            return [nn.MaxPool2d(part.size)]
        case Flat():
            return [_Flatten()]
        case Full():
            linear = nn.Linear(*weights[0].shape)
            _fill((linear.weight, weights[0].T), (linear.bias, weights[1]))
            return [linear, nn.ReLU()] if part.relu else [linear]
        case Embed():
            return [nn.Embedding.from_pretrained(_tensor(weights[0]).clone(), freeze=False)]
        case Recurrent():
            return [_Sequence(_recurrent(part, weights))]


def _recurrent(part: Recurrent, weights: Arrays) -> nn.RNNBase:
    """Of its two biases the second stays 0: every engine has one bias a gate."""
    w, u, b = weights
    layer = RECURRENT[part.kind](w.shape[0], part.units, batch_first=True)
    _fill(
        (layer.weight_ih_l0, w.T),
        (layer.weight_hh_l0, u.T),
        (layer.bias_ih_l0, b),
        (layer.bias_hh_l0, np.zeros_like(b)),
    )
    layer.bias_hh_l0.requires_grad_(False)
    return layer


def make(work: ModelWork) -> nn.Sequential:
    """The network with the given parameters."""
    parts = zip(work.shape.parts, work.weights, strict=True)
    modules = [module for part, weights in parts for module in _modules(part, weights)]
    images = len(work.shape.input_shape) == 3
    layout = torch.channels_last if images else torch.contiguous_format
    return nn.Sequential(*modules).to(memory_format=layout)


def eager(work: ModelWork) -> Run:
    """A plain loop over minibatches of a tensor in memory: no DataLoader."""
    torch.set_num_threads(work.threads)
    model = make(work)
    adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], fused=True)
    x, y, orders = torch.from_numpy(work.x), torch.from_numpy(work.y), work.orders()
    images = x.ndim == 4

    def step(rows: torch.Tensor) -> torch.Tensor:
        batch = x[rows].permute(0, 3, 1, 2) if images else x[rows]
        scores = model(batch).flatten(0, -2)
        loss = nn.functional.cross_entropy(scores, y[rows].flatten())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        return loss.detach()

    def epoch() -> float:
        order = torch.from_numpy(next(orders))
        return float(torch.stack([step(rows) for rows in order]).mean())

    return lambda epochs: [epoch() for _ in range(epochs)][-1]
