"""The time of several networks of one table, trained side by side, over that of a single one.

As a program, ``python -m benchmarks.folds WAY``, it reads one request a line: {"prepare": table,
"preset": name, "epochs": n} warms up and answers with the networks that were trained and their
score on rows they did not see, {"measure": true} answers with the seconds of a fit.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks.goals import FOLDS
from benchmarks.markdown import digits, met, paragraph, ratio, table
from benchmarks.process import IDLE, Process, cores, serve, undisturbed
from benchmarks.timing import Times

__all__ = ["EPOCHS", "TABLES", "WAYS", "Folds", "measure_folds", "section"]

MADE = 20_000, 16
SINGLE = "single"


@dataclass(frozen=True)
class Way:
    """Networks, and the share of the rows that each of them trains on."""

    label: str
    arguments: Mapping[str, Any]
    networks: int
    share: float
    goal: float | None = None

    def least(self, processors: int) -> float:
        """Times a single fit: all processors busy throughout, and nothing done but training.

        Examples
        --------
        >>> WAYS["cv"].least(2)
        2.0
        """
        return self.networks * self.share / min(processors, self.networks)


WAYS = {
    SINGLE: Way("one fit, 1 thread", {"members": 1, "threads": 1}, 1, 1.0),
    "cv": Way("`cv=5`", {"cv": 5}, 5, 4 / 5, FOLDS),
    "bag": Way("`bag=4`", {"bag": 4}, 4, 1 - np.exp(-1)),  # rows of a draw with replacement
}
TABLES = {"made": "20,000 × 16 numbers, 2 classes", "digits": "digits", "diabetes": "diabetes"}
EPOCHS = {  # a single fit takes about a second
    ("made", "plain"): 40,
    ("made", "tabular"): 6,
    ("digits", "plain"): 150,
    ("digits", "tabular"): 60,
    ("diabetes", "plain"): 1000,
    ("diabetes", "tabular"): 100,
}
Task = tuple[str, str]  # table and preset


@dataclass
class Folds:
    """Seconds of a fit by (table, preset), then way; score of the folds on held-out rows."""

    rounds: int
    processors: int
    epochs: Mapping[Task, int]
    timings: dict[Task, dict[str, Times]] = field(default_factory=dict)
    scores: dict[Task, float] = field(default_factory=dict)

    def ratio(self, task: Task, way: str) -> tuple[float, float]:
        """Times a single fit: by medians, and by minima."""
        many, one = self.timings[task][way], self.timings[task][SINGLE]
        return many.median / one.median, many.least / one.least


def measure_folds(
    rounds: int, say: Callable[[str], None], epochs: Mapping[Task, int] = EPOCHS
) -> Folds:
    """Fit in every way, each in a process of its own; each round asks every one of them once.

    Raises
    ------
    RuntimeError
        If another number of networks or of epochs was trained.
    """
    result = Folds(rounds, cores(), epochs)
    with ExitStack() as stack:
        processes = {}
        for name in WAYS:
            threads = 1 if name == SINGLE else result.processors
            processes[name] = Process("benchmarks.folds", name, threads=threads)
            stack.callback(processes[name].close)
        for task in epochs:
            say(f"folds: {TABLES[task[0]]}, {task[1]}")
            _measure(result, task, processes)
    return result


def _measure(result: Folds, task: Task, processes: Mapping[str, Process]) -> None:
    name, preset = task
    result.timings[task] = {way: Times() for way in WAYS}
    for way, process in processes.items():
        done = process.ask(prepare=name, preset=preset, epochs=result.epochs[task])
        expected = [result.epochs[task]] * WAYS[way].networks
        if done["epochs"] != expected:
            raise RuntimeError(f"{WAYS[way].label}: epochs {done['epochs']}, not {expected}.")
        if way == "cv":
            result.scores[task] = done["score"]
    for _ in range(result.rounds):
        for way, process in processes.items():
            time.sleep(IDLE)
            seconds = undisturbed(partial(process.ask, measure=True), process.threads)
            result.timings[task][way].times.append(seconds)


# --------------------------------------------------------------- in the process


def _data(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A table by name."""
    from sklearn.datasets import load_diabetes, load_digits

    if name == "made":
        rng = np.random.default_rng(0)
        x = rng.normal(size=MADE)
        y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.3 * rng.normal(size=len(x))
        return x, (y > 0).astype(int)
    return {"digits": load_digits, "diabetes": load_diabetes}[name](return_X_y=True)


