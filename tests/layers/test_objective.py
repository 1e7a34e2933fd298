"""Penalties, clipping and averaging, against formulas, scikit-learn and NumPy."""

import numpy as np
import pytest
from layer_cases import close
from sklearn.linear_model import Lasso, Ridge

import chainrule as cr
from chainrule.layers import ActivityPenalty, Conv1D, Flatten
from chainrule.ops.penalties import L1, L2

ENGINES = ["reference", "compiled"]


def network(engine, penalties=(), layers=None, seed=0):
    layers = layers or [cr.Dense(4, "tanh"), cr.Dense(2)]
    net = cr.Network(layers, input_shape=(3,), engine=engine, dtype="float64", penalties=penalties)
    rng = np.random.default_rng(seed)
    for p in net.parameters.values():
        p[...] = rng.normal(size=p.shape)
    return net


def data(seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6, 3)), rng.normal(size=(6, 2))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_l2_penalty_adds_its_value_and_theta_w(engine):
    plain, net = network(engine), network(engine, [L2(0.3)])
    loss, gradients = plain.loss_and_gradients(*data())
    value, found = net.loss_and_gradients(*data())
    squares = sum((net.parameters[f"{k}.weight"] ** 2).sum() for k in (0, 1))
    assert value == pytest.approx(loss + 0.3 / 2 * squares, rel=1e-13)
    for key, gradient in gradients.items():
        extra = 0.3 * net.parameters[key] if key.endswith("weight") else 0
        close(found[key], gradient + extra, 1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_l1_penalty_adds_its_value_and_theta_sign_w(engine):
    plain, net = network(engine), network(engine, [L1(0.3, ["1.weight", "0.bias"])])
    loss, gradients = plain.loss_and_gradients(*data())
    value, found = net.loss_and_gradients(*data())
    sizes = sum(np.abs(net.parameters[key]).sum() for key in ("1.weight", "0.bias"))
    assert value == pytest.approx(loss + 0.3 * sizes, rel=1e-13)
    for key, gradient in gradients.items():
        extra = 0.3 * np.sign(net.parameters[key]) if key in ("1.weight", "0.bias") else 0
        close(found[key], gradient + extra, 1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_weight_may_have_a_strength_of_its_own(engine):
    """C₁w₃² + C₂w₄²: two of four weights are penalised, each by its own number."""
    strengths = np.array([[0.0], [0.0], [0.6], [1.4]])  # θ/2 = C
    net = cr.Network([cr.Dense(1)], input_shape=(4,), engine=engine, dtype="float64",
                     penalties=[L2({"0.weight": strengths})])  # fmt: skip
    w = net.parameters["0.weight"]
    w[:, 0] = [1.0, -2.0, 3.0, -4.0]
    value, gradients = net.loss_and_gradients(np.zeros((1, 4)), [0.0])
    assert value == pytest.approx(0.3 * 3.0**2 + 0.7 * 4.0**2)
    np.testing.assert_allclose(gradients["0.weight"][:, 0], [0, 0, 2 * 0.3 * 3, -2 * 0.7 * 4])
    by_name = cr.Network([cr.Dense(2), cr.Dense(1)], input_shape=(4,), engine=engine,
                         penalties=[L2({"0.weight": 0.5, "1.bias": 2.0})])  # fmt: skip
    plain = by_name.with_engine(engine)
    plain.penalties = ()
    squares = 0.25 * (by_name.parameters["0.weight"] ** 2).sum()
    assert by_name.loss_and_gradients(np.zeros((1, 4)), [0.0])[0] == pytest.approx(squares)


def regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6))
    w = np.array([2.0, -1.0, 0.0, 0.0, 0.5, 0.0])
    return X, X @ w + 0.3 + 0.1 * rng.normal(size=80)


@pytest.mark.parametrize("engine", ENGINES)
def test_l1_gives_the_lasso_with_exact_zeros(engine):
    X, y = regression()
    net = cr.Network([cr.Dense(1)], input_shape=(6,), engine=engine, dtype="float64",
                     penalties=[L1(0.2)])  # fmt: skip
    cr.train(net, X, y, optimizer=cr.SGD(0.3), batch_size=80, epochs=300)
    truth = Lasso(alpha=0.2, tol=1e-12).fit(X, y)
    found = net.parameters["0.weight"][:, 0]
    np.testing.assert_allclose(found, truth.coef_, atol=1e-4)
    np.testing.assert_allclose(net.parameters["0.bias"], truth.intercept_, atol=1e-4)
    assert (found == 0).tolist() == (truth.coef_ == 0).tolist()
    assert 1 <= (found == 0).sum() < 6


@pytest.mark.parametrize("engine", ENGINES)
def test_a_strength_for_each_weight_holds_for_the_lasso_too(engine):
    """Penalising wᵢ by θcᵢ is the lasso on columns divided by cᵢ."""
    X, y = regression()
    scale = np.array([0.5, 1.0, 2.0, 1.0, 3.0, 0.5])
    net = cr.Network([cr.Dense(1)], input_shape=(6,), engine=engine, dtype="float64",
                     penalties=[L1({"0.weight": 0.1 * scale[:, None]})])  # fmt: skip
    cr.train(net, X, y, optimizer=cr.SGD(0.3), batch_size=80, epochs=300)
    truth = Lasso(alpha=0.1, tol=1e-12).fit(X / scale, y).coef_ / scale
    np.testing.assert_allclose(net.parameters["0.weight"][:, 0], truth, atol=1e-4)


