"""McCulloch-Pitts neurons: truth tables, and what three of them do that one cannot."""

import itertools

import numpy as np
import pytest

from chainrule.errors import DataError, NetworkError
from chainrule.estimators import McCullochPitts, threshold_network

TRUE = np.array(list(itertools.product([-1, 1], repeat=2)))

# weights and bias for inputs of −1 and 1, then for 0 and 1; what Python says
GATES = {
    "and": ([1, 1], -1, -2, lambda a, b: a and b),
    "or": ([1, 1], 1, -1, lambda a, b: a or b),
    "nand": ([-1, -1], 1, 1.5, lambda a, b: not (a and b)),
    "nor": ([-1, -1], -1, 0, lambda a, b: not (a or b)),
}


@pytest.mark.parametrize("gate", GATES)
def test_truth_tables_of_the_gates(gate):
    weights, bias, bias_of_bits, python = GATES[gate]
    expected = [1 if python(a > 0, b > 0) else -1 for a, b in TRUE]
    assert McCullochPitts(weights, bias)(TRUE).tolist() == expected
    assert McCullochPitts(weights, bias_of_bits)((TRUE + 1) // 2).tolist() == expected


def test_not_has_one_input():
    assert McCullochPitts([-1], 0)([[-1], [1]]).tolist() == [1, -1]
    assert McCullochPitts([-1], 0.5)([[0], [1]]).tolist() == [1, -1]


def test_a_sum_of_exactly_0_fires():
    neuron = McCullochPitts([1.0, -1.0])
    assert neuron([[2.0, 2.0], [2.0, 2.0 + 1e-15], [0.0, 0.0]]).tolist() == [1, -1, 1]


def test_xor_takes_three_neurons():
    either, both = McCullochPitts([1, 1], 1), McCullochPitts([1, 1], -1)
    not_both = McCullochPitts([-1, -1], 1)
    network = threshold_network([[either, not_both], [both]])
    expected = [1 if a != b else -1 for a, b in TRUE]
    assert network.predict(TRUE)[:, 0].tolist() == expected
    hidden = np.c_[either(TRUE), not_both(TRUE)]
    assert both(hidden).tolist() == expected
    assert network.n_parameters == 9


def test_no_neuron_with_weights_of_a_grid_computes_xor():
    values = np.linspace(-2, 2, 9)
    wanted = np.array([-1, 1, 1, -1])
    for w1, w2, b in itertools.product(values, repeat=3):
        assert (np.where(TRUE @ [w1, w2] + b >= 0, 1, -1) != wanted).any()


def test_the_neuron_runs_on_the_tape_and_on_both_engines():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(200, 5)), rng.normal(size=5)
    neuron = McCullochPitts(w, 0.3)
    expected = np.where(X @ w + 0.3 >= 0, 1, -1)
    np.testing.assert_array_equal(neuron(X), expected)
    reference = neuron.network.with_engine("reference")
    np.testing.assert_array_equal(reference.predict(X)[:, 0], expected)
    assert "sign" in neuron.network.explain() or "≥ 0" in neuron.network.explain()


@pytest.mark.parametrize(
    ("weights", "bias"), [([], 0), ([np.nan], 0), ([1], np.inf), ("ab", 0), (None, 0), ([[1]], 0)]
)
def test_what_is_no_neuron_is_refused(weights, bias):
    with pytest.raises(NetworkError, match="one finite number for each input"):
        McCullochPitts(weights, bias)


def test_what_is_no_network_is_refused():
    neuron = McCullochPitts([1, 1])
    for layers in ([], [[]], [[neuron], []]):
        with pytest.raises(NetworkError, match="a neuron in each"):
            threshold_network(layers)
    with pytest.raises(NetworkError, match=r"layer 1 .* has 2 weights, but 1 inputs"):
        threshold_network([[neuron], [neuron]])
    with pytest.raises(DataError, match="3 columns"):
        neuron(np.ones((2, 3)))
