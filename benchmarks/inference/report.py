"""The section about inference: what was promised and whether it holds, then every number."""

from __future__ import annotations

from benchmarks.goals import PREDICTOR, SINGLE_ROW
from benchmarks.inference import WAYS
from benchmarks.inference.measure import SLOW, SLOW_ROUNDS, Inference
from benchmarks.inference.task import LOOKED_AT
from benchmarks.markdown import met, of_threads, paragraph, ratio, table
from benchmarks.workload import SHAPES

__all__ = ["section"]


def section(found: Inference) -> str:
    """Markdown."""
    parts = ["## Inference", _protocol(found)]
    if 1 in found.rows:
        parts += _single(found)
    parts += [_against(found), _deviations(found)]
    for rows in found.rows:
        parts += [f"### Microseconds of a call, {_rows(rows)}", _times(found, rows)]
    return "\n\n".join(part for part in parts if part)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _title(shape: str) -> str:
    """Such as "4-10-3": batches are for training."""
    return "-".join(map(str, SHAPES[shape].sizes))


def _protocol(found: Inference) -> str:
    threads = " and with ".join(map(of_threads, found.threads))
    return paragraph(
        "The same weights and float32 rows for everyone, from a NumPy array to a NumPy array: of "
        "scores, or of labels where scikit-learn's interface is used. Every library has processes "
        f"of its own, with {threads}; they are asked in turn, {found.rounds} rounds "
        f"({min(SLOW_ROUNDS, found.rounds)} for calls of more than {SLOW:g} s). Ratios compare "
        "medians of the rounds, each side with the number of threads that suits it best; in "
        "brackets the same for minima. Arrays that are bound stay the same from call to call; a "
        "single row is copied into the bound one."
    )


def _single(found: Inference) -> list[str]:
    onnx = [way for way in found.ways if WAYS[way].peer == "onnx"]
    return [
        _goal(found, onnx, "predictor", PREDICTOR, ">", "onnxruntime ÷ `Network.predictor()`"),
        _goal(
            found,
            [way for way in found.ways if way == "sklearn"],
            "estimator",
            SINGLE_ROW,
            "≥",
            "scikit-learn's `predict` ÷ the estimator's",
        ),
    ]


def _goal(found: Inference, slow: list[str], fast: str, goal: float, sign: str, title: str) -> str:
    """A table of ratios for one row; empty without the peer."""
    if not slow:
        return ""
    rows = []
    for shape in found.shapes:
        both = found.ratio(shape, 1, slow, fast)
        holds = both[0] > goal if sign == ">" else both[0] >= goal
        rows.append([_title(shape), f"{sign} {goal:g}", ratio(both), met(holds)])
    return f"### {title}, 1 row\n\n" + table(["shape", "goal", "times as long", "met"], rows)


def _against(found: Inference) -> str:
    """Every peer over what chainrule has of the same kind."""
    rows = []
    for way in found.ways:
        for count in found.rows:
            own = _own(way, count)
            if not WAYS[way].peer or own not in found.able(count):
                continue
            cells = (ratio(found.ratio(shape, count, [way], own)) for shape in found.shapes)
            rows.append([WAYS[way].label, _rows(count), WAYS[own].label, *cells])
    if not rows:
        return ""
    head = ["library", "", "over", *map(_title, found.shapes)]
    return "### Everything ÷ chainrule\n\nAbove 1: slower than chainrule.\n\n" + table(
        head, rows, left=3
    )


def _own(way: str, rows: int) -> str:
    if way == "sklearn":
        return "estimator"
    return "predictor" if rows == 1 else "network"


def _deviations(found: Inference) -> str:
    worst = max(found.deviations.values())
    return paragraph(
        f"Equal work: on up to {LOOKED_AT:,} rows of each task the scores of every library are "
        "those of float64, and labels belong to the largest of them, to within "
        f"{worst:.1g} of the largest score."
    )


def _times(found: Inference, rows: int) -> str:
    head = ["median (least–most)", "threads", *map(_title, found.shapes)]
    lines = [
        [
            WAYS[way].label,
            str(threads),
            *(str(found.timings[shape, rows, way, threads]) for shape in found.shapes),
        ]
        for way in found.able(rows)
        for threads in found.threads
    ]
    return table(head, lines)
