"""Every layer on several cores: the same numbers as on one, whatever the split."""

import os
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import numpy as np
import pytest
from layer_cases import CASES, close, network, problem

import chainrule as cr
from chainrule.engines.compiled import sharing
from chainrule.engines.compiled.team import Quicker, borrowed, busy
from chainrule.engines.threads import at_most


@pytest.fixture(params=[(2, 1 << 16), (3, 0)], ids=["two in parts", "three divided"])
def cores(request, monkeypatch):
    """Cores that share a minibatch.

    Two make a part each of a sum over the rows, and of a product some rows; three make some rows of
    a sum, and some columns of a product.
    """
    count, small = request.param
    if not small:
        monkeypatch.setattr(sharing, "_WIDE", 0)
        monkeypatch.setattr(sharing, "_LINE", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    monkeypatch.setattr(sharing, "_SMALL_SUM", small)
    return count


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients_are_those_of_the_reference(name, cores):
    truth, (X, y) = network(name), problem(name)
    net = truth.with_engine("compiled", "float64")
    for weights in (None, np.random.default_rng(2).uniform(0.1, 2, size=len(X))):
        loss, gradients = truth.loss_and_gradients(X, y, weights)
        with at_most(cores):
            got, found = net.loss_and_gradients(X, y, weights)
        assert got == pytest.approx(loss, rel=1e-9)
        for key, gradient in gradients.items():
            close(found[key], gradient, 1e-9)


@pytest.mark.parametrize("name", CASES)
def test_training_agrees_with_the_reference(name, cores):
    X, y = problem(name)
    nets = [network(name), network(name, engine="compiled", dtype="float64")]
    nets[1].set_parameters(nets[0].everything)
    histories = [
        cr.train(net, X, y, optimizer=cr.SGD(0.05), batch_size=4, epochs=3, seed=4,
                 validation=(X, y), early_stopping=False, clip=1.0, averaging=0.5, threads=cores)
        for net in nets
    ]  # fmt: skip
    close(histories[1].loss, histories[0].loss, 1e-9)
    close(histories[1].validation_loss, histories[0].validation_loss, 1e-9)
    for key, p in nets[0].everything.items():
        close(nets[1].everything[key], p, 1e-9)


X = np.random.default_rng(0).normal(size=(500, 20))
Y = X[:, 0] * X[:, 1]


def trained(threads, epochs=10, **arguments):
    net = cr.Network([cr.Dense(30, "tanh"), cr.Dense(1)], input_shape=20, seed=1)
    history = cr.train(net, X, Y, batch_size=64, epochs=epochs, threads=threads, progress=False,
                       early_stopping=False, **arguments)  # fmt: skip
    return history, np.concatenate([p.ravel() for p in net.parameters.values()])


def test_the_same_number_of_threads_gives_the_same_bits_whatever_else_runs():
    """Twelve trainings at a time on helpers that each of them borrows and gives back."""
    with mock.patch("os.cpu_count", return_value=3):
        expected = {threads: trained(threads)[1] for threads in (1, 2, 3)}
        found, interval = [], sys.getswitchinterval()

        def repeatedly(threads):
            held_out = (None, (X[:50], Y[:50]), None)
            found.extend((threads, trained(threads, validation=given)[1]) for given in held_out)

        sys.setswitchinterval(1e-5)
        try:
            several = [threading.Thread(target=repeatedly, args=(1 + k % 3,)) for k in range(12)]
            for one in several:
                one.start()
            for one in several:
                one.join(60)
        finally:
            sys.setswitchinterval(interval)
    assert len(found) == 36
    for threads, weights in found:
        np.testing.assert_array_equal(weights, expected[threads])
    close(expected[2], expected[1], 1e-4)


# In a process of its own: pytest and Hypothesis have code of theirs run between any two lines.
INTERRUPTED = """
import os, signal, warnings
import numpy as np
import chainrule as cr

os.cpu_count = lambda: 2
X = np.random.default_rng(0).normal(size=(500, 20))

def train(epochs):
    net = cr.Network([cr.Dense(30, "tanh"), cr.Dense(1)], input_shape=20, seed=1)
    return cr.train(net, X, X[:, 0], batch_size=64, epochs=epochs, threads=2, progress=False)

def interrupt(*_):
    raise KeyboardInterrupt

train(2)  # everything is loaded
signal.signal(signal.SIGALRM, interrupt)
warnings.simplefilter("ignore")
for moment in np.linspace(1e-3, 30e-3, 40):
    try:
        signal.setitimer(signal.ITIMER_REAL, moment)
        history = train(3000)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("in training" if len(history.loss) < 3000 else "not at all")
    except KeyboardInterrupt:  # before the first epoch had begun
        print("before")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no interval timers")
def test_an_interrupt_at_any_moment_ends_training_on_two_cores():
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 40
    assert lines.count("in training") > 20


def test_a_loss_that_is_not_finite_ends_training_on_every_core():
    with mock.patch("os.cpu_count", return_value=3):
        for threads in (1, 3):
            with pytest.warns(UserWarning, match="loss was not a finite number"):
                history, weights = trained(threads, epochs=50, optimizer=cr.SGD(1e12))
            assert len(history.loss) < 50
            assert np.isfinite(weights).all()


@pytest.mark.parametrize("sizes", [(40, 70, 3), (7, 33, 40, 20)])
def test_a_single_row_is_shared_by_columns(sizes, cores):
    net = cr.Network([cr.Dense(n, "tanh") for n in sizes[1:]], input_shape=sizes[0], seed=3,
                     dtype="float64")  # fmt: skip
    x = np.random.default_rng(4).normal(size=(5, sizes[0]))
    alone, shared = net.predictor(), net.predictor()
    with at_most(1):
        expected = [alone(row) for row in x]
    with at_most(cores):
        found = np.array([shared(row) for row in x])
        assert np.array_equal(net.predict(x[:1])[0], found[0])
    close(found, np.array(expected), 1e-12)


def test_one_core_does_all_parts_to_the_last_bit_when_the_others_are_taken(cores):
    expected = trained(cores, epochs=3, averaging=0.5, clip=1.0)[1]
    busy.begin(0, 1000)
    try:
        assert np.array_equal(trained(cores, epochs=3, averaging=0.5, clip=1.0)[1], expected)
    finally:
        busy.end(0)
    assert not np.array_equal(trained(1, epochs=3, averaging=0.5, clip=1.0)[1], expected)


def test_after_a_pause_one_core_predicts_a_row_to_the_last_bit(cores):
    net = cr.Network([cr.Dense(70, "tanh"), cr.Dense(3)], input_shape=40, seed=3)
    predict, row = net.predictor(), np.random.default_rng(5).normal(size=40)
    with at_most(cores):
        first = predict(row)
        time.sleep(0.05)
        assert np.array_equal([predict(row) for _ in range(9)], [first] * 9)


@pytest.mark.parametrize("waking", [0.0, 20.0])
def test_the_quicker_of_two_ways_is_found_and_found_again_when_they_change(waking):
    """The first calls of either way take longer, and tell nothing."""
    quicker, before, alike = Quicker(), None, 0
    for seconds in ({True: 1.0, False: 2.0}, {True: 3.0, False: 2.0}, {True: 1.0, False: 2.0}):
        taken = []
        for _ in range(6000):
            first = quicker.first()
            alike = alike + 1 if first == before else 0
            quicker.took(first, seconds[first] + waking * (alike < 3))
            before = first
            taken.append(first)
        best = seconds[True] < seconds[False]
        assert taken[3000:].count(best) > 0.95 * 3000


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be placed here")
def test_a_helper_is_not_woken_where_its_caller_runs():
    mine = os.sched_getaffinity(0)
    if len(mine) == 1:
        pytest.skip("there is one processor")
    with mock.patch("os.cpu_count", return_value=2):
        trained(2, epochs=1)
    (helper,) = borrowed(1)  # the one that was used last
    theirs = os.sched_getaffinity(helper.native_id)
    assert theirs < mine
    assert len(theirs) == len(mine) - 1
