"""Processes that time one engine each, and answer when they are asked.

As a program, ``python -m benchmarks.worker ENGINE THREADS``, it reads one request a line:
{"prepare": shape} answers with the loss of the third epoch, {"measure": true} with the microseconds
of a step, averaged over as many whole epochs as take about `SECONDS`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from benchmarks.engines import ENGINES, Run, make

__all__ = ["Worker", "cores"]

SECONDS = 0.15  # of one measurement
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SETTINGS = ("OPENBLAS_", "OMP_", "MKL_")  # nothing of these is inherited


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


class Worker:
    """The parent's end of one process.

    Parameters
    ----------
    engine : str
    threads : int
        With 1 the process gets one processor, the only limit that some libraries heed.
    """

    def __init__(self, engine: str, threads: int) -> None:
        self.engine, self.threads = engine, threads
        environment = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
        if not ENGINES[engine].own_threads:
            environment |= dict.fromkeys(THREADS, str(threads))
        with _one_processor() if threads == 1 else nullcontext():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", engine, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )

    def prepare(self, shape: str) -> float:
        """Build and warm up; returns the mean loss of the third epoch."""
        return self._ask(prepare=shape)

    def measure(self) -> float:
        """Microseconds of one training step."""
        return self._ask(measure=True)

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()

    def _ask(self, **request: Any) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"the process of {self.engine} ended, its message is above.")
        return float(json.loads(answer))


# --------------------------------------------------------------- in the process


def _seconds(run: Run, epochs: int) -> float:
    begin = time.perf_counter()
    run(epochs)
    return time.perf_counter() - begin


def _epochs(run: Run) -> int:
    """How many epochs take about `SECONDS`."""
    epochs, seconds = 1, _seconds(run, 1)
    while seconds < SECONDS / 4:
        epochs *= 4
        seconds = _seconds(run, epochs)
    return max(1, round(epochs * SECONDS / seconds))


def _serve(engine: str, threads: int) -> None:
    run, epochs, steps = None, 1, 1
    for line in sys.stdin:
        request = json.loads(line)
        if "prepare" in request:
            work = make(request["prepare"], threads)
            run = ENGINES[engine].build(work)
            answer = run(3)
            epochs, steps = _epochs(run), work.shape.steps
        else:
            assert run is not None
            answer = _seconds(run, epochs) / (epochs * steps) * 1e6
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
