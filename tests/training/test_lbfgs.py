"""L-BFGS through SciPy: where it ends, why, and what it leaves behind."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

import chainrule as cr
from chainrule.errors import HyperparameterError, NetworkError, NonFiniteLossWarning
from chainrule.training import LBFGS, Convergence, Objective

ENGINES = pytest.mark.parametrize("engine", ["reference", "compiled"])
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * [1.0, 8.0, 0.3, 2.0]
Y = X @ [1.0, -2.0, 3.0, 0.5] + 4 + RNG.normal(size=60)


def linear(**more):
    return cr.Network([cr.Dense(1)], input_shape=4, **{"dtype": "float64", **more})


def iris(**more):
    inputs, y = load_iris(return_X_y=True)
    layers = [cr.Dense(6, "tanh"), cr.Dense(3)]
    net = cr.Network(layers, "cross_entropy", input_shape=4, **{"dtype": "float64", **more})
    return net, scale(inputs), y


def flat(net):
    return np.concatenate([p.ravel() for p in net.parameters.values()])


@ENGINES
def test_it_finds_the_least_squares_solution(engine):
    net = linear(engine=engine)
    history = cr.train(net, X, Y, optimizer=LBFGS())
    best = np.linalg.lstsq(np.column_stack([X, np.ones(60)]), Y, rcond=None)[0]
    np.testing.assert_allclose(flat(net), best, rtol=1e-7)
    assert history.stopped.startswith("converged")


@ENGINES
def test_it_ends_where_the_gradient_vanishes_and_the_loss_only_falls(engine):
    net, inputs, y = iris(engine=engine)
    weights = np.linspace(0.5, 2, len(y))
    start = net.evaluate(inputs, y, weights)["loss"]
    solver = LBFGS(max_iterations=3000, tolerance=1e-5)
    history = cr.train(net, inputs, y, sample_weight=weights, optimizer=solver)
    loss, gradients = net.loss_and_gradients(inputs, y, weights)
    if history.stopped.startswith("converged: no entry"):
        assert max(np.abs(g).max() for g in gradients.values()) <= 1e-5
    else:
        assert history.stopped == "converged: the loss no longer falls"
    assert np.all(np.diff([start, *history.loss]) <= 0)
    assert history.loss[-1] == pytest.approx(loss, rel=1e-12)
    assert history.metric[-1] > 0.98  # a minimum, not always the deepest


def test_the_steps_are_scipys():
    """The same rows, loss and start by hand: the same losses, step by step."""
    net = linear()
    matrix, losses = np.column_stack([X, np.ones(60)]), []

    def value(w):
        return 0.5 * np.mean((matrix @ w - Y) ** 2), matrix.T @ (matrix @ w - Y) / 60

    start = flat(net)
    minimize(
        value, start, jac=True, method="L-BFGS-B", options={"maxiter": 8, "maxcor": 10},
        callback=lambda w: losses.append(value(w)[0]),
    )  # fmt: skip
    history = cr.train(net, X, Y, optimizer=LBFGS(max_iterations=8))
    np.testing.assert_allclose(history.loss, losses[:8], rtol=1e-7)
    assert history.stopped == "all epochs done"
    assert len(history) == 8 == len(history.seconds) == len(history.learning_rate)


def test_one_session_serves_every_evaluation(monkeypatch):
    net, made = linear(), []
    engine = type(net.engine)
    session = engine.session
    monkeypatch.setattr(engine, "session", lambda *a: made.append(1) or session(*a))
    assert len(cr.train(net, X, Y, optimizer=LBFGS())) > 3
    assert len(made) == 1


def test_float32_comes_close():
    net = linear(dtype="float32")
    cr.train(net, X, Y, optimizer=LBFGS())
    best = np.linalg.lstsq(np.column_stack([X, np.ones(60)]), Y, rcond=None)[0]
    np.testing.assert_allclose(flat(net), best, rtol=2e-3)


# ------------------------------------------------------------------- stopping


def test_callbacks_see_every_step_and_may_stop_it():
    seen = []

    class StopAtFour(cr.Callback):
        def on_epoch_end(self, state):
            norm = max(np.abs(g).max() for g in state.gradients.values())
            seen.append((state.epoch, state.history.loss[-1], norm, flat(state.network)))
            if state.epoch == 4:
                state.stop("enough")

    net = linear()
    history = cr.train(net, X, Y, optimizer=LBFGS(), callbacks=[StopAtFour()])
    assert [epoch for epoch, *_ in seen] == [1, 2, 3, 4]
    assert history.stopped == "enough"
    np.testing.assert_array_equal(flat(net), seen[-1][3])
    loss, gradients = net.loss_and_gradients(X, Y)
    assert (seen[-1][1], seen[-1][2]) == pytest.approx(
        (loss, max(np.abs(g).max() for g in gradients.values())), rel=1e-10
    )


def test_a_convergence_criterion_of_its_own():
    history = cr.train(
        linear(), X, Y, optimizer=LBFGS(), callbacks=[Convergence(gradient_norm=1.0)]
    )
    assert history.stopped == "converged: gradient norm at most 1"


def test_validation_brings_back_the_best_weights():
    rng = np.random.default_rng(1)
    inputs, y = rng.normal(size=(60, 8)), rng.normal(size=60)  # noise: it can only over-fit
    net = cr.Network([cr.Dense(30, "tanh"), cr.Dense(1)], input_shape=8, dtype="float64")
    history = cr.train(
        net, inputs[:30], y[:30], optimizer=LBFGS(), patience=5,
        validation=(inputs[30:], y[30:]),
    )  # fmt: skip
    assert history.stopped == "no improvement"
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    after = net.evaluate(inputs[30:], y[30:])["loss"]
    assert after == pytest.approx(min(history.validation_loss), rel=1e-12)


def test_the_time_limit_ends_it():
    net, inputs, y = iris()
    history = cr.train(net, inputs, y, optimizer=LBFGS(tolerance=0), time_limit=1e-9)
    assert (history.stopped, len(history)) == ("time limit", 1)


def test_ctrl_c_within_a_line_search_leaves_the_last_accepted_point(monkeypatch):
    net, inputs, y = iris()
    call, calls = Objective.__call__, []

    def interrupted(self, point):
        result = call(self, point)
        calls.append(1)
        if len(calls) == 20:
            self.point = point + 1
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Objective, "__call__", interrupted)
    with pytest.warns(UserWarning, match="interrupted after"):
        history = cr.train(net, inputs, y, optimizer=LBFGS())
    assert history.stopped == "interrupted"
    assert net.evaluate(inputs, y)["loss"] == pytest.approx(history.loss[-1], rel=1e-12)


def test_a_start_without_a_finite_loss_is_reported():
    net = linear()
    net.parameters["0.weight"][...] = 1e200
    with pytest.warns(NonFiniteLossWarning):
        history = cr.train(net, X, Y, optimizer=LBFGS())
    assert (history.stopped, len(history)) == ("loss not finite", 0)
    assert np.all(net.parameters["0.weight"] == 1e200)


def test_a_step_into_overflow_is_taken_back():
    """exp overflows beyond 709; the first step, of length 1, goes to scores of thousands."""
    net = cr.Network([cr.Dense(1)], "poisson", input_shape=1, dtype="float64")
    net.parameters["0.weight"][...] = 0
    inputs = np.array([[0.0], [1000.0], [2000.0]])
    history = cr.train(net, inputs, [1.0, 2.0, 4.0], optimizer=LBFGS(tolerance=1e-6))
    assert history.stopped.startswith("converged")
    np.testing.assert_allclose(net.parameters["0.weight"], np.log(2) / 1000, rtol=1e-6)
    np.testing.assert_allclose(net.parameters["0.bias"], 0, atol=1e-5)


# ------------------------------------------------------------------- refusals


def test_dropout_is_refused():
    net = cr.Network([cr.Dense(3, "tanh"), cr.Dropout(0.5), cr.Dense(1)], input_shape=4)
    with pytest.raises(NetworkError, match="dropout"):
        cr.train(net, X, Y, optimizer=LBFGS())


def test_a_schedule_is_refused():
    with pytest.raises(HyperparameterError, match="no learning rate"):
        cr.train(linear(), X, Y, optimizer=LBFGS(), schedule="cosine")


@pytest.mark.parametrize(
    "wrong", [{"max_iterations": 0}, {"tolerance": -1.0}, {"memory": 2.5}, {"memory": None}]
)
def test_numbers_out_of_their_interval_are_refused(wrong):
    with pytest.raises(HyperparameterError, match=next(iter(wrong))):
        LBFGS(**wrong)


# ------------------------------------------------------------------ objective


@ENGINES
def test_the_objectives_gradient_agrees_with_differences(engine):
    net, inputs, y = iris(engine=engine)
    loss = Objective.of(net, inputs, y, np.linspace(0, 1, len(y)))
    point = loss.point
    gradient = loss(point)[1]
    for k in range(0, len(point), 7):
        step = 1e-5 * np.eye(len(point))[k]
        difference = (loss(point + step)[0] - loss(point - step)[0]) / 2e-5
        assert gradient[k] == pytest.approx(difference, rel=1e-6, abs=1e-9)


# ----------------------------------------------------------------- estimators


def test_the_classifier_takes_it():
    inputs, y = load_iris(return_X_y=True)
    model = cr.NetworkClassifier((6,), activation="tanh", optimizer=LBFGS(), random_state=0)
    assert model.fit(inputs, y).score(inputs, y) > 0.94
    assert "converged" in model.history_.stopped or model.history_.stopped == "no improvement"


def test_a_schedule_of_regularisation_is_refused():
    with pytest.raises(HyperparameterError, match="regularisation_schedule = 'flat_cosine'"):
        cr.train(linear(), X, Y, optimizer=LBFGS(), regularisation_schedule="flat_cosine")
