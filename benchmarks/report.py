"""The results as Markdown: first what was promised and whether it holds, then every number."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.engines import ENGINES, title
from benchmarks.folds import Folds
from benchmarks.folds import section as folds
from benchmarks.growth import section as growth
from benchmarks.inference.measure import Inference
from benchmarks.inference.report import section as inference
from benchmarks.kernels import Kernels
from benchmarks.kernels import section as kernels
from benchmarks.markdown import digits, met, of_threads, paragraph, ratio, table
from benchmarks.memory import Memory
from benchmarks.memory import section as memory
from benchmarks.process import STOLEN, TRIES
from benchmarks.start import Start
from benchmarks.start import section as start
from benchmarks.steps import Steps
from benchmarks.streaming import Streamed
from benchmarks.streaming import section as streaming
from benchmarks.workload import RIVALS, SHAPES

__all__ = ["Results", "report"]

OTHER_PAGES = paragraph(
    "Pages of their own: [how well tables are predicted](TABLES.md), beside boosted trees and "
    "scikit-learn's network; [what each choice of the defaults is worth](ABLATION.md); [folds at "
    "the price of few fits](FOLDS.md); [tables larger than memory](STREAMING.md); [what is learnt "
    "in how many seconds](LEARNING.md); [what was tried](TRIED.md) to be faster, and what it gave."
)


@dataclass
class Results:
    """What one run measured; empty where it was not asked for."""

    command: str
    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    steps: Steps | None = None
    kernels: Kernels | None = None
    growth: Steps | None = None
    models: Steps | None = None
    inference: Inference | None = None
    folds: Folds | None = None
    streaming: list[Streamed] = field(default_factory=list)
    start: list[Start] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)


def report(results: Results, picture: str = "") -> str:
    """The whole page; `picture` is the file name of a plot beside it."""
    parts = [_head(results)]
    if results.steps:
        parts += _steps(results.steps, picture)
    if results.kernels:
        parts.append(kernels(results.kernels))
    if results.growth:
        parts.append(growth(results.growth))
    if results.models:
        parts += _models(results.models)
    if results.inference:
        parts.append(inference(results.inference))
    if results.folds:
        parts.append(folds(results.folds))
    if results.streaming:
        parts.append(streaming(results.streaming))
    if results.start:
        parts.append(start(results.start))
    if results.memory:
        parts.append(memory(results.memory))
    return "\n\n".join(part for part in parts if part) + "\n"


# --------------------------------------------------------------------- pieces


def _head(results: Results) -> str:
    facts = table(
        ["machine", ""], [[k, v] for k, v in (results.machine | results.versions).items()], left=2
    )
    text = paragraph(
        f"Measured on {results.date} by `{results.command}`; `python3 dev.py bench` makes this "
        "page anew. Only ratios within one run mean anything: the same machine is faster on one "
        "day than on another. A virtual machine is told when its host gives its processors to "
        f"others: what was measured meanwhile, above {STOLEN:.0%} of the time, is measured again, "
        f"up to {TRIES} times in all, and the least disturbed counts."
    )
    return f"# Benchmarks\n\n{text}\n\n{OTHER_PAGES}\n\n{facts}"


# ---------------------------------------------------------------------- steps


def _steps(steps: Steps, picture: str) -> list[str]:
    return [
        _protocol(steps),
        _goals(steps),
        _against_scikit(steps) if "sklearn32" in steps.engines else "",
        _against_floor(steps),
        _against_all(steps),
        f"![Time of a step relative to chainrule, by shape]({picture})" if picture else "",
        _all_times(steps),
    ]


def _protocol(steps: Steps) -> str:
    threads = " and with ".join(map(of_threads, steps.threads))
    text = paragraph(
        "Adam, ReLU, softmax cross entropy, whole shuffled epochs, the same data for everyone. "
        f"Every engine has processes of its own, with {threads}; they are asked in turn, "
        f"{steps.rounds} rounds. Each ratio compares medians of the rounds, each side with the "
        "number of threads that suits it best; in brackets the same for minima. chainrule is "
        "timed through the session that `train` drives; on all cores it chooses its threads "
        "itself, as it does when `threads` is not given."
    )
    return f"## Training steps\n\n{text}"


def _goals(steps: Steps) -> str:
    """What a step of each rival should take, and takes."""
    rivals = [(k, name) for k, name in enumerate(RIVALS) if name in steps.engines]
    if not rivals:
        return ""
    rows = []
    for name in steps.shapes:
        cells = [SHAPES[name].title]
        for k, rival in rivals:
            goal, found = SHAPES[name].goals[k], steps.ratio(name, rival, "chainrule")
            cells += [f"≥ {goal:g}", ratio(found), met(found[0] >= goal)]
        rows.append(cells)
    head = ["shape"]
    for _, rival in rivals:
        head += ["goal", ENGINES[rival].label, "met"]
    text = "How many times longer a step of others takes, all in float32."
    return f"### Goals\n\n{text}\n\n{table(head, rows)}"


def _against_scikit(steps: Steps) -> str:
    rows = []
    for name in steps.shapes:
        pairs = (("sklearn64", "chainrule64"), ("sklearn64", "chainrule"))
        rows.append([title(name), *(ratio(steps.ratio(name, *pair)) for pair in pairs)])
    head = ["shape", "both float64", "float64 ÷ float32"]
    text = paragraph(
        "How many times longer a step of MLPClassifier takes in float64. The last column is what a "
        "user sees who changes nothing: scikit-learn computes in the type of its input, most often "
        "float64, chainrule in float32."
    )
    return f"### scikit-learn in float64\n\n{text}\n\n{table(head, rows)}"


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
                ratio(best),
                met(best[0] <= goal) if goal else "",
                *map(digits, each),
            ]
        )
    head = ["shape", "goal", "best ÷ best", "met", *(of_threads(t) for t in steps.threads)]
    text = paragraph(
        "The floor is the matrix products of the same step by NumPy and its BLAS, and nothing "
        "else. Below 1: chainrule multiplies small matrices itself."
    )
    return f"### chainrule ÷ floor\n\n{text}\n\n{table(head, rows)}"


def _against_all(steps: Steps) -> str:
    others = [name for name in steps.engines if name not in ("chainrule", "chainrule64")]
    rows = [
        [ENGINES[other].label, *(ratio(steps.ratio(s, other, "chainrule")) for s in steps.shapes)]
        for other in others
    ]
    return "### Everything ÷ chainrule (float32)\n\nAbove 1: slower than chainrule.\n\n" + table(
        ["engine", *map(title, steps.shapes)], rows
    )


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
        head += [f"{of_threads(t)}: median", "least"]
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
    if "torch" in steps.engines:
        behind = [n for n in steps.shapes if steps.ratio(n, "torch", "chainrule")[0] < 1]
        parts.append(f"Goal, ahead of PyTorch eager on each: {met(not behind)}.")
    if "chainrule" in steps.engines and len(steps.engines) > 1:
        parts.append(_against_all(steps))
    return [*parts, "### Microseconds of a step", *_times_of_each(steps)]
