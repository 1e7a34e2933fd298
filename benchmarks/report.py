"""The results as Markdown: first what was promised and whether it holds, then every number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.engines import ENGINES, title
from benchmarks.markdown import digits, paragraph, table
from benchmarks.memory import BATCH, CLASSES, COLUMNS, HIDDEN, LAYOUTS, Memory
from benchmarks.start import Start
from benchmarks.steps import Steps
from benchmarks.workload import SHAPES

__all__ = ["Results", "report"]

OTHER_PAGES = paragraph(
    "Pages of their own: [how well tables are predicted](TABLES.md), beside boosted trees and "
    "scikit-learn's network; [what each choice of the defaults is worth](ABLATION.md); [what is "
    "learnt in how many seconds](LEARNING.md)."
)


@dataclass
class Results:
    """What one run measured; empty where it was not asked for."""

    command: str
    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    steps: Steps | None = None
    models: Steps | None = None
    start: list[Start] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)


def report(results: Results, picture: str = "") -> str:
    """The whole page; `picture` is the file name of a plot beside it."""
    parts = [_head(results)]
    if results.steps:
        parts += _steps(results.steps, picture)
    if results.models:
        parts += _models(results.models)
    if results.start:
        parts.append(_start(results.start))
    if results.memory:
        parts.append(_memory(results.memory))
    return "\n\n".join(part for part in parts if part) + "\n"


# --------------------------------------------------------------------- pieces


def _met(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _times(ratio: tuple[float, float]) -> str:
    """A ratio of medians, and of minima in brackets."""
    return f"{digits(ratio[0])} ({digits(ratio[1])})"


def _head(results: Results) -> str:
    facts = table(
        ["machine", ""], [[k, v] for k, v in (results.machine | results.versions).items()], left=2
    )
    text = paragraph(
        f"Measured on {results.date} by `{results.command}`; `python3 dev.py bench` makes this "
        "page anew. Only ratios within one run mean anything: the same machine is faster on one "
        "day than on another."
    )
    return f"# Benchmarks\n\n{text}\n\n{OTHER_PAGES}\n\n{facts}"


# ---------------------------------------------------------------------- steps


def _steps(steps: Steps, picture: str) -> list[str]:
    return [
        _protocol(steps),
        _against_scikit(steps) if "sklearn32" in steps.engines else "",
        _against_floor(steps),
        _against_all(steps),
        f"![Time of a step relative to chainrule, by shape]({picture})" if picture else "",
        _all_times(steps),
    ]


def _protocol(steps: Steps) -> str:
    threads = " and with ".join(map(_of_threads, steps.threads))
    text = paragraph(
        "Adam, ReLU, softmax cross entropy, whole shuffled epochs, the same data for everyone. "
        f"Every engine has processes of its own, with {threads}; they are asked in turn, "
        f"{steps.rounds} rounds. Each ratio compares medians of the rounds, each side with the "
        "number of threads that suits it best; in brackets the same for minima. chainrule is "
        "timed through the session that `train` drives; on all cores it chooses its threads "
        "itself, as it does when `threads` is not given."
    )
    return f"## Training steps\n\n{text}"


def _against_scikit(steps: Steps) -> str:
    rows = []
    for name in steps.shapes:
        shape = SHAPES[name]
        single, double, default = (
            steps.ratio(name, slow, fast)
            for slow, fast in (
                ("sklearn32", "chainrule"),
                ("sklearn64", "chainrule64"),
                ("sklearn64", "chainrule"),
            )
        )
        rows.append(
            [
                shape.title,
                f"≥ {shape.goal:g}",
                _times(single),
                _met(single[0] >= shape.goal),
                _times(double),
                _met(double[0] >= shape.goal),
                _times(default),
            ]
        )
    head = ["shape", "goal", "both float32", "met", "both float64", "met", "float64 ÷ float32"]
    text = paragraph(
        "How many times longer a step of MLPClassifier takes. The last column is what a user sees "
        "who changes nothing: scikit-learn computes in the type of its input, most often float64, "
        "chainrule in float32."
    )
    return f"### scikit-learn ÷ chainrule\n\n{text}\n\n{table(head, rows)}"


def _against_floor(steps: Steps) -> str:
    rows = []
    for name in steps.shapes:
        shape, best = SHAPES[name], steps.ratio(name, "chainrule", "floor")
        each = [
            steps.timings[name, "chainrule", t].median / steps.timings[name, "floor", t].median
            for t in steps.threads
        ]
        goal = shape.floor_goal
        rows.append(
            [
                shape.title,
                f"≤ {goal:g}" if goal else "",
                _times(best),
                _met(best[0] <= goal) if goal else "",
                *map(digits, each),
            ]
        )
    head = ["shape", "goal", "best ÷ best", "met", *(_of_threads(t) for t in steps.threads)]
    text = paragraph(
        "The floor is the matrix products of the same step through the same BLAS, and nothing else."
    )
    return f"### chainrule ÷ floor\n\n{text}\n\n{table(head, rows)}"


def _against_all(steps: Steps) -> str:
    others = [name for name in steps.engines if name not in ("chainrule", "chainrule64")]
    rows = [
        [ENGINES[other].label, *(_times(steps.ratio(s, other, "chainrule")) for s in steps.shapes)]
        for other in others
    ]
    return "### Everything ÷ chainrule (float32)\n\nAbove 1: slower than chainrule.\n\n" + table(
        ["engine", *map(title, steps.shapes)], rows
    )


def _of_threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _all_times(steps: Steps) -> str:
    """Microseconds of every engine, and the loss as evidence of equal work."""
    text = paragraph(
        "The loss is the mean over the third epoch. Initial weights and the order of the rows are "
        "different draws from the same distributions; another draw alone moves a loss by up to a "
        "third. Losses that are alike to that degree mean equal work."
    )
    return "\n\n".join([f"### Microseconds of a step\n\n{text}", *_times_of_each(steps)])


def _times_of_each(steps: Steps) -> list[str]:
    """A table for each shape or model."""
    head = ["engine"]
    for t in steps.threads:
        head += [f"{_of_threads(t)}: median", "least"]
    parts = []
    for name in steps.shapes:
        rows = []
        for engine in steps.engines:
            timings = [steps.timings[name, engine, t] for t in steps.threads]
            cells = [digits(value) for t in timings for value in (t.median, t.least)]
            loss = timings[0].loss
            rows.append([ENGINES[engine].label, *cells, f"{loss:.3f}" if loss == loss else ""])
        parts.append(f"**{title(name)}**\n\n{table([*head, 'loss'], rows)}")
    return parts


def _models(steps: Steps) -> list[str]:
    """Convolutions and recurrent layers: ratios, then microseconds."""
    text = paragraph(
        "Convolutions (3×3, then 4×4, no padding, ReLU, channels last), each followed by pooling "
        "over 2×2 squares, then dense layers of 64 and 10 units; and recurrent layers between an "
        "embedding of 64 tokens in 32 dimensions and a dense layer of 64, where every step of a "
        "sequence has a target. Adam, softmax cross entropy, float32; processes, threads and "
        f"ratios as for the dense steps, {steps.rounds} rounds. The peers share initial weights "
        "and the order of the rows, so their losses agree to rounding. chainrule draws its own. "
        "Every engine has the same number of parameters."
    )
    parts = [f"## Convolutions and recurrent layers\n\n{text}"]
    if "chainrule" in steps.engines and len(steps.engines) > 1:
        parts.append(_against_all(steps))
    return [*parts, "### Microseconds of a step", *_times_of_each(steps)]


# ----------------------------------------------------------- start and memory


def _start(start: Sequence[Start]) -> str:
    rows = [
        [
            item.what,
            f"{item.median:.2f}",
            f"{min(item.seconds):.2f}",
            str(len(item.seconds)),
            "yes" if item.numba else "no",
            f"≤ {item.goal:g}" if item.goal else "",
            _met(item.median <= item.goal) if item.goal else "",
        ]
        for item in start
    ]
    head = ["from the start of a process until", "median", "least", "runs", "Numba loaded", "goal"]
    text = paragraph(
        "Seconds; 64-100-10, one minibatch of 200 rows through `train`. Python's own start is "
        "included."
    )
    return f"## Start\n\n{text}\n\n{table([*head, 'met'], rows)}"


def _memory(memory: Sequence[Memory]) -> str:
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
            _met(item.peak < item.matrix / 4),
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
