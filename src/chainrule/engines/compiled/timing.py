"""Where the time of a step goes: each kernel of a program repeated by itself."""

from __future__ import annotations

import time

import numpy as np

from chainrule.engines.base import aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.lowering.binding import first_byte
from chainrule.engines.compiled.session import CompiledSession

__all__ = ["kernel_seconds"]

_SECONDS = 2e-3  # of one measurement
_MEASUREMENTS = 9
_MOST_ROWS = 1000


def kernel_seconds(session: CompiledSession) -> list[tuple[str, float]]:
    """Seconds of each kernel of a full minibatch on one core, in the order of the program.

    Each is repeated by itself, so what it reads lies in the caches as far as it fits; the median
    of some measurements counts. Parameters change meanwhile, as if there were many steps.

    Parameters
    ----------
    session : CompiledSession

    Returns
    -------
    list of (str, float)
        The tape's operation, and seconds.
    """
    result = []
    session.start_epoch(0, shuffle=False)
    for operation, row in session.kernels():
        count = 1
        while (seconds := _timed(session, row, count)) < _SECONDS and count < _MOST_ROWS:
            count = min(4 * count, _MOST_ROWS)
        times = [seconds, *(_timed(session, row, count) for _ in range(_MEASUREMENTS - 1))]
        result.append((operation, float(np.median(times)) / count))
    return result


def _timed(session: CompiledSession, row: np.ndarray, count: int) -> float:
    """Seconds of a program of `count` such rows."""
    lines = aligned((count + 1) * word.ROW_WORDS, np.int64).reshape(-1, word.ROW_WORDS)
    lines[:count] = row
    with session.replaced(first_byte(lines)):
        begin = time.perf_counter()
        session.run(1)
        return time.perf_counter() - begin
