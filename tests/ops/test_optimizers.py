"""Every optimizer against its published rule, written out again, on a least-squares problem."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import HyperparameterError, UnknownNameError
from chainrule.ops import OPTIMIZERS
from chainrule.ops.optimizers import optimizer, settings

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3)) * [1.0, 5.0, 0.2]
Y = RNG.normal(size=(30, 1))
STEPS = 50


def sgd(w, g, s, t):
    return w - 0.05 * g


def momentum(w, g, s, t):
    s["v"] = 0.9 * s.get("v", 0) + 0.01 * g
    return w - s["v"]


def nesterov(w, g, s, t):
    """Sutskever et al. 2013, equation 7.2 rewritten for the point where the gradient is taken."""
    old = s.get("v", 0)
    s["v"] = 0.9 * old - 0.01 * g
    return w - 0.9 * old + 1.9 * s["v"]


def adagrad(w, g, s, t):
    s["s"] = s.get("s", 0) + g**2
    return w - 0.1 * g / (np.sqrt(s["s"]) + 1e-10)


def rmsprop(w, g, s, t):
    s["s"] = 0.9 * s.get("s", 0) + 0.1 * g**2
    return w - 0.01 * g / (np.sqrt(s["s"]) + 1e-8)


def adam(w, g, s, t):
    """Kingma & Ba 2015, algorithm 1."""
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return w - 0.01 * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def adamw(w, g, s, t):
    """Loshchilov & Hutter 2019, algorithm 2, for a weight."""
    return adam(w, g, s, t) - 0.01 * 0.1 * w


def lion(w, g, s, t):
    """Chen et al. 2023, algorithm 2."""
    c = 0.9 * s.get("m", 0) + 0.1 * g
    s["m"] = 0.99 * s.get("m", 0) + 0.01 * g
    return w - 0.003 * (np.sign(c) + 0.1 * w)


CASES = {
    "sgd": (cr.SGD(0.05), sgd),
    "momentum": (cr.Momentum(0.01), momentum),
    "nesterov": (cr.Nesterov(0.01), nesterov),
    "adagrad": (cr.AdaGrad(0.1), adagrad),
    "rmsprop": (cr.RMSprop(0.01), rmsprop),
    "adam": (cr.Adam(0.01), adam),
    "adamw": (cr.AdamW(0.01, weight_decay=0.1), adamw),
    "lion": (cr.ops.Lion(0.003, weight_decay=0.1), lion),
}


def published_path(rule):
    w, state, path = np.full((3, 1), 0.5), {}, []
    for t in range(1, STEPS + 1):
        gradient = X.T @ (X @ w - Y) / len(X)
        w = rule(w, gradient, state, t)
        path.append(w)
    return np.array(path)


def test_every_optimizer_has_a_case():
    assert set(CASES) == set(OPTIMIZERS)


@pytest.mark.parametrize(
    ("engine", "dtype", "tolerance"),
    [
        ("reference", "float64", 1e-11),
        ("compiled", "float64", 1e-11),
        ("compiled", "float32", 2e-4),
    ],
)
@pytest.mark.parametrize("name", CASES)
def test_the_path_is_the_published_one(name, engine, dtype, tolerance):
    made, rule = CASES[name]
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=(3,), engine=engine, dtype=dtype)
    net.parameters["0.weight"][...] = 0.5
    path = []

    class Keep(cr.Callback):
        def on_epoch_end(self, state):
            path.append(state.network.parameters["0.weight"].copy())

    cr.train(
        net, X, Y, optimizer=made, batch_size=30, epochs=STEPS, shuffle=False, callbacks=[Keep()]
    )
    np.testing.assert_allclose(path, published_path(rule), rtol=tolerance, atol=tolerance)


def test_two_forms_of_momentum_in_the_notes_take_the_same_path():
    """003 has v ← μv − αg, x ← x + v: the same points with v of the other sign."""
    w, v, path = np.full((3, 1), 0.5), 0.0, []
    for _ in range(STEPS):
        v = 0.9 * v - 0.01 * (X.T @ (X @ w - Y) / len(X))
        w = w + v
        path.append(w)
    np.testing.assert_allclose(path, published_path(momentum), rtol=1e-12)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_weight_decay_leaves_biases_alone(engine):
    net = cr.Network([cr.Dense(1)], input_shape=(2,), engine=engine, dtype="float64")
    net.parameters["0.weight"][...], net.parameters["0.bias"][...] = 1.0, 1.0
    no_error = net.predict([[0.0, 0.0]])  # inputs 0 and no error: all gradients are 0
    cr.train(net, [[0.0, 0.0]], no_error, optimizer=cr.AdamW(0.1, weight_decay=0.5), epochs=1)
    np.testing.assert_allclose(net.parameters["0.weight"], 1 - 0.1 * 0.5)
    np.testing.assert_array_equal(net.parameters["0.bias"], 1.0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_hyperparameters_out_of_their_interval_are_refused(name):
    for field in settings(optimizer(name)):
        with pytest.raises(HyperparameterError, match=f"{field} = -1"):
            optimizer(name, **{field: -1.0})
    for rate in (0, float("nan"), "0.1", None, True):
        with pytest.raises(HyperparameterError, match="learning_rate"):
            optimizer(name, learning_rate=rate)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match="adam"):
        optimizer("adm")
    with pytest.raises(UnknownNameError, match="learning_rate"):
        optimizer("sgd", rate=0.1)
