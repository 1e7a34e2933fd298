"""Hyper-parameters, initial weights, random numbers, expressions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import chainrule as cr
from chainrule.errors import HyperparameterError, UnknownNameError
from chainrule.ops import HYPERPARAMETERS, INITIALIZERS
from chainrule.ops.expression import Variable, evaluate, log1p, maximum, variables, where
from chainrule.ops.hyperparameters import Interval, check
from chainrule.ops.initializers import default_initializer, initializer
from chainrule.ops.random import bits, key, mix, shuffled


@pytest.mark.parametrize("record", HYPERPARAMETERS.values(), ids=HYPERPARAMETERS)
def test_every_default_lies_in_its_interval(record):
    if record.default is not None:
        record.check(record.default)
    assert record.meaning


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("(0, 1)", [0.5], [0, 1, -1]),
        ("[0, 1)", [0, 0.5], [1]),
        ("(0, 1]", [1], [0]),
        ("[1, inf)", [1, 1e300], [0]),
    ],
)
def test_intervals_are_read_as_in_mathematics(text, inside, outside):
    interval = Interval(text)
    assert all(x in interval for x in inside)
    assert not any(x in interval for x in outside)


def test_the_message_names_interval_and_meaning():
    with pytest.raises(
        HyperparameterError, match=r"batch_size = 0 .*whole number in \[1, ∞\).*rows"
    ):
        check(batch_size=0)
    with pytest.raises(HyperparameterError, match="whole"):
        check(batch_size=1.5)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initial_weights_have_mean_0_and_the_stated_variance(name):
    draw = INITIALIZERS[name].draw(np.random.default_rng(0), 300, 200)
    assert draw.shape == (300, 200)
    assert abs(draw.mean()) < 4 * draw.std() / np.sqrt(draw.size)
    assert draw.var() == pytest.approx(INITIALIZERS[name].variance(300, 200), rel=0.03)


def test_xavier_stays_in_its_bounds():
    draw = initializer("xavier").draw(np.random.default_rng(0), 30, 20)
    assert np.abs(draw).max() <= np.sqrt(6 / 50)


@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9)])
def test_orthogonal_weights_keep_lengths_and_angles(shape):
    w = initializer("orthogonal").draw(np.random.default_rng(0), *shape)
    assert w.shape == shape
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-12)


def test_every_orthogonal_matrix_is_as_likely():
    """Rotations and reflections come up as often, and no entry leans to one sign."""
    rng = np.random.default_rng(0)
    drawn = np.stack([initializer("orthogonal").draw(rng, 3, 3) for _ in range(2000)])
    assert abs(np.mean(np.linalg.det(drawn) > 0) - 0.5) < 0.05
    assert np.abs(drawn.mean(axis=0)).max() < 0.06
    np.testing.assert_allclose((drawn**2).mean(axis=0), np.full((3, 3), 1 / 3), atol=0.03)


def test_an_unknown_initializer_is_refused():
    with pytest.raises(UnknownNameError, match="xavier"):
        cr.Dense(3, initializer="xavir")


def test_the_variance_of_activations_stays_level_over_layers():
    """What the default rules are for: no layer shrinks or blows up what passes through it."""
    x = np.random.default_rng(0).normal(size=(500, 200))
    for name in ("relu", "tanh", "selu"):
        net = cr.Network([cr.Dense(200, name) for _ in range(8)], input_shape=(200,))
        spread = net.predict(x).std() / x.std()
        assert 0.2 < spread < 3, (name, default_initializer(name))


# ------------------------------------------------------------- random numbers


def test_mix_is_a_bijection_of_bytes_spread_over_32_bits():
    x = np.arange(1 << 16, dtype=np.uint64)
    mixed = mix(x)
    assert len(np.unique(mixed)) == len(x)
    assert mixed.max() < 2**32


def test_bits_are_uniform():
    drawn = bits(100_000, key(3, 7, 1)) / 2**32
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3


def test_streams_of_different_purpose_are_uncorrelated():
    a, b, c = (bits(50_000, k) / 2**32 for k in (key(0, 0, 1), key(0, 0, 2), key(0, 1, 1)))
    assert abs(np.corrcoef([a, b, c])[np.triu_indices(3, 1)]).max() < 0.02


@given(n=st.integers(1, 200), seed=st.integers(0, 2**31))
def test_a_shuffle_is_a_permutation(n, seed):
    np.testing.assert_array_equal(np.sort(shuffled(np.arange(n), seed)), np.arange(n))


def test_every_permutation_is_as_likely():
    seen = [tuple(shuffled(np.arange(3), key(0, epoch, 5))) for epoch in range(6000)]
    _, counts = np.unique(seen, axis=0, return_counts=True)
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 1e-3


# ---------------------------------------------------------------- expressions


def test_a_formula_computes_on_arrays_and_as_a_tree():
    def formula(z):
        return where(z > 1, log1p(z), maximum(z, 0) ** 2 / 2)

    z = np.linspace(-2, 3, 11)
    z[z <= -1] = -0.9
    tree = formula(Variable("z"))
    np.testing.assert_array_equal(evaluate(tree, {"z": z}), formula(z))
    assert variables(tree) == {"z"}
    assert str(Variable("a") * 2 - 1) == "((a * 2) - 1)"


def test_every_function_computes_on_settings_alone():
    from chainrule.ops.expression import absolute, erfc, exp, expm1, log, sqrt, tanh

    for function in (absolute, erfc, exp, expm1, log, log1p, sqrt, tanh):
        tree = function(Variable("s")) * Variable("x")
        found = evaluate(tree, {"s": 0.7, "x": np.ones(2)})
        np.testing.assert_allclose(found, function(np.full(2, 0.7)), rtol=1e-15)