def test_l2_gives_ridge_regression():
    X, y = regression()
    net = cr.Network([cr.Dense(1)], input_shape=(6,), dtype="float64", penalties=[L2(0.25)])
    cr.train(net, X, y, optimizer=cr.SGD(0.3), batch_size=80, epochs=200)
    truth = Ridge(alpha=0.25 * 80, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(net.parameters["0.weight"][:, 0], truth.coef_, atol=1e-8)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_history_has_the_loss_of_the_data(engine):
    """The penalty stands beside it in `evaluate`; a rate of next to nothing keeps the weights."""
    net, (X, y) = network(engine, [L2(0.3)]), data()
    history = cr.train(net, X, y, batch_size=4, epochs=1, optimizer=cr.SGD(1e-300))
    plain = network(engine).loss_and_gradients(X, y)[0]
    squares = sum((net.parameters[f"{k}.weight"] ** 2).sum() for k in (0, 1))
    assert history.loss[0] == pytest.approx(plain, rel=1e-12)
    assert net.evaluate(X, y)["penalty"] == pytest.approx(0.15 * squares, rel=1e-12)


PENALTIES = {
    "l1": lambda y: np.abs(y).sum() / len(y),
    "l2": lambda y: 0.5 * (y**2).sum() / len(y),
    "sparsity": lambda y: sum(
        0.05 * np.log(0.05 / m) + 0.95 * np.log(0.95 / (1 - m)) for m in y.mean(axis=0)
    ),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", PENALTIES)
def test_busy_units_cost_what_the_formula_says(kind, engine):
    layers = [cr.Dense(4, "sigmoid"), ActivityPenalty(0.7, kind), cr.Dense(2)]
    net, (X, y) = network(engine, layers=layers), data()
    plain = network(engine, layers=[layers[0], layers[2]])
    for k, own in (("0", "0"), ("2", "1")):
        for part in ("weight", "bias"):
            plain.parameters[f"{own}.{part}"][...] = net.parameters[f"{k}.{part}"]
    hidden = 1 / (1 + np.exp(-(X @ net.parameters["0.weight"] + net.parameters["0.bias"])))
    true = plain.loss_and_gradients(X, y)[0] + 0.7 * PENALTIES[kind](hidden)
    assert net.loss_and_gradients(X, y)[0] == pytest.approx(true, rel=1e-12)
    close(net.predict(X), plain.predict(X), 1e-14)
    assert cr.check_gradients(net, X, y, engine=engine).passed


def test_sparsity_lowers_the_mean_activity():
    X = np.random.default_rng(0).normal(size=(200, 5))
    means = []
    for strength in (0.0, 1.0):
        layers = [cr.Dense(10, "sigmoid"), ActivityPenalty(strength, "sparsity"), cr.Dense(5)]
        net = cr.Network(layers, input_shape=(5,))
        cr.train(net, X, X, optimizer=cr.Adam(0.02), epochs=40)
        z = X @ net.parameters["0.weight"] + net.parameters["0.bias"]
        means.append((1 / (1 + np.exp(-z))).mean())
    assert means[1] < 0.15 < 0.4 < means[0]


# -------------------------------------------------------------------- clipping


def step_taken(net, X, y, **more):
    """What one step of plain descent with rate 1 subtracts: the gradient as it was used."""
    before = {key: p.copy() for key, p in net.parameters.items()}
    cr.train(net, X, y, optimizer=cr.SGD(1.0), batch_size=len(X), epochs=1, **more)
    return {key: before[key] - p for key, p in net.parameters.items()}


def length(gradients):
    return np.sqrt(sum((g**2).sum() for g in gradients.values()))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_long_gradient_is_shortened_and_a_short_one_left_alone(engine):
    X, y = data()
    _, gradients = network(engine).loss_and_gradients(X, y)
    whole = length(gradients)
    for limit in (whole / 3, whole * 0.999):
        taken = step_taken(network(engine), X, y, clip=limit)
        assert length(taken) == pytest.approx(limit, rel=1e-12)
        for key, gradient in gradients.items():  # one factor for all: the direction stays
            close(taken[key], gradient * limit / whole, 1e-12)
    taken = step_taken(network(engine), X, y, clip=whole * 1.001)
    for key, gradient in gradients.items():
        close(taken[key], gradient, 1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_clipping_sees_convolutions_and_biases_too(engine):
    net = cr.Network([Conv1D(2, 3, "tanh"), Flatten(), cr.Dense(2)], input_shape=(5, 1),
                     engine=engine, dtype="float64")  # fmt: skip
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 5, 1)), 10 * rng.normal(size=(9, 2))
    assert length(step_taken(net, X, y, clip=0.25)) == pytest.approx(0.25, rel=1e-12)


# ------------------------------------------------------------------- averaging


@pytest.mark.parametrize("engine", ENGINES)
def test_the_weights_that_are_kept_are_the_running_mean(engine):
    X, y = data()
    memory, steps = 0.8, 12
    twin = network(engine)
    mean = {key: np.zeros_like(p) for key, p in twin.parameters.items()}
    for step in range(steps):
        step_taken(twin, X, y, clip=0.1)
        share = min(memory, step / (step + 1))
        mean = {key: share * mean[key] + (1 - share) * p for key, p in twin.parameters.items()}
    net = network(engine)
    cr.train(net, X, y, optimizer=cr.SGD(1.0), batch_size=6, epochs=steps, clip=0.1,
             averaging=memory)  # fmt: skip
    for key, p in net.parameters.items():
        close(p, mean[key], 1e-12)
        assert not np.allclose(p, twin.parameters[key], rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_validation_sees_the_averaged_weights(engine):
    X, y = data()
    net = network(engine)
    history = cr.train(net, X, y, optimizer=cr.SGD(0.1), batch_size=3, epochs=3, averaging=0.9,
                       validation=(X, y), early_stopping=False)  # fmt: skip
    assert history.validation_loss[-1] == pytest.approx(net.evaluate(X, y)["loss"], rel=1e-12)
