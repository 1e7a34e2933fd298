"""The ratios as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.steps import Steps
from benchmarks.workload import SHAPES

__all__ = ["plot"]

STYLES = {  # colours that stay apart for colour-blind readers
    "sklearn64": ("#0072B2", "s"),
    "sklearn32": ("#56B4E9", "o"),
    "numpy": ("#E69F00", "^"),
    "torch": ("#D55E00", "D"),
    "torch_compiled": ("#009E73", "P"),
    "jax": ("#CC79A7", "v"),
    "floor": ("#666666", "x"),
}
TICKS = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def plot(steps: Steps, path: Path) -> bool:
    """Draw each peer's time over chainrule's, by shape; False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(12, 5), layout="constrained")
    axes = figure.add_subplot()
    lowest, highest = _series(axes, steps)
    places = range(len(steps.shapes))
    goals = [SHAPES[s].goals[0] for s in steps.shapes]
    if "sklearn32" in steps.engines:
        ends = [p - 0.22 for p in places], [p + 0.22 for p in places]
        axes.hlines(goals, *ends, colors="black", linewidth=2, label="goal over scikit-learn")
        highest = max(highest, *goals)
    axes.axhline(1, color="black", linewidth=1)
    axes.text(-0.48, 1, "chainrule", ha="left", va="bottom", fontsize=9)
    _axes(axes, steps, lowest / 1.3, highest * 1.4)
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    figure.savefig(path, dpi=150, metadata={"Software": None})
    return True


def _series(axes: Any, steps: Steps) -> tuple[float, float]:
    """One line for each peer; returns the least and the greatest ratio."""
    seen = [1.0]
    for engine, (colour, marker) in STYLES.items():
        if engine not in steps.engines:
            continue
        ratios = [steps.ratio(shape, engine, "chainrule")[0] for shape in steps.shapes]
        style = {"color": colour, "marker": marker, "linewidth": 1.2, "markersize": 7}
        dash = "--" if engine == "floor" else "-"
        axes.plot(ratios, linestyle=dash, label=ENGINES[engine].label, **style)
        seen += ratios
    return min(seen), max(seen)


def _axes(axes: Any, steps: Steps, low: float, high: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.yaxis.set_minor_locator(_nothing())
    labels = [SHAPES[s].title.replace(" b", "\nbatch ") for s in steps.shapes]
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_xlabel("network and batch size")
    axes.set_ylabel("time of a training step ÷ chainrule's (log scale)")
    axes.set_title("How much longer others take for the same training step", loc="left")
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _nothing() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()
