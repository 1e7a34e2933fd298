"""Corners where layers, tasks, penalties and the planner meet."""

from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import NetworkError, NonFiniteLossWarning
from chainrule.layers import (
    LSTM,
    ActivityPenalty,
    BatchNorm,
    Embedding,
    Flatten,
    Heads,
    Residual,
    Shared,
)
from chainrule.ops import L1, L2
from chainrule.ops.derivative import pull_back
from chainrule.ops.expression import Variable, evaluate, row_sum
from chainrule.training import LBFGS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4))


def both(layers, *arguments, **settings):
    return [
        cr.Network(layers, *arguments, engine=engine, dtype="float64", **settings)
        for engine in ("reference", "compiled")
    ]


def gradients_agree(nets, *data):
    (loss, g), (other, h) = (net.loss_and_gradients(*data) for net in nets)
    assert other == pytest.approx(loss, rel=1e-12)
    for name in g:
        np.testing.assert_allclose(h[name], g[name], rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------ several tasks


TASKS = {"kind": [cr.Dense(3)], "size": [cr.Dense(1)]}
LOSSES = {"kind": "cross_entropy", "size": "squared_error"}
Y = {"kind": RNG.integers(3, size=20), "size": RNG.normal(size=20)}


@pytest.mark.parametrize("tasks", [TASKS, dict(reversed(TASKS.items()))])
@pytest.mark.parametrize("losses", [LOSSES, dict(reversed(LOSSES.items()))])
def test_tasks_keep_their_own_targets_in_any_order(tasks, losses):
    nets = both([cr.Dense(5, "tanh"), Heads(tasks)], losses, input_shape=4)
    gradients_agree(nets, X, Y)
    alone = []
    for task, layers in TASKS.items():
        single = cr.Network([cr.Dense(5, "tanh"), *layers], LOSSES[task], input_shape=4,
                            engine="reference")  # fmt: skip
        values = nets[0].parameters
        single.set_parameters({
            "0.weight": values["0.weight"], "0.bias": values["0.bias"],
            "1.weight": values[f"1.{task}.0.weight"], "1.bias": values[f"1.{task}.0.bias"],
        })  # fmt: skip
        alone.append(single.evaluate(X, Y[task]))
    found = nets[1].evaluate(X, Y)
    assert found["loss"] == pytest.approx(alone[0]["loss"] + alone[1]["loss"])
    assert found["kind accuracy"] == pytest.approx(alone[0]["accuracy"])
    assert found["size loss"] == pytest.approx(alone[1]["loss"])


def test_a_file_keeps_the_order_of_the_tasks(tmp_path):
    tasks = {"z": [cr.Dense(1)], "a": [cr.Dense(3)]}
    net = cr.Network([cr.Dense(5), Heads(tasks)], {"a": "cross_entropy", "z": "squared_error"},
                     input_shape=4)  # fmt: skip
    net.save(tmp_path / "net")
    again = cr.load(tmp_path / "net")
    y = {"a": Y["kind"], "z": Y["size"]}
    assert again.evaluate(X, y) == pytest.approx(net.evaluate(X, y))


def test_weights_reach_tasks_with_different_places():
    sequences = RNG.normal(size=(12, 3, 2))
    y = {"each": RNG.normal(size=(12, 3, 1)), "whole": RNG.normal(size=12)}
    tasks = {"each": [cr.Dense(1)], "whole": [Flatten(), cr.Dense(1)]}
    nets = both([cr.Dense(4, "tanh"), Heads(tasks)], dict.fromkeys(tasks, "squared_error"),
                input_shape=(3, 2))  # fmt: skip
    gradients_agree(nets, sequences, y, np.linspace(0.1, 2, 12))
    plain = nets[1].evaluate(sequences, y)["loss"]
    assert nets[1].evaluate(sequences, y, np.ones(12))["loss"] == pytest.approx(plain)


@pytest.mark.parametrize(
    "layers", [[Residual([Heads({"a": [cr.Dense(4)]})])], [Shared("one", Heads(TASKS))]]
)
def test_heads_inside_another_layer_are_refused(layers):
    with pytest.raises(NetworkError, match="last layer of the network"):
        cr.Network(layers, {"a": "squared_error"}, input_shape=4)


@pytest.mark.parametrize("name", ["0", "", 3, "a b"])
def test_a_shared_layer_needs_a_name_that_is_no_place(name):
    with pytest.raises(NetworkError, match="give a name of letters"):
        Shared(name, cr.Dense(2))


# ------------------------------------------------------------------- memory


@dataclass(frozen=True)
class SumOverSteps:
    def emit(self, builder, x):
        tape, steps = builder.tape, int(builder.shape(x)[1])
        swapped = tape.emit("swap", [x], ["w"])
        total, *parts = tape.emit_all("unstack", [swapped], [f"u[{k}]" for k in range(steps)])
        for part in parts:
            total = tape.emit("add", [total, part], ["s"])
        return total


def test_one_gradient_may_go_to_every_step():
    nets = both([cr.Dense(3, "tanh"), SumOverSteps(), cr.Dense(1)], input_shape=(5, 2))
    gradients_agree(nets, RNG.normal(size=(6, 5, 2)), RNG.normal(size=6))


def test_a_table_may_be_a_weight_too():
    again = Shared("tied", cr.Dense(4, bias=False))
    nets = both([Shared("tied", Embedding(4, 4)), again, again, Flatten(), cr.Dense(1)],
                input_shape=2)  # fmt: skip
    gradients_agree(nets, RNG.integers(4, size=(5, 2)), np.arange(5.0))


def test_a_shared_batch_norm_has_one_pair_of_statistics(tmp_path):
    norm = Shared("norm", BatchNorm())
    net = cr.Network([norm, cr.Dense(4), norm, cr.Dense(1)], input_shape=4)
    cr.train(net, X, Y["size"], epochs=5)
    assert sorted(net.statistics) == ["norm.mean", "norm.variance"]
    assert len(net.memory) == len(net.everything)
    net.save(tmp_path / "net")
    assert cr.load(tmp_path / "net").evaluate(X, Y["size"]) == net.evaluate(X, Y["size"])


# -------------------------------------------------------------- penalties, losses


@pytest.mark.parametrize("penalty", [L2(0.5), L1(0.3), L2({"0.weight": np.ones((4, 3))})])
@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_the_gradient_check_knows_penalties(penalty, engine):
    net = cr.Network([cr.Dense(3, "tanh"), ActivityPenalty(0.1), cr.Dense(1)], input_shape=4,
                     penalties=[penalty])  # fmt: skip
    assert cr.check_gradients(net, X, Y["size"], engine=engine).passed


def test_losses_are_those_of_the_data_and_penalties_stand_beside_them():
    net = cr.Network([cr.Dense(1)], input_shape=4, penalties=[L2(0.5)])
    bare = net.sharing()
    found = net.evaluate(X, Y["size"])
    squares = float(np.sum(net.parameters["0.weight"] ** 2))
    assert found["loss"] == pytest.approx(bare.evaluate(X, Y["size"])["loss"])
    assert found["penalty"] == pytest.approx(0.25 * squares, rel=1e-5)
    objective, _ = net.loss_and_gradients(X, Y["size"])
    assert objective == pytest.approx(found["loss"] + found["penalty"], rel=1e-6)
    history = cr.train(net, X, Y["size"], validation=(X, Y["size"]), epochs=200,
                       optimizer=cr.SGD(0.05), batch_size=None, early_stopping=False)  # fmt: skip
    assert history.loss[-1] == pytest.approx(history.validation_loss[-1], rel=1e-3)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_penalty_that_is_no_number_stops_the_training(engine):
    net = cr.Network([cr.Dense(6, "relu"), ActivityPenalty(1, "sparsity"), cr.Dense(1)],
                     input_shape=4, engine=engine)  # fmt: skip
    before = {name: p.copy() for name, p in net.parameters.items()}
    with pytest.warns(NonFiniteLossWarning):
        history = cr.train(net, X * 100, Y["size"], epochs=4, batch_size=None)
    assert history.stopped == "loss not finite"
    for name, p in net.parameters.items():
        np.testing.assert_array_equal(p, before[name])


@pytest.mark.parametrize("rates", ["equal", "fan_in"])
def test_the_lasso_is_the_same_whatever_the_rates(rates):
    wide = RNG.normal(size=(60, 16))
    y = wide[:, 0] - 2 * wide[:, 3] + 0.1 * RNG.normal(size=60)
    net = cr.Network([cr.Dense(1)], input_shape=16, penalties=[L1(0.2)], dtype="float64")
    cr.train(net, wide, y, optimizer=cr.SGD(0.1, layer_rates=rates), batch_size=None, epochs=3000)
    weights = net.parameters["0.weight"][:, 0]
    error = wide @ weights + net.parameters["0.bias"] - y
    slope = wide.T @ error / 60
    used = weights != 0
    np.testing.assert_allclose(slope[used], -0.2 * np.sign(weights[used]), atol=1e-6)
    assert (np.abs(slope[~used]) <= 0.2 + 1e-6).all()
    assert 0 < used.sum() < 16


def test_the_gaussian_loss_needs_two_scores_a_target():
    with pytest.raises(NetworkError, match="2 scores for each target"):
        cr.Network([cr.Dense(3)], "gaussian", input_shape=4)


def test_lbfgs_refuses_statistics_of_minibatches():
    net = cr.Network([cr.Dense(3), BatchNorm(), cr.Dense(1)], input_shape=4)
    with pytest.raises(NetworkError, match="BatchNorm"):
        cr.train(net, X, Y["size"], optimizer=LBFGS())


def test_tokens_are_not_augmented():
    net = cr.Network([Embedding(9, 3), LSTM(4, returns="last"), cr.Dense(1)], input_shape=5)
    with pytest.raises(NetworkError, match="reads tokens"):
        cr.train(net, RNG.integers(9, size=(8, 5)), np.zeros(8), augment=lambda X, y, rng: (X, y))


def test_a_mean_within_a_sum_passes_back_to_every_column():
    x = Variable("x")
    tree = row_sum(x * x * row_sum(x))
    values = {"x": np.array([[0.3, -0.7, 1.1]]), "dy": np.ones((1, 1))}
    found = evaluate(pull_back([(tree, Variable("dy"))], ["x"], ["x"])["x"], values)
    total, squares = values["x"].sum(), (values["x"] ** 2).sum()
    np.testing.assert_allclose(found, 2 * values["x"] * total + squares)
