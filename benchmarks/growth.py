"""The cost of a parameter in a training step, from a thousand parameters to ten million."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.engines import ENGINES
from benchmarks.markdown import digits, paragraph, table
from benchmarks.steps import Steps, measure_steps
from benchmarks.workload import GROWING

__all__ = ["measure_growth", "section"]

ASKED = ("chainrule", "floor", "sklearn32", "torch", "jax")  # of the engines


def measure_growth(engines: Sequence[str], rounds: int, say: Callable[[str], None]) -> Steps:
    """Time a step of each of `GROWING` with some of the engines."""
    return measure_steps([*GROWING], [e for e in engines if e in ASKED], rounds, say)


def section(found: Steps) -> str:
    """Its part of the page."""
    rows = []
    for name in found.engines:
        cells = [ENGINES[name].label]
        for shape in found.shapes:
            picoseconds = 1e6 / (GROWING[shape].parameters * GROWING[shape].batch)
            best = found.best(shape, name)
            cells.append(
                f"{digits(best.median * picoseconds)} ({digits(best.least * picoseconds)})"
            )
        rows.append(cells)
    head = ["picoseconds"]
    for shape in found.shapes:
        sizes = "-".join(map(str, GROWING[shape].sizes))
        head.append(f"{GROWING[shape].parameters:,} ({sizes})")
    text = paragraph(
        "A training step's time over its parameters and its rows, by the number of parameters: "
        "minibatches of 128 rows, otherwise as above. With the number of threads that suits each "
        f"best: median of {found.rounds} rounds, in brackets the least. Small networks pay for "
        "the start of each kernel; from some ten thousand parameters on it is the speed of matrix "
        "products, with Adam's 28 bytes of memory for each parameter."
    )
    return f"## Cost of a parameter\n\n{text}\n\n{table(head, rows)}"
