"""Schedules: what the formulas say is what the weights feel, on both engines."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import HyperparameterError, UnknownNameError
from chainrule.ops import SCHEDULES, schedule
from chainrule.ops.schedules import Exponential, Inverse, OneCycle, Steps
from chainrule.training import ReduceOnPlateau

# The notes' formulas (and their successors') once more, one update at a time.
WRITTEN_OUT = {
    "constant": lambda t, T: 1.0,
    "steps": lambda t, T: 0.5 ** (t // 1000),
    "exponential": lambda t, T: np.exp(-0.001 * t),
    "inverse": lambda t, T: 1000 / max(t, 1000),
    "cosine": lambda t, T: 0.5 * (1 + np.cos(np.pi * t / T)),
    "one_cycle": lambda t, T: (
        0.04 + 0.96 * 0.5 * (1 - np.cos(np.pi * t / T / 0.25))
        if t / T < 0.25
        else 0.5 * (1 + np.cos(np.pi * (t / T - 0.25) / 0.75))
    ),
    "flat_cosine": lambda t, T: 1 if t < T / 2 else np.cos(np.pi * (t / T - 0.5)) ** 2,
    "cosine_cycles": lambda t, T: np.sin(np.pi * np.log(1 + 15 * t / T) / np.log(2)) ** 2,
    "warm_up": lambda t, T: min(1, (t + 1) / 100),
}


def test_every_schedule_is_written_out():
    assert set(WRITTEN_OUT) == set(SCHEDULES)


@pytest.mark.parametrize("name", SCHEDULES)
def test_factors_follow_the_formula(name):
    t, total = np.arange(3000), 3000
    expected = [WRITTEN_OUT[name](k, total) for k in t]
    np.testing.assert_allclose(schedule(name).factors(t, total), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("made", [Steps(0.5, every=3), Exponential(0.2), Inverse(4), OneCycle()])
def test_every_update_uses_its_own_rate(made, engine):
    """A gradient of 1 in every step: the weight walks down the sum of the rates."""
    net = cr.Network([cr.Dense(1, bias=False)], "absolute_error", input_shape=(1,), engine=engine,
                     dtype="float64")  # fmt: skip
    net.parameters["0.weight"][...] = 0.0
    X, y = np.ones((5, 1)), np.full(5, -1e9)
    history = cr.train(net, X, y, optimizer=cr.SGD(0.1), schedule=made, batch_size=2, epochs=4)
    rates = 0.1 * made.factors(np.arange(12), 12)  # three minibatches an epoch, one of them short
    assert net.parameters["0.weight"][0, 0] == pytest.approx(-rates.sum(), rel=1e-12)
    np.testing.assert_allclose(history.learning_rate, rates[2::3])
    assert "learning rate" in history.to_dict()


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_the_rate_falls_when_the_loss_stays(engine):
    net = cr.Network([cr.Dense(1)], input_shape=(1,), engine=engine)
    plateau = ReduceOnPlateau(factor=0.1, patience=2)
    X, y = np.zeros((4, 1)), np.zeros(4)  # no error, no gradient: the loss stays 0
    history = cr.train(net, X, y, optimizer=cr.SGD(1.0), epochs=8, callbacks=[plateau])
    np.testing.assert_allclose(
        history.learning_rate, [1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.001], rtol=1e-12
    )


def test_settings_out_of_their_interval_and_unknown_names_are_refused():
    with pytest.raises(HyperparameterError, match=r"peak = 1 .*\(0, 1\)"):
        OneCycle(peak=1)
    with pytest.raises(HyperparameterError, match="factor"):
        ReduceOnPlateau(factor=2)
    with pytest.raises(UnknownNameError, match="cosine"):
        schedule("cosin")


def test_a_schedule_arrives_at_its_end_within_a_time_limit():
    X, y = np.random.default_rng(0).normal(size=(500, 20)), np.zeros(500)
    net = cr.Network([cr.Dense(64, "tanh"), cr.Dense(1)], input_shape=(20,))
    history = cr.train(
        net, X, y, schedule="cosine", epochs=10**7, time_limit=1.0, batch_size=10, progress=False
    )
    assert history.stopped == "time limit"
    assert history.learning_rate[0] == pytest.approx(0.001, rel=0.1)
    assert history.learning_rate[-1] < 0.0001
