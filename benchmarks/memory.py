"""The memory that training takes on top of its data, seen by the operating system.

As a program, ``python -m benchmarks.memory LAYOUT MEGABYTES``, it makes a matrix, trains on it and
prints a `Memory` as JSON: a process has one peak, so every layout needs its own.
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import chainrule as cr
from benchmarks.goals import MEMORY
from benchmarks.markdown import met, paragraph, table
from benchmarks.process import environment

__all__ = ["Memory", "available", "measure_memory", "section"]

COLUMNS, HIDDEN, CLASSES, BATCH = 1000, 256, 10, 128
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
LAYOUTS = {
    "rows": "row after row (C order)",
    "columns": "column after column (Fortran order)",
    "strided": "every second column of a matrix twice as wide",
}


@dataclass(frozen=True)
class Memory:
    """Bytes.

    Attributes
    ----------
    matrix : int
        The training data.
    network, activations, order : int
        Expected: parameters with gradients and optimizer state, one batch of intermediate values,
        the order of the rows with and without shuffling.
    peak : int
        Measured: how far the process grew over what it held before, from the making of the network
        to the end of its training.
    """

    layout: str
    matrix: int
    network: int
    activations: int
    order: int
    peak: int

    @property
    def expected(self) -> int:
        """The sum of what training must hold."""
        return self.network + self.activations + self.order


def available() -> bool:
    """Whether this system tells the peak of a process and lets it be reset (Linux)."""
    return STATUS.exists() and RESET.exists()


def measure_memory(megabytes: int, say: Callable[[str], None]) -> list[Memory]:
    """Train on each layout in a fresh process."""
    results = []
    for layout in LAYOUTS:
        say(f"memory: {LAYOUTS[layout]}")
        command = [sys.executable, "-m", "benchmarks.memory", layout, str(megabytes)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(), check=False
        )
        if done.returncode:
            raise RuntimeError(f"the process for {layout} failed:\n{done.stderr}")
        results.append(Memory(**json.loads(done.stdout)))
    return results


def section(memory: Sequence[Memory]) -> str:
    """Markdown."""

    def size(number: int) -> str:
        return f"{number / 1e6:.1f}"

    rows = [
        [
            LAYOUTS[item.layout],
            size(item.matrix),
            size(item.peak),
            size(item.expected),
            size(item.network),
            size(item.activations),
            size(item.order),
            met(item.peak < MEMORY * item.matrix),
        ]
        for item in memory
    ]
    head = ["float64 matrix", "its MB", "peak", "expected", "network", "activations", "order"]
    network = f"{COLUMNS}-{HIDDEN}-{CLASSES}"
    text = paragraph(
        "Megabytes (10⁶ bytes) by which a process grows at its peak, from the making of a "
        f"{network} network to the end of an epoch of training on a matrix that is there already. "
        f"Expected: parameters, gradients and Adam's state; one batch ({BATCH} rows) of its "
        "values; the order of the rows. The rest of the peak is the copy of the weights to return "
        "to, the check for finite numbers, the work space of the BLAS and Python objects. Never "
        "copied: the peak is less than a quarter of the matrix, half of a copy in float32."
    )
    return f"## Memory\n\n{text}\n\n{table([*head, 'never copied'], rows)}"


# --------------------------------------------------------------- in the process


def _matrix(layout: str, megabytes: int) -> np.ndarray:
    """Random float64 numbers, made without a second copy."""
    rows, rng = megabytes * 10**6 // (8 * COLUMNS), np.random.default_rng(0)
    if layout == "columns":
        x = np.empty((rows, COLUMNS), order="F")
        rng.random(out=x.T)
        return x
    if layout == "strided":
        wide = np.empty((rows, 2 * COLUMNS))
        rng.random(out=wide)
        return wide[:, ::2]
    x = np.empty((rows, COLUMNS))
    rng.random(out=x)
    return x


def _train(x: np.ndarray, y: np.ndarray, hidden: int, batch: int) -> cr.Network:
    net = cr.Network(
        [cr.Dense(hidden, "relu"), cr.Dense(CLASSES)], "cross_entropy", input_shape=x.shape[1]
    )
    cr.train(net, x, y, batch_size=batch, epochs=1, progress=False)
    return net


def _status(field: str) -> int:
    """A line of the process's status in bytes."""
    line = next(s for s in STATUS.read_text().splitlines() if s.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def _peak(work: Callable[[], cr.Network]) -> tuple[int, cr.Network]:
    """How far the process grows during some work, and the work's result."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free but not given back would hide growth
    RESET.write_text("5")
    before = _status("VmRSS")
    result = work()
    return _status("VmHWM") - before, result


def _measure(layout: str, megabytes: int) -> Memory:
    x = _matrix(layout, megabytes)
    y = np.random.default_rng(1).integers(CLASSES, size=len(x))
    _train(x[:8, :4], y[:8], 4, 4)  # libraries and kernels are loaded before the count begins
    peak, net = _peak(lambda: _train(x, y, HIDDEN, BATCH))
    return Memory(layout, x.nbytes, *_expected(net, len(x)), peak)


def _expected(net: cr.Network, rows: int) -> tuple[int, int, int]:
    from chainrule.assembly import TargetForm
    from chainrule.tape import plan
    from chainrule.tape.cost import parameter_bytes

    tape = net.blueprint.step(TargetForm((True,)), cr.Adam())
    size = net.engine.dtype.itemsize
    return parameter_bytes(tape, size), plan(tape).bytes_per_row(size) * BATCH, 2 * 8 * rows


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1], int(sys.argv[2])))))
