"""Layers for tables: against the same networks written with NumPy."""

from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule.layers import (
    Columns,
    Concatenate,
    Embedding,
    Flatten,
    Parametric,
    PerColumn,
    PiecewiseLinear,
    Scale,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 4))


def network(layers, engine="compiled"):
    net = cr.Network(layers, input_shape=(4,), engine=engine, dtype="float64", seed=1)
    for values in net.parameters.values():
        values[...] += 0.1 * RNG.normal(size=values.shape)
    return net


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_weights_of_columns_are_a_dense_layer_with_zeros(engine):
    net = network([PerColumn(3, "cosine", deviation=0.7), PerColumn(2, groups=4)], engine)
    w1, b1, w2, b2 = net.parameters.values()
    first, second = np.zeros((4, 12)), np.zeros((12, 8))
    for k in range(4):
        first[k, 3 * k : 3 * k + 3] = w1[k]
        second[3 * k : 3 * k + 3, 2 * k : 2 * k + 2] = w2[3 * k : 3 * k + 3]
    expected = np.cos(X @ first + b1) @ second + b2
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-12, atol=1e-12)


def test_first_frequencies_and_phases():
    net = cr.Network([PerColumn(500, "cosine", deviation=0.7)], input_shape=(20,), seed=0)
    weight, bias = net.parameters.values()
    assert weight.std() == pytest.approx(0.7, rel=0.03)
    assert bias.std() == pytest.approx(np.pi / np.sqrt(3), rel=0.03)
    assert np.abs(bias).max() <= np.pi


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_ramps_are_clipped_shares_of_their_intervals(engine):
    edges = [[-1.0, 0.0, 2.0], [0.5], [-2.0, 1.0], [-0.5, -0.25, 0.0, 3.0]]
    layers = [PiecewiseLinear(edges)]
    net = cr.Network(layers, input_shape=(4,), engine=engine, dtype="float64")
    found = net.predict(X).reshape(9, 4, 3)
    for column, own in enumerate(edges):
        for k, (a, b) in enumerate(pairwise(own)):
            expected = 2 * np.clip((X[:, column] - a) / (b - a), 0, 1) - 1
            np.testing.assert_allclose(found[:, column, k], expected, atol=1e-14)
    assert not found[:, 1].any()


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_branches_side_by_side(engine):
    net = network([Concatenate([[], [cr.Dense(3, "tanh")], [Columns([1, 2])]]), Scale()], engine)
    weight, bias, gain = net.parameters.values()
    expected = np.hstack([X, np.tanh(X @ weight + bias), X[:, 1:3]]) * gain
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-12)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_an_activation_between_itself_and_the_identity(engine):
    net = network([Parametric("softplus")], engine)
    (alpha,) = net.parameters.values()
    expected = X + alpha * (np.log1p(np.exp(X)) - X)
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-12)


def test_tokens_in_some_of_the_columns():
    table = [[Columns([2, 0, 1])], [Columns([3]), Embedding(5, 2), Flatten()]]
    net = network([Concatenate(table)])
    rows = np.column_stack([X[:, :3], np.arange(9) % 5])
    (weight,) = net.parameters.values()
    np.testing.assert_allclose(
        net.predict(rows), np.hstack([X[:, [2, 0, 1]], weight[rows[:, 3].astype(int)]])
    )
    with pytest.raises(cr.errors.DataError, match=r"token 5 in row 2, step 3 .* 0 to 4"):
        net.predict(np.where(np.arange(9)[:, None] == 2, 5.0, rows))


def test_rates_of_some_parameters_and_decay_of_the_plain_one():
    """One step by hand: w ← w(1 − ηλ) − η' g/|g|, by Adam's first step."""
    rates = {"gain": 6.0, "bias": 0.0}
    rule = cr.AdamW(0.01, weight_decay=0.5, layer_rates="fan_in", rates=rates)
    net = network([Scale(), cr.Dense(2)])
    before = {name: p.copy() for name, p in net.parameters.items()}
    y = RNG.normal(size=(9, 2))
    _, slopes = net.loss_and_gradients(X, y)
    cr.train(net, X, y, optimizer=rule, batch_size=None, epochs=1, progress=False)
    step = {name: np.sign(g) for name, g in slopes.items()}
    kept = before["1.weight"] * (1 - 0.01 * 0.5)
    np.testing.assert_allclose(
        net.parameters["1.weight"], kept - 0.005 * step["1.weight"], rtol=1e-5
    )
    np.testing.assert_allclose(
        net.parameters["0.gain"], before["0.gain"] - 0.06 * step["0.gain"], rtol=1e-5
    )
    np.testing.assert_array_equal(net.parameters["1.bias"], before["1.bias"])


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_regularisation_that_fades(engine):
    """With no gradient left to follow, decay alone: w shrinks by the schedule's shares."""
    net = network([cr.Dense(1, bias=False)], engine)
    start = net.parameters["0.weight"].copy()
    rule = cr.AdamW(0.1, weight_decay=0.5)
    cr.train(
        net, np.zeros((4, 4)), np.zeros(4), optimizer=rule, batch_size=2, epochs=4,
        regularisation_schedule="flat_cosine", progress=False,
    )  # fmt: skip
    share = [1, 1, 1, 1, 1, *(np.cos(np.pi * (t / 8 - 0.5)) ** 2 for t in (5, 6, 7))]
    expected = start * np.prod([1 - 0.1 * 0.5 * s for s in share])
    np.testing.assert_allclose(net.parameters["0.weight"], expected, rtol=1e-12)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_dropout_that_fades_leaves_nothing_out_at_the_end(engine):
    """One unit that is 1: what training sees of it is 0 or 1/keep, then 1."""
    seen = []

    class Loss(cr.Callback):
        def on_epoch_end(self, state):
            seen.append(state.history.loss[-1])

    net = cr.Network(
        [cr.Dropout(0.25), cr.Dense(1, bias=False)],
        input_shape=(1,),
        engine=engine,
        dtype="float64",
    )
    net.parameters["1.weight"][...] = 1.0
    cr.train(
        net, np.ones((400, 1)), np.zeros(400), optimizer=cr.SGD(1e-12), batch_size=400, epochs=8,
        regularisation_schedule="flat_cosine", callbacks=[Loss()], progress=False,
    )  # fmt: skip
    keeps = [
        1 - 0.75 * s
        for s in (1, 1, 1, 1, 1, *(np.cos(np.pi * (t / 8 - 0.5)) ** 2 for t in (5, 6, 7)))
    ]
    # The mean of ½(kept/keep)² is ½/keep, within what 400 draws allow.
    np.testing.assert_allclose(seen, [0.5 / k for k in keeps], rtol=0.35)
    assert seen[-1] == pytest.approx(0.5 / keeps[-1], rel=0.02)
