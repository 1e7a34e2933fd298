"""One list of all layers in small networks, and data for every loss."""

import json

import numpy as np

import chainrule as cr
from chainrule.layers import (
    GRU,
    LSTM,
    ActivityPenalty,
    AveragePool,
    BatchNorm,
    Columns,
    Concatenate,
    Conv1D,
    Conv2D,
    Elman,
    Embedding,
    Flatten,
    Heads,
    LayerNorm,
    MaxPool,
    Parametric,
    PerColumn,
    PiecewiseLinear,
    PReLU,
    Residual,
    Scale,
    Shared,
    Softmax,
)
from chainrule.ops import LOSSES

# name -> layers, shape of a row, shape of what the layers put out; a Dense layer follows
CASES = {
    "dense": ([cr.Dense(4, "tanh")], (3,), (4,)),
    "dense on steps": ([cr.Dense(4, "tanh", bias=False)], (2, 3), (2, 4)),
    "activation": ([cr.Activation("gelu")], (3,), (3,)),
    "dropout": ([cr.Dense(5, "tanh"), cr.Dropout(0.7)], (3,), (5,)),
    "conv1d": ([Conv1D(2, 3, "tanh")], (5, 2), (3, 2)),
    "conv1d stride": ([Conv1D(2, 2, "relu", stride=3, padding="same"), Flatten()], (8, 1), (6,)),
    "conv2d": ([Conv2D(2, 3, "tanh"), Flatten()], (4, 5, 2), (12,)),
    "conv2d same": (
        [Conv2D(2, (2, 3), "softplus", stride=(2, 1), padding="same"), Flatten()],
        (4, 3, 1),
        (12,),
    ),
    "conv2d deep": (
        [Conv2D(2, 3, "gelu", padding="same"), MaxPool(2), Conv2D(3, 2, bias=False), Flatten()],
        (4, 6, 1),
        (6,),
    ),
    "max pool": ([Conv2D(2, 2, "tanh"), MaxPool((2, 1)), Flatten()], (3, 3, 1), (4,)),
    "max pool over": ([Conv1D(2, 2, "tanh"), MaxPool(3, 1), Flatten()], (6, 2), (6,)),
    "average pool": ([Conv2D(2, 1, "tanh"), AveragePool(2), Flatten()], (4, 2, 1), (4,)),
    "average pool over": ([Conv1D(2, 1, "tanh"), AveragePool(2, 1), Flatten()], (4, 2), (6,)),
    "flatten": ([Flatten()], (2, 2, 1), (4,)),
    "embedding": ([Embedding(6, 2), Flatten()], (3,), (6,)),
    "elman": ([Elman(3, returns="last")], (3, 2), (3,)),
    "elman relu": ([Elman(2, "relu"), Elman(2, "sigmoid")], (3, 2), (3, 2)),
    "lstm": ([LSTM(2, returns="last")], (3, 2), (2,)),
    "lstm twice": ([Embedding(6, 2), LSTM(2), LSTM(2)], (3,), (3, 2)),
    "gru": ([GRU(2, returns="last")], (3, 2), (2,)),
    "gru twice": ([GRU(2), cr.Dropout(0.8), GRU(2)], (3, 2), (3, 2)),
    "layer norm": ([cr.Dense(4), LayerNorm(), cr.Activation("tanh")], (3,), (4,)),
    "batch norm": ([cr.Dense(4), BatchNorm(), cr.Activation("tanh")], (3,), (4,)),
    "batch norm conv": ([Conv2D(2, 2), BatchNorm(0.5), Flatten()], (3, 3, 1), (8,)),
    "prelu": ([cr.Dense(4), PReLU()], (3,), (4,)),
    "prelu conv": ([Conv1D(2, 2), PReLU(0.1)], (3, 2), (2, 2)),
    "softmax": ([cr.Dense(4), Softmax()], (3,), (4,)),
    "residual": ([Residual([cr.Dense(5, "tanh"), cr.Dense(3)])], (3,), (3,)),
    "residual conv": (
        [Residual([Conv2D(1, 3, "tanh", padding="same")]), Flatten()],
        (3, 3, 1),
        (9,),
    ),
    "columns": ([Columns([1, 2])], (4,), (2,)),
    "columns of steps": ([Columns([0, 1]), cr.Dense(3, "tanh")], (2, 3), (2, 3)),
    "concatenate": (
        [cr.Dense(4, "tanh"), Concatenate([[], [cr.Dense(3, "tanh")], [Columns([3, 1])]])],
        (3,),
        (9,),
    ),
    "per column": (
        [PerColumn(4, "cosine", deviation=0.6), PerColumn(2, groups=3)],
        (3,),
        (6,),
    ),
    "per group": ([cr.Dense(4), PerColumn(3, "tanh", groups=2, bias=False)], (3,), (6,)),
    "piecewise linear": (
        [PiecewiseLinear([[-1.0, 0.1, 0.7], [0.3], [-2.0, -1.0, 0.0, 1.5]]), cr.Dense(4)],
        (3,),
        (4,),
    ),
    "scale": ([Scale(), cr.Dense(3)], (4,), (3,)),
    "parametric": ([cr.Dense(4), Parametric("mish")], (3,), (4,)),
    "parametric conv": ([Conv1D(2, 2), Parametric("selu")], (3, 2), (2, 2)),
    "shared": ([Shared("step", cr.Dense(3, "tanh"))] * 3, (3,), (3,)),
    "shared cell": (
        [Shared("cell", Elman(2)), Shared("cell", Elman(2, returns="last"))],
        (3, 2),
        (2,),
    ),
    "activity": (
        [cr.Dense(4, "sigmoid"), ActivityPenalty(0.1, "l2"), ActivityPenalty(0.3, "sparsity")],
        (3,),
        (4,),
    ),
    "activity conv": ([Conv1D(2, 2, "sigmoid"), ActivityPenalty(0.1)], (4, 2), (3, 2)),
}
OUTPUTS = 3
ROWS = 7


