"""Trainings in threads: one core each, the same bits whatever the number of workers."""

import signal
import subprocess
import sys
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

import chainrule as cr
from chainrule.engines.compiled.blas import blas_threads
from chainrule.errors import HyperparameterError
from chainrule.training import parallel
from chainrule.training.parallel import (
    begun_together,
    cancelled,
    parallel_map,
    time_share,
    workers,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(200, 6)), RNG.normal(size=200)


def products():
    """Threads that a product may use now, in each BLAS library of the process."""
    info = ThreadpoolController().info()
    return {part["num_threads"] for part in info if part["user_api"] == "blas"}


def trained(seed):
    layers = [cr.Dense(300, "tanh"), cr.Dense(1)]
    net = cr.Network(layers, input_shape=(6,), seed=seed)
    cr.train(net, X, Y, epochs=4, seed=seed, batch_size=64, progress=False)
    return net.parameters["0.weight"].tobytes()


# ---------------------------------------------------------------------- workers


def test_n_jobs_as_joblib_counts():
    cores = joblib.cpu_count()
    assert [workers(n) for n in (None, 1, 3, -1)] == [1, 1, 3, cores]
    assert workers(-2) == max(1, cores - 1)
    with joblib.parallel_config(backend="threading", n_jobs=5):
        assert workers(None) == 5


@pytest.mark.parametrize("bad", [0, 1.5, "all", True])
def test_an_impossible_number_of_workers_is_refused(bad):
    with pytest.raises(HyperparameterError, match=r"n_jobs = .* -1 for every core"):
        parallel_map(str, [1], n_jobs=bad)


def test_results_come_in_the_order_of_the_items():
    def late(k):
        time.sleep(0.02 * (4 - k))
        return k

    assert parallel_map(late, range(5), n_jobs=5) == [0, 1, 2, 3, 4]
    assert parallel_map(late, []) == []


def test_so_many_items_at_once_and_no_more(monkeypatch):
    together = threading.Barrier(3)
    running, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(5)  # breaks if fewer than three run at once
        with lock:
            running -= 1

    monkeypatch.setattr(parallel, "processors", lambda: 4)
    parallel_map(work, range(9), n_jobs=3)
    assert most <= 3


@pytest.mark.parametrize(("threads", "items", "expected"), [(2, 5, 5), (2, 50, 8), (2, 1, 1)])
def test_no_core_is_idle_while_others_have_work_left(threads, items, expected, monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    assert begun_together(items, threads) == expected
    assert begun_together(items, 1) == 1


def test_fewer_threads_than_cores_are_so_many(monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 8)
    assert [begun_together(9, threads) for threads in (1, 3, 8)] == [1, 3, 9]


@pytest.mark.parametrize(
    ("number", "items", "threads", "after", "expected"),
    [
        (0, 5, 2, 0, 12), (4, 5, 2, 0, 12),  # all begun together
        (0, 5, 2, 1, 12 * 2.5 / 3.5),  # one more alone
        (0, 16, 2, 0, 6), (8, 16, 2, 0, 12),  # eight at a time
        (0, 9, 2, 0, 12 * 4 / 5),  # eight on two cores, then one
        (0, 4, 1, 0, 3), (3, 4, 1, 0, 12), (0, 1, 2, 0, 12),
    ],
)  # fmt: skip
def test_shares_of_the_time(number, items, threads, after, expected, monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    monkeypatch.setattr(parallel.time, "perf_counter", lambda: 100.0)
    assert time_share(112.0, number, items, threads, after) == pytest.approx(expected)


def test_progress_of_a_pool_inside_a_pool_is_that_of_its_item():
    seen = []

    def inner(item):
        parallel.advanced(0.5)
        seen.append(dict(parallel._worker.pool.shares))

    parallel_map(lambda item: item and parallel_map(inner, range(2)), [0, 1], n_jobs=1)
    assert seen == [{1: 0.25}, {1: 0.75}]


def test_timed_items_have_a_core_each(monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)
    running, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    parallel_map(work, range(8), n_jobs=2, timed=True)
    assert most <= 2


def test_a_pool_inside_a_pool_stays_in_its_thread():
    def outer(_):
        inner = parallel_map(lambda _: threading.get_ident(), range(3), n_jobs=3)
        return set(inner) == {threading.get_ident()}

    assert all(parallel_map(outer, range(2), n_jobs=2))


def test_numpy_error_state_reaches_the_threads():
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        parallel_map(lambda x: np.float64(1) / x, [np.float64(0)])


# ---------------------------------------------------------------- same results


def test_same_bits_whatever_the_number_of_workers():
    alone = parallel_map(trained, range(6), n_jobs=1)
    assert len(set(alone)) == 6
    for n_jobs in (2, 6):
        assert parallel_map(trained, range(6), n_jobs=n_jobs) == alone


# ----------------------------------------------------------------- one core each


def test_overlapping_limits_hold_together_and_leave_nothing_behind():
    """Two contexts, the second outliving the first: the limit holds until the second ends."""
    with blas_threads(3):
        before = products()
        seen, first_in, first_out = [], threading.Event(), threading.Event()

        def first():
            with blas_threads(1):
                first_in.set()
                time.sleep(0.05)
            first_out.set()

        def second():
            first_in.wait()
            with blas_threads(1):
                first_out.wait()
                seen.append(products())

        threads = [threading.Thread(target=t) for t in (first, second)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert (before, seen, products()) == ({3}, [{1}], {3})


def test_the_smallest_limit_wins_and_none_changes_nothing():
    outside = products()
    with blas_threads(1):
        with blas_threads(2), blas_threads(None):
            assert products() == {1}
        assert products() == {1}
    assert products() == outside


def test_a_pool_gives_each_item_one_core_and_restores_the_limit():
    outside = products()

    def work(seed):
        trained(seed)
        return products()

    assert parallel_map(work, range(4), n_jobs=2) == [{1}] * 4
    assert products() == outside
    with pytest.raises(ZeroDivisionError):
        parallel_map(lambda _: 1 / 0, range(4), n_jobs=2)
    assert products() == outside


# -------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_the_first_failure_by_order_is_raised_and_nothing_more_begun(n_jobs):
    begun = []

    def work(k):
        begun.append(k)
        if k == 1:
            time.sleep(0.1)
        if k in (1, 2):
            raise ValueError(f"item {k}")

    with pytest.raises(ValueError, match="item 1"):
        parallel_map(work, range(100), n_jobs=n_jobs)
    assert len(begun) < 100


def test_a_warning_in_a_thread_is_a_warning():
    def work(_):
        warnings.warn("look here", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="look here"):
        parallel_map(work, [1])


INTERRUPTED = """
import os
import numpy as np, chainrule as cr
from chainrule.training.parallel import parallel_map
X = np.random.default_rng(0).normal(size=(2000, 20))
def endless(seed):
    net = cr.Network([cr.Dense(64, "tanh"), cr.Dense(1)], input_shape=20, seed=seed)
    os.write(1, b"started\\n")
    cr.train(net, X, X[:, 0], epochs=10**7, progress=False)
try:
    parallel_map(endless, range(9), n_jobs=N_JOBS)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_all_trainings(n_jobs):
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED.replace("N_JOBS", str(n_jobs))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            begun = [process.stdout.readline() for _ in range(n_jobs)]
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert begun == ["started\n"] * n_jobs
    assert set(out.splitlines()[:-1]) <= {"started"}
    assert out.endswith("interrupted\n")
    assert process.returncode == 0


def test_outside_a_pool_nothing_is_cancelled():
    assert not cancelled()
