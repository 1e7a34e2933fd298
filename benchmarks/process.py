"""Processes that do one thing each, and answer when they are asked.

Requests and answers are JSON, one a line: `Process.ask` is the parent's end, `serve` the child's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

__all__ = [
    "IDLE", "LONG", "STOLEN", "TRIES", "Process", "cores", "environment", "many", "serve", "timed",
    "undisturbed",
]  # fmt: skip

Measured = TypeVar("Measured")

IDLE = 0.05  # seconds: longer than the threads of a BLAS spin after their last product
SECONDS = 0.15  # of one measurement
LONG = 1.0  # seconds of a call: it says enough by itself
TRIES = 3  # to measure without disturbance
STOLEN = 0.08  # of the processors' time: more is a disturbance
STATISTICS = Path("/proc/stat")  # of Linux
STEAL = 7  # the place of "steal" among the times of all processors
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SETTINGS = ("OPENBLAS_", "OMP_", "MKL_")  # nothing of these is inherited


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment(threads: int | None = None) -> dict[str, str]:
    """Variables of a new process: without settings of a BLAS, but for its threads if given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
    return kept if threads is None else kept | dict.fromkeys(THREADS, str(threads))


def undisturbed(measure: Callable[[], Measured], threads: int) -> Measured:
    """A measurement by so many threads, repeated where the host gave its processors to others.

    A virtual machine is told how much of its time was so stolen. Of `TRIES` the one with the least
    counts; where nothing is told, or a try is long, the first.
    """
    tries = []
    while len(tries) < TRIES:
        begin, stolen = time.perf_counter(), _stolen()
        measured = measure()
        spent = (time.perf_counter() - begin) * threads
        tries.append(((_stolen() - stolen) / spent, measured))
        if tries[-1][0] <= STOLEN or spent > LONG * threads:
            break
    return min(tries, key=itemgetter(0))[1]


def _stolen() -> float:
    """Seconds that all processors have been given to others so far."""
    if not STATISTICS.exists():
        return 0.0
    first, *_ = STATISTICS.read_text().splitlines()
    _, *ticks = first.split()
    return int(ticks[STEAL]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _one_processor() -> Iterator[None]:
    """Processes started meanwhile have one processor, before they load their first library."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class Process:
    """The parent's end of one process.

    Parameters
    ----------
    module, *arguments : str
        Of ``python -m``.
    threads : int
        With 1 the process gets one processor, the only limit that some libraries heed.
    own_threads : bool
        Whether it limits its threads itself; others are told by environment variables.
    """

    def __init__(
        self, module: str, *arguments: str, threads: int, own_threads: bool = True
    ) -> None:
        self.name, self.threads = " ".join((module, *arguments)), threads
        with _one_processor() if threads == 1 else nullcontext():
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(None if own_threads else threads),
            )

    def ask(self, **request: Any) -> Any:
        """The answer to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"the process of {self.name} ended, its message is above.")
        return json.loads(answer)

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


# --------------------------------------------------------------- in the process


def serve(answer: Callable[[dict[str, Any]], Any]) -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def many(run: Callable[[int], object]) -> int:
    """How many calls `run(calls)` makes in about `SECONDS`, after one that may have to prepare."""
    if timed(run, 1) > LONG:
        return 1
    calls, seconds = 1, timed(run, 1)
    while seconds < SECONDS / 4:
        calls *= 4
        seconds = timed(run, calls)
    return max(1, round(calls * SECONDS / seconds))


def timed(run: Callable[[int], object], calls: int) -> float:
    """Seconds of so many calls."""
    begin = time.perf_counter()
    run(calls)
    return time.perf_counter() - begin
