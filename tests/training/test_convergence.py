"""Gradient descent over all rows until it has converged, by a stated criterion (000, 001, 002)."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import HyperparameterError
from chainrule.training import Convergence

RNG = np.random.default_rng(0)
ROWS = 40


def problem(features):
    X = RNG.normal(size=(ROWS, features))
    return X, X @ np.arange(1.0, features + 1) - 2 + RNG.normal(size=ROWS)


def linear(features, start, engine="compiled"):
    net = cr.Network([cr.Dense(1)], input_shape=features, dtype="float64", engine=engine)
    for p in net.parameters.values():
        p[...] = 0 if start == "zeros" else RNG.normal(size=p.shape)
    return net


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("start", ["zeros", "random"])
@pytest.mark.parametrize("features", [1, 4])
def test_linear_regression_converges_to_least_squares(features, start, engine):
    X, y = problem(features)
    net = linear(features, start, engine)
    history = cr.train(
        net, X, y, optimizer=cr.SGD(0.3), batch_size=None, epochs=5000,
        callbacks=[Convergence(gradient_norm=1e-9)],
    )  # fmt: skip
    best = np.linalg.lstsq(np.column_stack([X, np.ones(ROWS)]), y, rcond=None)[0]
    np.testing.assert_allclose(net.parameters["0.weight"][:, 0], best[:-1], rtol=1e-6)
    np.testing.assert_allclose(net.parameters["0.bias"], best[-1:], rtol=1e-6)
    assert history.stopped == "converged: gradient norm at most 1e-09"
    assert len(history) < 5000


def test_it_stops_at_the_first_epoch_that_meets_the_criterion():
    """½(w − 3)², rate ½: the gradient of epoch k is −3/2ᵏ⁻¹."""
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=1, dtype="float64")
    net.parameters["0.weight"][...] = 0
    history = cr.train(
        net, [[1.0]], [3.0], optimizer=cr.SGD(0.5), batch_size=None, epochs=100,
        callbacks=[Convergence(gradient_norm=0.1)],
    )  # fmt: skip
    assert len(history) == 6  # 3/2⁵ = 0.09375 is the first below 0.1
    np.testing.assert_allclose(net.parameters["0.weight"], 3 - 3 / 2**6)


@pytest.mark.parametrize("patience", [1, 4])
def test_the_relative_change_of_the_loss(patience):
    X, y = problem(3)
    history = cr.train(
        linear(3, "zeros"), X, y, optimizer=cr.SGD(0.1), batch_size=None, epochs=5000,
        callbacks=[Convergence(relative_loss=1e-6, patience=patience)],
    )  # fmt: skip
    changes = -np.diff(history.loss) / history.loss[:-1]
    assert np.all(changes[-patience:] <= 1e-6)
    assert np.all(changes[:-patience] > 1e-6)
    assert history.stopped == "converged: relative change of the loss at most 1e-06"


def test_training_that_does_not_converge_says_so():
    X, y = problem(3)
    history = cr.train(
        linear(3, "zeros"), X, y, optimizer=cr.SGD(0.1), batch_size=None, epochs=5,
        callbacks=[Convergence(gradient_norm=1e-9, relative_loss=1e-12)],
    )  # fmt: skip
    assert history.stopped == "all epochs done"


def test_one_criterion_object_serves_several_runs():
    X, y = problem(2)
    criterion = Convergence(gradient_norm=1e-6, patience=3)
    lengths = [
        len(cr.train(linear(2, "zeros"), X, y, optimizer=cr.SGD(0.3), batch_size=None,
                     epochs=1000, callbacks=[criterion]))
        for _ in range(2)
    ]  # fmt: skip
    assert lengths[0] == lengths[1] < 1000


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_all_rows_at_once_is_one_update_an_epoch(engine):
    """One step of size η along the mean gradient of all rows; the state shows that gradient."""
    X, y = problem(3)
    net, seen = linear(3, "random", engine), {}

    class Look(cr.Callback):
        def on_epoch_end(self, state):
            seen.update({name: g.copy() for name, g in state.gradients.items()})

    before = {name: p.copy() for name, p in net.parameters.items()}
    cr.train(
        net, X, y, optimizer=cr.SGD(0.1), batch_size=None, epochs=1, callbacks=[Look()]
    )  # fmt: skip
    error = X @ before["0.weight"][:, 0] + before["0.bias"] - y
    expected = {"0.weight": (X.T @ error / ROWS)[:, None], "0.bias": error.mean(keepdims=True)}
    for name, g in expected.items():
        np.testing.assert_allclose(seen[name], g, rtol=1e-10)
        np.testing.assert_allclose(net.parameters[name], before[name] - 0.1 * g, rtol=1e-10)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "no criterion"),
        ({"gradient_norm": -1.0}, "gradient_norm"),
        ({"relative_loss": "small"}, "relative_loss"),
        ({"gradient_norm": 1e-3, "patience": 0}, "patience"),
    ],
)
def test_criteria_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(HyperparameterError, match=message):
        Convergence(**wrong)
