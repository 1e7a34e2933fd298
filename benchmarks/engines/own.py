"""chainrule itself, and the floor beneath it."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

import chainrule as cr
from benchmarks.engines import Run
from benchmarks.models import Conv, Embed, Flat, Full, ModelWork, Part, Pool, Recurrent
from benchmarks.workload import Work
from chainrule import layers
from chainrule.engines import Batches, Session
from chainrule.tape import plan

__all__ = ["floor", "models", "network", "session", "session64", "train", "training"]


def network(work: Work, dtype: str = "float32") -> cr.Network:
    """The shape's network with the initial weights of the task."""
    hidden = [cr.Dense(size, "relu") for size in work.shape.sizes[1:-1]]
    net = cr.Network(
        [*hidden, cr.Dense(work.shape.sizes[-1])],
        "cross_entropy",
        input_shape=work.shape.sizes[0],
        dtype=dtype,
    )
    given = [array for layer in work.weights for array in layer]
    net.set_parameters(dict(zip(net.parameters, given, strict=True)))
    return net


def _threads(work: Work | ModelWork) -> int | None:
    """One thread, or what `train` does when it is not told: the plan's size decides."""
    return 1 if work.threads == 1 else None


def _batches(work: Work | ModelWork) -> Batches:
    return Batches(work.shape.batch, np.arange(work.shape.rows))


def training(net: cr.Network, work: Work | ModelWork) -> Session:
    """The session that `train` drives."""
    x = work.x.astype(net.engine.dtype) if work.x.dtype.kind == "f" else work.x
    data, form = net.bind(x, work.y)
    step = plan(net.blueprint.step(form, cr.Adam()))
    return net.session(step, data, _batches(work))


def _epochs(net: cr.Network, work: Work | ModelWork) -> Run:
    """Whole shuffled epochs."""
    of = training(net, work)
    epoch = 0

    def run(epochs: int) -> float:
        nonlocal epoch
        with of.limits(_threads(work)):
            for _ in range(epochs):
                of.start_epoch(epoch, shuffle=True)
                done = of.run(work.shape.steps)
                if done != work.shape.steps:
                    raise RuntimeError(f"{done} of {work.shape.steps} minibatches were completed.")
                epoch += 1
        return of.totals.mean_loss

    return run


def session(work: Work) -> Run:
    """A dense network in float32."""
    return _epochs(network(work), work)


def session64(work: Work) -> Run:
    """The same in float64."""
    return _epochs(network(work, "float64"), work)


def models(work: ModelWork) -> Run:
    """Convolutions or recurrent layers in float32, from initial weights of their own draw."""
    parts = [_layer(part) for part in work.shape.parts]
    net = cr.Network(parts, "cross_entropy", input_shape=work.shape.input_shape)
    given = sum(array.size for arrays in work.weights for array in arrays)
    if net.n_parameters != given:
        raise RuntimeError(f"{net.n_parameters} parameters, the others have {given}.")
    return _epochs(net, work)


def _layer(part: Part) -> layers.Layer:
    match part:
        case Conv():
            return layers.Conv2D(part.channels, part.size, "relu")
        case Pool():
            return layers.MaxPool(part.size)
        case Flat():
            return layers.Flatten()
        case Full():
            return cr.Dense(part.units, "relu" if part.relu else "identity")
        case Embed():
            return layers.Embedding(part.words, part.units)
        case Recurrent():
            kinds = {"elman": layers.Elman, "gru": layers.GRU, "lstm": layers.LSTM}
            return kinds[part.kind](part.units)


def train(work: Work) -> Run:
    """`chainrule.train` with all it does: checks, assembly, history, the copy of the weights."""
    net = network(work)

    def run(epochs: int) -> float:
        history = cr.train(
            net,
            work.x,
            work.y,
            batch_size=work.shape.batch,
            epochs=epochs,
            threads=_threads(work),
            progress=False,
        )
        return history.loss[-1]

    return run


def floor(work: Work) -> Run:
    """The matrix products of the same step by BLAS, in the same order, and nothing else.

    Every operand is filled once with normal numbers, so that none becomes infinite or denormal,
    which could change the speed.
    """
    products = _products(work)

    def run(epochs: int) -> float:
        with threadpool_limits(work.threads, user_api="blas"):
            for _ in range(epochs * work.shape.steps):
                for a, b, out in products:
                    np.matmul(a, b, out=out)
        return float("nan")

    return run


def _products(work: Work) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Both factors of each product, and room for it that no other product reads."""
    rng, batch = np.random.default_rng(3), work.shape.batch
    x, slopes = ([_normal(rng, batch, size) for size in work.shape.sizes] for _ in range(2))
    weights = [array for array, _ in work.weights]
    factors = [(x[k], w) for k, w in enumerate(weights)]
    for k in reversed(range(len(weights))):
        factors.append((x[k].T, slopes[k + 1]))
        if k:
            factors.append((slopes[k + 1], weights[k].T))
    return [(a, b, np.empty((a.shape[0], b.shape[1]), np.float32)) for a, b in factors]


def _normal(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return rng.normal(size=(rows, columns)).astype(np.float32)
