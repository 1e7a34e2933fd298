"""Trainings side by side: folds, members of an ensemble, models to compare; one core each.

Threads, not processes: the compiled engine works without Python's lock, and nothing is copied. Each
thread's matrix products stay on its own core. That is faster than to share all cores between the
products of small networks, and it keeps results independent of the number of workers.

Where every core is to be used and there are more trainings than cores, more of them are begun and
the system lets them take turns: five folds on two cores then take 5/2 times as long as one, not the
three rounds of two, two and one.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

from chainrule.engines.threads import at_most, processors, thread_limit
from chainrule.errors import HyperparameterError
from chainrule.training.progress import Progress, progress_for

__all__ = [
    "advanced",
    "begun_together",
    "cancelled",
    "cores",
    "parallel_map",
    "time_share",
    "workers",
]

Item = TypeVar("Item")
Result = TypeVar("Result")

_WAKE_SECONDS = 0.1  # the waiting thread looks up this often, for Ctrl-C
_LEAST_SECONDS = 1e-3  # for what begins when the time is over: a few minibatches
_BEGUN_ON_A_CORE = 4


@dataclass
class _Pool:
    """What the threads of one pool share."""

    interrupted: bool = False  # Ctrl-C: end what has begun
    failed: bool = False  # an exception: begin nothing more, but let what has begun end
    shares: dict[int, float] = field(default_factory=dict)  # of each item that is done

    def one(self, function: Callable[[Item], Result], item: Item, number: int) -> Result:
        _worker.number, _worker.span = number, (0.0, 1.0)
        return self.attempt(function, item)

    def within(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """A pool within an item: each item of it is a part of that one."""
        start, width = _worker.span
        results = []
        for k, item in enumerate(items):
            _worker.span = start + width * k / len(items), width / len(items)
            results.append(self.attempt(function, item))
        _worker.span = start, width
        return results

    def attempt(self, function: Callable[[Item], Result], item: Item) -> Result:
        if self.interrupted or self.failed:
            raise CancelledError
        try:
            return function(item)
        except BaseException:
            self.failed = True
            raise

    def join(self) -> None:
        _worker.pool = self


class _Worker(threading.local):
    """The pool that a thread belongs to."""

    pool: _Pool | None = None
    number: int = 0  # of its item
    span: tuple[float, float] = 0.0, 1.0  # the part of the item that is under way: start, width


_worker = _Worker()


def advanced(share: float) -> None:
    """Tell the pool that this thread belongs to which share, 0 to 1, of its item is done."""
    if _worker.pool is not None:
        start, width = _worker.span
        _worker.pool.shares[_worker.number] = start + width * share


def cancelled() -> bool:
    """Whether this thread belongs to a pool that was interrupted: its result is not wanted.

    Long work asks every so often, as `train` does, and ends early.

    Examples
    --------
    >>> cancelled()
    False
    """
    return _worker.pool is not None and _worker.pool.interrupted


def workers(n_jobs: int | None) -> int:
    """How many threads `n_jobs` stands for, by joblib's rules.

    Parameters
    ----------
    n_jobs : int or None
        So many; -1 is every core that the process may use, or as many as CHAINRULE_THREADS says
        if they are fewer; -2 all but one. None is 1, unless `joblib.parallel_config` says
        otherwise.

    Raises
    ------
    HyperparameterError
        If it is 0 or no whole number.

    Examples
    --------
    >>> workers(3), workers(None)
    (3, 1)
    """
    from joblib import effective_n_jobs

    whole = n_jobs is None or (isinstance(n_jobs, int) and not isinstance(n_jobs, bool))
    if not whole or n_jobs == 0:
        raise HyperparameterError(
            f"n_jobs = {n_jobs!r} is not possible: give a whole number of threads from 1, -1 for "
            f"every core, or None."
        )
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    return min(effective_n_jobs(n_jobs), thread_limit() or sys.maxsize)


def cores(n_jobs: int | None) -> int:
    """As `workers`, but None is every core; one inside a worker of joblib or of a pool.

    For work that is meant to go side by side, such as the members of an ensemble.

    Examples
    --------
    >>> cores(3), cores(None) >= 1
    (3, True)
    """
    from joblib.parallel import get_active_backend

    backend, given = get_active_backend()
    inside = _worker.pool is not None or getattr(backend, "nesting_level", 0) > 0
    return workers(-1 if n_jobs is None and given is None and not inside else n_jobs)


def begun_together(items: int, threads: int) -> int:
    """How many of so many items are begun at a time, if so many threads may be at work.

    As many as threads; up to four times as many if those are all the cores, so that none is idle
    while others have work left.

    Examples
    --------
    >>> begun_together(50, 1), begun_together(3, 100)
    (1, 3)
    """
    spare = _BEGUN_ON_A_CORE if 1 < threads >= processors() else 1
    return min(items, spare * threads)


def time_share(
    deadline: float | None, number: int, items: int, threads: int, after: int = 0
) -> float | None:
    """Seconds from now for item `number` of so many, so that all of them keep the deadline.

    Those that are begun together share the cores. What is left is divided by the work to come, in
    units of what an item takes on a core of its own; time that early ones leave is for later ones.

    Parameters
    ----------
    deadline : float or None
        By `time.perf_counter`; None is no limit.
    number : int
        From 0.
    items, threads : int
    after : int
        Items that shall follow, one after another.

    Examples
    --------
    >>> import time
    >>> share = time_share(time.perf_counter() + 9, number=1, items=5, threads=1, after=1)
    >>> round(share, 1), time_share(None, 0, 5, 2)
    (1.8, None)
    """
    if deadline is None:
        return None
    together = begun_together(items, threads)
    ahead = number - number % together
    now = max(1.0, min(together, items - ahead) / threads)
    rest = items - ahead - together
    later = max(rest / threads, 0.0 if rest <= 0 else 1.0) + after
    return max((deadline - time.perf_counter()) * now / (now + later), _LEAST_SECONDS)


def parallel_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    n_jobs: int | None = -1,
    title: str = "",
    progress: bool | Literal["always"] = False,
    keep_interrupted: bool = False,
    timed: bool = False,
) -> list[Result]:
    """`function` of each item, in threads, in the order of the items.

    Inside a thread of such a pool the items are taken one after another: pools within pools gain
    nothing.

    Parameters
    ----------
    function : callable
        Must not change what it shares with others. Random numbers come from the item.
    items : iterable
    n_jobs : int or None
        See `workers`. The results do not depend on it.
    title : str
        Of the progress bar.
    progress : bool or "always"
        Whether long work shows its progress on standard error.
    keep_interrupted : bool
        Whether Ctrl-C leaves the results of the items that had begun, as far as they came, instead
        of an exception; if there is none it is raised all the same.
    timed : bool
        Whether the items measure their seconds: then none takes turns with others on a core.

    Returns
    -------
    list

    Raises
    ------
    Exception
        Of the first item, by order, whose function raised one; no further item is begun.
    KeyboardInterrupt
        On Ctrl-C: no further item is begun, trainings end at the next minibatch.

    Examples
    --------
    >>> parallel_map(lambda x: x * x, [1, 2, 3])
    [1, 4, 9]
    """
    work, threads = list(items), workers(n_jobs)
    if _worker.pool is not None:
        return _worker.pool.within(function, work)
    from chainrule.engines.compiled.blas import blas_threads

    pool = _Pool()
    # One worker is a thread too: only so does Ctrl-C end all of the work and not one training.
    together = min(len(work), threads) if timed else begun_together(len(work), threads)
    executor = ThreadPoolExecutor(together or 1, initializer=pool.join)
    with at_most(1), blas_threads(1), progress_for(progress, title) as bar:
        try:
            futures = [
                executor.submit(copy_context().run, pool.one, function, item, number)
                for number, item in enumerate(work)
            ]
            _finish(futures, bar, pool)
        except BaseException as error:
            pool.interrupted = True
            if not (keep_interrupted and isinstance(error, KeyboardInterrupt)):
                raise
        finally:
            executor.shutdown(cancel_futures=True)
    if pool.interrupted:
        futures = [f for f in futures if not f.cancelled() and f.exception() is None]
        if not futures:
            raise KeyboardInterrupt
    # Items begin in order, so what was cancelled comes after what failed.
    return [future.result() for future in futures]


def _finish(futures: Sequence[Future[Result]], bar: Progress, pool: _Pool) -> None:
    """Wait until all are done, or one has failed."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, _WAKE_SECONDS, FIRST_COMPLETED)
        if any(future.exception() is not None for future in done):
            return
        count = len(futures) - len(pending)
        shares = dict(pool.shares) | {k: 1.0 for k, f in enumerate(futures) if f not in pending}
        bar.update(
            sum(shares.values()) / len(futures), partial("{}/{}".format, count, len(futures))
        )
