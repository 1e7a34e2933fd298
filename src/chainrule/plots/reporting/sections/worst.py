"""The predictions that were furthest from the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data.cells import is_gap
from chainrule.data.columns import Column
from chainrule.data.dates import Date
from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Cell, Markup, element, join, quantity, table

__all__ = ["section"]

_ROWS = 10
_COLUMNS = 12


def section(evidence: Evidence) -> Markup:
    """The rows with the largest loss, with their values."""
    worst = np.argsort(-evidence.losses, kind="stable")[:_ROWS]
    names = evidence.names
    if len(names) > _COLUMNS:
        names = evidence.ranking[:_COLUMNS]
    own = ("probability of the truth", "loss") if evidence.classifies else ("error",)
    head = ("row", "true", "predicted", *own, *(evidence.title(name) for name in names))
    columns = [_cells(evidence, name, worst) for name in names]
    rows = [_line(evidence, row, cells) for row, *cells in zip(worst, *columns, strict=True)]
    text = (
        "The test rows with the largest loss. Look at them: a wrong label, a unit that was mixed "
        "up or a missing column shows here first. Rows are counted from 0"
    )
    if isinstance(evidence.numbers, range):
        text += " among the test rows"
    if len(names) < len(evidence.names):
        text += f"; of {len(evidence.names):,} columns the {_COLUMNS} most important are shown"
    return join(
        element("p", text + "."),
        table(f"The {len(rows)} worst predictions", head, rows, hidden=True),
    )


def _line(evidence: Evidence, row: int, cells: list[Any]) -> list[Any]:
    true, predicted = evidence.y[row].item(), evidence.predicted[row].item()
    if evidence.classifies:
        loss = float(evidence.losses[row])
        own = [
            str(true),
            str(predicted),
            quantity(float(np.exp(-loss)), ".3g"),
            quantity(loss, ".3g"),
        ]
    else:
        own = [quantity(true), quantity(predicted), quantity(predicted - true)]
    return [str(evidence.numbers[row]), *own, *cells]


def _cells(evidence: Evidence, name: str, rows: np.ndarray) -> list[Any]:
    """What a column holds in some rows; what is missing says so."""
    column = evidence.column(name)
    return [_cell(value, column) for value in evidence.values(name)[rows]]


def _cell(value: Any, column: Column) -> Any:
    if is_gap(value):
        return Cell("missing", "gap")
    if isinstance(column, Date):
        return Cell(column.shown(value), "date")
    if isinstance(value, str | np.datetime64):
        return str(value)
    return quantity(value.item() if hasattr(value, "item") else value)
