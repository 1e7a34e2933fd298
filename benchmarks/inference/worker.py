"""A process that predicts in one way, and answers when it is asked.

As a program, ``python -m benchmarks.inference.worker WAY THREADS``, it reads one request a line:
{"prepare": shape, "rows": file} answers with the deviation from exact scores, {"measure": true}
with the microseconds of a call, averaged over as many as fill a measurement.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inference import WAYS, Call
from benchmarks.inference.task import deviation, make_task
from benchmarks.process import many, serve, timed


class _Caller:
    """Calls in a row, the last result kept."""

    def __init__(self, call: Call) -> None:
        self.call, self.result = call, np.empty(0)

    def run(self, calls: int) -> None:
        call = self.call
        for _ in range(calls - 1):
            call()
        self.result = call()


class _Work:
    """What was prepared last."""

    def __init__(self, way: str, threads: int) -> None:
        self.way, self.threads = WAYS[way], threads
        self.caller: _Caller | None = None
        self.calls = 1

    def answer(self, request: dict[str, Any]) -> float:
        if "prepare" in request:
            self.caller = None  # what it holds is not needed beside what comes
            task = make_task(request["prepare"], Path(request["rows"]), self.threads)
            self.caller = _Caller(self.way.build(task))
            self.calls = many(self.caller.run)
            return deviation(task, self.caller.result)
        assert self.caller is not None
        return timed(self.caller.run, self.calls) / self.calls * 1e6


if __name__ == "__main__":
    serve(_Work(sys.argv[1], int(sys.argv[2])).answer)
