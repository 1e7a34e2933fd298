"""The rows and what each column holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from chainrule.data.cells import is_gap, plain
from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Cell, Markup, element, join, quantity, table
from chainrule.plots.reporting.pictures import sparkline

__all__ = ["section"]

_BINS = 16
_LEVELS = 5  # as many are named
_COLUMNS = 200  # more make the page heavy


def section(evidence: Evidence) -> Markup:
    """Rows, the target, one row a column."""
    rows = "training and test rows" if evidence.training else "test rows"
    shown = evidence.names[:_COLUMNS]
    content = [_describe(evidence, place) for place in range(len(shown))]
    head = ("column", "kind", "gaps", "range or levels", "distribution")
    more = len(evidence.names) - len(shown)
    return join(
        element("p", _count(evidence)),
        element("h3", "Target"),
        table("Target", ("rows", "values", "distribution"), _targets(evidence), hidden=True),
        element("h3", "Columns"),
        table(f"Each column over the {rows}", head, content),
        element("p", f"{more:,} more columns are not shown.", class_="note") if more else None,
    )


def _count(evidence: Evidence) -> str:
    test, training = len(evidence.y), evidence.training
    source = f" of {evidence.source}" if evidence.source else ""
    if training is None:
        return f"{test:,} rows{source} to test on; the training rows were not given."
    text = f"{len(training[1]):,} rows{source} to train on, {test:,} held out to test on"
    if evidence.left_out:
        text += f", {evidence.left_out:,} left out for having no target"
    history = getattr(evidence.model, "history_", None)
    if history is not None and history.validation_loss:
        share = evidence.model.validation_fraction
        text += f". Of the training rows a share of {share:g} chose the epoch whose weights count"
    return text + "."


def _targets(evidence: Evidence) -> list[tuple[Any, ...]]:
    parts = [("test", evidence.y)]
    if evidence.training is not None:
        parts.insert(0, ("training", evidence.training[1]))
    everything = np.concatenate([y for _, y in parts])
    if not evidence.classifies:
        edges = np.histogram_bin_edges(everything, _BINS)
        return [(name, _range(y), _histogram(f"{name} rows", y, edges)) for name, y in parts]
    order = evidence.labels.tolist()
    return [(name, *_levels(f"{name} rows", y.tolist(), order)) for name, y in parts]


def _describe(evidence: Evidence, place: int) -> tuple[Any, ...]:
    name, encoder = evidence.names[place], evidence.model.encoder_
    column = encoder.columns_[place]
    same = ", the same in every training row" if column.name in encoder.constant_ else ""
    kind = column.kind + same
    values = _all_values(evidence, name, place)
    title, numeric = evidence.title(name), values.dtype.kind in "fiub"
    gap = np.array([is_gap(value) for value in values.tolist()])
    known, gaps = values[~gap], int(gap.sum())
    missing = f"{gaps:,} ({gaps / len(values):.1%})" if gaps else "0"
    if not len(known):
        return title, kind, missing, "nothing", ""
    if values.dtype.kind == "M":
        first, last = (np.datetime_as_string(day, "D") for day in (known.min(), known.max()))
        moments = known.astype(np.int64)
        picture = _histogram(title, moments, np.histogram_bin_edges(moments, _BINS), dates=True)
        return title, kind, missing, f"{first} to {last}", picture
    if numeric:
        edges = np.histogram_bin_edges(known, _BINS)
        return title, kind, missing, _range(known), _histogram(title, known, edges)
    return title, kind, missing, *_levels(title, known.tolist())


def _all_values(evidence: Evidence, name: str, place: int) -> np.ndarray:
    """A column of training and test rows, one after the other."""
    own = plain(evidence.table.columns[name])
    if evidence.training is None:
        return own
    table = evidence.training[0]
    same = name if name in table.columns else table.names[place]
    return np.concatenate([plain(table.columns[same]), own])


def _range(values: np.ndarray) -> Cell:
    low, middle, high = (float(f(values)) for f in (np.min, np.median, np.max))
    text = join(quantity(low), " to ", quantity(high), ", median ", quantity(middle))
    return Cell(text, "wide")


def _histogram(title: str, values: np.ndarray, edges: np.ndarray, dates: bool = False) -> Markup:
    heights, _ = np.histogram(values, edges)
    tall = int(np.argmax(heights))
    low, high = edges[tall], edges[tall + 1]
    between = f"{low:.4g} and {high:.4g}"
    if dates:
        days = (np.datetime64(int(edge), "us").astype("datetime64[D]") for edge in (low, high))
        between = " and ".join(map(str, days))
    return sparkline(f"Histogram of {title}: most lie between {between}", heights)


def _levels(title: str, values: list[Any], order: list[Any] | None = None) -> tuple[Cell, Markup]:
    """The levels with counts, and their bars; the commonest first if there is no order."""
    counts = Counter(values)
    ranked = [(level, counts[level]) for level in order] if order else counts.most_common()
    named = sorted(ranked, key=lambda item: -item[1])[:_LEVELS] if order else ranked[:_LEVELS]
    shown = [item for item in ranked if item in named]
    text = ", ".join(f"{level} {count:,}" for level, count in shown)
    if len(ranked) > len(shown):
        text += f" and {len(ranked) - len(shown):,} more"
    heights = np.array([count for _, count in ranked[: 2 * _BINS]])
    return Cell(text, "wide"), sparkline(f"Counts of the levels of {title}: {text}", heights)
