"""Tables of results: scores, seconds, ranks; differences between variants; the page."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from benchmarks.markdown import paragraph, table
from benchmarks.tables.peers import OWN
from benchmarks.tables.scores import METRICS
from benchmarks.tables.sets import SETS
from benchmarks.tables.store import Result
from benchmarks.tables.summary import Summary

__all__ = ["differences", "page", "show"]

AGAINST = ("boosting", "mlp")
KINDS = ((True,), (False,), (True, False))  # classes, numbers, both


def show(summary: Summary) -> str:
    """Scores, seconds and ranks, ready to print."""
    times = seconds(summary, "fit_seconds", "seconds of a fit")
    parts = [scores(summary), times, overall(summary), *notes(summary)]
    return "\n\n".join(part for part in parts if part)


# ------------------------------------------------------------------- by table


def _spread(values: np.ndarray) -> str:
    """Mean ± standard deviation over the splits."""
    if not len(values):
        return ""
    places = 4 if abs(values.mean()) < 10 else 2
    sd = f" ± {values.std(ddof=1):.{places}f}" if len(values) > 1 else ""
    return f"{values.mean():.{places}f}{sd}"


def _cell(summary: Summary, name: str, model: str, best: float) -> str:
    text = _spread(summary.scores(name, model))
    if text and not summary.complete(name, model):
        return f"{text} ({len(summary.cell(name, model))} of {summary.splits})"
    return f"**{text}**" if text and summary.mean_error(name, model) == best else text


def scores(summary: Summary) -> str:
    """The primary metric, mean ± standard deviation; the best of each table is bold."""
    rows = []
    for name in summary.tables:
        done = [m for m in summary.models if summary.complete(name, m)]
        best = min((summary.mean_error(name, m) for m in done), default=np.nan)
        cells = [_cell(summary, name, m, best) for m in summary.models]
        rows.append([name, METRICS[SETS[name].primary], *cells])
    return table(["table", "metric", *summary.models], rows, left=2)


def other_scores(summary: Summary, metric: str) -> str:
    """One of the other metrics, as `scores`."""
    rows = []
    for name in summary.tables:
        cells = [_spread(summary.scores(name, m, metric)) for m in summary.models]
        if any(cells):
            rows.append([name, *cells])
    return table([METRICS[metric], *summary.models], rows) if rows else ""


def _median(cell: Sequence[Result], field: str) -> str:
    if not cell:
        return ""
    text = f"{np.median([getattr(r, field) for r in cell]):.2f}"
    return f"~{text}" if any(r.busy for r in cell) else text


def seconds(summary: Summary, field: str, title: str) -> str:
    """A field of the results that are seconds, medians over the splits."""
    rows = []
    for name in summary.tables:
        cells = [summary.cell(name, m) for m in summary.models]
        size = max(r.train_rows for cell in cells for r in cell)
        rows.append([name, f"{size:,}", *(_median(cell, field) for cell in cells)])
    return table([title, "training rows", *summary.models], rows)


# ----------------------------------------------------------------- all tables


def overall(summary: Summary) -> str:
    """Mean ranks, wins and relative differences in error."""
    ranks, rows = summary.ranks(), []
    others = [other for other in AGAINST if other in summary.models]
    for model in sorted(summary.models, key=lambda m: ranks.get(m, np.inf)):
        rank = f"{ranks[model]:.2f}" if ranks else ""
        rows.append([model, rank, *(_against(summary, model, other) for other in others)])
    heads = [f"against {other}: won-level-lost, error" for other in others]
    return table(["model", f"mean rank of {len(summary.shared())}", *heads], rows)


def _against(summary: Summary, model: str, other: str) -> str:
    tables = summary.shared((model, other))
    if model == other or not tables:
        return ""
    won, level, lost = summary.wins(model, other)
    return f"{won}-{level}-{lost}, {summary.mean_change(model, other, tables):+.1%}"


def notes(summary: Summary, seconds: bool = True) -> list[str]:
    """What one has to know to read the tables, of which some may tell seconds."""
    every = summary.results
    result = []
    if seconds and any(r.busy for r in every):
        result.append("~: measured while others had the machine; such seconds mean little.")
    missing = [t for t in summary.tables if t not in summary.shared()]
    if missing:
        result.append(f"Ranks leave out what is not complete for all: {', '.join(missing)}.")
    for model in summary.models:
        codes = {r.code for r in every if r.plan.label == model and r.plan.model == OWN}
        if len(codes) > 1:
            result.append(f"{model} is of {len(codes)} different sources: run it with --again.")
        if len({repr(r.plan.settings) for r in every if r.plan.label == model}) > 1:
            result.append(f"{model} had different arguments: run it with --again.")
    return [paragraph(text) for text in result]


# ----------------------------------------------------------------- variants


def differences(summary: Summary, first: str) -> str:
    """Relative change of error against one model on the same splits; of means ± standard error."""
    tables = [name for name in summary.tables if summary.cell(name, first)]
    rows = []
    for model in (m for m in summary.models if m != first):
        each = [f"{c:+.1%}" if summary.cell(t, model) else ""
                for t in tables for c, _ in [summary.change(t, model, first)]]  # fmt: skip
        means = (
            _mean(summary, model, first, kinds) for kinds in ((True,), (False,), (True, False))
        )
        rows.append([model, *each, *means])
    heads = [f"error against {first}", *tables, "classification", "regression", "mean"]
    return table(heads, rows)


def _mean(summary: Summary, model: str, first: str, kinds: tuple[bool, ...]) -> str:
    tables = [t for t in summary.shared((model, first)) if SETS[t].classes in kinds]
    if not tables:
        return ""
    spread = np.array([summary.change(t, model, first)[1] for t in tables])
    text = f"{summary.mean_change(model, first, tables):+.1%}"
    together = float(np.sqrt((spread**2).sum())) / len(tables)
    return text if np.isnan(together) else f"{text} ± {together:.1%}"


# ------------------------------------------------------------------- the page


PEERS = (
    "mlp is scikit-learn's MLPClassifier or MLPRegressor with early stopping, linear its "
    "LogisticRegression or Ridge: numbers with the median in gaps, a mark where one was, "
    "standardised, texts as one column a level; targets of the mlp standardised. boosting is "
    "HistGradientBoosting with categorical columns as such; forest a random forest; dummy knows "
    "the targets only. All else is default. chainrule gets the raw table."
)
TIMES = {
    "fit_seconds": "fit",
    "processor_seconds": "processors, fit",
    "predict_seconds": "prediction of the test part",
}


def page(summary: Summary, command: str, against: str | None = None) -> str:
    """Everything as Markdown; with `against`, what variants of that model are worth."""
    if against is not None:
        return _joined(_variants(summary, command, against))
    parts = ["# Accuracy on tables", *_protocol(summary, command), *_arguments(summary)]
    parts += [
        _facts(summary.results),
        "## Scores",
        scores(summary),
        "## All tables together",
        overall(summary),
    ]
    parts += notes(summary)
    parts += ["## Seconds", "Medians over the folds.", *_times(summary)]
    parts += ["## Every metric", *(other_scores(summary, metric) for metric in METRICS)]
    return _joined([*parts, *_complaints(summary.results)])


def _variants(summary: Summary, command: str, first: str) -> list[str]:
    """The parts of a page about variants."""
    text = (
        f"Relative change of the mean error against {first}, in the last columns ± the standard "
        "error of the mean from the differences on each fold. A positive number is what the part "
        "that a variant lacks is worth."
    )
    settings = {r.plan.label: json.dumps(r.plan.settings) for r in summary.results}
    rows = [[label, f"`{given}`"] for label, given in settings.items()]
    only = Summary([r for r in summary.results if r.plan.label == first], summary.splits)
    return [
        "# What each choice is worth", *_protocol(summary, command), _facts(summary.results),
        "## Errors", paragraph(text), differences(summary, first), scores(only),
        *notes(summary, seconds=False),
        "## Arguments", table(["variant", "arguments"], rows, left=2),
        *_complaints(summary.results),
    ]  # fmt: skip


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _times(summary: Summary) -> list[str]:
    return [seconds(summary, field, title) for field, title in TIMES.items()]


def _complaints(results: Sequence[Result]) -> list[str]:
    """What models warned of."""
    rows: dict[tuple[str, str, str], int] = {}
    for r in results:
        for text in r.warnings:
            key = r.plan.label, r.plan.table, " ".join(text.split())
            rows[key] = rows.get(key, 0) + 1
    if not rows:
        return []
    lines = [[*key, str(times)] for key, times in rows.items()]
    return ["## Warnings", table(["model", "table", "warning", "times"], lines, left=3)]


def _protocol(summary: Summary, command: str) -> list[str]:
    plan = summary.results[0].plan
    dates = sorted({r.date for r in summary.results})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    capped = f" At most {plan.rows:,} training rows." if plan.rows else ""
    used = (
        f"the first {summary.splits} are tested"
        if summary.splits < plan.splits
        else "each is tested"
    )
    texts = [
        f"Measured on {when} by `{command}`.",
        f"{plan.splits} folds, shuffled, seed {plan.seed}, the same rows for every model; {used}. "
        "Rows with the same features are in one fold; folds have the same share of every class. "
        f"Scores are mean ± standard deviation over the folds.{capped}",
    ]
    if any(r.plan.model != OWN for r in summary.results):
        texts.append(PEERS)
    texts.append(
        "On diamonds the logarithm of the price is learnt and scored. Differences in error are "
        "those of 1 − AUC, 1 − accuracy and RMSE, means over the folds, relative to the other "
        "model and averaged over the tables."
    )
    return [paragraph(text) for text in texts]


def _arguments(summary: Summary) -> list[str]:
    settings = {r.plan.label: r.plan.settings for r in summary.results if r.plan.settings}
    return [paragraph(f"{label}: `{given}`.") for label, given in settings.items()]


def _facts(results: Sequence[Result]) -> str:
    found: dict[str, list[str]] = {}
    for r in results:
        for name, value in (r.machine | r.versions).items():
            if value not in found.setdefault(name, []):
                found[name].append(value)
    return table(["machine", ""], [[k, ", ".join(v)] for k, v in found.items()], left=2)
