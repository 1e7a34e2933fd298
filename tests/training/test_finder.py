"""The sweep of learning rates, on a parabola where every loss is known."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule.errors import HyperparameterError, UnknownNameError
from chainrule.training import LBFGS, learning_rate_finder

CURVATURE = 4.0


def parabola(engine="compiled"):
    """½ λ w² with w = 1: one row x = √λ, target 0."""
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=1, dtype="float64", engine=engine)
    net.parameters["0.weight"][...] = 1
    return net, [[np.sqrt(CURVATURE)]], [0.0]


def sweep(net, X, y, **more):
    return learning_rate_finder(
        net, X, y, **{"optimizer": "sgd", "smoothing": 0.0, "batch_size": None, **more}
    )


def losses_by_hand(rates):
    w, losses = 1.0, []
    for rate in rates:
        losses.append(0.5 * CURVATURE * w**2)
        w -= rate * CURVATURE * w
    return np.array(losses)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_the_losses_are_those_of_gradient_descent_with_rising_rates(engine):
    found = sweep(*parabola(engine), steps=60)
    assert found.rates[0] == pytest.approx(1e-7)
    ratio = found.rates[1:] / found.rates[:-1]
    np.testing.assert_allclose(ratio, 1e8 ** (1 / 59), rtol=1e-10)
    np.testing.assert_allclose(found.losses, losses_by_hand(found.rates), rtol=1e-9, atol=1e-12)


def test_what_it_suggests():
    """Gradient descent on the parabola diverges from rates of 2/λ on."""
    found = sweep(*parabola(), steps=400)
    losses = losses_by_hand(found.rates)
    steepest = 1 + int(np.argmax(losses[:-2] - losses[2:]))
    assert found.steepest == pytest.approx(found.rates[steepest])
    assert 2 / CURVATURE < found.blow_up < 20 / CURVATURE
    assert found.suggestion == min(found.steepest, found.blow_up / 10) < 2 / CURVATURE
    assert losses[-1] > losses[0] >= losses[-2] / 1.1
    assert "blows up at" in str(found)


def test_without_a_blow_up_the_steepest_rate_is_suggested():
    found = sweep(*parabola(), highest_rate=0.1)
    assert found.blow_up is None
    assert found.suggestion == found.steepest
    assert len(found.rates) == len(found.losses) == 100
    assert "none blew up" in str(found)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_suggestion_trains_and_the_network_stays_as_it_was(optimizer):
    X, y = load_digits(return_X_y=True)
    net = cr.Network([cr.Dense(32, "relu"), cr.Dense(10)], "cross_entropy", input_shape=64)
    before = {name: p.copy() for name, p in net.parameters.items()}
    found = learning_rate_finder(net, X / 16, y, optimizer=optimizer)
    for name, p in net.parameters.items():
        np.testing.assert_array_equal(p, before[name])
    rule = cr.ops.optimizer(optimizer, learning_rate=found.suggestion)
    assert cr.train(net, X / 16, y, optimizer=rule, epochs=10).metric[-1] > 0.9


def test_the_same_seed_gives_the_same_sweep():
    X, y = load_digits(return_X_y=True)
    net = cr.Network(
        [cr.Dense(16, "relu"), cr.Dropout(0.8), cr.Dense(10)], "cross_entropy", input_shape=64
    )
    first, second, other = (learning_rate_finder(net, X / 16, y, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.losses, second.losses)
    assert first.losses.tolist() != other.losses.tolist()


def test_sample_weights_of_zero_leave_rows_out():
    net, X, y = parabola()
    alone = sweep(net, X, y)
    weighted = sweep(net, [*X, [100.0]], [0.0, 7.0], sample_weight=[1.0, 0.0])
    np.testing.assert_allclose(alone.losses, weighted.losses, rtol=1e-12)


def test_a_loss_that_overflows_ends_the_sweep():
    net = cr.Network([cr.Dense(1)], "poisson", input_shape=1, dtype="float64")
    net.parameters["0.weight"][...] = 0
    found = sweep(net, [[1000.0]], [50.0], lowest_rate=1e-10)
    assert np.isfinite(found.losses).all()
    assert found.blow_up is not None
    assert found.rates[0] <= found.suggestion <= found.blow_up / 10


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lowest_rate": 0}, "lowest_rate"),
        ({"lowest_rate": 1.0, "highest_rate": 0.5}, "has to rise"),
        ({"steps": 3}, "steps"),
        ({"smoothing": 1.0}, "smoothing"),
        ({"batch_size": 0}, "batch_size"),
        ({"optimizer": LBFGS()}, "LBFGS, which has no rate to find"),
        ({"optimizer": "lbfgs"}, r"'lbfgs' is no name .*chainrule\.training\.LBFGS\(\)"),
    ],
)
def test_numbers_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(HyperparameterError, match=message):
        sweep(*parabola(), **wrong)


def test_a_loss_that_is_never_finite_is_refused():
    net, X, y = parabola()
    net.parameters["0.weight"][...] = 1e200
    with pytest.raises(HyperparameterError, match="not finite from the start"):
        sweep(net, X, y)


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(UnknownNameError, match="adam"):
        sweep(*parabola(), optimizer="adm")


def test_nothing_is_suggested_when_the_loss_never_falls():
    """At the minimum every gradient is 0, so no rate changes the loss."""
    net, X, y = parabola()
    net.parameters["0.weight"][...] = 0
    with pytest.warns(UserWarning, match=r"never falls between learning rates of 1e-07 and 10"):
        found = sweep(net, X, y)
    assert found.suggestion is None
    assert found.steepest is None
    assert "never falls, none blew up; suggestion none" in str(found)


def test_nothing_is_suggested_outside_the_sweep():
    """Rates from 0.3 on, where 2/λ = 0.5 is the last that does not diverge."""
    with pytest.warns(UserWarning, match=r"blows up at .* less than 10 times .* lower lowest_rate"):
        found = sweep(*parabola(), lowest_rate=0.3)
    assert found.blow_up / 10 < found.rates[0]
    assert found.suggestion is None


def test_only_a_blow_up_leaves_nothing_to_suggest():
    with pytest.warns(UserWarning, match=r"never falls before it blows up at .* lower lowest_rate"):
        found = sweep(*parabola(), lowest_rate=1.0)
    assert found.suggestion is None