class _Fits:
    """What was prepared last."""

    def __init__(self, way: str) -> None:
        self.way = WAYS[way]
        self.fit: Callable[[], Any] = lambda: None

    def answer(self, request: dict[str, Any]) -> Any:
        if "prepare" in request:
            return self._prepare(request["prepare"], request["preset"], request["epochs"])
        begin = time.perf_counter()
        self.fit()
        return time.perf_counter() - begin

    def _prepare(self, name: str, preset: str, epochs: int) -> dict[str, Any]:
        import chainrule as cr

        x, y = _data(name)
        kind = cr.NetworkRegressor if name == "diabetes" else cr.NetworkClassifier
        given = {"preset": preset, "epochs": epochs, "early_stopping": False, "random_state": 0}
        self.fit = lambda: kind(**given, **self.way.arguments).fit(x, y)
        model = self.fit()
        histories = model.histories_ if self.way.networks > 1 else [model.history_]
        scores = getattr(model, "cv_scores_", [0.0])
        return {"epochs": [len(h.loss) for h in histories], "score": float(np.mean(scores))}


# ------------------------------------------------------------------ the section


def section(found: Folds) -> str:
    """Markdown."""
    text = paragraph(
        "Seconds of `fit` with a fixed number of epochs and without early stopping, over those of "
        "a single network on all rows with one thread on one processor. Every way has a process "
        f"of its own; they are asked in turn, {found.rounds} rounds; medians, in brackets minima. "
        f"Least: all {found.processors} processors busy throughout and nothing done but training, "
        "such as 5 folds × 4/5 of the rows ÷ 2; a bootstrap draw has 63 % of the rows. Equal work: "
        "every network was seen to train for the given epochs, whose number of minibatches goes "
        "with its rows."
    )
    parts = [f"## Folds and bagging\n\n{text}"]
    if found.processors != 2:
        parts.append(paragraph("The goal is one for 2 processors."))
    parts += [_ratios(found, name) for name in WAYS if name != SINGLE]
    return "\n\n".join([*parts, _seconds(found)])


def _ratios(found: Folds, way: str) -> str:
    """A table of one way."""
    own, rows = WAYS[way], []
    least = own.least(found.processors)
    for name, preset in found.timings:
        both = found.ratio((name, preset), way)
        goal = own.goal if found.processors == 2 else None
        cells = [TABLES[name], preset, ratio(both), digits(least)]
        rows.append([*cells, f"≤ {goal:g}", met(both[0] <= goal)] if goal else cells)
    head = ["table", "preset", "times as long", "least", "goal", "met"]
    return f"### {own.label} ÷ one fit\n\n{table(head[: len(rows[0])], rows, left=2)}"


def _seconds(found: Folds) -> str:
    rows = [
        [
            TABLES[task[0]],
            task[1],
            str(found.epochs[task]),
            *(str(times) for times in own.values()),
            f"{found.scores[task]:.3f}",
        ]
        for task, own in found.timings.items()
    ]
    head: Sequence[str] = ["median (least–most)", "preset", "epochs"]
    ways = (way.label for way in WAYS.values())
    text = "The score is the mean of the five on the rows held out, accuracy or R²."
    return f"### Seconds of a fit\n\n{text}\n\n" + table([*head, *ways, "score"], rows, left=2)


if __name__ == "__main__":
    serve(_Fits(sys.argv[1]).answer)
