"""The time of a prediction: everyone in a process of its own, asked in turn."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.inference import ROWS, WAYS
from benchmarks.inference.task import TOLERANCE, make_rows
from benchmarks.process import IDLE, LONG, Process, cores, undisturbed
from benchmarks.timing import Times
from benchmarks.workload import SHAPES

__all__ = ["SLOW", "SLOW_ROUNDS", "Inference", "measure_inference"]

SLOW, SLOW_ROUNDS = LONG, 3  # calls of more seconds are measured in fewer rounds

Say = Callable[[str], None]
Key = tuple[str, int, str, int]


@dataclass
class Inference:
    """Microseconds of a call, by (shape, rows, way, threads); the largest deviation of each way."""

    shapes: Sequence[str]
    rows: Sequence[int]
    ways: Sequence[str]
    threads: Sequence[int]
    rounds: int
    timings: dict[Key, Times] = field(default_factory=dict)
    deviations: dict[str, float] = field(default_factory=dict)

    def able(self, rows: int) -> list[str]:
        """Ways that take so many rows."""
        return [way for way in self.ways if rows == 1 or not WAYS[way].one_row]

    def best(self, shape: str, rows: int, *ways: str) -> Times:
        """Of the way and the number of threads that are fastest in the median."""
        found = (self.timings[shape, rows, w, t] for w in ways for t in self.threads)
        return min(found, key=lambda times: times.median)

    def ratio(self, shape: str, rows: int, slow: Sequence[str], fast: str) -> tuple[float, float]:
        """How many times longer the best of some ways takes: by medians, and by minima."""
        a, b = self.best(shape, rows, *slow), self.best(shape, rows, fast)
        return a.median / b.median, a.least / b.least


def measure_inference(
    shapes: Sequence[str],
    ways: Sequence[str],
    rounds: int,
    say: Say,
    rows: Sequence[int] = ROWS,
) -> Inference:
    """Time the ways; each round asks every one of them once.

    Raises
    ------
    RuntimeError
        If someone predicts something else.
    """
    result = Inference(shapes, rows, ways, sorted({1, cores()}), rounds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = {}
        for way in ways:
            for threads in result.threads:
                processes[way, threads] = process = _process(way, threads)
                stack.callback(process.close)
        for shape in shapes:
            for count in rows:
                say(f"inference: {SHAPES[shape].title}, rows: {count:,}")
                make_rows(shape, count, folder / "rows.npy")
                _measure(result, shape, count, processes, folder / "rows.npy")
    return result


def _process(way: str, threads: int) -> Process:
    own = WAYS[way].own_threads
    module = "benchmarks.inference.worker"
    return Process(module, way, str(threads), threads=threads, own_threads=own)


def _measure(
    result: Inference,
    shape: str,
    rows: int,
    processes: dict[tuple[str, int], Process],
    path: Path,
) -> None:
    able = {key: p for key, p in processes.items() if key[0] in result.able(rows)}
    for (way, threads), process in able.items():
        _check(result, way, process.ask(prepare=shape, rows=str(path)))
        result.timings[shape, rows, way, threads] = Times()
    for number in range(result.rounds):
        for key, process in able.items():
            own = result.timings[(shape, rows, *key)].times
            if number < SLOW_ROUNDS or own[-1] < SLOW * 1e6:
                time.sleep(IDLE)
                own.append(undisturbed(partial(process.ask, measure=True), process.threads))


def _check(result: Inference, way: str, deviation: float) -> None:
    """Equal work: everyone gives the same scores, or labels that belong to them."""
    if not deviation <= TOLERANCE:
        raise RuntimeError(
            f"{WAYS[way].label} is {deviation:.1g} from exact scores: at most {TOLERANCE:g}."
        )
    result.deviations[way] = max(deviation, result.deviations.get(way, 0.0))
