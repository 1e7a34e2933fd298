"""Hopfield's memory: Hebb's weights, an energy that never rises, recall, capacity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators import Hopfield, capacity

SEEDS = st.integers(0, 2**32 - 1)


def signs(rng, *shape):
    return rng.choice([-1, 1], size=shape)


def test_weights_are_hebbs():
    patterns = signs(np.random.default_rng(0), 3, 6)
    weights = Hopfield().fit(patterns).weights_
    for i in range(6):
        for j in range(6):
            expected = 0 if i == j else sum(int(p[i]) * int(p[j]) for p in patterns)
            assert weights[i, j] == expected


@given(SEEDS, st.integers(1, 12), st.integers(2, 25))
def test_the_energy_never_rises(seed, count, units):
    rng = np.random.default_rng(seed)
    memory = Hopfield(max_sweeps=1, random_state=seed).fit(signs(rng, count, units))
    states = signs(rng, 5, units)
    before = memory.energy(states)
    for row, energy in zip(states, before, strict=True):
        double = sum(
            memory.weights_[i, j] * row[i] * row[j] for i in range(units) for j in range(i)
        )
        assert energy == -double
    order = np.random.RandomState(seed)
    for _ in range(3):
        states = memory._sweep(states.astype(float), order)
        after = memory.energy(states)
        assert (after <= before).all()
        before = after


@given(SEEDS, st.integers(1, 12), st.integers(2, 25))
def test_where_recall_ends_every_unit_agrees_with_its_sum(seed, count, units):
    rng = np.random.default_rng(seed)
    memory = Hopfield(random_state=seed).fit(signs(rng, count, units))
    states = signs(rng, 6, units)
    ends = memory.recall(states)
    np.testing.assert_array_equal(np.where(ends @ memory.weights_ >= 0, 1, -1), ends)
    assert (memory.energy(ends) <= memory.energy(states)).all()


@given(SEEDS, st.integers(1, 12), st.integers(2, 40))
def test_the_step_on_the_tape_is_the_step_by_hand(seed, count, units):
    """Ties included: sums of whole numbers are exact on every engine."""
    rng = np.random.default_rng(seed)
    memory = Hopfield().fit(signs(rng, count, units))
    states = signs(rng, 7, units)
    expected = np.where(states @ memory.weights_ >= 0, 1, -1)
    np.testing.assert_array_equal(memory.network_.predict(states), expected)
    np.testing.assert_array_equal(
        memory.network_.with_engine("reference").predict(states), expected
    )


@pytest.mark.parametrize("synchronous", [False, True])
def test_corrupted_patterns_are_recalled(synchronous):
    rng = np.random.default_rng(1)
    patterns = signs(rng, 5, 200)
    memory = Hopfield(synchronous=synchronous, random_state=0).fit(patterns)
    np.testing.assert_array_equal(memory.recall(patterns), patterns)
    corrupted = np.where(rng.uniform(size=patterns.shape) < 0.2, -patterns, patterns)
    assert (corrupted != patterns).any(axis=1).all()
    np.testing.assert_array_equal(memory.recall(corrupted), patterns)
    np.testing.assert_array_equal(memory.recall(-corrupted), -patterns)  # the mirror image too


def test_all_at_once_may_alternate_and_says_so():
    memory = Hopfield(synchronous=True).fit([[1, -1]])
    with pytest.warns(ConvergenceWarning, match="1 of 2 states .* 100 sweeps: use synchronous=Fal"):
        memory.recall([[1, 1], [1, -1]])
    one_by_one = clone(memory).set_params(synchronous=False, random_state=0).fit([[1, -1]])
    assert one_by_one.recall([[1, 1]]).tolist() in ([[1, -1]], [[-1, 1]])


def test_the_same_seed_takes_the_same_way():
    rng = np.random.default_rng(2)
    patterns, states = signs(rng, 20, 40), signs(rng, 30, 40)
    ends = [Hopfield(random_state=k).fit(patterns).recall(states) for k in (3, 3, 4)]
    np.testing.assert_array_equal(ends[0], ends[1])
    assert (ends[0] != ends[2]).any()


def test_capacity_falls_from_all_to_none_around_the_theorys_limit():
    held = capacity(300, [0.05, 0.1, 0.25, 0.35], repeats=2, random_state=0)
    assert held[0] == 1
    assert held[1] > 0.95
    assert held[2] < 0.35
    assert held[3] < 0.1


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ([[1, 0]], "0 in row 0, column 1 .* 2 X − 1"),
        ([[1], [-1]], "1 unit"),
        ([[1, np.nan]], "missing"),
        ([1, -1], "expected .rows, columns."),
    ],
)
def test_what_is_no_pattern_is_refused(patterns, message):
    with pytest.raises(DataError, match=message):
        Hopfield().fit(patterns)


def test_other_misuse_is_refused():
    with pytest.raises(HyperparameterError, match="max_sweeps = 0"):
        Hopfield(max_sweeps=0).fit([[1, -1]])
    with pytest.raises(DataError, match="3 columns"):
        Hopfield().fit([[1, -1]]).energy([[1, 1, 1]])
    with pytest.raises(NotFittedError):
        Hopfield().recall([[1, -1]])
