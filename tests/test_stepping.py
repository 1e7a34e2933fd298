"""The step debugger against the notes' equations written out in NumPy."""

import dataclasses

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, NetworkError

X = np.array([[0.05, 0.10], [-0.3, 0.8], [1.0, -0.4]])
D = np.array([[0.01], [0.99], [0.5]])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture
def net():
    network = cr.Network(
        [cr.Dense(2, "sigmoid"), cr.Dense(1, "sigmoid")], input_shape=(2,), seed=3, dtype="float64"
    )
    network.parameters["0.bias"][:] = 0.35, -0.2
    network.parameters["1.bias"][:] = 0.6
    return network


def by_hand(net, weight):
    """000's forward and backward pass: samples are columns, weights (outputs, inputs)."""
    W1, b1, W2, b2 = (net.parameters[k] for k in ("0.weight", "0.bias", "1.weight", "1.bias"))
    y0, d = X.T, D.T
    z1 = W1.T @ y0 + b1[:, None]
    y1 = sigmoid(z1)
    z2 = W2.T @ y1 + b2[:, None]
    y2 = sigmoid(z2)
    dy2 = (y2 - d) * weight / weight.sum()
    dz2 = sigmoid(z2) * (1 - sigmoid(z2)) * dy2
    dy1 = W2 @ dz2
    dz1 = sigmoid(z1) * (1 - sigmoid(z1)) * dy1
    columns = {"x": y0, "z1": z1, "y1": y1, "z2": z2, "y2": y2, "t": d}
    columns |= {"dy2": dy2, "dz2": dz2, "dy1": dy1, "dz1": dz1}
    columns |= {"dW2": dz2 @ y1.T, "db2": dz2.sum(axis=1, keepdims=True)}
    columns |= {"dW1": dz1 @ y0.T, "db1": dz1.sum(axis=1, keepdims=True)}
    error = (weight * 0.5 * (y2 - d) ** 2).sum() / weight.sum()
    return {name: v.T for name, v in columns.items()} | {"L": np.array([[error]])}


@pytest.mark.parametrize("weight", [None, np.array([1.0, 2.0, 0.5])])
def test_every_number_is_the_notes(net, weight):
    expected = by_hand(net, np.ones(3) if weight is None else weight)
    written = {}
    for step in net.steps(X, D, weight):
        written |= step.outputs
    assert expected.keys() <= written.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(written[name], value, rtol=1e-13, atol=1e-16, err_msg=name)


def test_the_steps_are_the_tapes_instructions_and_know_who_wrote_what_they_read(net):
    tape = net.blueprint.gradients(net.bind(X, D)[1])
    taken = list(net.steps(X, D))
    assert [step.instruction for step in taken] == tape.instructions
    assert [step.number for step in taken] == list(range(len(tape)))
    for step in taken:
        for name, value in step.inputs.items():
            if name in step.reads:
                writer = taken[step.reads[name]]
                assert writer.number < step.number
                assert writer.outputs[name] is value
            else:
                assert tape.values[name].role in ("data", "parameter")


def test_forward_runs_upwards_and_backward_downwards(net):
    taken = list(net.steps(X, D))
    halves = [step.half for step in taken]
    forward = halves.index("backward")
    assert halves == ["forward"] * forward + ["backward"] * (len(taken) - forward)
    assert taken[forward - 1].outputs.keys() == {"L"}
    deltas = [name for step in taken[forward:] for name in step.outputs if name.startswith("dz")]
    assert deltas == ["dz2", "dz1"]


def test_the_equations_are_those_of_explain(net):
    shown = [step.equation for step in net.steps(X, D) if step.equation]
    assert shown == [line.strip() for line in net.explain().splitlines()]
    assert [step.equation for step in net.steps(X)] == [
        "", "", "z¹ = W¹ y⁰ + b¹", "y¹ = sigmoid(z¹)", "", "z² = W² y¹ + b²", "y² = sigmoid(z²)",
    ]  # fmt: skip


def test_without_targets_there_is_the_forward_pass_even_of_a_threshold_unit():
    unit = cr.Network([cr.Dense(1, "threshold")], input_shape=(2,))
    unit.parameters["0.weight"][:] = 1
    unit.parameters["0.bias"][:] = -1.5
    *_, last = unit.steps([[0, 1], [1, 1]])
    assert last.half == "forward"
    assert last.outputs["y1"].tolist() == [[0], [1]]
    with pytest.raises(NetworkError, match="threshold"):
        list(unit.steps([[0, 1]], [1]))


def test_a_printed_step_shows_formula_shapes_numbers_and_origin(net):
    taken = list(net.steps(X, D))
    step = next(s for s in taken if "z1" in s.outputs)
    lines = str(step).splitlines()
    assert lines[0] == "step 2, forward:  z1 = add_bias(p1, b1)    z¹ = W¹ y⁰ + b¹"
    assert "p1  (3, 2)  from step 1  [[" in str(step)
    assert "  = z1  (3, 2)" in str(step)
    columns = {line.index("[") for line in lines[1:]}
    assert len(columns) == 2  # the outer bracket of each array, then its rows
    assert f"{step.outputs['z1'][2, 1]:.6g}" in lines[-1]


def test_a_large_array_is_summed_up():
    wide = cr.Network([cr.Dense(3)], input_shape=(70,))
    text = str(next(iter(wide.steps(np.arange(70.0)[None]))))
    assert "from 0 to 69, mean 34.5" in text


def test_nothing_of_the_network_changes_and_a_step_is_frozen(net):
    before = {name: p.copy() for name, p in net.parameters.items()}
    step = next(iter(net.steps(X, D)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.number = 3
    for name, value in before.items():
        np.testing.assert_array_equal(net.parameters[name], value)


def test_bad_data_are_refused_at_the_call(net):
    with pytest.raises(DataError, match="3 columns"):
        net.steps(np.ones((2, 3)), np.ones(2))
    with pytest.raises(DataError, match="3 columns"):
        net.steps(np.ones((2, 3)))
