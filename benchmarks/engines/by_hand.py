"""The same training in NumPy as someone who knows it writes it: no allocation inside a step."""

from __future__ import annotations

import numpy as np

from benchmarks.engines import Run
from benchmarks.workload import Work

__all__ = ["train"]

RATE, DECAY_1, DECAY_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


class _Network:
    """Layers over one flat vector of parameters, so that Adam is one pass for all of them."""

    def __init__(self, work: Work) -> None:
        sizes, batch = work.shape.sizes, work.shape.batch
        self.x, self.y, self.rows = work.x, work.y, np.arange(batch)
        initial = [array for layer in work.weights for array in layer]
        self.flat = np.concatenate([array.ravel() for array in initial])
        self.slope, self.mean, self.square, self.a, self.b = (
            np.zeros_like(self.flat) for _ in range(5)
        )
        shapes = [array.shape for array in initial]
        self.weights, self.biases = _views(self.flat, shapes)
        self.weight_slopes, self.bias_slopes = _views(self.slope, shapes)
        self.values, self.deltas = (
            [np.empty((batch, size), np.float32) for size in sizes] for _ in range(2)
        )
        self.positive = [np.empty((batch, size), bool) for size in sizes]
        self.steps = 0

    def step(self, rows: np.ndarray) -> float:
        """One minibatch; the mean loss before its update."""
        self.forward(rows)
        loss = self.loss(self.y[rows])
        self.backward()
        self.update()
        return loss

    def forward(self, rows: np.ndarray) -> None:
        h = self.values
        np.take(self.x, rows, axis=0, out=h[0], mode="clip")
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            np.matmul(h[k], w, out=h[k + 1])
            h[k + 1] += b
            if k < len(self.weights) - 1:
                np.maximum(h[k + 1], 0, out=h[k + 1])

    def loss(self, labels: np.ndarray) -> float:
        """Mean cross entropy; leaves its slope in the last of `deltas`."""
        z, p = self.values[-1], self.deltas[-1]
        np.subtract(z, z.max(axis=1, keepdims=True), out=p)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        at = (self.rows, labels)
        smallest = np.finfo(np.float32).tiny
        loss = -np.log(np.maximum(p[at], smallest)).mean()
        p[at] -= 1
        p *= np.float32(1 / len(labels))
        return float(loss)

    def backward(self) -> None:
        h, d = self.values, self.deltas
        for k in reversed(range(len(self.weights))):
            np.matmul(h[k].T, d[k + 1], out=self.weight_slopes[k])
            d[k + 1].sum(axis=0, out=self.bias_slopes[k])
            if k:
                np.matmul(d[k + 1], self.weights[k].T, out=d[k])
                np.greater(h[k], 0, out=self.positive[k])
                d[k] *= self.positive[k]

    def update(self) -> None:
        """Adam, with both bias corrections drawn into the two scalars."""
        self.steps += 1
        a, b = self.a, self.b
        root = np.sqrt(1 - DECAY_2**self.steps)
        rate = RATE * root / (1 - DECAY_1**self.steps)
        self.mean *= np.float32(DECAY_1)
        self.mean += np.multiply(self.slope, np.float32(1 - DECAY_1), out=a)
        np.multiply(self.slope, self.slope, out=a)
        a *= np.float32(1 - DECAY_2)
        self.square *= np.float32(DECAY_2)
        self.square += a
        np.sqrt(self.square, out=b)
        b += np.float32(EPSILON * root)
        np.divide(self.mean, b, out=a)
        a *= np.float32(rate)
        self.flat -= a


def _views(
    flat: np.ndarray, shapes: list[tuple[int, ...]]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights and biases as views of one vector."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return arrays[0::2], arrays[1::2]


def train(work: Work) -> Run:
    """Whole epochs, each in a new order."""
    network, rng = _Network(work), np.random.default_rng(2)

    def run(epochs: int) -> float:
        loss = float("nan")
        for _ in range(epochs):
            order = rng.permutation(work.shape.rows).reshape(-1, work.shape.batch)
            loss = float(np.mean([network.step(rows) for rows in order]))
        return loss

    return run
