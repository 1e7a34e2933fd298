"""Linear maps of piecewise linear networks: exact in the whole region, and the region is right."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import ops
from chainrule.errors import DataError, NetworkError
from chainrule.piecewise import count_regions

LINEAR = ["relu", "leaky_relu", "hard_tanh", "identity", {"name": "leaky_relu", "k": 0.3}]


def network(activation="relu", seed=0, inputs=4, widths=(9, 7, 3)):
    *hidden, outputs = widths
    layers = [*(cr.Dense(width, activation) for width in hidden), cr.Dense(outputs)]
    net = cr.Network(layers, input_shape=(inputs,), seed=seed, dtype="float64")
    rng = np.random.default_rng(seed)
    for name, p in net.parameters.items():
        if name.endswith("bias"):
            p[:] = rng.normal(scale=0.5, size=p.shape)
    return net


@pytest.mark.parametrize("activation", LINEAR)
@pytest.mark.parametrize("seed", range(3))
def test_the_map_is_exact_in_the_whole_region(activation, seed):
    net, rng = network(activation, seed), np.random.default_rng(seed)
    x = rng.normal(size=4)
    found = cr.local_linear_map(net, x)
    assert found.contains(x)
    ways = rng.normal(size=(200, 4))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    slopes = np.maximum(found.G @ ways.T, 0)
    with np.errstate(divide="ignore"):
        reach = ((found.h - found.G @ x)[:, None] / slopes).min(axis=0, initial=100)
    inside = x + (rng.uniform(size=200) * reach)[:, None] * ways
    assert found.contains(inside).all()
    np.testing.assert_allclose(found(inside), net.predict(inside), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "hard_tanh"])
def test_the_margin_is_the_distance_to_where_the_map_stops_being_right(activation):
    net = network(activation, seed=4)
    x = np.array([0.4, -0.2, 0.9, 0.1])
    found = cr.local_linear_map(net, x)
    nearest = np.argmin((found.h - found.G @ x) / np.linalg.norm(found.G, axis=1))
    normal = found.G[nearest] / np.linalg.norm(found.G[nearest])
    assert 0 < found.margin < np.inf
    within, beyond = (x + share * found.margin * normal for share in (0.999, 1.01))
    assert found.contains(within)
    assert not found.contains(beyond)
    np.testing.assert_allclose(found(within), net.predict(within[None])[0], rtol=1e-11)
    assert np.abs(found(beyond) - net.predict(beyond[None])[0]).max() > 1e-8
    sphere = np.random.default_rng(0).normal(size=(500, 4))
    sphere *= 0.999 * found.margin / np.linalg.norm(sphere, axis=1, keepdims=True)
    assert found.contains(x + sphere).all()


def test_a_relu_network_by_hand():
    """y = relu(x₀ + x₁ − 1) − relu(x₀): both units on, then only the second."""
    net = cr.Network([cr.Dense(2, "relu"), cr.Dense(1)], input_shape=(2,), dtype="float64")
    net.parameters["0.weight"][:] = [[1, 1], [1, 0]]
    net.parameters["0.bias"][:] = -1, 0
    net.parameters["1.weight"][:] = [[1], [-1]]
    both = cr.local_linear_map(net, [2, 1])
    assert (both.A.tolist(), both.c.tolist()) == ([[0, 1]], [-1])
    assert both.G.tolist() == [[-1, -1], [-1, 0]]
    assert both.h.tolist() == [-1, 0]
    assert both.units == ("z1[0] ≥ 0", "z1[1] ≥ 0")
    assert both.margin == pytest.approx(np.sqrt(2))
    one = cr.local_linear_map(net, [0.25, 0])
    assert (one.A.tolist(), one.c.tolist(), one.margin) == ([[-1, 0]], [0], 0.25)


def test_a_linear_network_has_one_region():
    found = cr.local_linear_map(network("identity"), np.zeros(4))
    assert found.margin == np.inf
    assert found.G.shape == (0, 4)
    assert found.contains([1e6, 0, 0, -1e6])


def test_an_activation_of_ones_own_is_read_if_it_is_piecewise_linear():
    ops.register_activation(
        "magnitude", ops.absolute, lambda z, y: ops.where(z > 0, 1, -1), kinks=(0,)
    )
    try:
        net = network("magnitude", seed=2)
        x = np.array([0.1, 0.2, -0.3, 0.4])
        found = cr.local_linear_map(net, x)
        np.testing.assert_allclose(found(x), net.predict(x[None])[0], rtol=1e-12)
        assert len(found.h) == 16
    finally:
        ops.ACTIVATIONS.pop("magnitude")


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "elu", "selu", "softplus", "gelu", "softsign"])
def test_a_curved_activation_is_refused_by_name(name):
    with pytest.raises(NetworkError, match=f"{name} is not piecewise linear: it is curved near"):
        cr.local_linear_map(network(name), np.zeros(4))


def test_an_activation_that_jumps_is_refused():
    with pytest.raises(NetworkError, match="threshold is not piecewise linear: it jumps at 0"):
        cr.local_linear_map(network("threshold"), np.zeros(4))


def test_points_of_another_width_are_refused():
    found = cr.local_linear_map(network(), np.zeros(4))
    with pytest.raises(DataError, match=r"expected \(4,\) or \(n, 4\)"):
        found.contains(np.zeros(3))
    with pytest.raises(DataError):
        cr.local_linear_map(network(), np.zeros(3))


@pytest.mark.parametrize(("lines", "regions"), [(1, 2), (2, 4), (3, 7), (4, 11)])
def test_lines_in_general_position_cut_the_plane_into_1_plus_k_plus_k_over_2(lines, regions):
    net = cr.Network([cr.Dense(lines, "relu"), cr.Dense(1)], input_shape=(2,))
    angles = np.arange(lines) * np.pi / lines + 0.2
    net.parameters["0.weight"][:] = np.cos(angles), np.sin(angles)
    net.parameters["0.bias"][:] = np.array([0.1, -0.15, 0.2, 0.05])[:lines]
    found = count_regions(net, (-3, 3, -3, 3), points=300)
    assert found.count == regions
    assert found.labels.shape == (300, 300)
    assert set(np.unique(found.labels)) == set(range(regions))


def test_the_labels_agree_with_contains():
    net = network(inputs=2, widths=(6, 5, 1), seed=8)
    found = count_regions(net, (-2, 2, -1, 1), points=40)
    row, column = 11, 29
    point = np.array([found.horizontal[column], found.vertical[row]])
    grid = np.stack(np.meshgrid(found.horizontal, found.vertical), axis=-1)
    inside = cr.local_linear_map(net, point).contains(grid.reshape(-1, 2)).reshape(40, 40)
    np.testing.assert_array_equal(inside, found.labels == found.labels[row, column])


def test_regions_are_counted_in_the_plane_only():
    with pytest.raises(NetworkError, match="2 inputs"):
        count_regions(network())
    with pytest.raises(NetworkError, match="tanh is not piecewise linear"):
        count_regions(network("tanh", inputs=2))
