"""Influence paths against the backward pass, finite differences and a formula by hand."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, NetworkError, UnknownNameError
from chainrule.influence import influence_paths
from chainrule.stepping import steps
from chainrule.tape import Tape

ROW = np.array([0.3, -0.7, 1.1])


def network(activation="tanh", loss="squared_error", outputs=2):
    net = cr.Network(
        [cr.Dense(4, activation), cr.Dense(3, activation), cr.Dense(outputs)],
        loss, input_shape=(3,), seed=5, dtype="float64",
    )  # fmt: skip
    rng = np.random.default_rng(1)
    for name in ("0.bias", "1.bias", "2.bias"):
        net.parameters[name][:] = rng.normal(size=net.parameters[name].shape)
    return net


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "hard_tanh", "gelu"])
@pytest.mark.parametrize(
    ("loss", "y"),
    [("squared_error", [0.2, -1.0]), ("cross_entropy", 1), ("cross_entropy", [0.3, 0.7])],
)
def test_the_sum_over_paths_is_the_gradient(activation, loss, y):
    net = network(activation, loss)
    _, gradients = net.loss_and_gradients(ROW[None], np.asarray(y)[None])
    for key, name in {"0.weight": "W1", "1.bias": "b2", "2.weight": "W3"}.items():
        shape = gradients[key].shape
        for place in [(0,) * len(shape), tuple(size - 1 for size in shape)]:
            found = influence_paths(net, ROW, f"{name}{list(place)}", "L", y)
            assert found.derivative == pytest.approx(gradients[key][place], rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("source", [0, 1, 2])
def test_the_sum_over_paths_from_an_input_is_the_difference_quotient(source):
    net, h = network(), 1e-6
    high, low = (net.predict((ROW + s * h * np.eye(3)[source])[None])[0, 1] for s in (1, -1))
    found = influence_paths(net, ROW, f"x[{source}]", "z3[1]")
    assert found.derivative == pytest.approx((high - low) / (2 * h), rel=1e-7)
    assert len(found.paths) == 4 * 3


def test_each_path_is_the_product_of_weights_and_slopes():
    net = network()
    W1, W2, W3 = (net.parameters[f"{k}.weight"] for k in range(3))
    y1 = np.tanh(ROW @ W1 + net.parameters["0.bias"])
    y2 = np.tanh(y1 @ W2 + net.parameters["1.bias"])
    found = influence_paths(net, ROW, "x[2]", "z3[0]")
    paths = iter(found.paths)
    for i in range(4):
        for j in range(3):
            path = next(paths)
            assert path.nodes == (
                "x[2]", f"z1[{i}]", f"y1[{i}]", f"z2[{j}]", f"y2[{j}]", "z3[0]",
            )  # fmt: skip
            expected = [W1[2, i], 1 - y1[i] ** 2, W2[i, j], 1 - y2[j] ** 2, W3[j, 0]]
            np.testing.assert_allclose(path.factors, expected, rtol=1e-12)
            assert path.product == pytest.approx(np.prod(expected), rel=1e-12)


def test_a_dead_unit_keeps_its_path_with_product_0():
    net = network("relu")
    net.parameters["0.bias"][1] = -100
    found = influence_paths(net, ROW, "x[0]", "z2[0]")
    assert [p.product == 0 for p in found.paths if "z1[1]" in p.nodes] == [True]
    assert len(found.paths) == 4


def test_between_numbers_that_do_not_meet_there_is_no_path():
    for source, target in (("W3[0,0]", "z1[0]"), ("z1[0]", "z1[1]"), ("W3[0,0]", "z3[1]")):
        found = influence_paths(network(), ROW, source, target)
        assert found.paths == ()
        assert found.derivative == 0
        assert "no path" in str(found)


def test_a_number_acts_on_itself_with_derivative_1():
    assert influence_paths(network(), ROW, "y1[2]", "y1[2]").derivative == 1


def test_the_table_ends_with_the_sum():
    found = influence_paths(network(), ROW, "x[1]", "z2[2]")
    first, _, *rows, _, last = str(found).splitlines()
    assert first.split() == ["path", "local", "derivatives", "product"]
    assert len(rows) == 4
    assert rows[0].startswith("x[1] → z1[0] → y1[0] → z2[2]  ")
    assert last.startswith("∂z2[2]/∂x[1]")
    assert float(last.split()[-1]) == pytest.approx(
        sum(float(row.split()[-1]) for row in rows), rel=1e-4
    )


def test_a_large_network_is_refused_with_the_count():
    net = cr.Network([cr.Dense(60), cr.Dense(60), cr.Dense(4)], input_shape=(2,))
    with pytest.raises(NetworkError, match=r"14,400 paths lead from x\[0\] to L.*smaller network"):
        influence_paths(net, [1, 2], "x[0]", "L", [0, 0, 0, 1])
    huge = cr.Network([cr.Dense(3000), cr.Dense(1)], input_shape=(1,))
    with pytest.raises(NetworkError, match="numbers lie between x and z2"):
        influence_paths(huge, [1], "x[0]", "z2[0]")


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("q[0]", UnknownNameError, "unknown value 'q'"),
        ("L", UnknownNameError, "Give y"),
        ("x[3]", DataError, r"x, which has shape \(3,\)"),
        ("W1[1]", DataError, r"W1, which has shape \(3, 4\)"),
        ("z1", DataError, r"z1, which has shape \(4,\)"),
        ("x[-1]", DataError, "names no number"),
    ],
)
def test_what_is_no_number_of_the_network_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        influence_paths(network(), ROW, source, "z3[0]")


def test_a_target_is_no_source():
    with pytest.raises(DataError, match="is a target"):
        influence_paths(network(), ROW, "t[0]", "L", [0, 1])


def test_a_value_that_is_read_twice_has_a_path_through_each_reading():
    """y = x W + x W through one parameter: two paths, and the sum is the gradient."""
    tape = Tape()
    x = tape.emit("gather", [tape.add_value("inputs", ("n", 1), "data")], ["x"])
    w = tape.add_value("W1", (1, 1), "parameter", "0.weight")
    first, second = (tape.emit("matmul", [x, w], [name]) for name in ("a1", "c1"))
    tape.emit("add", [first, second], ["z1"])

    class Twice:
        input_shape = (1,)

        def steps(self, X, y=None):
            return steps(tape, {"W1": np.array([[3.0]])}, {"inputs": X})

    found = influence_paths(Twice(), [2.0], "W1[0,0]", "z1[0]")
    assert [(p.nodes[1], p.product) for p in found.paths] == [("a1[0]", 2), ("c1[0]", 2)]
    assert found.derivative == 4
