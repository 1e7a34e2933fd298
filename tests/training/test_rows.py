"""Trainings on some rows of one matrix: the same as on copies of these rows."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, HyperparameterError
from chainrule.training import parallel
from chainrule.training.parallel import begun_together, cores, parallel_map, time_share

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(150, 4)), RNG.normal(size=150)
ROWS = RNG.permutation(150)
WEIGHTS = RNG.uniform(0.5, 2, 150)


def trained(inputs, targets, **more):
    net = cr.Network([cr.Dense(6, "tanh"), cr.Dense(1)], input_shape=4, seed=1)
    history = cr.train(net, inputs, targets, epochs=6, progress=False, **more)
    return net, history


@pytest.mark.parametrize("optimizer", ["adam", cr.training.LBFGS(max_iterations=5)])
def test_rows_of_a_matrix_are_as_good_as_a_copy_of_them(optimizer):
    train, held = ROWS[:90], ROWS[90:120]
    one, seen = trained(
        X, Y, rows=train, validation_rows=held, sample_weight=WEIGHTS, optimizer=optimizer
    )
    other, expected = trained(
        X[train], Y[train], validation=(X[held], Y[held], WEIGHTS[held]),
        sample_weight=WEIGHTS[train], optimizer=optimizer,
    )  # fmt: skip
    assert seen.loss == expected.loss
    assert seen.validation_loss == expected.validation_loss
    np.testing.assert_array_equal(one.parameters["0.weight"], other.parameters["0.weight"])


def test_rows_that_do_not_validate_train():
    _, seen = trained(X, Y, validation_rows=np.arange(100, 150))
    _, expected = trained(X[:100], Y[:100], validation=(X[100:], Y[100:]))
    assert seen.validation_loss == expected.validation_loss


def test_a_share_is_held_out_of_the_rows():
    spoiled = Y.copy()
    spoiled[100:] = np.float64(1e9)
    _, one = trained(X, Y, rows=np.arange(100), validation=0.2)
    _, two = trained(X, spoiled, rows=np.arange(100), validation=0.2)
    assert one.loss == two.loss
    assert one.validation_loss == two.validation_loss


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"rows": [0, 150]}, DataError, "rows goes from 0 to 150: X has rows 0 to 149"),
        ({"rows": [-1]}, DataError, "rows goes from -1"),
        ({"rows": []}, DataError, r"rows has shape \(0,\)"),
        ({"validation_rows": [0.5]}, DataError, "validation_rows .* expected one or more row num"),
        ({"rows": np.ones(150, bool)}, DataError, "type bool"),
        ({"validation_rows": np.arange(150)}, HyperparameterError, "leave some to train on"),
        ({"validation_rows": [1], "validation": 0.1}, HyperparameterError, "give one"),
    ],
)
def test_impossible_rows_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        trained(X, Y, **arguments)


# ----------------------------------------------------------------------- shares of time


@pytest.mark.parametrize(
    ("items", "threads", "after"),
    [(5, 2, 0), (8, 3, 1), (1, 1, 0), (3, 9, 2), (16, 2, 1), (50, 2, 0), (6, 1, 1)],
)
def test_items_that_take_all_their_time_keep_the_deadline(items, threads, after, monkeypatch):
    """A simulation: the next item is begun when one of those that are begun together ends."""
    clock = 0.0
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    monkeypatch.setattr(parallel.time, "perf_counter", lambda: clock)
    together = begun_together(items, threads)
    for use in (1.0, 0.3):  # all of the share, and less
        free, ends = [0.0] * together, []
        for number in range(items):
            clock = min(free)
            share = time_share(12.0, number, items, threads, after)
            assert share > 0
            free[free.index(clock)] = clock + use * share
            ends.append(clock + use * share)
        work = max(1.0, items / threads)
        assert max(ends) <= 12.0 * work / (work + after) + 1e-9
    clock = 13.0
    assert 0 < time_share(12.0, 0, 1, 1) < 0.01  # too late: a moment all the same


def test_every_core_but_one_inside_a_pool():
    assert cores(2) == 2
    assert parallel_map(lambda _: cores(None), range(2), n_jobs=2) == [1, 1]
