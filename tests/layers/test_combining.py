"""Residual blocks, shared weights, several tasks, PReLU, softmax inside a network."""

import numpy as np
import pytest
from layer_cases import close
from scipy.special import softmax

import chainrule as cr
from chainrule.layers import Heads, PReLU, Residual, Shared, Softmax

ENGINES = ["reference", "compiled"]


def drawn(layers, shape, engine="reference", loss="squared_error"):
    net = cr.Network(layers, loss, input_shape=shape, engine=engine, dtype="float64")
    rng = np.random.default_rng(0)
    for p in net.parameters.values():
        p[...] = rng.normal(size=p.shape)
    return net


@pytest.mark.parametrize("engine", ENGINES)
def test_a_residual_block_adds_what_its_layers_compute(engine):
    inner = [cr.Dense(5, "tanh"), cr.Dense(3)]
    X = np.random.default_rng(1).normal(size=(6, 3))
    net, plain = drawn([Residual(inner)], (3,), engine), drawn(inner, (3,), engine)
    close(net.predict(X), X + plain.predict(X), 1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_gradient_passes_a_residual_block_on_two_ways(engine):
    """y = x + x V, x = u W: ∂L/∂W = uᵀ δ (1 + V)ᵀ."""
    net = drawn([cr.Dense(3, bias=False), Residual([cr.Dense(3, bias=False)])], (2,), engine)
    rng = np.random.default_rng(1)
    u, t = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    w, v = net.parameters["0.weight"], net.parameters["1.0.weight"]
    delta = (u @ w + u @ w @ v - t) / 5
    _, gradients = net.loss_and_gradients(u, t)
    close(gradients["0.weight"], u.T @ delta @ (np.eye(3) + v).T, 1e-12)
    close(gradients["1.0.weight"], (u @ w).T @ delta, 1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_gradient_of_a_shared_weight_is_the_sum_over_its_places(engine):
    step = cr.Dense(3, "tanh")
    shared = drawn([Shared("step", step)] * 3, (3,), engine)
    apart = drawn([step] * 3, (3,), engine)
    for k in range(3):
        for part in ("weight", "bias"):
            apart.parameters[f"{k}.{part}"][...] = shared.parameters[f"step.{part}"]
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    close(shared.predict(X), apart.predict(X), 1e-14)
    _, found = shared.loss_and_gradients(X, y)
    _, own = apart.loss_and_gradients(X, y)
    assert list(found) == ["step.weight", "step.bias"]
    for part in ("weight", "bias"):
        close(found[f"step.{part}"], sum(own[f"{k}.{part}"] for k in range(3)), 1e-12)


def two_tasks(engine, losses=("cross_entropy", "squared_error")):
    layers = [cr.Dense(4, "tanh"), Heads({"kind": [cr.Dense(3)], "size": [cr.Dense(2)]})]
    net = cr.Network(layers, dict(zip(("kind", "size"), losses, strict=True)), input_shape=(3,),
                     engine=engine, dtype="float64")  # fmt: skip
    rng = np.random.default_rng(1)
    y = {"kind": rng.integers(3, size=6), "size": rng.normal(size=(6, 2))}
    return net, rng.normal(size=(6, 3)), y


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_losses_of_tasks_add_up_and_so_do_their_gradients_on_the_trunk(engine, weighted):
    net, X, y = two_tasks(engine)
    weight = np.array([1, 2, 0, 1, 1, 3.0]) if weighted else None
    loss, gradients = net.loss_and_gradients(X, y, weight)
    total, trunk = 0.0, {"0.weight": 0.0, "0.bias": 0.0}
    for task, name in (("kind", "cross_entropy"), ("size", "squared_error")):
        own = cr.Network([cr.Dense(4, "tanh"), cr.Dense(3 if task == "kind" else 2)], name,
                         input_shape=(3,), engine=engine, dtype="float64")  # fmt: skip
        for part in ("weight", "bias"):
            own.parameters[f"0.{part}"][...] = net.parameters[f"0.{part}"]
            own.parameters[f"1.{part}"][...] = net.parameters[f"1.{task}.0.{part}"]
        close(net.predict(X)[task], own.predict(X), 1e-13)
        value, found = own.loss_and_gradients(X, y[task], weight)
        total += value
        for part in ("weight", "bias"):
            close(gradients[f"1.{task}.0.{part}"], found[f"1.{part}"], 1e-12)
            trunk[f"0.{part}"] = trunk[f"0.{part}"] + found[f"0.{part}"]
    assert loss == pytest.approx(total, rel=1e-13)
    for key, true in trunk.items():
        close(gradients[key], true, 1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_task_reports_its_own_metric(engine):
    net, X, y = two_tasks(engine)
    found = net.evaluate(X, y)
    right = net.predict(X)["kind"].argmax(axis=1) == y["kind"]
    assert found["kind accuracy"] == pytest.approx(right.mean())
    assert found["loss"] == pytest.approx(net.loss_and_gradients(X, y)[0])
    chances = net.predict_proba(X)
    np.testing.assert_allclose(chances["kind"].sum(axis=1), 1)
    np.testing.assert_array_equal(chances["size"], net.predict(X)["size"])


def test_several_tasks_are_learnt_together():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = {"sign": (X[:, 0] + X[:, 1] > 0).astype(int), "sum": X[:, 0] + X[:, 1]}
    layers = [cr.Dense(8, "tanh"), Heads({"sign": [cr.Dense(2)], "sum": [cr.Dense(1)]})]
    losses = {"sign": "cross_entropy", "sum": "squared_error"}
    net = cr.Network(layers, losses, input_shape=(4,))
    cr.train(net, X, y, optimizer=cr.Adam(0.02), epochs=30)
    found = net.predict(X)
    assert np.mean(found["sign"].argmax(axis=1) == y["sign"]) > 0.95
    assert np.std(found["sum"][:, 0] - y["sum"]) < 0.2


@pytest.mark.parametrize("engine", ENGINES)
def test_prelu_trains_the_slope_of_its_negative_half(engine):
    net = cr.Network([PReLU(0.2)], input_shape=(2,), engine=engine, dtype="float64")
    X, t = np.array([[1.0, -2.0], [-3.0, 4.0]]), np.zeros((2, 2))
    np.testing.assert_allclose(net.predict(X), [[1, -0.4], [-0.6, 4]])
    _, gradients = net.loss_and_gradients(X, t)
    # ∂L/∂α = mean over rows of δ z where z < 0, channel by channel
    np.testing.assert_allclose(gradients["0.alpha"], [-0.6 * -3 / 2, -0.4 * -2 / 2])


@pytest.mark.parametrize("engine", ENGINES)
def test_softmax_inside_a_network_passes_back_its_jacobian(engine):
    """L = ½‖ŷ − t‖², z = x + b: ∂L/∂b = Jᵀ(ŷ − t), J = ŷᵢ(δᵢⱼ − ŷⱼ)."""
    net = cr.Network([cr.Dense(4), Softmax()], input_shape=(4,), engine=engine, dtype="float64")
    net.parameters["0.weight"][...] = np.eye(4)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(1, 4)), rng.normal(size=(1, 4))
    y = softmax(x, axis=1)[0]
    jacobian = y[:, None] * (np.eye(4) - y[None, :])
    np.testing.assert_allclose(net.predict(x)[0], y, rtol=1e-13)
    _, gradients = net.loss_and_gradients(x, t)
    np.testing.assert_allclose(gradients["0.bias"], jacobian.T @ (y - t[0]), rtol=1e-12)
    far = net.predict([[1e4, 0.0, -1e4, 1e4]])[0]
    np.testing.assert_allclose(far, [0.5, 0, 0, 0.5])
