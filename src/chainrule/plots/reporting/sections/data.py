"""The rows and what each column holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.data.cells import is_gap
from chainrule.data.columns import Column
from chainrule.data.dates import Date
from chainrule.data.description import ColumnDescription
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
    content = [_describe(evidence, name) for name in shown]
    head = ("column", "kind", "gaps", "range or levels", "distribution", "encoded as")
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


def _describe(evidence: Evidence, name: str) -> tuple[Any, ...]:
    column, values = evidence.column(name), _all_values(evidence, name)
    gap = np.array([is_gap(value) for value in values.tolist()])
    gaps = int(gap.sum())
    missing = f"{gaps:,} ({gaps / len(values):.1%})" if gaps else "0"
    held = _held(evidence.title(name), column, values[~gap])
    kind = ColumnDescription.of(column).kind
    return evidence.title(name), kind, missing, *held, Cell(column.encoding, "wide")


def _held(title: str, column: Column, known: np.ndarray) -> tuple[Any, Any]:
    """What a column holds where it is not empty, in words and as a picture."""
    if not len(known):
        return "nothing", ""
    if isinstance(column, Date):
        ends = (column.shown(instant) for instant in (known.min(), known.max()))
        first, *last = (element("span", end, class_="date") for end in dict.fromkeys(ends))
        zone = f" ({column.zone})" if column.zone else None
        return Cell(join(first, *(join(" to ", end) for end in last), zone), "wide"), _days(
            title, column, known
        )
    if known.dtype.kind in "fiub":
        edges = np.histogram_bin_edges(known, _BINS)
        return _range(known), _histogram(title, known, edges)
    return _levels(title, known.tolist())


def _all_values(evidence: Evidence, name: str) -> np.ndarray:
    """A column of training and test rows, one after the other."""
    own = evidence.values(name)
    if evidence.training is None:
        return own
    return np.concatenate([evidence.values(name, evidence.training[0]), own])


def _range(values: np.ndarray) -> Cell:
    low, middle, high = (float(f(values)) for f in (np.min, np.median, np.max))
    text = join(quantity(low), " to ", quantity(high), ", median ", quantity(middle))
    return Cell(text, "wide")


def _days(title: str, column: Date, instants: np.ndarray) -> Markup:
    moments = instants.astype(np.int64)
    edges = np.histogram_bin_edges(moments, _BINS)
    return _histogram(
        title, moments, edges, lambda edge: column.shown(np.datetime64(int(edge), "us"))
    )


def _histogram(
    title: str,
    values: np.ndarray,
    edges: np.ndarray,
    shown: Callable[[float], str] = "{:.4g}".format,
) -> Markup:
    heights, _ = np.histogram(values, edges)
    tall = int(np.argmax(heights))
    between = " and ".join(shown(edge) for edge in edges[tall : tall + 2])
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
