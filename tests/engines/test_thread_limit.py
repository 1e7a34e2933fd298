"""CHAINRULE_THREADS: what is not told how many threads to use keeps to it."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import threads
from chainrule.engines.compiled import session
from chainrule.engines.threads import at_most
from chainrule.errors import HyperparameterError
from chainrule.training import parallel
from chainrule.training.parallel import begun_together, cores, workers


def seen(monkeypatch, **arguments):
    """How many cores shared the minibatches of a training that is large enough for all."""
    counts, run_together = {1}, session.run_together

    def look(machine, helpers, *rest):
        counts.clear()
        counts.add(1 + len(helpers))
        run_together(machine, helpers, *rest)

    monkeypatch.setattr(session, "run_together", look)
    layers, X = [cr.Dense(600, "relu"), cr.Dense(1)], np.ones((128, 600))
    cr.train(cr.Network(layers, input_shape=600), X, X[:, 0], batch_size=128, epochs=2,
             progress=False, early_stopping=False, **arguments)  # fmt: skip
    return counts


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(session, "processors", lambda: 2)


def test_products_and_pools_keep_to_it(monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", "1")
    assert seen(monkeypatch) == {1}
    assert workers(-1) == cores(None) == 1
    assert begun_together(9, cores(None)) == 1


def test_no_more_trainings_are_begun_than_it_says(monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", "2")
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 16)
    monkeypatch.setattr(parallel, "processors", lambda: 16)
    assert begun_together(9, 2) == 2


def test_arguments_count_more(monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", "1")
    assert seen(monkeypatch, threads=2) == {2}
    assert workers(3) == cores(3) == 3


@pytest.mark.parametrize("text", ["", None])
def test_without_it_nothing_is_limited(text, monkeypatch):
    if text is None:
        monkeypatch.delenv("CHAINRULE_THREADS", raising=False)
    else:
        monkeypatch.setenv("CHAINRULE_THREADS", text)
    assert threads.thread_limit() is None


def test_the_size_of_a_step_decides_else(monkeypatch):
    monkeypatch.delenv("CHAINRULE_THREADS", raising=False)
    assert seen(monkeypatch) == {2}
    assert seen(monkeypatch, threads=1) == {1}
    with at_most(1):
        assert seen(monkeypatch, threads=2) == {1}


def test_trainings_side_by_side_stay_on_their_cores(monkeypatch):
    found = parallel.parallel_map(lambda _: seen(monkeypatch, threads=2), range(2), n_jobs=2)
    assert found == [{1}, {1}]


def test_it_never_makes_more_threads_than_cores(monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", "64")
    assert threads.thread_limit() == 2


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_what_is_no_number_of_threads_is_refused(text, monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", text)
    with pytest.raises(HyperparameterError, match=r"CHAINRULE_THREADS = .* from 1, or unset it"):
        workers(-1)
