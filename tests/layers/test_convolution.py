"""Convolution and pooling against SciPy, tied weights and numbers by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_cases import close
from scipy.signal import correlate, correlate2d

import chainrule as cr
from chainrule.layers import AveragePool, Conv1D, Conv2D, Flatten, MaxPool

ENGINES = ["reference", "compiled"]


def drawn(layer, shape, engine, seed=0):
    """A network of one layer whose parameters, bias included, are random."""
    net = cr.Network([layer], input_shape=shape, engine=engine, dtype="float64")
    rng = np.random.default_rng(seed)
    for p in net.parameters.values():
        p[...] = rng.normal(size=p.shape)
    return net


def by_scipy(X, weight, bias, stride, padding):
    """One image at a time, one pair of channels at a time; (n, h, w, c) to (n, h′, w′, f)."""
    n, *_, channels = X.shape
    height, width = weight.shape[:2]
    if padding == "same":
        before = ((height - 1) // 2, (width - 1) // 2)
        after = (height - 1 - before[0], width - 1 - before[1])
        X = np.pad(X, [(0, 0), *zip(before, after, strict=True), (0, 0)])
    images = [
        [
            sum(correlate2d(X[k, :, :, c], weight[:, :, c, f], "valid") for c in range(channels))
            + bias[f]
            for f in range(weight.shape[3])
        ]
        for k in range(n)
    ]
    return np.moveaxis(np.array(images), 1, -1)[:, :: stride[0], :: stride[1]]


@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["valid", "same"]),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
)
def test_a_convolution_is_scipys(size, kernel, stride, padding, channels, filters):
    if padding == "valid":
        size = tuple(map(max, size, kernel))
    shape = (*size, channels)
    X = np.random.default_rng(1).normal(size=(2, *shape))
    for engine in ENGINES:
        net = drawn(Conv2D(filters, kernel, stride=stride, padding=padding), shape, engine)
        assert net.parameters["0.weight"].shape == (*kernel, channels, filters)
        true = by_scipy(X, net.parameters["0.weight"], net.parameters["0.bias"], stride, padding)
        assert net.output_shape == true.shape[1:]
        close(net.predict(X), true, 1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_series_is_correlated_with_each_filter(engine):
    net = drawn(Conv1D(2, 4), (10, 1), engine)
    x = np.random.default_rng(1).normal(size=(1, 10, 1))
    weight, bias = net.parameters["0.weight"], net.parameters["0.bias"]
    for f in range(2):
        true = correlate(x[0, :, 0], weight[:, 0, f], "valid") + bias[f]
        np.testing.assert_allclose(net.predict(x)[0, :, f], true, rtol=1e-12)


def tied(weight, positions, inputs):
    """The weights of the dense layer that a convolution is: taps shifted from unit to unit."""
    whole = np.zeros((inputs, positions))
    for j in range(positions):
        whole[j : j + len(weight), j] = weight
    return whole


@pytest.mark.parametrize("engine", ENGINES)
def test_six_taps_on_nine_inputs_are_a_dense_layer_with_tied_weights(engine):
    """000's example: 4 positions share 6 weights, so a weight's gradient is a sum over 4."""
    rng = np.random.default_rng(0)
    layers = [Conv1D(1, 6, "tanh"), Flatten()]
    conv = cr.Network(layers, input_shape=(9, 1), engine=engine, dtype="float64")
    dense = cr.Network([cr.Dense(4, "tanh")], input_shape=(9,), engine=engine, dtype="float64")
    weight = conv.parameters["0.weight"][:, 0, 0]
    weight[...] = rng.normal(size=6)
    conv.parameters["0.bias"][...] = 0.3
    dense.parameters["0.weight"][...] = tied(weight, 4, 9)
    dense.parameters["0.bias"][...] = 0.3
    X, y = rng.normal(size=(8, 9)), rng.normal(size=(8, 4))
    np.testing.assert_allclose(conv.predict(X), dense.predict(X), rtol=1e-13)
    loss, shared = conv.loss_and_gradients(X, y)
    other, own = dense.loss_and_gradients(X, y)
    assert loss == pytest.approx(other, rel=1e-13)
    for i in range(6):
        total = sum(own["0.weight"][i + j, j] for j in range(4))
        assert shared["0.weight"][i, 0, 0] == pytest.approx(total, rel=1e-12)
    assert shared["0.bias"][0] == pytest.approx(own["0.bias"].sum(), rel=1e-12)


# -------------------------------------------------------------------- pooling


@pytest.mark.parametrize("engine", ENGINES)
def test_pools_by_hand(engine):
    x = np.array([[1, 5, 2, 0], [3, 4, 8, 8], [0, -1, 2, 2], [-3, -2, 1, 0]], float)[
        None, ..., None
    ]
    largest = cr.Network([MaxPool(2)], input_shape=(4, 4, 1), engine=engine)
    assert largest.predict(x)[0, :, :, 0].tolist() == [[5, 8], [0, 2]]
    mean = cr.Network([AveragePool(2)], input_shape=(4, 4, 1), engine=engine)
    assert mean.predict(x)[0, :, :, 0].tolist() == [[13 / 4, 18 / 4], [-6 / 4, 5 / 4]]
    over = cr.Network([MaxPool((1, 2), stride=(1, 1))], input_shape=(4, 4, 1), engine=engine)
    assert over.predict(x)[0, 0, :, 0].tolist() == [5, 5, 2]


def pooled(x, size, stride, function):
    """(h, w, c) to (h′, w′, c), window by window."""
    rows = range(0, x.shape[0] - size[0] + 1, stride[0])
    columns = range(0, x.shape[1] - size[1] + 1, stride[1])
    return np.array(
        [
            [function(x[r : r + size[0], c : c + size[1]], axis=(0, 1)) for c in columns]
            for r in rows
        ]
    )


@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    count=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    channels=st.integers(1, 2),
)
def test_pools_take_the_largest_and_the_mean(size, stride, count, channels):
    shape = tuple(k + s * (m - 1) for k, s, m in zip(size, stride, count, strict=True))
    X = np.random.default_rng(0).normal(size=(2, *shape, channels))
    for layer, function in ((MaxPool, np.max), (AveragePool, np.mean)):
        for engine in ENGINES:
            net = cr.Network([layer(size, stride)], input_shape=X.shape[1:], engine=engine,
                             dtype="float64")  # fmt: skip
            true = [pooled(x, size, stride, function) for x in X]
            np.testing.assert_allclose(net.predict(X), true, rtol=1e-14)


@pytest.mark.parametrize("engine", ENGINES)
def test_of_equals_the_first_gets_the_gradient_of_a_max_pool(engine):
    """The channel's bias feels each window once, whatever number of places are the largest."""
    net = cr.Network([Conv1D(1, 1), MaxPool(3), Flatten()], input_shape=(6, 1), engine=engine,
                     dtype="float64")  # fmt: skip
    net.parameters["0.weight"][...] = 1.0
    x = np.array([[2.0, 2.0, 1.0, 0.0, 4.0, 4.0]])
    y = np.array([[0.0, 1.0]])  # δ = (2, 3)
    _, gradients = net.loss_and_gradients(x, y)
    assert gradients["0.bias"].tolist() == [5.0]
    assert gradients["0.weight"][0, 0, 0] == 2 * 2.0 + 3 * 4.0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mean_pool_shares_its_gradient(engine):
    net = cr.Network([Conv1D(1, 1), AveragePool(3), Flatten()], input_shape=(6, 1), engine=engine,
                     dtype="float64")  # fmt: skip
    net.parameters["0.weight"][...] = 1.0
    x = np.arange(6.0)[None]
    _, gradients = net.loss_and_gradients(x, np.array([[0.0, 0.0]]))  # δ = (1, 4)
    assert gradients["0.weight"][0, 0, 0] == pytest.approx(1 * 1.0 + 4 * 4.0)


def test_a_filter_that_was_planted_is_learnt():
    rng = np.random.default_rng(0)
    X, planted = rng.normal(size=(200, 12, 1)), np.array([1.0, -2.0, 0.5])
    y = np.stack([correlate(x[:, 0], planted, "valid") for x in X])
    net = cr.Network([Conv1D(1, 3), Flatten()], input_shape=(12, 1), dtype="float64")
    cr.train(net, X, y, optimizer=cr.SGD(0.05), batch_size=200, epochs=60)
    np.testing.assert_allclose(net.parameters["0.weight"][:, 0, 0], planted, atol=1e-6)
