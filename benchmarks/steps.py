"""The time of a training step: every engine in a process of its own, asked in turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.engines import title
from benchmarks.process import IDLE, cores, undisturbed
from benchmarks.timing import Times
from benchmarks.worker import Worker

__all__ = ["Steps", "Timing", "measure_steps"]


@dataclass
class Timing(Times):
    """One engine on one shape with one number of threads; microseconds of a step."""

    loss: float = math.nan


@dataclass
class Steps:
    """Every timing of a run by (shape or model, engine, threads)."""

    shapes: Sequence[str]
    engines: Sequence[str]
    threads: Sequence[int]
    rounds: int
    timings: dict[tuple[str, str, int], Timing] = field(default_factory=dict)

    def best(self, shape: str, engine: str) -> Timing:
        """With the number of threads that is faster in the median."""
        return min((self.timings[shape, engine, t] for t in self.threads), key=lambda t: t.median)

    def ratio(self, shape: str, slow: str, fast: str) -> tuple[float, float]:
        """How many times longer one engine takes than another: by medians, and by minima."""
        a, b = self.best(shape, slow), self.best(shape, fast)
        return a.median / b.median, a.least / b.least


def measure_steps(
    shapes: Sequence[str], engines: Sequence[str], rounds: int, say: Callable[[str], None]
) -> Steps:
    """Time the engines; each round asks every one of them once."""
    steps = Steps(shapes, engines, sorted({1, cores()}), rounds)
    with ExitStack() as stack:
        workers = [Worker(engine, threads) for engine in engines for threads in steps.threads]
        for worker in workers:
            stack.callback(worker.close)
        for shape in shapes:
            say(f"steps: {title(shape)}")
            _measure_shape(steps, shape, workers)
    return steps


def _measure_shape(steps: Steps, shape: str, workers: Sequence[Worker]) -> None:
    for worker in workers:
        loss = worker.prepare(shape)
        steps.timings[shape, worker.engine, worker.threads] = Timing(loss=loss)
    for _ in range(steps.rounds):
        for worker in workers:
            time.sleep(IDLE)
            found = undisturbed(worker.measure, worker.threads)
            steps.timings[shape, worker.engine, worker.threads].times.append(found)
