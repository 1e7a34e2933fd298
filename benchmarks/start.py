"""How long a user waits before the first training step is done."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.goals import COLD_START, IMPORT, WARM_START
from benchmarks.markdown import met, paragraph, table
from benchmarks.process import environment

__all__ = ["Start", "measure_start", "section"]

LOADED = "import sys; print('numba' in sys.modules, flush=True)"
OTHERS = {  # without goals: what the lazy names of chainrule cost when they are used
    "from chainrule import Adam, Dense, Network, train": "",
    "from chainrule import NetworkClassifier": ", which loads scikit-learn",
    "from sklearn.neural_network import MLPClassifier": "",
}
FIRST_STEP = """
import sys
import numpy as np
import chainrule as cr
rng = np.random.default_rng(0)
x, y = rng.normal(size=(200, 64)).astype(np.float32), rng.integers(10, size=200)
net = cr.Network([cr.Dense(100, "relu"), cr.Dense(10)], "cross_entropy", input_shape=64)
cr.train(net, x, y, batch_size=200, epochs=1, progress=False)
print('numba' in sys.modules, flush=True)
"""


@dataclass(frozen=True)
class Start:
    """Seconds from the start of a fresh process until something is done.

    Attributes
    ----------
    numba : bool
        Whether Numba was loaded by then.
    goal : float, optional
        Seconds.
    """

    what: str
    seconds: list[float]
    numba: bool
    goal: float | None = None

    @property
    def median(self) -> float:
        """Of the runs."""
        return statistics.median(self.seconds)


def measure_start(cold: int, warm: int, say: Callable[[str], None]) -> list[Start]:
    """Start processes with an empty and with a filled folder of kernels."""
    say("start: nothing compiled yet")
    first = [_with_empty_folder() for _ in range(cold)]
    with tempfile.TemporaryDirectory() as folder:
        _start(FIRST_STEP, folder)
        say("start: kernels on disk")

        def repeat(what: str, code: str, goal: float | None = None) -> Start:
            return _named(what, [_start(code, folder) for _ in range(warm)], goal)

        return [
            _named("first training step, nothing compiled yet", first, COLD_START),
            repeat("first training step, kernels on disk", FIRST_STEP, WARM_START),
            repeat("`import chainrule`", f"import chainrule; {LOADED}", IMPORT),
            *(repeat(f"`{line}`{note}", f"{line}; {LOADED}") for line, note in OTHERS.items()),
            repeat("Python alone", LOADED),
        ]


def section(start: Sequence[Start]) -> str:
    """Markdown."""
    rows = [
        [
            item.what,
            f"{item.median:.2f}",
            f"{min(item.seconds):.2f}",
            str(len(item.seconds)),
            "yes" if item.numba else "no",
            f"≤ {item.goal:g}" if item.goal else "",
            met(item.median <= item.goal) if item.goal else "",
        ]
        for item in start
    ]
    head = ["from the start of a process until", "median", "least", "runs", "Numba loaded", "goal"]
    text = paragraph(
        "Seconds; 64-100-10, one minibatch of 200 rows through `train`. Python's own start is "
        "included."
    )
    return f"## Start\n\n{text}\n\n{table([*head, 'met'], rows)}"


def _named(what: str, runs: list[tuple[float, bool]], goal: float | None) -> Start:
    return Start(what, [seconds for seconds, _ in runs], any(n for _, n in runs), goal)


def _with_empty_folder() -> tuple[float, bool]:
    with tempfile.TemporaryDirectory() as folder:
        return _start(FIRST_STEP, folder)


def _start(code: str, folder: str) -> tuple[float, bool]:
    """Seconds until a process says that it is done, and what it says: whether Numba is loaded."""
    begin = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment() | {"CHAINRULE_CACHE_DIR": folder},
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        seconds = time.perf_counter() - begin
        _, errors = process.communicate()
    if process.returncode or said not in ("True", "False"):
        raise RuntimeError(f"a process for the start times failed:\n{errors}")
    return seconds, said == "True"