def inputs(name, n=ROWS, seed=0):
    """Rows for a case: tokens or numbers."""
    layers, shape, _ = CASES[name]
    rng = np.random.default_rng(seed)
    if isinstance(layers[0], Embedding):
        return rng.integers(0, layers[0].vocabulary, size=(n, *shape))
    return rng.normal(size=(n, *shape))


def targets(loss, places, n=ROWS, seed=1):
    """Targets for a loss, (n, …, OUTPUTS), or class indices, (n, …)."""
    rng, kind = np.random.default_rng(seed), LOSSES[loss].targets
    shape = (n, *places, OUTPUTS)
    if kind == "classes":
        return rng.integers(OUTPUTS, size=shape[:-1])
    if kind == "counts":
        return rng.poisson(2.0, size=shape).astype(float)
    if kind == "positive":
        return rng.exponential(size=shape)
    return rng.uniform(size=shape) if kind == "fractions" else rng.normal(size=shape)


def network(name, loss="cross_entropy", engine="reference", dtype="float64", **more):
    """The network of a case with a layer of scores at its end."""
    layers, shape, _ = CASES[name]
    last = cr.Dense(OUTPUTS * len(LOSSES[loss].scores))
    return cr.Network([*layers, last], loss, input_shape=shape, engine=engine, dtype=dtype, **more)


def problem(name, loss="cross_entropy", n=ROWS):
    """Inputs and targets of a case."""
    return inputs(name, n), targets(loss, CASES[name][2][:-1], n)


def heads(engine="reference", dtype="float64"):
    """Two tasks on one trunk, with inputs and targets."""
    layers = [
        cr.Dense(4, "tanh"),
        Heads({"kind": [cr.Dense(3, "tanh"), cr.Dense(OUTPUTS)], "size": [cr.Dense(1)]}),
    ]
    losses = {"kind": "cross_entropy", "size": {"name": "huber", "delta": 0.5}}
    net = cr.Network(layers, losses, input_shape=(3,), engine=engine, dtype=dtype)
    rng = np.random.default_rng(0)
    y = {"kind": rng.integers(OUTPUTS, size=ROWS), "size": rng.normal(size=ROWS)}
    return net, rng.normal(size=(ROWS, 3)), y


def close(found, true, tolerance):
    """Relative to each number, and to the largest."""
    true = np.asarray(true, dtype=float)
    scale = max(float(np.abs(true).max(initial=0)), 1e-3)
    np.testing.assert_allclose(found, true, rtol=tolerance, atol=tolerance * scale)


def as_json(data):
    """Data as a file would hold it."""
    return json.loads(json.dumps(data))
