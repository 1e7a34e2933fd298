"""Threads that run programs together: one for each core besides the caller's.

A helper is a thread that waits in machine code for a while after it has done its part, because to
wake a sleeping thread takes as long as some minibatches, and then sleeps in Python. It needs
Python's lock only to fall asleep and to wake.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

from chainrule.engines.base import ALIGNMENT, aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.lowering.binding import first_byte
from chainrule.engines.compiled.store import KernelKey, addresses
from chainrule.engines.threads import processors

__all__ = ["BRIEF_CALL", "CALL", "Helper", "Quicker", "borrowed", "busy", "run_together"]

_TRIED_AGAIN, _TRIES, _UNUSED = 500, 12, 4  # calls

# Calls through ctypes release Python's lock, so other threads go on meanwhile.
CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
# What is done sooner than another thread could wake keeps the lock.
BRIEF_CALL = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


@cache
def _functions() -> list[Any]:
    keys = [KernelKey("serve", ""), KernelKey("offer", "")]
    return [CALL(address) for address in addresses(keys).values()]


@cache
def _current_processor() -> Callable[[], int] | None:
    """The system's function that tells on which processor the calling thread runs."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)


def _elsewhere(thread: int | None) -> None:
    """Let a thread run on any processor of this process but the caller's.

    Linux likes to wake a thread where the one runs that wakes it. It may leave it there for tenths
    of a second, and both would wait for each other in turn.
    """
    current = _current_processor()
    if current is not None and thread is not None:
        others = os.sched_getaffinity(0) - {current()}
        if others:
            with suppress(OSError):  # it is advice: some sandboxes forbid it
                os.sched_setaffinity(thread, others)


class Helper(threading.Thread):
    """Runs the machine on the control words it is given."""

    def __init__(self) -> None:
        super().__init__(name="chainrule helper", daemon=True)
        mailbox = aligned(word.MAILBOX, np.int64)
        self._address = first_byte(mailbox)
        self.mailbox = mailbox.data
        self._serve, self._offer = _functions()
        self._calls: SimpleQueue[None] = SimpleQueue()
        self.runs = 0
        self.start()

    @property
    def counter(self) -> int:
        """Address of a number at which cores can count their barriers."""
        return self._address + 8 * word.COUNTER

    def run(self) -> None:
        while True:
            self._calls.get()
            self._serve(self._address)

    def give(self, control: int) -> None:
        """Begin with the control words at this address; to give them twice in a run does no harm.

        It may not have laid the same words aside after the last run: the lowest bits of the address
        say which run it is.
        """
        self.mailbox[word.OFFER] = control + self.runs % ALIGNMENT
        self._offer(self._address)
        if not self.mailbox[word.AWAKE]:
            _elsewhere(self.native_id)
            self._calls.put(None)


class _Busy:
    """Cores that run minibatches which could be shared, by the session whose they are.

    There is no lock: two sessions that begin at the very same time may both get all cores, once.
    """

    def __init__(self) -> None:
        self.cores: dict[int, int] = {}

    def begin(self, session: int, cores: int) -> int:
        """How many of the cores that are asked for may begin: all that are, or one."""
        everyone, others = processors(), sum([*self.cores.values()])
        begun = cores if others == 0 or others + cores <= everyone else 1
        self.cores[session] = begun
        return begun

    def end(self, session: int) -> None:
        """They are free again, if they had begun at all: an interrupt may have come before."""
        self.cores.pop(session, None)


busy = _Busy()


class Quicker:
    """Which of two ways takes less time, while what else runs on the machine changes.

    Both are measured as they are used, and the slower one is tried again every so often: some calls
    one after another, as the first ones of either way have to wake a helper or to fill a cache.
    """

    def __init__(self) -> None:
        self._seconds = [0.0, 0.0]  # of the first and of the second way, lately
        self._calls = 0
        self._before = False  # which way the last call took
        self._alike = 0  # calls in a row that went the same way

    def first(self) -> bool:
        """Whether to take the first."""
        tried_again = self._calls % _TRIED_AGAIN < _TRIES
        self._calls += 1
        return (self._seconds[0] < self._seconds[1]) != tried_again

    def took(self, first: bool, seconds: float) -> None:
        """Take note of how long a way took."""
        self._alike = self._alike + 1 if first == self._before else 1
        self._before = first
        if self._alike > _UNUSED:
            before = self._seconds[not first] or seconds
            seconds = min(seconds, 1.5 * before)  # a call that was held up says little
            self._seconds[not first] = 0.7 * before + 0.3 * seconds

    def paused(self) -> None:
        """The next calls are as the first ones."""
        self._alike = 0


# Any number of sessions may run at a time, each with helpers of its own: if one had to wait for a
# helper that another has, both could wait for ever. The one that was used last may still be awake.
_idle: list[Helper] = []


def _forked() -> None:
    """Threads do not come along."""
    _idle.clear()
    busy.cores.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def borrowed(count: int) -> list[Helper]:
    """So many helpers that nobody else has; `run_together` gives them back."""
    result = []
    for _ in range(count):
        try:
            result.append(_idle.pop())
        except IndexError:
            result.append(Helper())
    return result


def run_together(
    machine: Callable[[int], object],
    helpers: Sequence[Helper],
    controls: Sequence[int],
    is_done: Callable[[], bool],
) -> None:
    """Run the machine on blocks of control words at these addresses, the first in this thread.

    They wait for one another, so none may be left out: Ctrl-C is raised when all are done.
    """
    first, *others = controls
    for helper in helpers:
        helper.runs += 1

    def begin() -> None:
        for helper, address in zip(helpers, others, strict=True):
            helper.give(address)
        machine(first)

    try:
        begin()
    except BaseException:  # between two of these lines
        if not is_done():
            begin()
        raise
    finally:
        _idle.extend(helpers)
