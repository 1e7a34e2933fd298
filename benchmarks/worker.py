"""Processes that time the training steps of one engine each, and answer when they are asked.

As a program, ``python -m benchmarks.worker ENGINE THREADS``, it reads one request a line:
{"prepare": shape} answers with the loss of the third epoch, {"measure": true} with the microseconds
of a step, averaged over as many whole epochs as fill a measurement.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.engines import ENGINES, Run, make
from benchmarks.process import Process, many, serve, timed

__all__ = ["Worker"]


class Worker(Process):
    """The parent's end of the process of an engine.

    Parameters
    ----------
    engine : str
    threads : int
    """

    def __init__(self, engine: str, threads: int) -> None:
        self.engine = engine
        own = ENGINES[engine].own_threads
        super().__init__(
            "benchmarks.worker", engine, str(threads), threads=threads, own_threads=own
        )

    def prepare(self, shape: str) -> float:
        """Build and warm up; returns the mean loss of the third epoch."""
        return float(self.ask(prepare=shape))

    def measure(self) -> float:
        """Microseconds of one training step."""
        return float(self.ask(measure=True))


class _Task:
    """In the process: what was prepared last."""

    def __init__(self, engine: str, threads: int) -> None:
        self.engine, self.threads = engine, threads
        self.run: Run | None = None
        self.epochs = self.steps = 1

    def answer(self, request: dict[str, Any]) -> float:
        if "prepare" in request:
            work = make(request["prepare"], self.threads)
            self.run = ENGINES[self.engine].build(work)
            loss = self.run(3)
            self.epochs, self.steps = many(self.run), work.shape.steps
            return loss
        assert self.run is not None
        return timed(self.run, self.epochs) / (self.epochs * self.steps) * 1e6


if __name__ == "__main__":
    serve(_Task(sys.argv[1], int(sys.argv[2])).answer)
