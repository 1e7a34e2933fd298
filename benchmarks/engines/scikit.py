"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.engines import Run
from benchmarks.workload import Work

__all__ = ["float32", "float64"]


def _train(work: Work, dtype: str) -> Run:
    """`partial_fit` is one shuffled pass in minibatches; the dtype of the input is the network's.

    Its initial weights are its own draw, from the distribution that all engines start from.
    """
    x, classes = work.x.astype(dtype), np.arange(work.shape.sizes[-1])
    model = MLPClassifier(
        work.shape.sizes[1:-1], alpha=0.0, batch_size=work.shape.batch, random_state=2
    )

    def run(epochs: int) -> float:
        for _ in range(epochs):
            model.partial_fit(x, work.y, classes=classes)
        return float(model.loss_)

    return run


def float32(work: Work) -> Run:
    """All numbers in float32."""
    return _train(work, "float32")


def float64(work: Work) -> Run:
    """All numbers in float64, what scikit-learn does with most data."""
    return _train(work, "float64")
