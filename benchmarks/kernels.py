"""Where the time of a training step goes: the kernels of each shape, one by one.

As a program, ``python -m benchmarks.kernels``, it answers {"shape": name} with the microseconds of
each kind of kernel, and of a whole step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.engines import own
from benchmarks.markdown import digits, paragraph, table
from benchmarks.process import Process, serve, timed
from benchmarks.workload import SHAPES, make_work

__all__ = ["measure_kernels", "section"]

KINDS = {
    "matrix products": ("matmul", "matmul_add", "matmul_tn", "matmul_nt"),
    "bias, activation, slope": ("bias_activate", "add_bias", "slope"),
    "loss and its slope": ("loss_and_slope",),
    "gradients of biases": ("column_sum",),
    "Adam": ("update",),
    "rows of the minibatch": ("gather",),
}
WHOLE = "whole step"
MEASUREMENTS = 9

Kernels = Mapping[str, Mapping[str, float]]
"""Shape, then kind of kernel or `WHOLE`, to microseconds."""


def measure_kernels(shapes: Sequence[str], say: Callable[[str], None]) -> Kernels:
    """Time the kernels of each shape on one core."""
    process = Process("benchmarks.kernels", threads=1)
    try:
        result = {}
        for name in shapes:
            say(f"kernels: {SHAPES[name].title}")
            result[name] = process.ask(shape=name)
        return result
    finally:
        process.close()


def section(kernels: Kernels) -> str:
    """Its part of the page."""
    rows = []
    for kind in (*KINDS, WHOLE):
        cells = [kind]
        for found in kernels.values():
            share = f" ({found[kind] / sum(found[k] for k in KINDS):4.0%})" if kind != WHOLE else ""
            cells.append(digits(found[kind]) + share)
        rows.append(cells)
    head = ["microseconds", *(SHAPES[name].title for name in kernels)]
    text = paragraph(
        "On one core, each kernel repeated by itself: what it reads lies in the caches as far as "
        "it fits there, which in a whole step it need not. In brackets the share of the sum. "
        "[What was tried](TRIED.md) to make these smaller, and what it gave."
    )
    return f"## Where the time of a training step goes\n\n{text}\n\n{table(head, rows)}"


# --------------------------------------------------------------- in the process


def _answer(request: dict[str, Any]) -> dict[str, float]:
    from chainrule.engines.compiled.timing import kernel_seconds

    work = make_work(SHAPES[request["shape"]], 1)
    training = own.training(own.network(work), work)
    result = dict.fromkeys(KINDS, 0.0)

    def epoch(_: int) -> None:
        training.start_epoch(0, shuffle=True)
        training.run(work.shape.steps)

    with training.limits(1):
        epoch(0)
        seconds = np.median([timed(epoch, 1) for _ in range(MEASUREMENTS)])
        for operation, each in kernel_seconds(training):
            (kind,) = (kind for kind, names in KINDS.items() if operation in names)
            result[kind] += each * 1e6
    return result | {WHOLE: float(seconds) / work.shape.steps * 1e6}


if __name__ == "__main__":
    serve(_answer)
