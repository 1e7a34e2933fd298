"""How many threads at most: the variable CHAINRULE_THREADS, and what the code around allows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from chainrule.errors import HyperparameterError

__all__ = ["VARIABLE", "allowed", "at_most", "processors", "thread_limit"]

VARIABLE = "CHAINRULE_THREADS"
_allowed: ContextVar[int | None] = ContextVar("threads", default=None)


def thread_limit() -> int | None:
    """The number in CHAINRULE_THREADS, by which nothing takes more threads unless it is told to.

    It holds for minibatches shared by cores and for trainings side by side. Arguments such as
    ``threads=4`` and ``n_jobs=4`` count more; ``n_jobs=-1`` and what is not given do not.

    Returns
    -------
    int or None
        The cores there are, if those are fewer; None if the variable is not set, or empty.

    Raises
    ------
    HyperparameterError
        If it is no whole number from 1.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise HyperparameterError(
            f"the environment variable {VARIABLE} = {text!r} is not possible: give a whole number "
            f"of threads from 1, or unset it."
        )
    return min(int(text), os.cpu_count() or 1)


@cache
def processors() -> int:
    """Of this process, whatever a pool or the environment leaves of them."""
    from joblib import cpu_count

    return cpu_count()


@contextmanager
def at_most(threads: int | None) -> Iterator[None]:
    """While it lasts, a minibatch is shared by so many threads; None leaves the choice.

    There are never more of them than the machine has cores.
    Within another such context the smaller number holds. It holds for this thread, and for others
    that run in a copy of its context.

    Examples
    --------
    >>> with at_most(3), at_most(2), at_most(None):
    ...     print(allowed())
    2
    """
    given = sys.maxsize if threads is None else min(threads, os.cpu_count() or 1)
    token = _allowed.set(min(given, _allowed.get() or sys.maxsize))
    try:
        yield
    finally:
        _allowed.reset(token)


def allowed() -> int | None:
    """What `at_most` says here; None if it leaves the choice.

    Examples
    --------
    >>> allowed() is None
    True
    """
    number = _allowed.get()
    return None if number == sys.maxsize else number
