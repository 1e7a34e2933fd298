"""chainrule: the bare predictor, the network, the estimator."""

from __future__ import annotations

import numpy as np

import chainrule as cr
from benchmarks.inference import Call
from benchmarks.inference.task import Task

__all__ = ["estimator", "network", "predictor"]


def _network(task: Task) -> cr.Network:
    hidden = [cr.Dense(size, "relu") for size in task.sizes[1:-1]]
    net = cr.Network(
        [*hidden, cr.Dense(task.sizes[-1])], "cross_entropy", input_shape=task.sizes[0]
    )
    _set(net, task)
    return net


def _set(net: cr.Network, task: Task) -> None:
    given = [array for layer in task.weights for array in layer]
    net.set_parameters(dict(zip(net.parameters, given, strict=True)))


def predictor(task: Task) -> Call:
    """One row into an array that is there."""
    predict, row = _network(task).predictor(), task.x[0]
    scores = np.empty((1, task.sizes[-1]), np.float32)
    out = scores[0]

    def call() -> np.ndarray:
        predict(row, out=out)
        return scores

    return call


def network(task: Task) -> Call:
    """Scores by the network, which checks its input."""
    net, x = _network(task), task.x
    return lambda: net.predict(x)


def estimator(task: Task) -> Call:
    """Labels through scikit-learn's interface, from columns to classes.

    It is fitted to columns of mean 0 and variance 1, so that its scaling changes no number.
    """
    signs = np.where(np.random.default_rng(1).random((32, task.sizes[0])) < 0.5, -1, 1)
    rows = np.concatenate([signs, -signs]).astype(np.float32)
    model = cr.NetworkClassifier(
        task.sizes[1:-1], preset="plain", epochs=1, early_stopping=False, dtype="float32"
    )
    model.fit(rows, np.arange(len(rows)) % task.sizes[-1])
    _set(model.network_, task)
    x = task.x
    return lambda: model.predict(x)
